/** Start-up of the executable, beside /bin/true. */
import { resolve } from 'node:path';
import { outcomeOf } from '../../test/lab/command.ts';
import { median, round } from './statistics.ts';

const EXECUTABLE = resolve(import.meta.dirname, '../../dist/kube-ovn');
const RUNS = 60;

export async function measureExecutable(): Promise<{ exec_over_true: number }> {
  const versions: number[] = [];
  const trues: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    trues.push((await outcomeOf('/bin/true', [])).ms);
    versions.push(await version());
  }
  return { exec_over_true: round(median(versions) / median(trues)) };
}

/** One VERSION call; ms. */
export async function version(): Promise<number> {
  const options = { env: { CNI_COMMAND: 'VERSION' }, input: '{"cniVersion":"1.0.0"}' };
  return (await outcomeOf(EXECUTABLE, [], options)).ms;
}
