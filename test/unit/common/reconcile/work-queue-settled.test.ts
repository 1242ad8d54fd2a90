/** How long who waits for one key of a work queue waits. */
import { expect, it } from 'vitest';
import { gatedQueue, turns } from './work-queue-support.ts';

/** Whether a wait has ended by now. */
function watched(wait: Promise<void>): () => boolean {
  let isOver = false;
  void wait.then(() => {
    isOver = true;
  });
  return () => isOver;
}

it('nobody waits for a key that nothing is to be done for', async () => {
  const { queue } = gatedQueue();
  await queue.settled('a');
});

it('a wait lasts until the last run that was asked for has ended, and no longer', async () => {
  const { queue, add, succeed } = gatedQueue({ concurrency: 2 });
  await add('a', 'b');
  await add('a');
  const isOver = watched(queue.settled('a'));
  await succeed('a');
  expect(isOver()).toBe(false);
  await succeed('a');
  expect(isOver()).toBe(true);
});

it('a run that fails is no more waited for: it may be tried again for ever', async () => {
  const { queue, add, fail } = gatedQueue();
  await add('a');
  const isOver = watched(queue.settled('a'));
  await fail('a');
  expect(isOver()).toBe(true);
  await queue.settled('a');
});

it('a queue that is stopped lets those go that wait for what it does not begin', async () => {
  const { queue, add, succeed } = gatedQueue();
  await add('a', 'b');
  const isOver = { a: watched(queue.settled('a')), b: watched(queue.settled('b')) };
  const stopped = queue.stop();
  await turns();
  expect([isOver.a(), isOver.b()]).toEqual([false, true]);
  await succeed('a');
  expect(isOver.a()).toBe(true);
  await stopped;
});
