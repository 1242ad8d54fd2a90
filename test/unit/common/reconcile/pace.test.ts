import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pace } from '../../../../src/common/reconcile/pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is due is worked on at once. */
function setUp() {
  const due: string[] = [];
  const pace = new Pace(500, (key) => {
    due.push(key);
    pace.done(key);
  });
  return { due, pace };
}

it('the first change of a key is worked on at once, and those that follow it soon together', () => {
  const { due, pace } = setUp();
  for (let change = 0; change < 10; change += 1) pace.add('a');
  expect(due).toEqual(['a']);
  vi.advanceTimersByTime(499);
  expect(due).toEqual(['a']);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['a', 'a']);
  vi.advanceTimersByTime(5000);
  expect(due).toHaveLength(2);
});

it('a change that comes later is worked on at once again', () => {
  const { due, pace } = setUp();
  pace.add('a');
  vi.advanceTimersByTime(500);
  pace.add('a');
  expect(due).toEqual(['a', 'a']);
});

it('keys do not wait for each other, and one that comes again not for the one before it', () => {
  const { due, pace } = setUp();
  pace.add('a');
  pace.add('b');
  pace.forget('a');
  pace.add('a');
  expect(due).toEqual(['a', 'b', 'a']);
});

it('nothing is due when it has stopped', () => {
  const { due, pace } = setUp();
  pace.add('a');
  pace.add('a');
  pace.stop();
  vi.advanceTimersByTime(5000);
  expect(due).toEqual(['a']);
});
