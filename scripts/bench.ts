/**
 * npm run bench: what an ADD and a DEL cost as whole processes on a real node, and beside them in
 * the same run what the same steps cost as bare commands; and how fast the controller allocates. `-- --json FILE` writes the figures;
 * `--only node` and `--only controller` measure one half.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  measureAttachments,
  measureBurst,
  measureLoopDelay,
  measureMemory,
  measureSizes,
} from './bench/attachments.ts';
import { measureController } from './bench/controller.ts';
import { measureExecutable } from './bench/executable.ts';
import { startBench } from './bench/stage.ts';
import { printTable } from './bench/table.ts';
import { goInside } from './inside.ts';

const { values } = parseArgs({
  options: { json: { type: 'string' }, only: { type: 'string' } },
});
goInside('bench');

const figures = {
  ...(values.only === 'controller' ? {} : await measureNode()),
  ...(values.only === 'node' ? {} : await measureController()),
};
printTable(figures);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);

async function measureNode() {
  const bench = await startBench();
  const executable = await measureExecutable();
  const attachments = await measureAttachments(bench);
  const burst = await measureBurst(bench);
  const sizes = await measureSizes(bench);
  const delay = await measureLoopDelay(bench);
  const memory = await measureMemory(bench);
  await bench.stop();
  return { ...executable, ...attachments, ...sizes, ...burst, ...delay, ...memory };
}
