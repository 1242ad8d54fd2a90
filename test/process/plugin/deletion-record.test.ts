import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recordDeletion } from '../../../src/plugin/deletion-record.ts';
import { deletionsOf } from '../../../src/wire/paths.ts';
import { failureOf } from '../../unit/plugin/attempt.ts';

const PROGRAM = new URL('killed-writer-program.ts', import.meta.url).pathname;

/** A directory of its own with the socket's in it; the records' does not exist yet. */
function freePlace() {
  const root = mkdtempSync(join(tmpdir(), 'kube-ovn-test-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'run/openvswitch'), { recursive: true });
  const socketPath = join(root, 'run/openvswitch/daemon.sock');
  return { root, socketPath, directory: deletionsOf(socketPath) };
}

function record(socketPath: string, containerId = 'c0ffee', body = '{"a":1}'): void {
  const failure = new Error('no daemon');
  recordDeletion({ socketPath, containerId, ifName: 'eth0', body, failure });
}

function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o777).toString(8);
}

describe('a record', () => {
  it('is a file for us alone, in a directory for us alone, which is made where it is missing', () => {
    const { socketPath, directory } = freePlace();
    record(socketPath);
    const [name = '', ...others] = readdirSync(directory);
    expect(others).toEqual([]);
    expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
    expect(readFileSync(join(directory, name), 'utf8')).toBe('{"a":1}');
    expect(modeOf(join(directory, name))).toBe('600');
    expect(modeOf(directory)).toBe('700');
  });

  it("is not made where the socket's directory is not there: no other directory is made", () => {
    const { root } = freePlace();
    const before = readdirSync(root, { recursive: true });
    for (const path of ['none/daemon.sock', 'run/none/below/daemon.sock']) record(join(root, path));
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });

  it('is not made for ever more sockets of one directory', () => {
    const { root } = freePlace();
    const folder = join(root, 'run/openvswitch');
    for (let index = 0; index < 8; index += 1) record(join(folder, `${index}.sock`));
    for (let index = 8; index < 20; index += 1) {
      const { code, details } = failureOf(() => record(join(folder, `${index}.sock`)));
      expect(code).toBe(11);
      expect(details).toContain('beside it are 8 directories of other sockets');
    }
    expect(readdirSync(folder)).toHaveLength(8);
    record(join(folder, '0.sock'), 'decaf');
  });

  it('replaces an earlier one of the same attachment and no other', () => {
    const { socketPath, directory } = freePlace();
    record(socketPath);
    record(socketPath, 'decaf');
    const before = readdirSync(directory);
    record(socketPath, 'c0ffee', '{"b":2}');
    expect(readdirSync(directory)).toEqual(before);
    expect(before).toHaveLength(2);
    const texts = before.map((name) => readFileSync(join(directory, name), 'utf8'));
    expect(texts.sort()).toEqual(['{"a":1}', '{"b":2}']);
  });

  it('does not follow a link that stands where it is written', () => {
    const { root, socketPath, directory } = freePlace();
    const victim = join(root, 'victim');
    writeFileSync(victim, 'precious');
    record(socketPath);
    const [name = ''] = readdirSync(directory);
    rmSync(join(directory, name));
    symlinkSync(victim, join(directory, name));
    symlinkSync(victim, join(directory, `.${name}.${process.pid}.tmp`));
    record(socketPath);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(readdirSync(directory)).toEqual([name]);
    expect(lstatSync(join(directory, name)).isFile()).toBe(true);
  });

  it('is not there while it is not whole: a killed writer leaves nothing that counts', async () => {
    const { socketPath, directory } = freePlace();
    expect(await runToEnd(PROGRAM, socketPath)).toBe('SIGKILL');
    const [left = '', ...others] = readdirSync(directory);
    expect(others).toEqual([]);
    expect(left).toMatch(/^\.[0-9a-f]{64}\.json\.\d+\.tmp$/);
    record(socketPath);
    expect(readdirSync(directory).filter((name) => name.endsWith('.json'))).toHaveLength(1);
  });
});

describe('the directory', () => {
  it.each<[string, (directory: string, root: string) => void, string]>([
    ['is a link', (directory, root) => symlinkSync(root, directory), 'found no directory'],
    [
      'is a file',
      (directory) => writeFileSync(directory, '', { mode: 0o600 }),
      'found no directory',
    ],
    ['is open to its group', (directory) => mkdirWith(directory, 0o710), 'with mode 710'],
    ['is open to all', (directory) => mkdirWith(directory, 0o777), 'with mode 777'],
  ])('is refused with error 5 where it %s', (_title, prepare, found) => {
    const { root, socketPath, directory } = freePlace();
    prepare(directory, root);
    const before = readdirSync(root);
    const failure = failureOf(() => record(socketPath));
    expect(failure).toMatchObject({
      code: 5,
      msg: 'the DEL can neither be done nor recorded',
    });
    expect(failure.details).toContain(`${directory}: expected a directory of user`);
    expect(failure.details).toContain(found);
    expect(failure.details).toContain('no daemon');
    expect(readdirSync(root)).toEqual(before);
  });

  it.runIf(process.getuid?.() === 0)('is refused where it is of another user', () => {
    const { socketPath, directory } = freePlace();
    mkdirWith(directory, 0o700);
    chownSync(directory, 65534, 0);
    const { code, details } = failureOf(() => record(socketPath));
    expect(code).toBe(5);
    expect(details).toContain('expected a directory of user 0 that nobody else has access to');
    expect(details).toContain('of user 65534');
  });

  it('is error 5 with what the system says where it cannot be made', () => {
    const { root, socketPath } = freePlace();
    rmSync(join(root, 'run/openvswitch'), { recursive: true });
    writeFileSync(join(root, 'run/openvswitch'), '');
    const { code, details } = failureOf(() => record(socketPath));
    expect(code).toBe(5);
    expect(details).toMatch(/EEXIST|ENOTDIR/);
  });

  it('takes 4096 records, and more only of the attachments that have one', () => {
    const { socketPath, directory } = freePlace();
    record(socketPath);
    for (let i = 1; i < 4095; i += 1) writeFileSync(join(directory, `${i}.json`), '');
    writeFileSync(join(directory, 'looked-at.json.failed'), '');
    record(socketPath, 'last');
    expect(readdirSync(directory)).toHaveLength(4097);
    const failure = failureOf(() => record(socketPath, 'decaf'));
    expect(failure.code).toBe(11);
    expect(failure.details).toContain(`${directory}: it holds 4096 DELs that no daemon has done`);
    record(socketPath, 'c0ffee', '{"b":2}');
    expect(readdirSync(directory)).toHaveLength(4097);
  });

  it('takes no record that is longer than any DEL', () => {
    const { socketPath, directory } = freePlace();
    record(socketPath, 'c0ffee', 'é'.repeat(32 * 1024));
    const failure = failureOf(() => record(socketPath, 'decaf', `${'é'.repeat(32 * 1024)}x`));
    expect(failure.code).toBe(11);
    expect(failure.details).toContain('the DEL has 65537 bytes, more than 65536');
    expect(readdirSync(directory)).toHaveLength(1);
  });
});

/** Whatever the umask is. */
function mkdirWith(directory: string, mode: number): void {
  mkdirSync(directory);
  chmodSync(directory, mode);
}

/** The signal that ended the program; null where it ended by itself. */
function runToEnd(program: string, ...args: string[]): Promise<NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', (_code, signal) => resolve(signal));
  });
}
