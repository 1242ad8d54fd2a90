import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LoopDelay, timed } from '../../../src/common/loop-delay.ts';
import { RecordingLog } from './kubernetes/support.ts';

function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('an event loop that is held', () => {
  it('is a line in the log that names the longest piece of work, where it is known', async () => {
    const log = new RecordingLog();
    const delay = new LoopDelay(log);
    await sleep(50);
    timed(
      () => 'a pod',
      () => hold(300),
    );
    timed(
      () => 'another pod',
      () => hold(50),
    );
    await log.waitForCount(1);
    const [line] = log.lines;
    expect(line?.level).toBe('warn');
    expect(line?.fields).toMatchObject({ work: 'a pod' });
    expect(Number(line?.fields.delayMs)).toBeGreaterThanOrEqual(250);
    expect(line?.fields).toHaveProperty('cpuMs');
    delay.stop();
  });

  it('is told each second to whom wants to know', async () => {
    const told: number[] = [];
    const heard = Promise.withResolvers<void>();
    const delay = new LoopDelay(new RecordingLog(), (delayMs) => {
      told.push(delayMs);
      if (delayMs > 0) heard.resolve();
    });
    await sleep(50);
    hold(300);
    await heard.promise;
    expect(Math.max(...told)).toBeGreaterThanOrEqual(250);
    delay.stop();
  });

  it('is told by its longest time when that is asked for, which begins anew', async () => {
    const log = new RecordingLog();
    const delay = new LoopDelay(log);
    await sleep(50);
    hold(1000);
    await sleep(50);
    const { maxMs } = delay;
    expect(maxMs).toBeGreaterThanOrEqual(900);
    delay.report();
    expect(log.lines.at(-1)?.fields.maxMs).toBe(maxMs);
    await sleep(50);
    expect(delay.maxMs).toBeLessThan(maxMs);
    delay.stop();
  });
});

describe('work that is timed', () => {
  it('returns what it returns, and throws what it throws', () => {
    expect(
      timed(
        () => 'x',
        () => 7,
      ),
    ).toBe(7);
    const fails = () =>
      timed(
        () => 'x',
        () => {
          throw new Error('no');
        },
      );
    expect(fails).toThrow('no');
  });
});
