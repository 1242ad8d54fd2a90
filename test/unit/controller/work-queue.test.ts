import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RetryPauses, WorkQueue } from '../../../src/controller/work-queue.ts';
import { LogDouble } from '../daemon/log-double.ts';

/** Pauses that no test lives to see end. */
const NEVER: RetryPauses = { firstMs: 600_000, maxMs: 600_000 };

/** A queue whose runs end when the test says so. */
function gatedQueue({ concurrency = 1, pauses = NEVER } = {}) {
  const log = new LogDouble();
  /** Keys of the runs that have begun, in order. */
  const begun: string[] = [];
  const gates: { key: string; gate: PromiseWithResolvers<void> }[] = [];
  const queue = new WorkQueue({
    concurrency,
    pauses,
    log,
    what: 'the work',
    work: (key) => {
      begun.push(key);
      const gate = Promise.withResolvers<void>();
      gates.push({ key, gate });
      return gate.promise;
    },
  });
  const take = (key: string) => {
    const index = gates.findIndex((gated) => gated.key === key);
    const [found] = gates.splice(index, 1);
    if (index < 0 || found === undefined) throw new Error(`${key} is not running`);
    return found.gate;
  };
  const settle = async (act: () => void) => {
    act();
    await turns();
  };
  return {
    queue,
    log,
    begun,
    add: (...keys: string[]) =>
      settle(() => {
        for (const key of keys) queue.add(key);
      }),
    succeed: (key: string) => settle(() => take(key).resolve()),
    fail: (key: string, why = 'broken') => settle(() => take(key).reject(new Error(why))),
    runningKeys: () => gates.map(({ key }) => key),
  };
}

/** Lets everything that can go on go on. */
async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

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
    expect(queue.figures).toEqual({ depth: 2, running: 2, paused: 0, runs: 2, failures: 0 });
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
      log: new LogDouble(),
      work: async () => {},
    });
    for (let key = 0; key < 5_000; key++) queue.add(`${key}`);
    await new Promise((resolve) => setImmediate(resolve));
    const { depth } = queue.figures;
    expect(depth).toBeGreaterThan(4_000);
    await queue.idle();
    expect(queue.figures).toMatchObject({ depth: 0, running: 0, runs: 5_000 });
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
    expect(queue.figures).toEqual({ depth: 0, running: 0, paused: 1, runs: 2, failures: 1 });
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
      log: new LogDouble(),
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
      log: new LogDouble(),
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

  it('waits for the shortest pause again after its object has changed, and for no shorter one after other events', async () => {
    const pauses = { firstMs: 2, maxMs: 600_000 };
    const { queue, add, fail, begun, runningKeys } = gatedQueue({ pauses });
    await add('a');
    for (let count = 0; count < 18; count++) {
      await fail('a');
      // The first pauses may be over by now.
      if (queue.figures.paused > 0) queue.retryWaiting(() => true);
      while (!runningKeys().includes('a')) await sleep(1);
    }
    await fail('a');
    await sleep(60);
    expect(runningKeys()).toEqual([]);
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

describe('an event that work may have waited for', () => {
  it('ends the pauses of those alone that it concerns', async () => {
    const { queue, add, fail, begun, runningKeys } = gatedQueue({ concurrency: 3 });
    await add('a', 'b', 'c');
    await fail('a', 'no subnet red');
    await fail('b', 'no subnet blue');
    await fail('c', 'no subnet red');
    queue.retryWaiting((key, error) => key !== 'c' && (error as Error).message.endsWith('red'));
    await turns();
    expect(runningKeys()).toEqual(['a']);
    expect(begun).toHaveLength(4);
    expect(queue.figures.paused).toBe(2);
    await fail('a');
    await queue.stop();
  });

  it('is not missed by work that looked before it came, and fails after it', async () => {
    const { queue, add, fail, begun } = gatedQueue({ concurrency: 2 });
    await add('a', 'b');
    queue.retryWaiting((_key, error) => (error as Error).message === 'no subnet red');
    await fail('a', 'no subnet red');
    await fail('b', 'no subnet blue');
    expect(begun).toEqual(['a', 'b', 'a']);
    expect(queue.figures.paused).toBe(1);
    await fail('a', 'no subnet red');
    expect(queue.figures.paused).toBe(2);
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
    queue.retryWaiting(() => true);
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

type Step =
  | { readonly kind: 'add'; readonly key: string }
  | { readonly kind: 'end'; readonly fails: boolean; readonly which: number }
  | { readonly kind: 'retry'; readonly key: string };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const fails = fc.boolean();
const which = fc.nat(10);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), fails, which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retry' as const), key }) },
);

/** A queue, and the keys that it owes a run. */
class Model {
  readonly gated;
  readonly #limit: number;
  /** Keys that have changed since their last run began. */
  readonly due = new Set<string>();
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.gated = gatedQueue({ concurrency: limit });
  }

  async apply(next: Step): Promise<void> {
    const { queue, add } = this.gated;
    if (next.kind === 'add') {
      this.due.add(next.key);
      await add(next.key);
    } else if (next.kind === 'retry') {
      queue.retryWaiting((waiting) => waiting === next.key);
      await turns();
    } else {
      await this.#end(next);
    }
    this.#check();
  }

  /** Lets all that runs, and what begins then, succeed. */
  async finish(): Promise<void> {
    while (this.gated.runningKeys().length > 0) {
      await this.apply({ kind: 'end', fails: false, which: 0 });
    }
  }

  async #end({ fails: failing, which: index }: Extract<Step, { kind: 'end' }>): Promise<void> {
    const running = this.gated.runningKeys();
    const ending = running[index % Math.max(running.length, 1)];
    if (ending !== undefined) await this.gated[failing ? 'fail' : 'succeed'](ending);
  }

  #check(): void {
    const { begun, runningKeys } = this.gated;
    for (const started of begun.slice(this.#seen)) this.due.delete(started);
    this.#seen = begun.length;
    const running = runningKeys();
    expect(running.length).toBeLessThanOrEqual(this.#limit);
    expect(new Set(running).size).toBe(running.length);
    // Nothing waits while there is room, but for what is running already.
    const waiting = [...this.due].filter((waits) => !running.includes(waits));
    if (running.length < this.#limit) expect(waiting).toEqual([]);
  }
}

describe('under any order of changes, ends and failures, a queue', () => {
  it('runs a key once at a time, within the limit, and after its last change', async () => {
    const concurrency = fc.integer({ min: 1, max: 3 });
    const steps = fc.array(step, { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(concurrency, steps, async (limit, all) => {
        const model = new Model(limit);
        for (const next of all) await model.apply(next);
        await model.finish();
        expect(model.due).toEqual(new Set());
        const { queue, begun } = model.gated;
        const { depth, running, runs } = queue.figures;
        expect({ depth, running, runs }).toEqual({ depth: 0, running: 0, runs: begun.length });
        await queue.stop();
      }),
      { numRuns: 100 },
    );
  });

  it('takes keys in the order in which they came', async () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 4 }), async (all, concurrency) => {
        const begun: string[] = [];
        const work = async (next: string) => void begun.push(next);
        const log = new LogDouble();
        const queue = new WorkQueue({ concurrency, what: 'the work', log, work });
        for (const next of all) queue.add(next);
        await queue.idle();
        expect(begun).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });
});
