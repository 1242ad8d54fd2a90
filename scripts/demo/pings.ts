/** Echoes that have to be answered, and others that must not be. */
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { outcomeInSandbox } from '../../test/lab/runtime.ts';
import type { Report } from './report.ts';

export interface Echo {
  readonly from: RunningPod;
  /** The interface that it leaves by; without it the pod's routes say so. */
  readonly by?: string;
  readonly to: string;
  /** What has the address. */
  readonly what: string;
}

/** Pings that have to be answered. */
export async function provePings(echoes: readonly Echo[], report: Report): Promise<void> {
  for (const echo of echoes) {
    const { exitCode, stdout } = await ping(echo, ['-c', '2', '-W', '2']);
    const time = /= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? '?';
    report.check(`ping ${describe(echo)}`, exitCode === 0, `${time} ms`);
  }
}

/** Pings until there is an answer. */
export async function provePingSoon(echo: Echo, report: Report): Promise<void> {
  // With a deadline, the count is of answers.
  const { exitCode, ms } = await ping(echo, ['-c', '1', '-w', '10']);
  report.check(`ping ${describe(echo)}`, exitCode === 0, `after ${ms.toFixed(0)} ms`);
}

/** Pings that nothing may answer. */
export async function proveSilence(echoes: readonly Echo[], report: Report): Promise<void> {
  for (const echo of echoes) {
    const { stdout } = await ping(echo, ['-c', '2', '-W', '1']);
    // Only what was sent can tell: a ping without a route has no packets at all.
    const isSilent = stdout.includes('2 packets transmitted, 0 received');
    report.check(`no answer to a ping ${describe(echo)}`, isSilent);
  }
}

function ping({ from, by, to }: Echo, options: readonly string[]) {
  const device = by === undefined ? [] : ['-I', by];
  return outcomeInSandbox(from.sandbox, 'ping', '-n', '-i', '0.2', ...options, ...device, to);
}

function describe({ from, by, to, what }: Echo): string {
  const device = by === undefined ? '' : ` (${by})`;
  return `from ${from.pod.name}${device} to ${to}, ${what}`;
}
