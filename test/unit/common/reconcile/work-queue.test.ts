import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WorkQueue } from '../../../../src/common/reconcile/work-queue.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import { gatedQueue, NEVER, turns } from './work-queue-support.ts';

describe('a work queue', () => {
  it('works first on what somebody waits for, whatever was there before', async () => {
    const { queue, add, succeed, begun } = gatedQueue();
    await add('a', 'b', 'c', 'd');
    queue.add('e', { isUrgent: true });
    queue.add('c', { isUrgent: true });
    queue.add('e');
    expect(queue.figures.depth).toBe(4);
    for (const key of ['a', 'e', 'c', 'b', 'd']) await succeed(key);
    expect(begun).toEqual(['a', 'e', 'c', 'b', 'd']);
    await queue.stop();
  });

  it('works on keys first come first served, so many at a time', async () => {
    const { queue, add, succeed, begun } = gatedQueue({ concurrency: 2 });
    await add('a', 'b', 'c', 'd');
    expect(begun).toEqual(['a', 'b']);
    const expected = { depth: 2, running: 2, paused: 0, adds: 4, runs: 2, failures: 0 };
    expect(queue.figures).toMatchObject(expected);
    await succeed('b');
    await succeed('c');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('works on a key once, however often it is added before', async () => {
    const { add, succeed, begun } = gatedQueue();
    await add('a', 'b', 'b', 'b');
    await succeed('a');
    await succeed('b');
    expect(begun).toEqual(['a', 'b']);
  });

  it('works on a key once more when it was added meanwhile, and behind those who waited', async () => {
    const { add, succeed, begun, runningKeys } = gatedQueue({ concurrency: 2 });
    await add('a', 'b', 'c');
    await add('a', 'a', 'a');
    expect(runningKeys()).toEqual(['a', 'b']);
    await succeed('a');
    expect(begun).toEqual(['a', 'b', 'c']);
    await succeed('b');
    await succeed('c');
    expect(begun).toEqual(['a', 'b', 'c', 'a']);
    await succeed('a');
    expect(begun).toHaveLength(4);
  });

  it('does not hold up the event loop where nothing is to do', async () => {
    const queue = new WorkQueue({
      concurrency: 4,
      what: 'the work',
      log: new RecordingLog(),
      work: async () => {},
    });
    for (let key = 0; key < 5_000; key++) queue.add(`${key}`);
    await new Promise((resolve) => setImmediate(resolve));
    const { depth } = queue.figures;
    expect(depth).toBeGreaterThan(4_000);
    await queue.idle();
    expect(queue.figures).toMatchObject({ depth: 0, running: 0, runs: 5_000 });
  });

  it('tells how long a key was in line, and how long its run took', async () => {
    const seen: string[] = [];
    let waitedMs = 0;
    const gate = Promise.withResolvers<void>();
    const queue = new WorkQueue({
      concurrency: 1,
      what: 'the work',
      log: new RecordingLog(),
      work: async (key) => {
        if (key === 'a') await gate.promise;
        else throw new Error('broken');
      },
      pauses: NEVER,
      observer: {
        began: (ms) => {
          seen.push('began');
          waitedMs = ms;
        },
        ended: (ms) => seen.push(ms > 0 ? 'ended' : 'at once'),
      },
    });
    queue.add('a');
    queue.add('b');
    await sleep(20);
    const { runningMs, longestRunMs } = queue.figures;
    expect(longestRunMs).toBeGreaterThan(10);
    expect(runningMs).toBe(longestRunMs);
    gate.resolve();
    await queue.idle();
    expect(seen).toEqual(['began', 'ended', 'began', 'ended']);
    // The second waited for the end of the first.
    expect(waitedMs).toBeGreaterThan(10);
    await queue.stop();
  });

  it('is idle when nothing is in line and nothing runs', async () => {
    const { queue, add, succeed, fail } = gatedQueue();
    await queue.idle();
    await add('a', 'b');
    let isIdle = false;
    const idle = queue.idle().then(() => {
      isIdle = true;
    });
    await succeed('a');
    expect(isIdle).toBe(false);
    await fail('b');
    await idle;
    expect(queue.figures).toEqual({
      ...{ depth: 0, running: 0, paused: 1, adds: 2, runs: 2, failures: 1 },
      ...{ runningMs: 0, longestRunMs: 0, longTurns: 0 },
    });
    await queue.stop();
  });
});

describe('work that fails', () => {
  it('is done again after a pause, and others are not kept waiting', async () => {
    let left = 2;
    const done: string[] = [];
    const queue = new WorkQueue({
      concurrency: 1,
      pauses: { firstMs: 4, maxMs: 8 },
      what: 'the work',
      log: new RecordingLog(),
      work: async (key) => {
        if (key === 'a' && left-- > 0) throw new Error('not yet');
        done.push(key);
        if (key === 'a') finished.resolve();
      },
    });
    const finished = Promise.withResolvers<void>();
    queue.add('a');
    queue.add('b');
    await finished.promise;
    expect(done).toEqual(['b', 'a']);
    expect(queue.figures.failures).toBe(2);
  });

  it('waits longer each time, until the longest pause', async () => {
    const at: number[] = [];
    const finished = Promise.withResolvers<void>();
    const queue = new WorkQueue({
      concurrency: 1,
      pauses: { firstMs: 20, maxMs: 80 },
      what: 'the work',
      log: new RecordingLog(),
      work: async () => {
        at.push(performance.now());
        if (at.length === 6) finished.resolve();
        else throw new Error('broken');
      },
    });
    queue.add('a');
    await finished.promise;
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    // The least that jitter leaves of 20, 40, 80, 80 and 80; a timer may be a millisecond early.
    [10, 20, 40, 40, 40].forEach((least, index) => {
      expect(pauses[index]).toBeGreaterThan(least - 2);
    });
  });

  it('is done at once when its object changes, and not again when the pause would have ended', async () => {
    const pauses = { firstMs: 30, maxMs: 30 };
    const { queue, add, succeed, fail, begun } = gatedQueue({ pauses });
    await add('a');
    await fail('a');
    expect(queue.figures.paused).toBe(1);
    await add('a');
    expect(queue.figures.paused).toBe(0);
    await succeed('a');
    await sleep(60);
    expect(begun).toEqual(['a', 'a']);
  });

  it('is done at once when its object changed meanwhile', async () => {
    const { queue, add, fail, begun } = gatedQueue();
    await add('a');
    await add('a');
    await fail('a');
    expect(begun).toEqual(['a', 'a']);
    await fail('a');
    expect(queue.figures.paused).toBe(1);
    await queue.stop();
  });

  it('waits for the shortest pause again after its object has changed', async () => {
    const pauses = { firstMs: 2, maxMs: 600_000 };
    const { queue, add, fail, begun, runningKeys } = gatedQueue({ pauses });
    await add('a');
    for (let count = 0; count < 8; count++) {
      await fail('a');
      while (!runningKeys().includes('a')) await sleep(1);
    }
    await fail('a');
    await add('a');
    const { length } = begun;
    await fail('a');
    while (begun.length === length) await sleep(1);
    await fail('a');
    await queue.stop();
  });

  it('is told once for each reason until it succeeds', async () => {
    const { log, add, succeed, fail, queue } = gatedQueue();
    for (const why of ['one', 'one', 'two', 'one']) {
      await add('a');
      await fail('a', why);
    }
    await add('a');
    await succeed('a');
    await add('a');
    await fail('a', 'one');
    expect(log.lines.map(({ message }) => message)).toEqual([
      'the work: one; trying again',
      'the work: two; trying again',
      'the work: one; trying again',
    ]);
    expect(log.lines[0]).toMatchObject({ level: 'error', fields: { key: 'a' } });
    await queue.stop();
  });
});

describe('the priority of a key', () => {
  it('is kept while it waits, is woken, fails, and changes', async () => {
    const { queue, add, waitFor, fail, succeed, begun } = gatedQueue();
    queue.add('pod', { isUrgent: true });
    await turns();
    await add('settled-1', 'settled-2');
    await waitFor('pod', 'Subnet/red');
    await add('settled-3');
    queue.wake('Subnet/red');
    await succeed('settled-1');
    // A change without priority comes while it runs, and then it fails.
    await add('pod');
    await fail('pod');
    expect(begun.splice(0)).toEqual(['pod', 'settled-1', 'pod', 'pod']);
    await fail('pod');
    await add('pod');
    await succeed('settled-2');
    expect(begun.splice(0)).toEqual(['settled-2', 'pod']);
    // It changes to something urgent while it runs.
    queue.add('pod', { isUrgent: true });
    await succeed('pod');
    expect(begun.splice(0)).toEqual(['pod']);
    // What succeeded has no more of it.
    await add('pod');
    await succeed('pod');
    await succeed('settled-3');
    expect(begun).toEqual(['settled-3', 'pod']);
    await succeed('pod');
    await queue.stop();
  });
});

describe('work that throws anything at all', () => {
  const hostile = {
    toString() {
      throw new Error('no text');
    },
  };
  const overflow = () => {
    const deeper = (): number => deeper() + 1;
    return deeper();
  };
  it('is a failure like others: the queue goes on, and nothing is left unhandled', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const thrown = [undefined, null, 0, 'text', Symbol('x'), Object.create(null), hostile];
    const log = new RecordingLog();
    const queue = new WorkQueue({
      concurrency: 2,
      pauses: NEVER,
      what: 'the work',
      log,
      work: (key): Promise<void> => {
        if (key === 'fine') return Promise.resolve();
        if (key === 'deep') overflow();
        if (key === 'spread') Math.max(...new Array(1_000_000).fill(0));
        throw thrown[Number(key)];
      },
    });
    const bad = [...thrown.keys(), 'deep', 'spread'];
    for (const key of bad) queue.add(`${key}`);
    queue.add('fine');
    await queue.idle();
    await turns();
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    const failures = bad.length;
    expect(queue.figures).toMatchObject({ runs: failures + 1, failures, paused: failures });
    await queue.stop();
  });
});

describe('a queue that is stopped', () => {
  it('begins nothing more, and waits for what runs', async () => {
    const { queue, add, fail, succeed, begun } = gatedQueue({ concurrency: 2 });
    await add('a', 'b', 'c', 'd');
    await fail('a');
    await add('b');
    let isOver = false;
    const stopped = queue.stop().then(() => {
      isOver = true;
    });
    queue.wake('Subnet/red');
    await add('e', 'a', 'b');
    await succeed('c');
    expect(isOver).toBe(false);
    await fail('b');
    await stopped;
    await turns();
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(queue.figures).toMatchObject({ depth: 0, running: 0, paused: 0 });
  });

  it('while it is idle has stopped at once, also when it is told twice', async () => {
    const { queue } = gatedQueue();
    await queue.stop();
    await queue.stop();
  });
});
