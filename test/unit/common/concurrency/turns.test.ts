import { setImmediate as turnOver } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from '../../../../src/common/concurrency/turns.ts';

it('the first in a turn of the event loop goes on at once, each other in a turn of its own', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const work = ['a', 'b', 'c'].map(async (name) => {
    await turns.next();
    order.push(name);
  });
  await work[0];
  expect(order).toEqual(['a']);
  await turnOver();
  await turnOver();
  await Promise.all(work);
  expect(order).toEqual(['a', 'b', 'c']);
});

it('between two turns others are heard', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const enter = (name: string) => turns.next().then(() => order.push(name));
  const work = [enter('a'), enter('b'), enter('c')];
  setImmediate(() => {
    order.push('call');
    setImmediate(() => order.push('call'));
  });
  await Promise.all(work);
  expect(order).toEqual(['a', 'call', 'b', 'call', 'c']);
});

it('a turn that nobody had is not waited for', async () => {
  const turns = new Turns();
  await turns.next();
  await turnOver();
  await turnOver();
  let isOver = false;
  setImmediate(() => {
    isOver = true;
  });
  await turns.next();
  expect(isOver).toBe(false);
});
