/**
 * What a NIC is asked to be limited to, and whether it is mirrored: from annotations and from the
 * runtime's `bandwidth` to checked values. Pure.
 *
 * A limit has several places where it may be written, and the first that says anything about it
 * counts as a whole, so that a burst is never combined with another place's rate:
 * the NIC's own annotations; where no NIC of the pod has provider `ovn` (non-primary mode), the plain
 * `ovn.kubernetes.io/…` ones, as Kube-OVN's page on that mode shows them; the runtime's `bandwidth`.
 * What is wrong in one limit leaves the others as they are.
 */
import { PRIMARY_PROVIDER } from '../../common/names.ts';
import { CniError, invalid } from '../call/error.ts';
import { type Annotations, isAllocated, keyPrefix, ownOrNetwork } from './annotation-keys.ts';
import type { Bandwidth } from './bandwidth.ts';

/** All from the pod's point of view. */
export interface AskedLimits {
  /** Traffic to the pod. */
  readonly ingress: Asked<Rate>;
  /** Traffic from the pod. */
  readonly egress: Asked<Rate>;
  /** Emulation of a bad network, on traffic to the pod. */
  readonly netem: Asked<Netem>;
  readonly isMirrored: boolean;
  /** The annotation that says that it is mirrored. */
  readonly mirrorSource?: string;
}

/** What is asked for of one limit, and where. */
export interface Asked<T> {
  /** Undefined for no limit, and where what is written is wrong. */
  readonly value?: T;
  /** CniError 7 that names the annotation which is wrong: there is no telling what is asked for. */
  readonly wrong?: CniError;
  /** Where it is written, for people; undefined where it is nowhere. */
  readonly source?: string;
}

/** A rate limit of one direction. */
export interface Rate {
  /** More than 0. */
  readonly bitsPerSecond: number;
  /** Undefined for the default that follows from the rate. */
  readonly burstBits?: number;
}

/** One of them is more than 0. */
export interface Netem {
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Packets in the queue; 0 for the default of OVS. */
  readonly limitPackets: number;
  readonly lossPercent: number;
}

/** Whose limits. */
export interface NicName {
  readonly provider: string;
  readonly ifName: string;
}

/** Kube-OVN's limit: 10 Tbit/s, far from where bit/s overflow a 64-bit integer. */
const RATE_MBPS_MAX = 10_000_000;
/** The kernel counts netem's times in 32 bits of 64 ns each (psched in sch_api.h). */
const NETEM_MS_MAX = 274_877;
const LIMIT_PACKETS_MAX = 2 ** 32 - 1;

/** @param bandwidth of the runtime, on the ADD that made the NIC */
export function readLimits(
  annotations: Annotations,
  { provider, ifName }: NicName,
  bandwidth: Bandwidth = {},
): AskedLimits {
  const own = keyPrefix(annotations, provider, ifName);
  const plain = isAllocated(annotations, PRIMARY_PROVIDER) ? [] : [PRIMARY_PROVIDER];
  const prefixes = [own, ...plain];
  const { ingressBps, ingressBurstBits, egressBps, egressBurstBits } = bandwidth;
  const asked = <T>(names: readonly string[], read: (source: Source) => T | undefined) =>
    readFirst(annotations, prefixes, names, read);
  const mirror = ownOrNetwork(annotations, { provider, ifName }, 'mirror');
  const ingress = asked(['ingress_rate', 'ingress_burst'], (source) => readRate(source, 'ingress'));
  const egress = asked(['egress_rate', 'egress_burst'], (source) => readRate(source, 'egress'));
  return {
    ingress: ingress ?? fromRuntime(ingressBps, ingressBurstBits),
    egress: egress ?? fromRuntime(egressBps, egressBurstBits),
    netem: asked(['latency', 'jitter', 'limit', 'loss'], readNetem) ?? {},
    // Kube-OVN takes any other word for "false".
    isMirrored: mirror.text === 'true',
    ...(mirror.text === 'true' ? { mirrorSource: mirror.key } : {}),
  };
}

/** @throws CniError 7 that names an annotation which is wrong */
export function refuseWrongLimits({ ingress, egress, netem }: AskedLimits): void {
  const wrong = ingress.wrong ?? egress.wrong ?? netem.wrong;
  if (wrong !== undefined) throw wrong;
}

