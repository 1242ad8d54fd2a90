import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { LogFile } from '../../../src/common/log-file.ts';
import { createProgramLog } from '../../../src/common/program-log.ts';

let folder = '';
beforeEach(() => {
  const made = mkdtempSync('/tmp/log-');
  folder = made;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
});

const pathOf = (name = 'kube-ovn/kube-ovn-cni.log') => join(folder, name);
const settings = (more: object = {}) => ({
  path: pathOf(),
  maxBytes: 1000,
  mode: 0o640,
  alsoStdout: true,
  ...more,
});

function setUp(more: object = {}) {
  const failures: unknown[] = [];
  const file = new LogFile(settings(more), (error) => failures.push(error));
  return { file, failures };
}

describe('the log file', () => {
  it('is made with its folder, with the permissions that are asked for, and appended to', () => {
    setUp().file.write('one\n');
    setUp().file.write('two\n');
    expect(readFileSync(pathOf(), 'utf8')).toBe('one\ntwo\n');
    expect(statSync(pathOf()).mode & 0o777).toBe(0o640);
  });

  it('never has more bytes, with the file before, than its limit', () => {
    const { file, failures } = setUp();
    for (let line = 0; line < 200; line += 1) {
      file.write(`${`line ${line}`.padEnd(59, '.')}\n`);
      const before = existsSync(`${pathOf()}.1`) ? statSync(`${pathOf()}.1`).size : 0;
      expect(statSync(pathOf()).size + before).toBeLessThanOrEqual(1000);
    }
    expect(failures).toEqual([]);
    expect(readFileSync(pathOf(), 'utf8')).toMatch(/line 199\.+\n$/);
    expect(readFileSync(`${pathOf()}.1`, 'utf8')).not.toBe('');
  });

  it('goes on where an earlier run left a large one', () => {
    mkdirSync(join(folder, 'kube-ovn'));
    writeFileSync(pathOf(), 'x'.repeat(900));
    setUp().file.write('new\n');
    expect(readFileSync(pathOf(), 'utf8')).toBe('new\n');
    expect(statSync(`${pathOf()}.1`).size).toBe(900);
  });

  it.each([
    ['a symbolic link', (path: string, other: string) => symlinkSync(other, path)],
    ['another name of a file', (path: string, other: string) => linkSync(other, path)],
    ['a folder', (path: string) => mkdirSync(path)],
  ])('is not written where %s has its name, and that is said once', (_what, make) => {
    mkdirSync(join(folder, 'kube-ovn'));
    writeFileSync(pathOf('other'), 'of somebody else');
    make(pathOf(), pathOf('other'));
    const { file, failures } = setUp();
    for (let line = 0; line < 5; line += 1) file.write('line\n');
    expect(failures).toHaveLength(1);
    expect(readFileSync(pathOf('other'), 'utf8')).toBe('of somebody else');
    rmSync(pathOf(), { recursive: true });
    file.write('line\n');
    expect(readFileSync(pathOf(), 'utf8')).toBe('line\n');
  });
});

describe('the log of a program', () => {
  function program(more: object) {
    const stdout: string[] = [];
    const { log, toFile } = createProgramLog({ write: (line) => stdout.push(line) });
    log.info({}, 'first');
    toFile(settings({ maxBytes: 100_000, ...more }));
    return { log, stdout };
  }

  it('goes to standard output and to the file', () => {
    const { log, stdout } = program({});
    log.info({}, 'second');
    expect(stdout).toHaveLength(2);
    expect(readFileSync(pathOf(), 'utf8')).toBe(stdout[1]);
  });

  it('goes to the file alone where that is asked for, but for errors', () => {
    const { log, stdout } = program({ alsoStdout: false });
    log.info({}, 'second');
    log.error({}, 'third');
    expect(stdout.map((line) => JSON.parse(line).msg)).toEqual(['first', 'third']);
    expect(readFileSync(pathOf(), 'utf8').match(/second|third/g)).toEqual(['second', 'third']);
  });

  it('goes on where the file cannot be written', () => {
    mkdirSync(pathOf(), { recursive: true });
    const { log, stdout } = program({});
    log.info({}, 'second');
    log.info({}, 'third');
    const messages = stdout.map((line) => JSON.parse(line).msg);
    expect(messages).toEqual([
      'first',
      expect.stringContaining('cannot write the log file'),
      'second',
      'third',
    ]);
  });
});
