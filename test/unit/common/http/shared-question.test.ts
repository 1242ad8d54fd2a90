import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { shared } from '../../../../src/common/http/shared-question.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A source whose answers take so long; the answer is how many it gave. */
function taking(ms: number) {
  let count = 0;
  return vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    count += 1;
    return count;
  });
}

/** Asks again as soon as there is an answer. */
async function insist(ask: () => Promise<unknown>, isOver: () => boolean): Promise<void> {
  while (!isOver()) await ask().catch(() => {});
}

describe('a question', () => {
  it('is asked once for all who ask at the same time', async () => {
    const source = taking(10);
    const ask = shared(source, { limitMs: 1000 });
    const answers = Promise.all([ask(), ask(), ask()]);
    await vi.advanceTimersByTimeAsync(10);
    expect(await answers).toEqual([1, 1, 1]);
  });

  it('that costs something takes a tenth of the time, however often it is asked', async () => {
    const source = taking(20);
    const ask = shared(source, { limitMs: 1000, isCostly: true });
    let isOver = false;
    const callers = [insist(ask, () => isOver), insist(ask, () => isOver)];
    await vi.advanceTimersByTimeAsync(1990);
    expect(source).toHaveBeenCalledTimes(10);
    isOver = true;
    await vi.advanceTimersByTimeAsync(2000);
    await Promise.all(callers);
  });

  it('that rests is answered with what is so after that, and a second later at the latest', async () => {
    const source = taking(900);
    const ask = shared(source, { limitMs: 1000, isCostly: true });
    const first = ask();
    await vi.advanceTimersByTimeAsync(900);
    expect(await first).toBe(1);
    const second = ask();
    await vi.advanceTimersByTimeAsync(1900);
    expect(await second).toBe(2);
  });

  it('that hangs is given up, and asked again by the next one', async () => {
    const source = vi.fn(() => new Promise(() => {}));
    const ask = shared(source, { limitMs: 1000 });
    const first = ask();
    const refused = expect(first).rejects.toThrow('no result within 1 s');
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
    const second = expect(ask()).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(1000);
    await second;
    expect(source).toHaveBeenCalledTimes(2);
  });

  it('that fails at once is an error of the answer, not of who asks', async () => {
    const ask = shared(
      () => {
        throw new Error('no such socket');
      },
      { limitMs: 1000 },
    );
    await expect(ask()).rejects.toThrow('no such socket');
  });
});
