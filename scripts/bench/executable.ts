/** Start-up of the executable, beside /bin/true, and with none of it in memory; its size. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { command, outcomeOf } from '../../test/lab/command.ts';
import { median, round } from './statistics.ts';

const EXECUTABLE = resolve(import.meta.dirname, '../../dist/kube-ovn');
const RUNS = 60;
const COLD_RUNS = 15;

export async function measureExecutable() {
  const versions: number[] = [];
  const trues: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    trues.push((await outcomeOf('/bin/true', [])).ms);
    versions.push(await version());
  }
  const { size } = await stat(EXECUTABLE);
  return {
    exec_over_true: round(median(versions) / median(trues)),
    exec_cold_ms: round(median(await coldStarts())),
    executable_mb: round(size / 1e6, 1),
  };
}

/** VERSION calls that read the executable from the disk: its pages are dropped before each; ms. */
async function coldStarts(): Promise<number[]> {
  const times: number[] = [];
  // The kernel keeps pages that are not written yet.
  await command('sync', [EXECUTABLE]);
  for (let run = 0; run < COLD_RUNS; run += 1) {
    await command('dd', [`if=${EXECUTABLE}`, 'iflag=nocache', 'count=0', 'status=none']);
    times.push(await version());
  }
  return times;
}

/** One VERSION call; ms. */
export async function version(): Promise<number> {
  const options = { env: { CNI_COMMAND: 'VERSION' }, input: '{"cniVersion":"1.0.0"}' };
  return (await outcomeOf(EXECUTABLE, [], options)).ms;
}
