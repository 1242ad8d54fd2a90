/**
 * npm test: formatting, lint, types, unit tests, build, then the tests on real nodes, each file
 * in private namespaces of its own. Arguments choose test files: `npm test -- test/node/del`.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { insideCommand, insideEnvironment, whyNotInside } from '../test/lab/namespaces.ts';
import { untilIdle } from './test/idle.ts';
import { inOrder } from './test/order.ts';
import { runJobs } from './test/schedule.ts';

/** Test files on real nodes that run at once in any case, also on a machine that has much else to do. */
const NODES_AT_ONCE = Math.max(2, availableParallelism());
/** And on one that would be idle otherwise: each has some ten processes and 400 MB. */
const NODES_AT_ONCE_MAX = 2 * NODES_AT_ONCE;
/** Lines of a failed step's output that are said again at the end. */
const END_LINES = 60;

const chosen = process.argv.slice(2);
const missing = whyNotInside();
if (missing !== undefined) {
  console.error(`npm test needs ${missing}`);
  process.exit(1);
}

const reports = mkdtempSync(join(tmpdir(), 'kube-ovn-test-'));
/** What the programs asked of the API server: see test/lab/kubernetes/role-use.ts. */
const uses = mkdtempSync(join(tmpdir(), 'kube-ovn-uses-'));
process.env.LAB_ROLE_USE = uses;
const failures: { readonly name: string; readonly output: string }[] = [];

const isWhole = chosen.length === 0;
if (isWhole) {
  await step('format and lint', ['biome', 'check', '.']);
  await step('types', ['tsc', '--noEmit']);
}
await step('build', [process.execPath, 'scripts/build.ts']);
if (isWhole) await vitest('unit', ['--project', 'unit']);

const files = globSync('test/node/**/*.test.ts')
  .sort()
  .filter((file) => isWhole || chosen.some((part) => file.includes(part)));
const names = isWhole ? ['process', ...files] : files;
const limits = { least: NODES_AT_ONCE, most: NODES_AT_ONCE_MAX, untilRoom: untilIdle };
await runJobs(inOrder(names), limits, async (name) => {
  if (name === 'process') await vitest(name, ['--project', name]);
  else await vitest(name, ['--project', 'node', name], true);
});

if (isWhole && failures.length === 0) {
  await step('roles', [process.execPath, 'scripts/role-use.ts', uses]);
}
rmSync(uses, { recursive: true });
report();

/** Where vitest writes its report of a step. */
function reportOf(name: string): string {
  return join(reports, `${name.replaceAll('/', '_')}.json`);
}

/** Runs vitest with its report for people on the terminal and one for us in a file. */
async function vitest(name: string, args: readonly string[], inside = false): Promise<void> {
  const command = [
    'vitest',
    'run',
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportOf(name)}`,
  ];
  await step(name, inside ? insideCommand(command) : command, inside);
}

/** Runs a command; its output appears when it has ended, so that parallel ones do not mix. */
function step(
  name: string,
  [file = '', ...args]: readonly string[],
  inside = false,
): Promise<void> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const env = inside ? insideEnvironment() : process.env;
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const done = (ok: boolean) => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      console.log(`\n== ${name}: ${ok ? 'ok' : 'FAILED'} (${seconds} s)`);
      if (output.trim() !== '') console.log(output.trimEnd());
      if (!ok) failures.push({ name, output });
      resolve();
    };
    child.once('error', (error) => {
      output += error.message;
      done(false);
    });
    child.once('close', (code) => done(code === 0));
  });
}

/** The part of vitest's JSON report that we use. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Failures again, for who has only the end of the output: what failed, and why. */
function failuresOf({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const tests = failed.map(({ fullName, failureMessages }) => {
      const said = failureMessages.join('\n').split('\n');
      const ours = said.filter((line) => !line.includes('/node_modules/'));
      return [`${file}: ${fullName}`, ...ours].join('\n');
    });
    return message === '' ? tests : [`${file}: ${message}`, ...tests];
  });
}

/** The end of what a step said that failed with no failed test: an error that nothing caught. */
function withoutFailedTest({ name, output }: (typeof failures)[number]): string[] {
  try {
    const counts = JSON.parse(readFileSync(reportOf(name), 'utf8')) as Report;
    if (failuresOf(counts).length > 0) return [];
  } catch {
    // It did not come as far as its report.
  }
  return [`${name}: ${output.trimEnd().split('\n').slice(-END_LINES).join('\n')}`];
}

/** Sums up; the last line is for machines: "N passed, N failed". */
function report(): void {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of globSync(join(reports, '*.json'))) {
    const counts = JSON.parse(readFileSync(file, 'utf8')) as Report;
    passed += counts.numPassedTests;
    failed += counts.numFailedTests;
    skipped += counts.numPendingTests;
    for (const failure of failuresOf(counts)) console.log(`\n${failure}`);
  }
  for (const end of failures.flatMap(withoutFailedTest)) console.log(`\n${end}`);
  rmSync(reports, { recursive: true });
  if (failures.length > 0) {
    console.log(`\nfailed: ${failures.map(({ name }) => name).join(', ')}`);
  }
  console.log(
    `\n${passed} passed, ${Math.max(failed, failures.length)} failed, ${skipped} skipped`,
  );
  process.exit(failures.length === 0 ? 0 : 1);
}
