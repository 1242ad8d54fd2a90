/**
 * What tests of limits work with: NICs with annotated limits, changes of those while the pod runs,
 * what OVS then has, and what the user hears of it.
 */
import { expect } from 'vitest';
import type { KubernetesObject } from '../lab/kubernetes/api.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { expectHealthy, type HealthyNic, healthyNic } from './check-fixture.ts';
import { ATTACHNET, type Fixture } from './fixture.ts';
import { hostName, type OvsRow } from './observe.ts';
import type { OvsWatch, RowChange } from './ovs-watch.ts';

/** Limits by the names of their annotations; null removes one. */
export type Annotated = Readonly<Record<string, string>>;
export type AnnotatedChange = Readonly<Record<string, string | null>>;

/** Rates of both directions, and what a port then has. */
export const BOTH = { ingress_rate: '10', egress_rate: '20' };
export const LIMITED = { shaping: '10000000/1000000', policing: '20000/16000' };

/** A NIC on attachnet with such limits, which an ADD made and a CHECK found as it should be. */
export function nicWith(
  fixture: Fixture,
  more: Annotated = {},
  config: object = {},
): Promise<HealthyNic> {
  return healthyNic(fixture, { nic: (nic) => ({ ...nic, more }) }, config);
}

/** Changes limits of a running pod, and waits for nothing. */
export function reannotate(
  { cluster }: Fixture,
  { pod }: Pick<Sandbox, 'pod'>,
  values: AnnotatedChange,
  prefix = ATTACHNET,
): void {
  cluster.annotate(pod, prefixed(values, prefix));
}

/** Annotations of a network, or of a NIC: `attachnet.default.ovn.net1`. */
export function prefixed<T>(
  values: Readonly<Record<string, T>>,
  prefix = ATTACHNET,
): Record<string, T> {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([name, value]) => [`${prefix}.kubernetes.io/${name}`, value]),
  );
}

/** The rows with a port's limits, found from the port as OVS finds them. */
export interface LimitRows {
  readonly interface: OvsRow;
  readonly port: OvsRow;
  readonly qos: OvsRow | undefined;
  readonly queue: OvsRow | undefined;
  readonly isMirrored: boolean;
}

/** @param host name of the port; undefined where there is none */
export function limitRows(watch: OvsWatch, host: string): LimitRows | undefined {
  const row = watch.rows('Interface').find(({ name }) => name === host);
  const port = watch.rows('Port').find(({ name }) => name === host);
  if (row === undefined || port === undefined) return undefined;
  const qos = watch.rows('QoS').find(({ _uuid }) => _uuid === port.qos);
  const uuids = Object.values((qos?.queues ?? {}) as Record<string, string>);
  const [queue] = watch.rows('Queue').filter(({ _uuid }) => uuids.includes(_uuid));
  const mirror = watch.rows('Mirror').find(({ name }) => name === 'm0');
  const mirrored = [mirror?.select_dst_port].flat();
  return { interface: row, port, qos, queue, isMirrored: mirrored.includes(port._uuid) };
}

/** Like `limitRows`, of a NIC that an ADD made, as they are now. */
export async function limitsOf(
  watch: OvsWatch,
  sandbox: Sandbox,
  ifName = 'net1',
): Promise<LimitRows> {
  await watch.caughtUp();
  const rows = limitRows(watch, hostName(sandbox, ifName));
  if (rows === undefined) throw new Error(`no port of ${ifName}`);
  return rows;
}

/** How many rows there are with limits. */
export async function rowCounts(watch: OvsWatch): Promise<[qos: number, queues: number]> {
  await watch.caughtUp();
  return [watch.rows('QoS').length, watch.rows('Queue').length];
}

/** What a port has, in few words; `none` for no limit. */
export interface Has {
  /** Rate and burst to the pod: `10000000/1000000`, in bit/s and bytes. */
  readonly shaping: string;
  /** Rate and burst from the pod: `20000/16000`, in kbit/s and kbit. */
  readonly policing: string;
  /** `latency=10000 loss=5`: times in µs. */
  readonly netem: string;
  readonly mirror: 'on' | 'off';
}

/** A port without limits. */
export const FREE: Has = { shaping: 'none', policing: 'none', netem: 'none', mirror: 'off' };

/** @param host name of the port; undefined where there is none */
export function has(watch: OvsWatch, host: string): Has | undefined {
  const rows = limitRows(watch, host);
  if (rows === undefined) return undefined;
  const { qos, queue, isMirrored } = rows;
  const { ingress_policing_rate: rate, ingress_policing_burst: burst } = rows.interface;
  const { 'max-rate': maxRate, burst: bytes } = configOf(queue);
  const isHtb = qos?.type === 'linux-htb' && maxRate !== undefined;
  const netem = Object.entries(qos?.type === 'linux-netem' ? configOf(qos) : {});
  return {
    shaping: isHtb ? `${maxRate}/${bytes}` : 'none',
    policing: rate === 0 ? 'none' : `${rate}/${burst}`,
    netem:
      netem
        .map((entry) => entry.join('='))
        .sort()
        .join(' ') || 'none',
    mirror: isMirrored ? 'on' : 'off',
  };
}

function configOf(row: OvsRow | undefined): Readonly<Record<string, string>> {
  return (row?.other_config ?? {}) as Readonly<Record<string, string>>;
}

/** Waits until a port has these limits, and no others. */
export async function becomes(watch: OvsWatch, host: string, wanted: Partial<Has>): Promise<void> {
  const text = JSON.stringify({ ...FREE, ...wanted });
  const found = () => JSON.stringify(has(watch, host) ?? 'no port');
  await watch.until(
    () => found() === text || undefined,
    () => `${host} has ${found()}, not ${text}`,
  );
}

/** A port has these limits now, and no others. */
export async function expectLimits(
  watch: OvsWatch,
  host: string,
  wanted: Partial<Has>,
): Promise<void> {
  await watch.caughtUp();
  expect(has(watch, host)).toEqual({ ...FREE, ...wanted });
}

/** Resolves when all that is annotated is done: a CHECK waits for it, and must find nothing. */
export async function settled(watch: OvsWatch, nic: HealthyNic): Promise<void> {
  await expectHealthy(nic);
  await watch.caughtUp();
}

/** Resolves with the event that says all of `words` about a pod, as soon as there is one. */
export function eventAbout(
  { api }: Fixture,
  { pod }: Pick<Sandbox, 'pod'>,
  ...words: readonly string[]
): Promise<KubernetesObject> {
  return api.untilSome('Event', (event) => {
    return isAbout(event, pod) && words.every((word) => String(event.message).includes(word));
  });
}

/** Type, reason and message of the events about the limits of a pod. */
export function eventsAbout({ api }: Fixture, { pod }: Pick<Sandbox, 'pod'>): string[] {
  const isOfLimits = ({ reason }: KubernetesObject) => String(reason).startsWith('PodQoS');
  const events = api.list('Event').filter((event) => isAbout(event, pod) && isOfLimits(event));
  return events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

function isAbout({ involvedObject }: KubernetesObject, { uid }: Sandbox['pod']): boolean {
  return (involvedObject as { uid?: string }).uid === uid;
}

/** The transaction that made a port, since the last `clear`. */
export async function transactionOf(watch: OvsWatch, host: string): Promise<readonly RowChange[]> {
  await watch.caughtUp();
  const makes = ({ table, ...change }: RowChange) =>
    table === 'Port' && change.old === undefined && change.new?.name === host;
  const [update, ...more] = watch.updates.filter((changes) => changes.some(makes));
  if (update === undefined || more.length > 0) throw new Error(`not one transaction made ${host}`);
  return update;
}
