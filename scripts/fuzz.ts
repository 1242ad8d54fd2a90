/**
 * npm run fuzz: arbitrary calls, bodies, annotations, objects and rows against the parts that read
 * them, and command lines against the grammars of the tools. Each target says what came of its
 * cases; a failure is shrunk, and shown with what reproduces it.
 *
 * `-- --cases N` (100,000), `--seed S` (random), `--target NAME`, `--path P` (of a failure)
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Report } from '../test/fuzz/target.ts';
import { TARGETS } from '../test/fuzz/targets.ts';

const SHARES = 100_000;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: String(SHARES) },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    target: { type: 'string' },
    path: { type: 'string' },
  },
});
const seed = wholeNumber('seed', values.seed);
const total = wholeNumber('cases', values.cases);
const chosen = TARGETS.filter(({ name }) => (values.target ?? name) === name);
if (chosen.length === 0) {
  end(`--target: expected one of ${TARGETS.map(({ name }) => name).join(', ')}`);
}

const build = spawnSync(process.execPath, [resolve(import.meta.dirname, 'build.ts')]);
if (build.status !== 0) end(`the build failed: ${build.stderr}`);

console.log(`seed ${seed}, ${total} cases`);
const reports: Report[] = [];
for (const target of chosen) {
  // One target alone gets all cases.
  const cases = chosen.length === 1 ? total : Math.ceil((total * target.share) / SHARES);
  const path = values.path === undefined ? {} : { path: values.path };
  const report = await target.run({ cases, seed, ...path });
  reports.push(report);
  show(report);
}
const failed = reports.filter(({ failure }) => failure !== undefined);
const count = reports.reduce((sum, { cases }) => sum + cases, 0);
console.log(`\n${count} cases, ${failed.length} of ${reports.length} targets failed, seed ${seed}`);
process.exit(failed.length === 0 ? 0 : 1);

function show({ name, cases, ms, outcomes, failure }: Report): void {
  const each = ((ms * 1000) / Math.max(1, cases)).toFixed(0);
  console.log(`\n${name}: ${cases} cases, ${(ms / 1000).toFixed(1)} s, ${each} µs each`);
  const counts = [...outcomes].sort(([, a], [, b]) => b - a);
  console.log(`  ${counts.map(([outcome, number]) => `${outcome}: ${number}`).join(', ')}`);
  if (failure === undefined) return;
  const { path, shrinks, error } = failure;
  console.log(`  FAILED, shrunk ${shrinks} times: ${failure.case}`);
  console.log(`  ${error.replaceAll('\n', '\n  ')}`);
  console.log(
    `  again: npm run fuzz -- --target ${name} --seed ${failure.seed} --path ${path} --cases ${total}`,
  );
}

function wholeNumber(flag: string, text: string): number {
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) end(`--${flag}: expected a whole number, found "${text}"`);
  return number;
}

function end(reason: string): never {
  console.error(`fuzz: ${reason}`);
  process.exit(1);
}
