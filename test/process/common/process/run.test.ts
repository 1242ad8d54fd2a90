import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run, ToolError } from '../../../../src/common/process/run.ts';
import { isRunning } from './processes.ts';

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'run-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

/** The ToolError that a run ends with. */
async function failureOf(promise: Promise<string>): Promise<ToolError> {
  const error = await promise.then(
    (output) => new Error(`expected a failure and got ${output}`),
    (reason: unknown) => reason,
  );
  if (error instanceof ToolError) return error;
  throw error;
}

/** A time to sleep that no other test has, and no other run of this one. */
const seconds = (test: number) => `6${test}.${process.pid}`;

describe('a tool', () => {
  it('gives its standard output as it is', async () => {
    expect(await run('/bin/echo', ['a', 'b'])).toBe('a b\n');
    expect(await run('/bin/true', [])).toBe('');
  });

  it('is found by PATH', async () => {
    expect(await run('echo', ['found'])).toBe('found\n');
  });

  it('gets its words as they are: no shell reads them', async () => {
    const words = ['$HOME', '`id`', 'a;b', '*', '', ' a  b ', '"', "'", '\\', 'a\nb', '--help-me'];
    expect(await run('printf', ['[%s]', ...words])).toBe(words.map((word) => `[${word}]`).join(''));
  });

  it('gets its input, and its end', async () => {
    expect(await run('/bin/cat', [], { input: 'line 1\nline 2' })).toBe('line 1\nline 2');
    expect(await run('/bin/cat', [])).toBe('');
  });

  it('may ignore an input that no pipe can hold', async () => {
    expect(await run('/bin/true', [], { input: 'x'.repeat(4_000_000) })).toBe('');
  });

  it('may write much, in characters of any width', async () => {
    const text = 'aé€😀'.repeat(50_000);
    expect(await run('/bin/cat', [], { input: text })).toBe(text);
  });

  it('speaks English and knows nothing of our environment but PATH', async () => {
    const lines = (await run('env', [])).trim().split('\n');
    expect(lines.toSorted()).toEqual(['LC_ALL=C', `PATH=${process.env.PATH}`]);
  });

  it('runs beside others, of which many are held back until there is room', async () => {
    const numbers = Array.from({ length: 60 }, (_, index) => `${index}`);
    const outputs = await Promise.all(numbers.map((number) => run('/bin/echo', [number])));
    expect(outputs).toEqual(numbers.map((number) => `${number}\n`));
  });

  it('that waits for packets takes no room from the others', async () => {
    const controller = new AbortController();
    const probe = { signal: controller.signal };
    const probes = Array.from({ length: 40 }, () => run('sleep', [seconds(3)], probe));
    expect(await run('/bin/echo', ['quick'])).toBe('quick\n');
    controller.abort(new Error('enough'));
    const outcomes = await Promise.allSettled(probes);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
  });

  it('that fails makes room for the others', async () => {
    const failures = Array.from({ length: 40 }, () => failureOf(run('/bin/false', [])));
    const missing = Array.from({ length: 40 }, () => failureOf(run('/nowhere/tool', [])));
    await Promise.all([...failures, ...missing]);
    expect(await run('/bin/echo', ['quick'])).toBe('quick\n');
  });
});

