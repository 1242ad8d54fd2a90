/** dist/kube-ovn, as nodes run it: bun's own sockets, watches and files do what node's do. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { deletionsOf } from '../../../src/wire/paths.ts';
import { ADDED, ENV, REQUEST, stdin } from '../../unit/plugin/call.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from '../../unit/plugin/fake-daemon.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const EXECUTABLE = join(ROOT, 'dist/kube-ovn');

beforeAll(() => {
  if (isOlderThanSource(EXECUTABLE)) {
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: ROOT, stdio: 'pipe' });
  }
});

/** `npm test` has built it just now. */
function isOlderThanSource(executable: string): boolean {
  const builtMs = statSync(executable, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ['src/{plugin,wire}/*.ts', 'scripts/{build,environment-names}.ts'];
  return globSync(sources, { cwd: ROOT }).some(
    (source) => statSync(join(ROOT, source)).mtimeMs > builtMs,
  );
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
}

function execute(env: NodeJS.ProcessEnv, config: () => string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(EXECUTABLE, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout }));
    child.stdin.end(config());
  });
}

const DEL_ENV = { ...ENV, CNI_COMMAND: 'DEL' };

/** Sooner than the last try of an executable that saw no change; ms. */
const WITHOUT_LAST_TRY_MS = 8000;

describe('an ADD while the daemon restarts', () => {
  it.each([
    ['there is no socket', () => {}],
    ['a killed daemon left its socket', (path: string) => writeFileSync(path, '')],
  ])('is served by the daemon that comes, where %s', async (_title, prepare) => {
    const socketPath = freeSocketPath();
    prepare(socketPath);
    const startedMs = performance.now();
    const outcome = execute(ENV, stdin(socketPath));
    await sleep(300);
    // What other programs do in that directory.
    writeFileSync(join(dirname(socketPath), 'other.pid'), '1');
    const { received } = await httpDaemon(200, ADDED, socketPath);
    const { exitCode, stdout } = await outcome;
    expect(exitCode).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(WITHOUT_LAST_TRY_MS);
    expect(JSON.parse(stdout)).toMatchObject({ interfaces: [{ name: 'eth0' }] });
    expect(received).toHaveLength(1);
  });

  it('misses it at no moment, with twenty of them at once', async () => {
    const socketPath = freeSocketPath();
    const startedMs = performance.now();
    const outcomes = Array.from({ length: 20 }, () => execute(ENV, stdin(socketPath)));
    // By then the first wait, and the last are about to.
    await sleep(80);
    await httpDaemon(200, ADDED, socketPath);
    const codes = (await Promise.all(outcomes)).map(({ exitCode }) => exitCode);
    expect(codes).toEqual(new Array(20).fill(0));
    expect(performance.now() - startedMs).toBeLessThan(WITHOUT_LAST_TRY_MS);
  });

  it('is error 11 at once where not even the directory is there', async () => {
    const socketPath = join(dirname(freeSocketPath()), 'none/daemon.sock');
    const { exitCode, stdout } = await execute(ENV, stdin(socketPath));
    expect(exitCode).toBe(1);
    const { code, details } = JSON.parse(stdout);
    expect(code).toBe(11);
    expect(details).toContain(`${socketPath}: ENOENT; look at`);
  });
});

describe('DELs without a daemon', () => {
  it('are all recorded, twenty of them at once, and none is half', async () => {
    const socketPath = freeSocketPath();
    const ids = Array.from({ length: 20 }, (_, i) => `c0ffee${i}`);
    const ended = await Promise.all(
      ids.map((id) => execute({ ...DEL_ENV, CNI_CONTAINERID: id }, stdin(socketPath))),
    );
    expect(ended).toEqual(new Array(20).fill({ exitCode: 0, stdout: '' }));
    expect(recordedIds(socketPath)).toEqual(ids.sort());
  });

  it('of one attachment are one record, whichever comes last', async () => {
    const socketPath = freeSocketPath();
    const dels = Array.from({ length: 5 }, () => execute(DEL_ENV, stdin(socketPath)));
    expect(await Promise.all(dels)).toEqual(new Array(5).fill({ exitCode: 0, stdout: '' }));
    const [name = '', ...others] = readdirSync(deletionsOf(socketPath));
    expect(others).toEqual([]);
    const text = readFileSync(join(deletionsOf(socketPath), name), 'utf8');
    expect(JSON.parse(text)).toEqual(REQUEST);
  });

  it('are recorded where the daemon breaks off', async () => {
    const socketPath = await rawDaemon((socket) => socket.destroy());
    expect(await execute(DEL_ENV, stdin(socketPath))).toEqual({ exitCode: 0, stdout: '' });
    expect(recordedIds(socketPath)).toEqual(['c0ffee']);
  });
});

describe('STATUS', () => {
  it('is error 50 where the daemon hangs, before a runtime gives up', async () => {
    const env = { CNI_COMMAND: 'STATUS' };
    const { exitCode, stdout } = await execute(env, stdin(await rawDaemon(() => {})));
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 50, msg: 'no answer from the node daemon' });
  });
});

describe('variables by which bun takes orders', () => {
  const VERSION = { CNI_COMMAND: 'VERSION' };

  it.each([
    ['BUN_OPTIONS', (folder: string) => `--preload ${folder}/preload.js`],
    ['BUN_OPTIONS', () => '--inspect-brk=127.0.0.1:0'],
    ['BUN_OPTIONS', () => '--no-such-option'],
    ['BUN_INSPECT_PRELOAD', (folder: string) => `${folder}/preload.js`],
    ['BUN_BE_BUN', () => '1'],
    ['BUN_BYTECODE_ORDER_OUT', (folder: string) => `${folder}/order`],
    ['BUN_BYTECODE_DIGEST_OUT', (folder: string) => `${folder}/digest`],
    ['BUN_JSC_dumpOptions', () => '3'],
    ['BUN_JSC_noSuchOption', () => '1'],
    ['NODE_OPTIONS', (folder: string) => `--require ${folder}/preload.js`],
  ])('have no effect: %s', async (name, valueIn) => {
    const folder = dirname(freeSocketPath());
    const trace = join(folder, 'trace');
    writeFileSync(
      join(folder, 'preload.js'),
      `require('node:fs').writeFileSync(${JSON.stringify(trace)}, '');`,
    );
    const before = readdirSync(folder);
    const env = { ...VERSION, [name]: valueIn(folder) };
    const { status, stdout, stderr } = spawnSync(EXECUTABLE, { env, encoding: 'utf8' });
    const usual = await execute(VERSION, () => '');
    expect({ exitCode: status, stdout, stderr }).toEqual({ ...usual, stderr: '' });
    expect(readdirSync(folder)).toEqual(before);
  });
});

function recordedIds(socketPath: string): string[] {
  const directory = deletionsOf(socketPath);
  return readdirSync(directory)
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')).container_id)
    .sort();
}
