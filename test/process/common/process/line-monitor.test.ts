import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startLineMonitor } from '../../../../src/common/process/line-monitor.ts';
import { isRunning, untilGone } from './processes.ts';

/** Follows a program; `ended` is the reason why it is gone, `stop` ends it. */
function follow(file: string, args: readonly string[], take?: (line: string) => void) {
  const lines: string[] = [];
  const ended = Promise.withResolvers<string>();
  const ends: string[] = [];
  const some = Promise.withResolvers<void>();
  const stop = startLineMonitor(file, args, {
    line: (line) => {
      lines.push(line);
      some.resolve();
      take?.(line);
    },
    end: (reason) => {
      ends.push(reason);
      ended.resolve(reason);
    },
  });
  onTestFinished(stop);
  return { lines, ended: ended.promise, ends, stop, some: some.promise };
}

async function fileWith(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lines-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'lines');
  await writeFile(file, text);
  return file;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 30));

describe('a program that is followed', () => {
  it('says that it is gone where it cannot be started at all, unless it was stopped', async () => {
    const stopped = follow('tail', ['-f', 'nul\0']);
    stopped.stop();
    const monitor = follow('tail', ['-f', 'nul\0']);
    expect(await monitor.ended).toMatch(/^cannot start tail: /);
    expect(stopped.ends).toEqual([]);
  });

  it('reports line by line, and why it is gone', async () => {
    const monitor = follow('printf', ['first\n\nlast\n']);
    expect(await monitor.ended).toBe('printf exited with 0');
    expect(monitor.lines).toEqual(['first', '', 'last']);
  });

  it('that fails is gone for what it said, or for its exit code', async () => {
    const said = await follow('ls', ['/nowhere']).ended;
    expect(said).toBe("ls: cannot access '/nowhere': No such file or directory");
    expect(await follow('false', []).ended).toBe('false exited with 1');
  });

  it('that is not there is gone for that reason', async () => {
    expect(await follow('/nowhere/tool', []).ended).toMatch(/\/nowhere\/tool.*No such file/);
  });

  it('that says too much is quoted in part', async () => {
    const names = Array.from({ length: 2000 }, (_, index) => `/nowhere/${index}`);
    expect((await follow('ls', names).ended).length).toBeLessThan(1000);
  });

  it('is gone once, and nothing is reported after that', async () => {
    const monitor = follow('printf', ['a\nb\nc\n'], () => {
      throw new Error('cannot read');
    });
    expect(await monitor.ended).toBe('cannot read "a": cannot read');
    await turn();
    expect([monitor.lines, monitor.ends]).toEqual([['a'], ['cannot read "a": cannot read']]);
  });

  it('is killed where its line cannot be read', async () => {
    const file = await fileWith(`${'x'.repeat(5000)}\n`);
    const monitor = follow('tail', ['-f', file], () => {
      throw new Error('too long');
    });
    const reason = await monitor.ended;
    expect(reason).toMatch(/^cannot read "x+": too long$/);
    expect(reason.length).toBeLessThan(200);
    await untilGone(file);
  });

  it('that is stopped is killed and reports nothing, not even its end', async () => {
    const file = await fileWith('line\n');
    const monitor = follow('tail', ['-f', file]);
    await monitor.some;
    monitor.stop();
    monitor.stop();
    await untilGone(file);
    await turn();
    expect([monitor.lines, monitor.ends]).toEqual([['line'], []]);
  });

  it('dies with us, also when we are killed', async () => {
    const file = await fileWith('ready\n');
    const program = join(import.meta.dirname, 'line-monitor-program.ts');
    const child = spawn(process.execPath, [program, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(createInterface({ input: child.stdout }), 'line');
    expect(await isRunning('tail', file)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await untilGone('tail', file);
  });
});
