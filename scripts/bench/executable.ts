/** Start-up of the executable, beside /bin/true. */
import { resolve } from 'node:path';
import { outcomeOf } from '../../test/lab/command.ts';
import { median, round } from './statistics.ts';

const EXECUTABLE = resolve(import.meta.dirname, '../../dist/kube-ovn');
const RUNS = 60;

export async function measureExecutable(): Promise<{
  versionP50Ms: number;
  figures: { exec_over_true: number };
}> {
  const versions: number[] = [];
  const trues: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    trues.push((await outcomeOf('/bin/true', [])).ms);
    const options = { env: { CNI_COMMAND: 'VERSION' }, input: '{"cniVersion":"1.0.0"}' };
    versions.push((await outcomeOf(EXECUTABLE, [], options)).ms);
  }
  const versionP50Ms = median(versions);
  return { versionP50Ms, figures: { exec_over_true: round(versionP50Ms / median(trues)) } };
}
