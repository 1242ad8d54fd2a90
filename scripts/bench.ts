/**
 * npm run bench: what an ADD and a DEL cost as whole processes on a real node, and beside them in
 * the same run what the same steps cost as bare commands; and how fast the controller allocates. `-- --json FILE` writes the figures;
 * `--only node` and `--only controller` measure one half, `--only cycles` (some fifteen minutes, not part of
 * a plain run) the daemon's memory after 10,000 ADDs and DELs; `--cycles N` asks for another number.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  measureAttachments,
  measureBurst,
  measureCycles,
  measureLoopDelay,
  measureMemory,
  measureSizes,
} from './bench/attachments.ts';
import { measureController } from './bench/controller.ts';
import { measureDaemonStart } from './bench/daemon-start.ts';
import { measureExecutable } from './bench/executable.ts';
import { startBench } from './bench/stage.ts';
import { printTable } from './bench/table.ts';
import { goInside } from './inside.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    cycles: { type: 'string', default: '10000' },
  },
});
goInside('bench');

const isWanted = (part: string) => (values.only ?? part) === part;
const figures = {
  ...(isWanted('node') ? await measureNode() : {}),
  ...(isWanted('controller') ? await measureController() : {}),
  ...(values.only === 'cycles' ? await measureManyCycles(Number(values.cycles)) : {}),
};
printTable(figures);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
// Node.js 24.21 did not come to an end by itself after all that was started and ended here: it went round
// in its own clean-up (node::Environment::CleanupHandles), one processor busy.
process.exit();

async function measureManyCycles(cycles: number) {
  const bench = await startBench();
  const memory = await measureCycles(bench, cycles);
  await bench.stop();
  return memory;
}

async function measureNode() {
  const bench = await startBench();
  const executable = await measureExecutable();
  const attachments = await measureAttachments(bench);
  const burst = await measureBurst(bench);
  const sizes = await measureSizes(bench);
  const delay = await measureLoopDelay(bench);
  const memory = await measureMemory(bench);
  const start = await measureDaemonStart(bench);
  await bench.stop();
  return { ...executable, ...attachments, ...sizes, ...burst, ...delay, ...memory, ...start };
}
