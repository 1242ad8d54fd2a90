/** Probes of the kubelet that run a command in a container. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Probe } from '../../test/process/deploy/rendered.ts';
import type { RunningContainer } from './containerd.ts';

/** deploy/'s period of a readiness probe, and how many may fail. */
const PERIOD_MS = 10_000;
const FAILURES = 3;

/** Runs a probe's command as the kubelet does: again after its period. @throws Error of the last failure */
export async function mustProbe(
  container: RunningContainer,
  { exec }: Probe = {},
): Promise<string> {
  if (exec === undefined) throw new Error('the container has no command as a probe');
  for (let failures = 1; failures < FAILURES; failures += 1) {
    try {
      return await asked(container, exec.command);
    } catch {
      await sleep(PERIOD_MS);
    }
  }
  return await asked(container, exec.command);
}

async function asked(container: RunningContainer, argv: readonly string[]): Promise<string> {
  return (await container.exec(argv)).trim().split('\n')[0] ?? '';
}
