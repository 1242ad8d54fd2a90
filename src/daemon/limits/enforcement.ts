/**
 * What is in force on a port, as ovs-vswitchd and the kernel say: a database with the right rows does
 * not prove it, since the kernel may lack netem or the policer, and ovs-vswitchd only logs that.
 */

import Type from 'typebox';
import { parseOutput } from '../../common/process/output.ts';
import { run } from '../../common/process/run.ts';
import { messageOf } from '../../common/text.ts';

/** What was found in force on one port; each part may be unknown by itself. */
export interface Enforcement {
  readonly shaping: Reading<Shaping>;
  /** The kernel's policer, which packets from the pod pass; bit/s, undefined for none. */
  readonly policedBps: Reading<number | undefined>;
  /** The kernel's; undefined for none. */
  readonly netem: Reading<KernelNetem | undefined>;
}

/** `unknown` says why nobody could tell. */
export type Reading<T> = { readonly value: T } | { readonly unknown: string };

/** The QoS of a port, as ovs-vswitchd has it. All rates in bit/s. */
export interface Shaping {
  /** Like `linux-htb`; `none` without. */
  readonly type: string;
  /** Of queue 0, where the type has queues. */
  readonly queueBps: number | undefined;
  /** Of all queues together, above which a queue has no rate either. */
  readonly maxBps: number | undefined;
  /** Below which a queue has no rate: a packet in a second. */
  readonly minBps: number | undefined;
}

/** A netem qdisc as tc(8) shows it: times in µs, loss in percent, the limit in packets. */
export interface KernelNetem {
  readonly latencyUs: number;
  readonly jitterUs: number;
  readonly lossPercent: number;
  readonly limitPackets: number;
}

/**
 * Asks both. It never throws.
 * @param hostInterface name of the port
 */
export async function readEnforcement(hostInterface: string): Promise<Enforcement> {
  const ask = (file: string, ...args: readonly string[]) => run(file, args, { timeoutMs: 5000 });
  const [shaping, policedBps, netem] = await Promise.all([
    readingOf(ask('ovs-appctl', '-t', 'ovs-vswitchd', 'qos/show', hostInterface).then(readShaping)),
    readingOf(ask('tc', 'filter', 'show', 'dev', hostInterface, 'ingress').then(readPolicing)),
    readingOf(ask('tc', '-j', 'qdisc', 'show', 'dev', hostInterface).then(readNetem)),
  ]);
  return { shaping, policedBps, netem };
}

async function readingOf<T>(answer: Promise<T>): Promise<Reading<T>> {
  return answer.then(
    (value) => ({ value }),
    (error) => ({ unknown: messageOf(error) }),
  );
}

/** @param output of `ovs-appctl qos/show`, ovs-vswitchd(8) */
export function readShaping(output: string): Shaping {
  const [port = '', queue = ''] = output.split(/^Default:$/m);
  const rate = (text: string, name: string) => {
    const digits = new RegExp(`^ *${name}: (\\d+)$`, 'm').exec(text)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  const minBps = rate(queue, 'min-rate');
  return {
    type: /^QoS: \S+ (\S+)$/m.exec(port)?.[1] ?? 'none',
    // Where both are the same, only one of them is said.
    queueBps: rate(queue, 'max-rate') ?? minBps,
    maxBps: rate(port, 'max-rate'),
    minBps,
  };
}

const BITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/**
 * ovs-vswitchd polices by a filter of the kernel with this action, tc-police(8). As JSON tc does not
 * say its rate.
 * @param output of `tc filter show`
 */
export function readPolicing(output: string): number | undefined {
  const [, digits, unit = ''] = /\bpolice \S+ rate ([\d.]+)([KMGT]?)bit\b/.exec(output) ?? [];
  return digits === undefined ? undefined : Number(digits) * (BITS[unit] ?? 1);
}

/** @param output of `tc -j qdisc show`: times in s, losses from 0 to 1 */
export function readNetem(output: string): KernelNetem | undefined {
  const qdiscs: readonly KernelQdisc[] = parseOutput('tc', output, QDISCS);
  const options = qdiscs.find(({ kind, root }) => kind === 'netem' && root === true)?.options;
  if (options === undefined) return undefined;
  const { delay = {}, limit, 'loss-random': loss = {} } = options;
  return {
    latencyUs: Math.round(numberOf(delay.delay) * 1e6),
    jitterUs: Math.round(numberOf(delay.jitter) * 1e6),
    lossPercent: numberOf(loss.loss) * 100,
    limitPackets: numberOf(limit),
  };
}

const QDISCS = Type.Array(
  Type.Object({
    options: Type.Optional(
      Type.Object({
        delay: Type.Optional(Type.Object({})),
        'loss-random': Type.Optional(Type.Object({})),
      }),
    ),
  }),
);

/** The parts of it that we read; it leaves out what is 0. */
interface KernelQdisc {
  readonly kind?: unknown;
  readonly root?: unknown;
  readonly options?: {
    readonly limit?: unknown;
    readonly delay?: { readonly delay?: unknown; readonly jitter?: unknown };
    readonly 'loss-random'?: { readonly loss?: unknown };
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
