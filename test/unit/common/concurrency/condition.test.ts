import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Condition } from '../../../../src/common/concurrency/condition.ts';

const { signal } = new AbortController();

describe('a wait for a condition', () => {
  it('ends at once where the condition holds', async () => {
    const waits = new Condition();
    expect(await waits.until(() => 'now', signal)).toBe('now');
    expect(waits.count).toBe(0);
  });

  it('looks again at every change until there is a result, and never after', async () => {
    const waits = new Condition();
    let state = 0;
    let looks = 0;
    const done = waits.until(() => {
      looks += 1;
      return state >= 2 ? state : undefined;
    }, signal);
    for (state = 1; state <= 5; state += 1) waits.check();
    expect(await done).toBe(2);
    expect(looks).toBe(3);
  });

  it.each([null, 0, '', false])('takes %j for a result', async (result) => {
    expect(await new Condition().until(() => result, signal)).toBe(result);
  });

  it('fails with what the look throws: at once, or at a change', async () => {
    const waits = new Condition();
    const failing = () => {
      throw new Error('wrong');
    };
    await expect(waits.until(failing, signal)).rejects.toThrow('wrong');
    let isWrong = false;
    const later = waits.until(() => (isWrong ? failing() : undefined), signal);
    isWrong = true;
    waits.check();
    await expect(later).rejects.toThrow('wrong');
    expect(waits.count).toBe(0);
  });

  it('does not keep the others from looking when its own look fails', async () => {
    const waits = new Condition();
    let isOver = false;
    const first = waits.until(() => {
      if (isOver) throw new Error('first');
    }, signal);
    const second = waits.until(() => isOver || undefined, signal);
    isOver = true;
    waits.check();
    await expect(first).rejects.toThrow('first');
    expect(await second).toBe(true);
  });
});

describe('a wait that is ended', () => {
  it('ends with the reason of its signal, before or during the wait', async () => {
    const waits = new Condition();
    const reason = new Error('enough');
    let looks = 0;
    const look = () => {
      looks += 1;
    };
    await expect(waits.until(look, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(looks).toBe(0);
    const controller = new AbortController();
    const during = waits.until(look, controller.signal);
    controller.abort(reason);
    waits.check();
    await expect(during).rejects.toBe(reason);
    expect([looks, waits.count]).toEqual([1, 0]);
  });

  it('leaves no listener on its signal', async () => {
    const waits = new Condition();
    const controller = new AbortController();
    let isOver = false;
    const done = waits.until(() => isOver || undefined, controller.signal);
    isOver = true;
    waits.check();
    await done;
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe('several waits', () => {
  it('that another one ends during a change does not look at it any more', async () => {
    const waits = new Condition();
    const controller = new AbortController();
    let looks = 0;
    const first = waits.until(() => {
      looks += 1;
      if (looks < 3) return undefined;
      controller.abort(new Error('ended by the first'));
      return looks;
    }, signal);
    const second = waits.until(() => {
      looks += 1;
      return undefined;
    }, controller.signal);
    waits.check();
    expect(await first).toBe(3);
    await expect(second).rejects.toThrow('ended by the first');
    expect(looks).toBe(3);
  });

  it('ends at the first state that fits, whatever the changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9)), fc.array(fc.nat(9)), async (states, wanted) => {
        const waits = new Condition();
        const controller = new AbortController();
        const state = { now: -1 };
        const ends = wanted.map((want) =>
          waits
            .until(() => (state.now >= want ? state.now : undefined), controller.signal)
            .catch(() => 'aborted'),
        );
        for (const now of states) {
          state.now = now;
          waits.check();
        }
        controller.abort();
        const expected = wanted.map((want) => states.find((now) => now >= want) ?? 'aborted');
        expect(await Promise.all(ends)).toEqual(expected);
        expect(waits.count).toBe(0);
      }),
    );
  });
});
