import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { NotDone } from '../../../../src/common/reconcile/not-done.ts';
import { WorkQueue } from '../../../../src/common/reconcile/work-queue.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import { gatedQueue, NEVER, turns } from './work-queue-support.ts';

describe('work that waits for something by name', () => {
  it('is woken by that name alone, and by a change of its object', async () => {
    const { add, waitFor, wake, succeed, begun, runningKeys, queue } = gatedQueue({
      concurrency: 3,
    });
    await add('a', 'b', 'c');
    await waitFor('a', 'Subnet/red', 'Namespace/x');
    await waitFor('b', 'Subnet/blue');
    await waitFor('c', 'Subnet/red');
    await wake('Subnet/green', 'Vpc/red');
    expect(runningKeys()).toEqual([]);
    await wake('Subnet/red');
    expect(runningKeys()).toEqual(['a', 'c']);
    await succeed('a');
    await wake('Namespace/x', 'Subnet/red');
    await add('b');
    expect(runningKeys()).toEqual(['c', 'b']);
    expect(begun).toHaveLength(6);
    await succeed('c');
    await succeed('b');
    await queue.stop();
  });

  it('costs nothing where it is not meant: 1,000 that wait, and 100 events for others', async () => {
    const runs = new Map<string, number>();
    const queue = new WorkQueue({
      concurrency: 64,
      what: 'the work',
      log: new RecordingLog(),
      work: async (key) => {
        runs.set(key, (runs.get(key) ?? 0) + 1);
        throw new NotDone('no subnet', { waitsFor: [`Subnet/of-${key}`, 'Namespace/x'] });
      },
    });
    for (let key = 0; key < 1_000; key++) queue.add(`${key}`);
    await queue.idle();
    for (let event = 0; event < 100; event++) {
      queue.wake(`Subnet/other-${event}`);
      await queue.idle();
    }
    expect(queue.figures).toMatchObject({ runs: 1_000, paused: 1_000 });
    queue.wake('Subnet/of-17');
    await queue.idle();
    expect(queue.figures.runs).toBe(1_001);
    expect(runs.get('17')).toBe(2);
    queue.wake('Namespace/x');
    await queue.idle();
    expect(queue.figures).toMatchObject({ runs: 2_001, paused: 1_000 });
    await queue.stop();
  });

  it('does not miss what came after it had looked, and before it failed', async () => {
    const { add, waitFor, wake, begun, queue } = gatedQueue({ concurrency: 2 });
    await add('a', 'b');
    await wake('Subnet/red');
    await waitFor('a', 'Subnet/red');
    await waitFor('b', 'Subnet/blue');
    expect(begun).toEqual(['a', 'b', 'a']);
    await waitFor('a', 'Subnet/red');
    expect(queue.figures).toMatchObject({ runs: 3, paused: 2 });
    await queue.stop();
  });

  it('of which there is not enough is woken one after another, as long as something is left', async () => {
    const { add, waitFor, succeed, begun, runningKeys, queue } = gatedQueue({ concurrency: 9 });
    await add('a', 'b', 'c', 'd');
    for (const key of ['a', 'b', 'c', 'd']) await waitFor(key, 'addresses');
    let left = 1;
    queue.wakeSome('addresses', () => left);
    await turns();
    expect(runningKeys()).toEqual(['a']);
    // It wants another one.
    await waitFor('a', 'addresses');
    expect(runningKeys()).toEqual(['b']);
    left = 0;
    await succeed('b');
    expect(runningKeys()).toEqual([]);
    left = 2;
    queue.wakeSome('addresses', () => left);
    await turns();
    expect(runningKeys()).toEqual(['c', 'd']);
    await waitFor('c', 'addresses');
    await waitFor('d', 'addresses');
    await waitFor('a', 'addresses');
    // Each was offered what is left once; nobody wants it.
    expect(runningKeys()).toEqual([]);
    expect(begun).toHaveLength(9);
    await queue.stop();
  });

  it('is looked at again after a long while, should nobody wake it', async () => {
    const pauses = { firstMs: 600_000, maxMs: 600_000, namedMs: 4 };
    const { add, waitFor, begun, runningKeys, queue } = gatedQueue({ pauses });
    await add('a');
    await waitFor('a', 'Subnet/red');
    while (!runningKeys().includes('a')) await sleep(1);
    expect(begun).toEqual(['a', 'a']);
    await waitFor('a');
    await queue.stop();
  });
});

describe('work that wakes what it waits for itself', () => {
  /** Runs until nobody runs at once: without a pause that would never be. */
  async function runsOf(keys: readonly string[], wakenBy: (key: string) => string) {
    let runs = 0;
    const queue: WorkQueue = new WorkQueue({
      concurrency: 2,
      pauses: NEVER,
      what: 'the work',
      log: new RecordingLog(),
      work: async (key) => {
        runs += 1;
        queue.wake(wakenBy(key));
        throw new NotDone('waiting', { waitsFor: [key] });
      },
    });
    for (const key of keys) queue.add(key);
    await queue.idle();
    return { queue, runs: () => runs };
  }

  it.each<[what: string, keys: readonly string[], wakenBy: (key: string) => string]>([
    ['one key', ['a'], (key) => key],
    ['two that wake each other', ['a', 'b'], (key) => (key === 'a' ? 'b' : 'a')],
    ['three in a ring', ['a', 'b', 'c'], (key) => ({ a: 'b', b: 'c' })[key] ?? 'a'],
  ])('does not go round without a pause: %s', async (_, keys, wakenBy) => {
    const { queue, runs } = await runsOf(keys, wakenBy);
    expect(queue.figures).toMatchObject({ depth: 0, running: 0, paused: keys.length });
    expect(runs()).toBeLessThan(100 * keys.length);
    await queue.stop();
  });

  it('is done at once when its object changes, and goes on after the pause otherwise', async () => {
    const { queue, runs } = await runsOf(['a'], (key) => key);
    const before = runs();
    queue.add('a');
    await queue.idle();
    const after = runs();
    expect(after).toBeGreaterThan(before);
    while (runs() === after) await sleep(10);
    await queue.stop();
  });

  it('and other work is woken meanwhile as ever', async () => {
    const { queue, add, waitFor, wake, runningKeys } = gatedQueue({ concurrency: 2 });
    await add('loop', 'other');
    await waitFor('other', 'Subnet/red');
    for (let round = 0; round < 200 && runningKeys().includes('loop'); round++) {
      await wake('x');
      await waitFor('loop', 'x');
    }
    expect(runningKeys()).toEqual([]);
    await wake('Subnet/red');
    expect(runningKeys()).toEqual(['other']);
    await waitFor('other', 'Subnet/red');
    await queue.stop();
  });
});
