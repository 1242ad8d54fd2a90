/**
 * Tools that are wrappers: the child that they start holds their pipes, writes without end, or
 * outlives them. A run is over all the same, and nothing of it is left.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startLineMonitor } from '../../../../src/common/process/line-monitor.ts';
import { overdueTools, run, ToolError } from '../../../../src/common/process/run.ts';
import {
  toolTimeLeft,
  undoInTime,
  withToolTime,
} from '../../../../src/common/process/tool-time.ts';
import { processesWith, untilGone } from './processes.ts';

/** Far above what any of these takes on a busy machine, far below 30 s, the limit of a tool; ms. */
const SOON_MS = 15_000;

let count = 0;
/** A time to sleep that no other test has. */
function seconds(): string {
  count += 1;
  return `7${count}.${process.pid}`;
}

/** Makes a tool of a script; what it starts in the background is its child. */
async function tool(script: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wrapper-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'tool');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

async function failureOf(promise: Promise<string>): Promise<ToolError> {
  const error = await promise.then(
    (output) => new Error(`expected a failure and got ${output.slice(0, 100)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof ToolError) return error;
  throw error;
}

async function soon<T>(task: Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await task;
  expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  return result;
}

describe('a tool whose child holds its pipe', () => {
  it('is over when it has ended, with all that it printed, and the child goes', async () => {
    const time = seconds();
    const path = await tool(`sleep ${time} &\nseq 100000`);
    const output = await soon(run(path, []));
    expect(output.trim().split('\n')).toHaveLength(100_000);
    await untilGone('sleep', time);
  });

  it('fails with its own exit code', async () => {
    const path = await tool(`sleep ${seconds()} &\necho wrong >&2\nexit 3`);
    expect(await soon(failureOf(run(path, [])))).toMatchObject({ exitCode: 3, stderr: 'wrong' });
  });

  it('is ended with its child when its time is up', async () => {
    const time = seconds();
    const path = await tool(`sleep ${time}\necho done`);
    const error = await soon(failureOf(run(path, [], { timeoutMs: 50 })));
    expect(error).toMatchObject({ exitCode: null, how: 'killed' });
    expect(error.stderr).toMatch(/^it did not end within 0.1 s$/);
    await untilGone('sleep', time);
  });

  it('gives up its room when nobody wants its answer', async () => {
    const path = await tool(`sleep ${seconds()}`);
    const reason = new Error('not wanted');
    const controller = new AbortController();
    const runs = Array.from({ length: 20 }, () => run(path, [], { signal: controller.signal }));
    controller.abort(reason);
    const ends = await soon(Promise.allSettled(runs));
    for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason });
  });

  it('frees its room for others', async () => {
    const path = await tool(`sleep ${seconds()}`);
    const hung = Array.from({ length: 40 }, () => failureOf(run(path, [], { timeoutMs: 50 })));
    expect(await soon(run('echo', ['next']))).toBe('next\n');
    await soon(Promise.all(hung));
  });
});

describe('a tool whose child left its group', () => {
  it('is over when its time is up, though the child lives on with the pipe', async () => {
    const time = seconds();
    const path = await tool(`setsid sleep ${time} &\nsleep ${time}`);
    await soon(failureOf(run(path, [], { timeoutMs: 200 })));
    // It is not ours any more: ended here, so that nothing of the test is left.
    for (const id of await processesWith('sleep', time)) process.kill(id, 'SIGKILL');
    await untilGone('sleep', time);
  });
});

describe('a tool that writes without end', () => {
  it('is ended at the limit, and so is its child that writes on', async () => {
    const path = await tool('yes wrapped &\nyes wrapped');
    const error = await soon(failureOf(run(path, [])));
    expect(error.how).toBe('killed');
    expect(error.stderr).toContain('printed more than');
    expect(error.message.length).toBeLessThan(10_000);
    await untilGone('yes', 'wrapped');
  });

  it('on standard error is read no further than a few kilobytes', async () => {
    const path = await tool('yes lamenting >&2');
    const error = await soon(failureOf(run(path, [], { timeoutMs: 300 })));
    expect(error.stderr.length).toBeLessThan(100_000);
    await untilGone('yes', 'lamenting');
  });

  it('ends a monitor, whose line would have no end', async () => {
    const ended = Promise.withResolvers<string>();
    const path = await tool("tr '\\0' x </dev/zero");
    onTestFinished(startLineMonitor(path, [], { line: () => {}, end: ended.resolve }));
    expect(await soon(ended.promise)).toMatch(/^a line has more than \d+ bytes$/);
  });
});

describe('a monitor whose child holds its pipe', () => {
  it('is gone when it has ended, and the child goes, too', async () => {
    const time = seconds();
    const ended = Promise.withResolvers<string>();
    const lines: string[] = [];
    const path = await tool(`sleep ${time} &\necho first`);
    const stop = startLineMonitor(path, [], {
      line: (line) => lines.push(line),
      end: ended.resolve,
    });
    onTestFinished(stop);
    expect(await soon(ended.promise)).toMatch(/tool exited with 0$/);
    expect(lines).toEqual(['first']);
    await untilGone('sleep', time);
  });
});

describe('the time that tools of one call have together', () => {
  it('ends them before what is kept for undoing, and no other is started', async () => {
    await withToolTime(1500, 500, async () => {
      const hung = await failureOf(run('sleep', [seconds()]));
      expect(hung.stderr).toMatch(/^it did not end within [\d.]+ s$/);
      const next = await failureOf(run('echo', ['next']));
      expect(next).toMatchObject({ how: 'killed', exitCode: null });
      expect(next.message).toContain('was not started: the time of this call is used up');
      expect(await undoInTime(() => run('echo', ['undone']))).toBe('undone\n');
    });
  });

  it('leaves to each step of an undo half of what there is', async () => {
    await withToolTime(1000, 1000, async () => {
      const left = await undoInTime(async () => toolTimeLeft() ?? 0);
      await soon(undoInTime(() => failureOf(run('sleep', [seconds()]))));
      const then = await undoInTime(async () => toolTimeLeft() ?? 0);
      expect(left).toBeLessThanOrEqual(2000);
      expect(then).toBeLessThan(left);
    });
  });

  it('leaves time for a second undo where the work has gone on after the first', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const left = () => undoInTime(async () => toolTimeLeft() ?? 0);
    await withToolTime(100_000, 3000, async () => {
      const first = await left();
      vi.advanceTimersByTime(60_000);
      expect(await left()).toBe(0);
      expect(toolTimeLeft()).toBe(37_000);
      expect(await left()).toBe(first);
      // The steps of one undo have one time.
      vi.advanceTimersByTime(2000);
      expect(await left()).toBeLessThan(first);
    });
  });

  it('is nobody else’s', async () => {
    const other = toolTimeLeft();
    await withToolTime(1, 0, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await failureOf(run('echo', ['late']));
    });
    expect([other, toolTimeLeft()]).toEqual([undefined, undefined]);
    expect(await run('echo', ['here'])).toBe('here\n');
  });
});

describe('a tool that does not come back', () => {
  it('is known with when it was started, until a run of it ends by itself', async () => {
    const path = await tool('exec sleep "$1"');
    const before = Date.now();
    const hung = failureOf(run(path, ['60'], { timeoutMs: 5500 }));
    const quick = failureOf(run(path, ['60'], { timeoutMs: 10 }));
    await quick;
    expect(overdueTools.list()).toEqual([]);
    await hung;
    const [overdue, ...others] = overdueTools.list();
    expect(others).toEqual([]);
    expect(overdue?.tool).toBe(path);
    expect(Math.abs(Number(overdue?.since) - before)).toBeLessThan(5000);
    await run(path, ['0']);
    expect(overdueTools.list()).toEqual([]);
  });
});
