import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../../../src/common/concurrency/slots.ts';

const { signal: forever } = new AbortController();

/** A task that runs until it is told to end. */
function gated(slots: Slots, signal = forever) {
  const gate = Promise.withResolvers<void>();
  let hasBegun = false;
  const done = slots.run(async () => {
    hasBegun = true;
    await gate.promise;
  }, signal);
  done.catch(() => {});
  return { done, end: gate.resolve, fail: gate.reject, hasBegun: () => hasBegun };
}

/** Lets everything that can go on go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('places to work in', () => {
  it('give what the task gives', async () => {
    expect(await new Slots(1).run(async () => 1, forever)).toBe(1);
  });

  it('are no more than there are, and go to the first in line', async () => {
    const slots = new Slots(2);
    const tasks = [1, 2, 3, 4].map(() => gated(slots));
    const [first, second, third, fourth] = tasks;
    const begun = () => tasks.map(({ hasBegun }) => hasBegun());
    await turn();
    expect(begun()).toEqual([true, true, false, false]);
    expect(slots.waiting).toBe(2);
    second?.end();
    await turn();
    expect(begun()).toEqual([true, true, true, false]);
    first?.end();
    await turn();
    expect(begun()).toEqual([true, true, true, true]);
    third?.end();
    fourth?.end();
    await Promise.all(tasks.map(({ done }) => done));
    expect(slots.waiting).toBe(0);
  });

  it('are free again after a task that fails, even at once', async () => {
    const slots = new Slots(1);
    const atOnce = slots.run(() => {
      throw new Error('at once');
    }, forever);
    await expect(atOnce).rejects.toThrow('at once');
    const later = gated(slots);
    const next = slots.run(async () => 'next', forever);
    later.fail(new Error('later'));
    await expect(later.done).rejects.toThrow('later');
    expect(await next).toBe('next');
  });
});

describe('a task that is aborted', () => {
  it('in line does not run, and those behind it move up', async () => {
    const slots = new Slots(1);
    const leaving = new AbortController();
    const [held, left, next] = [gated(slots), gated(slots, leaving.signal), gated(slots)];
    leaving.abort(new Error('gone'));
    await expect(left.done).rejects.toThrow('gone');
    expect(slots.waiting).toBe(1);
    held.end();
    await turn();
    expect([left.hasBegun(), next.hasBegun()]).toEqual([false, true]);
    next.end();
    await next.done;
  });

  it('before it comes neither runs nor waits', async () => {
    const slots = new Slots(1);
    const aborted = AbortSignal.abort(new Error('gone'));
    await expect(gated(slots, aborted).done).rejects.toThrow('gone');
    expect(slots.waiting).toBe(0);
    expect(await slots.run(async () => 'free', forever)).toBe('free');
  });

  it('while it runs keeps its place until it ends', async () => {
    const slots = new Slots(1);
    const leaving = new AbortController();
    const [running, next] = [gated(slots, leaving.signal), gated(slots)];
    leaving.abort(new Error('gone'));
    await turn();
    expect(next.hasBegun()).toBe(false);
    running.end();
    await running.done;
    await turn();
    expect(next.hasBegun()).toBe(true);
    next.end();
    await next.done;
  });

  it('when it has its place does not lose it to its own abort', async () => {
    const slots = new Slots(1);
    const leaving = new AbortController();
    const [held, second] = [gated(slots), gated(slots, leaving.signal)];
    held.end();
    await held.done;
    leaving.abort(new Error('gone'));
    const third = gated(slots);
    await turn();
    expect([second.hasBegun(), third.hasBegun()]).toEqual([true, false]);
    second.end();
    third.end();
    await Promise.all([second.done, third.done]);
  });
});

interface Task {
  readonly fails: boolean;
  readonly isAborted: boolean;
}

describe('places under any interleaving', () => {
  const task: fc.Arbitrary<Task> = fc.record({ fails: fc.boolean(), isAborted: fc.boolean() });

  it('never hold too many, keep the order, and are all free in the end', async () => {
    const tasks = fc.array(task, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 3 }), tasks, async (s, n, all) => {
        const slots = new Slots(n);
        const begun: number[] = [];
        let running = 0;
        const runs = all.map(async ({ fails, isAborted }, index) => {
          const leaving = new AbortController();
          const run = slots.run(async () => {
            begun.push(index);
            running += 1;
            expect(running).toBeLessThanOrEqual(n);
            await s.schedule(Promise.resolve());
            running -= 1;
            if (fails) throw new Error('task');
          }, leaving.signal);
          if (isAborted) void s.schedule(Promise.resolve()).then(() => leaving.abort());
          await run;
        });
        const settled = Promise.allSettled(runs);
        await s.waitFor(settled);
        expect(begun).toEqual(begun.toSorted((one, other) => one - other));
        all.forEach(({ isAborted }, index) => {
          if (!isAborted) expect(begun).toContain(index);
        });
        expect(slots.waiting).toBe(0);
        const again = Array.from({ length: n }, () => gated(slots));
        await turn();
        expect(again.every(({ hasBegun }) => hasBegun())).toBe(true);
        for (const { end } of again) end();
      }),
      { numRuns: 200 },
    );
  });
});
