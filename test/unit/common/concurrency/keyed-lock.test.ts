import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedLock } from '../../../../src/common/concurrency/keyed-lock.ts';
import { sizeOfPrivate } from '../../daemon/support.ts';

describe('a lock by key', () => {
  it('gives what the task gives', async () => {
    expect(await new KeyedLock().run('a', async () => 1)).toBe(1);
  });

  it('runs one task of a key at a time, in the order in which they came', async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const runs = gates.map((gate, index) =>
      lock.run('a', async () => {
        log.push(`begin ${index}`);
        await gate.promise;
        log.push(`end ${index}`);
      }),
    );
    for (const gate of gates.toReversed()) gate.resolve();
    await Promise.all(runs);
    expect(log).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  it('begins a task that has nobody to wait for at once', async () => {
    const log: string[] = [];
    const run = new KeyedLock().run('a', async () => {
      log.push('task');
    });
    log.push('caller');
    await run;
    expect(log).toEqual(['task', 'caller']);
  });

  it('does not hold up another key', async () => {
    const lock = new KeyedLock();
    const gate = Promise.withResolvers<void>();
    const held = lock.run('a', () => gate.promise);
    expect(await lock.run('b', async () => 'b')).toBe('b');
    gate.resolve();
    await held;
  });

  it('is released by a task that fails, even at once', async () => {
    const lock = new KeyedLock();
    const failing = lock.run('a', () => {
      throw new Error('at once');
    });
    const next = lock.run('a', async () => 'next');
    await expect(failing).rejects.toThrow('at once');
    expect(await next).toBe('next');
  });

  it('takes keys that objects have by themselves', async () => {
    const lock = new KeyedLock();
    expect(await lock.run('__proto__', async () => 1)).toBe(1);
    expect(await lock.run('constructor', async () => 2)).toBe(2);
  });
});

interface Task {
  readonly key: string;
  readonly fails: boolean;
  readonly steps: number;
}

describe('a lock by key under any interleaving', () => {
  const task: fc.Arbitrary<Task> = fc.record({
    key: fc.constantFrom('a', 'b', '__proto__'),
    fails: fc.boolean(),
    steps: fc.nat(3),
  });
  /** When each task comes: a task may come while others run. */
  const tasks = fc.array(task, { minLength: 1, maxLength: 12 });

  it('keeps order and exclusion, and leaves no key behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), tasks, async (scheduler, all) => {
        const lock = new KeyedLock();
        const came = new Map<string, number[]>();
        const began = new Map<string, number[]>();
        const running = new Map<string, number>();
        const enter = async ({ key, fails, steps }: Task, index: number) => {
          came.set(key, [...(came.get(key) ?? []), index]);
          await lock.run(key, async () => {
            expect(running.get(key)).toBeUndefined();
            running.set(key, index);
            began.set(key, [...(began.get(key) ?? []), index]);
            for (let step = 0; step < steps; step += 1) await scheduler.schedule(Promise.resolve());
            expect(running.get(key)).toBe(index);
            running.delete(key);
            if (fails) throw new Error(`task ${index}`);
          });
        };
        const runs = all.map(async (each, index) => {
          if (index % 2 === 1) await scheduler.schedule(Promise.resolve());
          await enter(each, index);
        });
        const settled = Promise.allSettled(runs);
        await scheduler.waitFor(settled);
        expect((await settled).map(({ status }) => status === 'rejected')).toEqual(
          all.map(({ fails }) => fails),
        );
        expect(began).toEqual(came);
        expect(await sizeOfPrivate(lock, '#tails')).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('shows the keys that are held, which is how the test above can tell', async () => {
    const lock = new KeyedLock();
    const gate = Promise.withResolvers<void>();
    const runs = ['a', 'a', 'b'].map((key) => lock.run(key, () => gate.promise));
    expect(await sizeOfPrivate(lock, '#tails')).toBe(2);
    gate.resolve();
    await Promise.all(runs);
    expect(await sizeOfPrivate(lock, '#tails')).toBe(0);
  });
});