/** The annotations of one prefix. */
interface Source {
  /** Empty where it is not written. */
  readonly value: (name: string) => string;
  /** Name of the field, for an error. */
  readonly field: (name: string) => string;
}

/** Reads a limit where it is written first; undefined where it is in no annotation. */
function readFirst<T>(
  annotations: Annotations,
  prefixes: readonly string[],
  names: readonly string[],
  read: (source: Source) => T | undefined,
): Asked<T> | undefined {
  for (const prefix of prefixes) {
    const value = (name: string) => annotations[`${prefix}.kubernetes.io/${name}`] ?? '';
    const field = (name: string) => `annotation ${prefix}.kubernetes.io/${name}`;
    const written = names.filter((name) => value(name) !== '');
    if (written.length === 0) continue;
    const source = written.map((name) => `${prefix}.kubernetes.io/${name}`).join(', ');
    try {
      const result = read({ value, field });
      return result === undefined ? { source } : { value: result, source };
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      return { wrong: error, source };
    }
  }
  return undefined;
}

function readRate(source: Source, direction: 'ingress' | 'egress'): Rate | undefined {
  const [rate, burst] = [`${direction}_rate`, `${direction}_burst`];
  const mbps = wholeNumber(source, rate, 'Mbit/s', RATE_MBPS_MAX);
  const mbit = wholeNumber(source, burst, 'Mbit', RATE_MBPS_MAX);
  if (mbps === undefined && mbit !== undefined) {
    const expected = `${source.field(rate).replace('annotation ', '')} beside it: without a rate a burst means nothing`;
    throw invalid(source.field(burst), source.value(burst), expected);
  }
  if (!mbps) return undefined;
  const bitsPerSecond = mbps * 1_000_000;
  return mbit === undefined ? { bitsPerSecond } : { bitsPerSecond, burstBits: mbit * 1_000_000 };
}

function readNetem(source: Source): Netem | undefined {
  const netem = {
    latencyMs: wholeNumber(source, 'latency', 'ms', NETEM_MS_MAX) ?? 0,
    jitterMs: wholeNumber(source, 'jitter', 'ms', NETEM_MS_MAX) ?? 0,
    limitPackets: wholeNumber(source, 'limit', 'packets', LIMIT_PACKETS_MAX) ?? 0,
    lossPercent: percent(source, 'loss') ?? 0,
  };
  return Object.values(netem).some((value) => value > 0) ? netem : undefined;
}

function wholeNumber({ value, field }: Source, name: string, unit: string, max: number) {
  const text = value(name);
  if (text === '') return undefined;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= max) return number;
  throw invalid(field(name), text, `a whole number of ${unit}, up to ${max}`);
}

/** Kube-OVN's documentation has it with a fraction, too, which OVS does not: see `limitWarnings`. */
function percent({ value, field }: Source, name: string): number | undefined {
  const text = value(name);
  if (text === '') return undefined;
  const number = /^\d{1,3}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 100) return number;
  throw invalid(field(name), text, 'a number of percent, up to 100');
}

function fromRuntime(bitsPerSecond: number | undefined, burstBits: number | undefined) {
  if (bitsPerSecond === undefined) return {};
  const value = burstBits === undefined ? { bitsPerSecond } : { bitsPerSecond, burstBits };
  return { value, source: 'runtimeConfig.bandwidth' };
}

/**
 * What a user should hear about limits that are asked for and do not work as they are written; one
 * sentence or two each.
 */
export function limitWarnings({ ingress, egress, netem }: AskedLimits): string[] {
  const wrong = [ingress, egress, netem].flatMap((asked) => asked.wrong ?? []);
  const warnings = wrong.map(
    ({ message, details }) => `${message}; ${details}. The limit stays as it was`,
  );
  if (ingress.value !== undefined && netem.value !== undefined) {
    warnings.push(
      `${netem.source} has no effect: an interface has either a rate or netem, and ${ingress.source} wins; remove one of them`,
    );
  } else if (netem.value !== undefined && !Number.isInteger(netem.value.lossPercent)) {
    warnings.push(
      `loss of ${netem.value.lossPercent} percent in ${netem.source} has no effect: Open vSwitch takes whole percents only`,
    );
  }
  return warnings;
}
