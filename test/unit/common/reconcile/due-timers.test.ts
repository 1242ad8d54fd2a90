import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Timers } from '../../../../src/common/reconcile/due-timers.ts';
import { sizeOfPrivate } from '../../daemon/support.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const due: string[] = [];
  const timers = new Timers((key) => due.push(key));
  return { due, timers, inMs: (ms: number) => Date.now() + ms };
}

it('each key is told of once, when its time has come and not before', () => {
  const { due, timers, inMs } = setUp();
  timers.set('b', inMs(2000));
  timers.set('a', inMs(1000));
  vi.advanceTimersByTime(999);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['a']);
  vi.advanceTimersByTime(DAY_MS);
  expect(due).toEqual(['a', 'b']);
});

it('a time that has passed already comes at once, and never within the call', () => {
  const { due, timers, inMs } = setUp();
  timers.set('a', inMs(-DAY_MS));
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['a']);
});

it('a key has one time: the last that was set', () => {
  const { due, timers, inMs } = setUp();
  timers.set('later', inMs(1000));
  timers.set('later', inMs(5000));
  timers.set('never', inMs(1000));
  timers.set('never', undefined);
  vi.advanceTimersByTime(4999);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['later']);
  expect(vi.getTimerCount()).toBe(0);
});

// Node fires a timer of more than 2^31 - 1 ms, which is less than 25 days, after 1 ms.
it.each([25, 60, 365])('a time %d days from now is kept', (days) => {
  const { due, timers, inMs } = setUp();
  timers.set('a', inMs(days * DAY_MS));
  vi.advanceTimersByTime(days * DAY_MS - 1);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['a']);
});

it('a time that is set while it is told of is another one', () => {
  const due: number[] = [];
  const timers = new Timers((key) => {
    due.push(Date.now());
    if (due.length < 3) timers.set(key, Date.now() + 1000);
  });
  const begin = Date.now();
  timers.set('a', begin + 1000);
  vi.advanceTimersByTime(DAY_MS);
  expect(due.map((at) => at - begin)).toEqual([1000, 2000, 3000]);
});

it('nothing comes after the end', () => {
  const { due, timers, inMs } = setUp();
  timers.set('a', inMs(1000));
  timers.set('b', inMs(60 * DAY_MS));
  timers.stop();
  vi.advanceTimersByTime(61 * DAY_MS);
  expect(due).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('of a key whose time has come nothing is kept', async () => {
  const { timers, inMs } = setUp();
  timers.set('a', inMs(1000));
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
  expect(await sizeOfPrivate(timers, '#timers')).toBe(0);
});
