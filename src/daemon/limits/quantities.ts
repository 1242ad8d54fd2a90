/**
 * Rates, bursts and netem in as few characters as a table needs. Pure.
 */
import type { Qos } from '../ovs/traffic-control.ts';
import type { KernelNetem } from './enforcement.ts';

const PREFIXES = ['', 'k', 'M', 'G', 'T'];

/** "10 Mbit/s, burst 1 Mbit". */
export function limitText(bitsPerSecond: number, burstBits?: number): string {
  const burst = burstBits === undefined ? '' : `, burst ${bitsText(burstBits)}`;
  return `${rateText(bitsPerSecond)}${burst}`;
}

/** "10 Mbit/s", with at most three digits behind the point. */
export function rateText(bitsPerSecond: number): string {
  return `${bitsText(bitsPerSecond)}/s`;
}

/** "1.25 Mbit". */
export function bitsText(bits: number): string {
  const power = bits < 1 ? 0 : Math.floor(Math.log10(bits) / 3);
  const index = Math.min(power, PREFIXES.length - 1);
  return `${rounded(bits / 1000 ** index)} ${PREFIXES[index]}bit`;
}

/** What OVS makes of netem without a limit; packets. */
export const NETEM_LIMIT_DEFAULT = 1000;

/** "latency 10 ms, loss 5 %": what is not as it is by default. */
export function netemSummary({
  latencyUs,
  jitterUs,
  lossPercent,
  limitPackets,
}: KernelNetem): string {
  const parts = [
    latencyUs > 0 ? `latency ${rounded(latencyUs / 1000)} ms` : '',
    jitterUs > 0 ? `jitter ${rounded(jitterUs / 1000)} ms` : '',
    lossPercent > 0 ? `loss ${rounded(lossPercent)} %` : '',
    limitPackets === NETEM_LIMIT_DEFAULT ? '' : `limit ${limitPackets} packets`,
  ];
  return parts.filter(Boolean).join(', ') || 'no effect';
}

/** Netem as a row of OVS has it. */
export function netemOf({ config: { latency, jitter, loss, limit } }: Qos): KernelNetem {
  return {
    latencyUs: Number(latency ?? 0),
    jitterUs: Number(jitter ?? 0),
    lossPercent: Number(loss ?? 0),
    limitPackets: Number(limit ?? NETEM_LIMIT_DEFAULT),
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
