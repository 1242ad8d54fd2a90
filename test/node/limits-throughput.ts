/**
 * Throughput against a limit. Whatever else the machine does can only make traffic slower: what is
 * below a limit is measured again, what is above it fails at once.
 */
import { expect, type TestContext } from 'vitest';
import { received, type Stream } from '../lab/iperf3.ts';

/** What is measured: for how long is decided here. */
export type Traffic = Omit<Stream, 'seconds'>;

export interface Limited extends Traffic {
  readonly limitMbps: number;
}

/** The burst is a tenth of a second's. */
const SECONDS = 3;
/** Of a limit. */
const TOLERANCE = 0.1;
const ATTEMPTS = 3;
/** UDP is sent by this factor more than its limit: the limit must show, and the machine carry it. */
const UDP_OFFER = 1.5;
/** A machine that carries less than so many limits without one may be too slow for the limit. */
const CARRIED_FOR_SURE = 1.3;

/**
 * Mbit/s that arrive, on average and from the start: later parts of a stream may have more than their
 * share, since TCP holds back what arrives in the wrong order.
 */
export async function throughput(traffic: Traffic): Promise<number> {
  const reports: number[] = [];
  for await (const mbps of received({ ...traffic, seconds: SECONDS })) reports.push(mbps);
  return mean(reports);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** UDP that shows a limit. */
export function udp(traffic: Traffic, limitMbps: number): Traffic {
  return { ...traffic, protocol: 'UDP', offeredMbps: limitMbps * UDP_OFFER };
}

export function expectAtMost(limitMbps: number, mbps: number): void {
  expect(mbps).toBeLessThan(limitMbps * (1 + TOLERANCE));
}

/**
 * All of the traffic, at the same time, gets its limits, and no more. Skips the test where the
 * machine does not carry as much.
 * @param unlimited traffic of the same kind, to see what the machine carries now
 */
export async function expectLimits(
  context: TestContext,
  traffic: readonly Limited[],
  unlimited: Traffic,
): Promise<void> {
  const sumMbps = traffic.reduce((sum, { limitMbps }) => sum + limitMbps, 0);
  const carried: number[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (await areFull(traffic)) return;
    const nowMbps = await throughput(unlimited);
    carried.push(nowMbps);
    if (nowMbps < sumMbps) break;
  }
  const found = `without a limit this machine now carries ${carried.map(text).join(', ')}`;
  if (Math.min(...carried) < sumMbps * CARRIED_FOR_SURE) skip(context, found);
  throw new Error(`less than the limits arrives, and ${found}`);
}

async function areFull(traffic: readonly Limited[]): Promise<boolean> {
  const rates = await Promise.all(traffic.map(throughput));
  const full = traffic.map(({ protocol, limitMbps }, index) => {
    const mbps = rates[index] ?? Number.NaN;
    print(`${protocol} at a limit of ${limitMbps} Mbit/s: ${text(mbps)}`);
    expectAtMost(limitMbps, mbps);
    return mbps > limitMbps * (1 - TOLERANCE);
  });
  return full.every(Boolean);
}

export function text(mbps: number): string {
  return `${mbps.toFixed(1)} Mbit/s`;
}

/** For whoever reads what was measured. */
export function print(line: string): void {
  console.log(line);
}

/** Ends a test that this machine cannot run, and says why. */
export function skip(context: TestContext, reason: string): never {
  print(`skipped: ${context.task.name}: ${reason}`);
  return context.skip(reason);
}
