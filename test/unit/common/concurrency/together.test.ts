import { describe, expect, it } from 'vitest';
import { abortable } from '../../../../src/common/concurrency/deadline.ts';
import { allOf, together } from '../../../../src/common/concurrency/together.ts';

const { signal: calm } = new AbortController();
const never = new Promise<never>(() => {});

describe('steps side by side', () => {
  it('succeed when all do, or when there are none', async () => {
    const steps = () => [Promise.resolve(1), Promise.resolve('x')];
    await expect(together(calm, steps)).resolves.toBeUndefined();
    await expect(together(calm, () => [])).resolves.toBeUndefined();
  });

  it('fail only when every one has settled', async () => {
    const slow = Promise.withResolvers<void>();
    let hasFailed = false;
    const steps = () => [Promise.reject(new Error('fast')), slow.promise];
    const all = together(calm, steps).catch(() => {
      hasFailed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(hasFailed).toBe(false);
    slow.resolve();
    await all;
    expect(hasFailed).toBe(true);
  });

  it('fail for the first in time, which ends those that listen', async () => {
    const late = Promise.withResolvers<void>();
    const reasons: unknown[] = [];
    const all = together(calm, (signal) => [
      abortable(never, signal).catch((reason: unknown) => {
        reasons.push(reason);
        throw new Error('ended');
      }),
      late.promise,
    ]);
    const first = new Error('first');
    late.reject(first);
    await expect(all).rejects.toBe(first);
    expect(reasons).toEqual([first]);
  });

  it('end when the caller leaves, for the reason that it has', async () => {
    const caller = new AbortController();
    const all = together(caller.signal, (signal) => [abortable(never, signal), Promise.resolve()]);
    const reason = new Error('the caller left');
    caller.abort(reason);
    await expect(all).rejects.toBe(reason);
  });

  it('do not hear from each other while all goes well', async () => {
    let heard: AbortSignal | undefined;
    await together(calm, (signal) => {
      heard = signal;
      return [Promise.resolve(), new Promise((resolve) => setTimeout(resolve, 1))];
    });
    expect(heard?.aborted).toBe(false);
  });
});

describe('all of some steps', () => {
  it('are waited for, also when one has failed, and then it is told which', async () => {
    const over: string[] = [];
    const late = new Promise<void>((resolve) => {
      setTimeout(() => {
        over.push('late');
        resolve();
      }, 5);
    });
    const failure = new Error('broken');
    await expect(allOf([Promise.reject(failure), late])).rejects.toBe(failure);
    expect(over).toEqual(['late']);
  });

  it('have their values in order', async () => {
    expect(await allOf([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  });
});
