/**
 * How long a program's event loop was held while something went on, as the program measures it, and
 * a pod whose author wants it to be long.
 */
import type { Program } from '../../test/lab/program.ts';

const REPORT = 'event loop: the longest time it was held';

/** @returns ms */
export async function longestDelay(program: Program, during: () => Promise<unknown>) {
  await report(program);
  await during();
  return await report(program);
}

/** The longest time since the last report; ms. */
async function report(program: Program): Promise<number> {
  const reports = program.logLines(REPORT).length;
  program.process.kill('SIGUSR2');
  await program.logged(REPORT, reports + 1);
  const { maxMs } = JSON.parse(program.logLines(REPORT).at(-1) ?? '{}') as { maxMs?: unknown };
  if (typeof maxMs !== 'number') throw new Error('the report of the event loop has no maxMs');
  return maxMs;
}

/** As many annotations as the API server takes of one pod, all of them work for whoever reads them. */
export function hostileAnnotations(network: string): Record<string, string> {
  return {
    'k8s.v1.cni.cncf.io/networks': Array.from({ length: 10_000 }, (_, index) => {
      return `${network}@i${index}`;
    })
      .join(',')
      .slice(0, 150_000),
    ...Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [
        `net${index}.default.kubernetes.io/ip_address`,
        `10.0.0.${index % 256},`.repeat(6),
      ]),
    ),
  };
}
