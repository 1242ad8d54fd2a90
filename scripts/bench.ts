/**
 * npm run bench: what an ADD and a DEL cost as whole processes on a real node, and beside them in
 * the same run what the same steps cost as bare commands. `-- --json FILE` writes the figures.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isInside, runSelfInside, whyNotInside } from '../test/lab/namespaces.ts';
import {
  measureAttachments,
  measureBurst,
  measureMemory,
  measureSizes,
} from './bench/attachments.ts';
import { measureExecutable } from './bench/executable.ts';
import { startBench } from './bench/stage.ts';
import { printTable } from './bench/table.ts';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const missing = whyNotInside();
if (missing !== undefined) {
  console.error(`npm run bench needs ${missing}`);
  process.exit(1);
}
if (!isInside()) {
  const build = spawnSync(process.execPath, [resolve(import.meta.dirname, 'build.ts')], {
    stdio: 'inherit',
  });
  if (build.status !== 0) process.exit(1);
  process.exit(runSelfInside().status ?? 1);
}

const bench = await startBench();
const executable = await measureExecutable();
const attachments = await measureAttachments(bench);
const burst = await measureBurst(bench);
const sizes = await measureSizes(bench);
const memory = await measureMemory(bench);
await bench.stop();

const figures = { ...executable, ...attachments, ...sizes, ...burst, ...memory };
printTable(figures);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
