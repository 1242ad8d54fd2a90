/**
 * Writes Events about objects, for people who ask why an object is as it is. Nobody waits for
 * them: they are tried once, and those that cannot be written are given up.
 */

import pLimit from 'p-limit';
import { KeyedLock } from '../concurrency/keyed-lock.ts';
import type { Logger } from '../log.ts';
import { isConflict, isNotFound, type KubernetesApi, KubernetesError } from './api.ts';
import { EventBudget, type EventRates } from './event-budget.ts';
import { EventLog } from './event-log.ts';
import {
  cutMessage,
  type EventObject,
  type EventReporter,
  newEventObject,
  type ObjectEvent,
  timestamp,
} from './event-object.ts';
import { below, collectionPath, KINDS } from './path.ts';

export {
  type EventObject,
  type EventReporter,
  type ObjectEvent,
  podReference,
} from './event-object.ts';

/** For all requests about one event. */
const WRITE_TIMEOUT_MS = 30_000;

/** How many events may wait, be written at a time and be remembered, and how often they may come. */
export interface EventLimits {
  /** Events that may wait while others are written: what comes then is dropped. */
  readonly waiting: number;
  /** Events that are written at a time, each about another object. */
  readonly atOnce: number;
  /** Events whose repetition is counted instead of written as another event. */
  readonly remembered: number;
  /** How often events may come, repetitions included; without it as often as they do. */
  readonly rates?: EventRates;
}

/** By which API events are written, as whom, and within which limits. */
export interface EventRecorderOptions {
  readonly api: Pick<KubernetesApi, 'create' | 'mergePatch'>;
  readonly reporter: EventReporter;
  readonly limits: EventLimits;
  readonly log: Logger;
}

/** Something that was recorded. */
interface Occurrence {
  readonly about: EventObject;
  readonly event: ObjectEvent;
  readonly at: Date;
}

/** An Event object that was written. */
interface Written {
  readonly path: string;
  /** Occurrences, also those that could not be written: the next one makes up for them. */
  count: number;
}

/**
 * Writes Kubernetes events (`v1`) behind everything else: none is waited for, and a bounded
 * number is kept.
 */
export class EventRecorder {
  readonly #api: EventRecorderOptions['api'];
  readonly #reporter: EventReporter;
  readonly #limits: EventLimits;
  readonly #log: EventLog;
  readonly #budget: EventBudget | undefined;
  readonly #line: ReturnType<typeof pLimit>;
  /** By UID. */
  readonly #objectLock = new KeyedLock();
  /** By `keyOf`, the least recently used first: a Map keeps the order in which its keys came. */
  readonly #written = new Map<string, Written>();
  #idle: Promise<void> = Promise.resolve();

  constructor({ api, reporter, limits, log }: EventRecorderOptions) {
    this.#api = api;
    this.#reporter = reporter;
    this.#limits = limits;
    this.#log = new EventLog(log);
    this.#budget = limits.rates && new EventBudget(limits.rates);
    this.#line = pLimit(limits.atOnce);
  }

  /**
   * Has an event written, after those that were recorded before about the same object. Never
   * throws and never makes the caller wait: what goes wrong, or is too much, is logged.
   * @param event its message is cut to 1024 bytes
   */
  record(about: EventObject, event: ObjectEvent): void {
    const { waiting } = this.#limits;
    if (this.#line.pendingCount >= waiting) {
      this.#log.dropped(waiting);
      return;
    }
    const now = performance.now();
    const usedUp = this.#budget?.take(about.uid, now);
    if (usedUp !== undefined) {
      this.#log.limited(about, usedUp, now);
      return;
    }
    this.#log.allowed(now);
    const message = cutMessage(event.message);
    const occurrence = { about, event: { ...event, message }, at: new Date() };
    // They leave the line in order, so they come to the lock in order. One that waits there keeps
    // its place among those at once, which few need: events in a row are mostly of many objects.
    const write = () => this.#objectLock.run(about.uid, () => this.#write(occurrence));
    const before = this.#idle;
    this.#idle = this.#line(write).then(() => before);
  }

  /** Resolves when all that was recorded so far is written or given up. Never rejects. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  async #write(occurrence: Occurrence): Promise<void> {
    const signal = AbortSignal.timeout(WRITE_TIMEOUT_MS);
    const known = this.#recall(keyOf(occurrence));
    const isCounted = known !== undefined && (await this.#count(known, occurrence, signal));
    if (!isCounted) await this.#create(occurrence, signal);
    if (this.#line.pendingCount === 0) this.#log.caughtUp();
  }

  /**
   * Counts a repetition at the Event object that is there.
   * @returns false where it is no longer there; they live for an hour, as a rule
   */
  async #count(written: Written, { at }: Occurrence, signal: AbortSignal): Promise<boolean> {
    written.count += 1;
    const patch = { count: written.count, lastTimestamp: timestamp(at) };
    try {
      await this.#api.mergePatch(written.path, patch, signal);
      this.#log.written('patch');
    } catch (error) {
      if (isNotFound(error)) return false;
      this.#log.failed('patch', error);
    }
    return true;
  }

  async #create(occurrence: Occurrence, signal: AbortSignal): Promise<void> {
    const { about, event, at } = occurrence;
    const object = newEventObject(about, event, { reporter: this.#reporter, at });
    const { namespace } = object.metadata;
    const collection = collectionPath(KINDS.events, namespace);
    const path = below(collection, object.metadata.name);
    try {
      await this.#api.create(collection, object, signal);
      this.#remember(keyOf(occurrence), { path, count: 1 });
      this.#log.written('create');
    } catch (error) {
      // Its name is its own: it was sent twice, and done the first time.
      if (isConflict(error)) this.#remember(keyOf(occurrence), { path, count: 1 });
      // Nobody will look at the object any more.
      else if (!isNamespaceGone(error, namespace)) this.#log.failed('create', error);
    }
  }

  /** The Event object of that key, which is now the most recently used one. */
  #recall(key: string): Written | undefined {
    const written = this.#written.get(key);
    if (written !== undefined) this.#remember(key, written);
    return written;
  }

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    const [oldest] = this.#written.keys();
    const isOneTooMany = this.#written.size > this.#limits.remembered;
    if (isOneTooMany && oldest !== undefined) this.#written.delete(oldest);
  }
}

/** The same for repetitions: Kubernetes' own clients compare what people see, too. */
function keyOf({ about, event }: Occurrence): string {
  return JSON.stringify([about.uid, event.type, event.reason, event.message]);
}

/**
 * True where nothing can be created in a namespace since it is gone (404) or on its way (403). Both
 * statuses have other meanings, and the server tells them apart in its words (admission plugin
 * NamespaceLifecycle).
 */
function isNamespaceGone(error: unknown, namespace: string): boolean {
  if (!(error instanceof KubernetesError)) return false;
  const { status, message } = error;
  if (status === 403) return message.includes('because it is being terminated');
  return status === 404 && message.includes(`namespaces "${namespace}" not found`);
}
