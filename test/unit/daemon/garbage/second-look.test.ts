import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SecondLook } from '../../../../src/daemon/garbage/second-look.ts';

afterEach(() => vi.useRealTimers());

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'netns-'));
  const look = vi.fn();
  const second = new SecondLook(look);
  onTestFinished(() => {
    second.stop();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'one');
  writeFileSync(path, '');
  return { folder, path, look, second };
}

describe('a namespace that is to be looked at again', () => {
  it('is, as soon as it goes', async () => {
    const { path, look, second } = setUp();
    second.at([path]);
    rmSync(path);
    await expect.poll(() => look.mock.calls.length).toBeGreaterThan(0);
  });

  it('is after pauses that grow, up to a minute', () => {
    vi.useFakeTimers();
    const { path, look, second } = setUp();
    const pauses: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      look.mockClear();
      second.at([path]);
      const startedMs = Date.now();
      vi.advanceTimersToNextTimer();
      pauses.push(Date.now() - startedMs);
      expect(look).toHaveBeenCalledOnce();
    }
    expect(pauses.slice(0, 3)).toEqual([500, 1000, 2000]);
    expect(pauses.at(-1)).toBe(60_000);
  });

  it('is soon again where another one comes to it', () => {
    vi.useFakeTimers();
    const { folder, path, second } = setUp();
    for (let round = 0; round < 5; round += 1) second.at([path]);
    second.at([path, join(folder, 'two')]);
    const startedMs = Date.now();
    vi.advanceTimersToNextTimer();
    expect(Date.now() - startedMs).toBe(500);
  });

  it('is not once there is none', () => {
    vi.useFakeTimers();
    const { path, second } = setUp();
    second.at([path]);
    second.at([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('may be in a folder that is gone', () => {
    const { second } = setUp();
    expect(() => second.at(['/nonexistent/folder/one', 'x'])).not.toThrow();
  });
});
