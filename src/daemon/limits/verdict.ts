/**
 * Whether what OVS's database has of a limit is in force, and if not, why and what to do. Pure.
 */
import type { Policing, Qos } from '../ovs/traffic-control.ts';
import type { KernelNetem, Reading, Shaping } from './enforcement.ts';
import { netemOf, netemSummary, rateText } from './quantities.ts';

/** Whether one limit is in force. */
export interface Verdict {
  /** "-" where there is nothing to enforce; "unknown" where nobody could tell. */
  readonly inForce: 'yes' | 'no' | 'unknown' | '-';
  /** What somebody who reads this should know beside it. */
  readonly note?: string;
}

const NOTHING: Verdict = { inForce: '-' };
const YES: Verdict = { inForce: 'yes' };

/** @param qos of type HTB; undefined for none */
export function checkShaping(qos: Qos | undefined, reading: Reading<Shaping>): Verdict {
  if ('unknown' in reading) return qos === undefined ? NOTHING : unknown(reading.unknown);
  const { type, queueBps, maxBps = Infinity, minBps = 0 } = reading.value;
  const isShaped = type === 'linux-htb' && queueBps !== undefined;
  if (qos === undefined) {
    return isShaped && queueBps < maxBps
      ? no(`OVS shapes to ${rateText(queueBps)} all the same, by a QoS row that is not Kube-OVN's`)
      : NOTHING;
  }
  if (!isShaped) {
    return no(`OVS has QoS "${type}" on the port: the log of ovs-vswitchd says what was refused`);
  }
  // OVS counts bytes.
  const rate = 8 * Math.floor(Number(qos.config['max-rate']) / 8);
  const possible = Math.min(Math.max(rate, minBps), maxBps);
  if (queueBps !== possible) return no(`OVS shapes to ${rateText(queueBps)}`);
  if (rate > possible)
    return { ...YES, note: `in force as ${rateText(maxBps)}: OVS shapes to no more` };
  if (rate < possible)
    return { ...YES, note: `in force as ${rateText(minBps)}: OVS shapes to no less` };
  return YES;
}

/** How far tc(8) rounds a rate that it prints. */
const RATE_TOLERANCE = 0.01;

/** @param isUserspace the bridge is one of OVS's userspace datapath */
export function checkPolicing(
  { rateKbps }: Policing,
  reading: Reading<number | undefined>,
  isUserspace: boolean,
): Verdict {
  if (isUserspace) {
    const note =
      "OVS's userspace datapath takes packets before the kernel polices them; its kernel datapath does not";
    return rateKbps === 0 ? NOTHING : no(note);
  }
  if ('unknown' in reading) return rateKbps === 0 ? NOTHING : unknown(reading.unknown);
  const bps = reading.value;
  if (rateKbps === 0) {
    return bps === undefined ? NOTHING : no(`the kernel polices to ${rateText(bps)} all the same`);
  }
  if (bps === undefined) {
    return no(
      'the kernel polices nothing here: it needs act_police, and cls_basic or cls_matchall',
    );
  }
  const isClose = Math.abs(bps / (rateKbps * 1000) - 1) < RATE_TOLERANCE;
  return isClose ? YES : no(`the kernel polices to ${rateText(bps)}`);
}

/** @param qos of type netem; undefined for none */
export function checkNetem(
  qos: Qos | undefined,
  reading: Reading<KernelNetem | undefined>,
): Verdict {
  if ('unknown' in reading) return qos === undefined ? NOTHING : unknown(reading.unknown);
  const found = reading.value;
  if (qos === undefined) {
    return found === undefined ? NOTHING : no(`the kernel has ${netemSummary(found)} all the same`);
  }
  if (found === undefined) return no('the kernel has no netem here: it needs sch_netem');
  const wanted = netemOf(qos);
  if (isCloseTo(found, wanted)) return YES;
  return no(`the kernel has ${netemSummary(found)}: ${whyOther(found, wanted)}`);
}

function whyOther(found: KernelNetem, wanted: KernelNetem): string {
  if (!Number.isInteger(wanted.lossPercent)) return 'OVS takes whole percents only';
  if (isCloseTo(found, { ...wanted, jitterUs: 0 })) return 'OVS knows no jitter before 3.2';
  return 'OVS does not change netem that is there; take the annotations away, then write them again';
}

/** The kernel counts times in ticks and losses in parts of 2^32, and tc(8) rounds what it prints. */
function isCloseTo(found: KernelNetem, wanted: KernelNetem): boolean {
  const isClose = (one: number, other: number) => Math.abs(one - other) <= 1 + other / 100;
  return (
    isClose(found.latencyUs, wanted.latencyUs) &&
    isClose(found.jitterUs, wanted.jitterUs) &&
    Math.abs(found.lossPercent - wanted.lossPercent) < 0.01 &&
    found.limitPackets === wanted.limitPackets
  );
}

function no(note: string): Verdict {
  return { inForce: 'no', note };
}

function unknown(note: string): Verdict {
  return { inForce: 'unknown', note };
}
