/**
 * What the controller says about objects, and when they go: waits for tests, each of which fails
 * with all that was said so far.
 */
import { abortable, startDeadline } from '../../src/common/concurrency/deadline.ts';
import type { KubernetesObject } from '../lab/kubernetes/api.ts';
import { keyOf } from '../lab/kubernetes/object.ts';
import type { ControllerFixture } from './controller-fixture.ts';

/** Far above what anything takes here that comes at all. */
const WAIT_MS = 60_000;

type Fixture = Pick<ControllerFixture, 'api'>;

/** An event about an object; `text` is part of its message. */
export interface EventQuery {
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
  readonly text?: string;
}

/** Waits until there is such an event. @returns its message */
export async function eventAbout(fixture: Fixture, query: EventQuery): Promise<string> {
  const { reason, text = '' } = query;
  const isWanted = (event: KubernetesObject) =>
    isAbout(event, query) && event.reason === reason && String(event.message).includes(text);
  const event = await inTime(fixture, query, fixture.api.untilSome('Event', isWanted));
  return String(event.message);
}

/** Messages of all events about an object with this reason, in no particular order. */
export function messagesAbout(
  { api }: Fixture,
  query: Omit<EventQuery, 'text'>,
): readonly string[] {
  const events = api.list('Event').filter((event) => isAbout(event, query));
  return events.filter(({ reason }) => reason === query.reason).map(({ message }) => `${message}`);
}

/** A condition of an object's status. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Waits until a condition of a Subnet or an IPPool has this status. */
export async function conditionBecomes(
  fixture: Pick<ControllerFixture, 'becomes'>,
  object: { readonly kind: string; readonly name: string },
  wanted: Pick<Condition, 'type' | 'status'>,
): Promise<Condition> {
  const find = ({ status }: KubernetesObject) => {
    const conditions = (status?.conditions ?? []) as readonly Condition[];
    return conditions.find(({ type, status: is }) => type === wanted.type && is === wanted.status);
  };
  const found = await fixture.becomes(object.kind, object.name, (one) => find(one) !== undefined);
  return find(found) as Condition;
}

/** Waits until an object is there no more. */
export async function gone(fixture: Fixture, kind: string, key: string): Promise<void> {
  const { api } = fixture;
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (!api.list(kind).some(({ metadata }) => keyOf(metadata) === key)) resolve();
  };
  const stop = api.onChange(kind, look);
  look();
  try {
    await inTime(fixture, { kind, name: key, reason: 'its end' }, promise);
  } finally {
    stop();
  }
}

function isAbout({ involvedObject }: KubernetesObject, { kind, name }: EventQuery): boolean {
  const about = involvedObject as { readonly kind: string; readonly name: string };
  return about.kind === kind && about.name === name;
}

async function inTime<T>(
  { api }: Fixture,
  { kind, name, reason, text = '' }: EventQuery,
  promise: Promise<T>,
): Promise<T> {
  using deadline = startDeadline(WAIT_MS);
  try {
    return await abortable(promise, deadline.signal);
  } catch (error) {
    const events = api.list('Event').map((event) => `${event.reason}: ${event.message}`);
    const what = `nothing came of ${kind} ${name}: ${reason} ${text}`;
    throw new Error([what, ...events].join('\n'), { cause: error });
  }
}
