/**
 * npm run bench: what an ADD and a DEL cost as whole processes on a real node, and beside them in
 * the same run what the same steps cost as bare commands. `-- --json FILE` writes the figures.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  measureAttachments,
  measureBurst,
  measureMemory,
  measureSizes,
} from './bench/attachments.ts';
import { measureExecutable } from './bench/executable.ts';
import { startBench } from './bench/stage.ts';
import { printTable } from './bench/table.ts';
import { goInside } from './inside.ts';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
goInside('bench');

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
