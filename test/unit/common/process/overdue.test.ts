import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OverdueTools } from '../../../../src/common/process/overdue.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a tool whose run had to be ended', () => {
  /** A run that takes 30 s and is ended. */
  const hung = (tools: OverdueTools) => {
    const run = tools.start('ip');
    vi.advanceTimersByTime(30_000);
    run.end(false);
  };
  const named = (tools: OverdueTools) => tools.list().map(({ tool }) => tool);

  it('does not come back, until another run of it ends by itself', () => {
    const tools = new OverdueTools();
    hung(tools);
    expect(named(tools)).toEqual(['ip']);
    tools.start('ip').end(true);
    expect(named(tools)).toEqual([]);
  });

  it('counts for a minute where nobody asks for it any more', () => {
    const tools = new OverdueTools();
    hung(tools);
    vi.advanceTimersByTime(59_000);
    expect(named(tools)).toEqual(['ip']);
    vi.advanceTimersByTime(2000);
    expect(named(tools)).toEqual([]);
  });

  it('says when the first one was started of those that hung one after another', () => {
    const tools = new OverdueTools();
    const before = performance.timeOrigin + performance.now();
    hung(tools);
    hung(tools);
    expect(Number(tools.list()[0]?.since)).toBeCloseTo(before, -2);
    // After a pause it is another time that it hangs.
    vi.advanceTimersByTime(61_000);
    hung(tools);
    expect(Number(tools.list()[0]?.since)).toBeCloseTo(before + 121_000, -2);
  });
});

it('a run that goes on counts for as long as it takes', () => {
  const tools = new OverdueTools();
  tools.start('ip');
  vi.advanceTimersByTime(4000);
  expect(tools.list()).toEqual([]);
  vi.advanceTimersByTime(600_000);
  expect(tools.list()).toMatchObject([{ tool: 'ip' }]);
});

it('a run that could not begin and ends twice hides no other', () => {
  const tools = new OverdueTools();
  const failed = tools.start('ip');
  failed.end(true);
  tools.start('ip');
  failed.end(true);
  vi.advanceTimersByTime(30_000);
  expect(tools.list()).toHaveLength(1);
});