describe('a tool that fails', () => {
  it('is named with its words, its exit code and what it said', async () => {
    const error = await failureOf(run('ls', ['/nowhere/at all']));
    const said = "ls: cannot access '/nowhere/at all': No such file or directory";
    expect(error).toMatchObject({ name: 'ToolError', stderr: said, exitCode: 2 });
    expect(error.message).toBe(`"ls /nowhere/at all" exited with 2: ${said}`);
  });

  it('without a word is named with its exit code', async () => {
    const error = await failureOf(run('/bin/false', []));
    expect(error).toMatchObject({ stderr: '', exitCode: 1 });
    expect(error.message).toMatch(/^"\/bin\/false" exited with 1/);
  });

  it('and speaks on standard output is quoted from there', async () => {
    const error = await failureOf(run('expr', ['1', '-', '1']));
    expect(error.message).toBe('"expr 1 - 1" exited with 1: 0');
  });

  it('and speaks much is quoted in part', async () => {
    const names = Array.from({ length: 3000 }, (_, index) => `/nowhere/${index}`);
    const error = await failureOf(run('ls', names));
    expect(error.stderr.length).toBeLessThan(80_000);
    expect(error.stderr).toContain('/nowhere/0');
  });

  it('and has written much to standard output is quoted in part', async () => {
    const error = await failureOf(run('/bin/cat', ['/dev/zero']));
    expect(error.message).toMatch(/^"\/bin\/cat \/dev\/zero" was killed by SIGKILL: /);
    expect(error.message.length).toBeLessThan(80_000);
  });

  it('to start is named, for whatever reason', async () => {
    const missing = await failureOf(run('/nowhere/tool', []));
    expect(missing.exitCode).toBeNull();
    expect(missing.message).toMatch(/^cannot run \/nowhere\/tool: .*ENOENT/);
    const directory = await failureOf(run('/tmp', []));
    expect(directory.message).toMatch(/^cannot run \/tmp: .*EACCES/);
  });

  it('to start for its words is named too', async () => {
    const tooLong = await failureOf(run('/bin/echo', ['x'.repeat(300_000)]));
    expect(tooLong.message).toMatch(/^cannot run \/bin\/echo: .*E2BIG/);
    const nul = await failureOf(run('/bin/echo', ['a\0b']));
    expect(nul.message).toMatch(/^cannot run \/bin\/echo: /);
  });

  it('to start where no file can be opened is a failure of that run and not of the daemon', async () => {
    const program = join(import.meta.dirname, 'descriptors-program.ts');
    const limited = ['--nofile=48:48', process.execPath, program];
    const { stdout } = await promisify(execFile)('prlimit', limited);
    expect(JSON.parse(stdout)).toEqual({ name: 'ToolError', isAlive: true });
  });
});

describe('a tool that takes too long', () => {
  it('is killed after its time', async () => {
    const error = await failureOf(run('sleep', [seconds(1)], { timeoutMs: 30 }));
    expect(error).toMatchObject({ exitCode: null });
    expect(error.message).toMatch(/^"sleep [\d.]+" was killed by SIGKILL/);
    expect(await isRunning(seconds(1))).toBe(false);
  });

  it('is killed when nobody wants its answer any more', async () => {
    const controller = new AbortController();
    const reason = new Error('not wanted');
    const outcome = run('sleep', [seconds(2)], { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(outcome).rejects.toBe(reason);
    expect(await isRunning(seconds(2))).toBe(false);
  });

  it('is not even started when nobody wants its answer', async () => {
    const file = join(await temporaryDirectory(), 'file');
    const reason = new Error('before');
    await expect(run('touch', [file], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(existsSync(file)).toBe(false);
  });

  it('is not killed for a signal that comes after its end', async () => {
    const controller = new AbortController();
    expect(await run('/bin/echo', ['x'], { signal: controller.signal })).toBe('x\n');
    controller.abort();
  });
});

describe('a tool whose answer is one line', () => {
  it('is answered for at that line, and goes on until it is killed', async () => {
    const file = join(await temporaryDirectory(), 'lines');
    await writeFile(file, 'first\nthe answer is 42\nlast');
    const seen: string[] = [];
    const controller = new AbortController();
    const output = await run('tail', ['-n', '+1', '-f', file], {
      signal: controller.signal,
      until: (line) => {
        seen.push(line);
        return line.includes('answer');
      },
    });
    expect(output).toMatch(/^first\nthe answer is 42\n/);
    expect(seen.slice(0, 2)).toEqual(['first', 'the answer is 42']);
    expect(await isRunning(file)).toBe(true);
    controller.abort();
  });

  it('is not answered for by half a line', async () => {
    const file = join(await temporaryDirectory(), 'lines');
    await writeFile(file, 'the answer is 4');
    const until = (line: string) => line.includes('answer');
    const error = await failureOf(run('tail', ['-f', file], { until, timeoutMs: 100 }));
    expect(error.message).toContain('was killed by SIGKILL');
  });

  it('may end without it', async () => {
    expect(await run('/bin/echo', ['nothing'], { until: () => false })).toBe('nothing\n');
    expect((await failureOf(run('/bin/false', [], { until: () => true }))).exitCode).toBe(1);
  });
});
