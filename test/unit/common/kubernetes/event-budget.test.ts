import { describe, expect, it } from 'vitest';
import { EventBudget } from '../../../../src/common/kubernetes/event-budget.ts';
import { messages, setUp, WEB } from './events-support.ts';

const RATES = {
  perObject: { burst: 3, everyMs: 1000 },
  total: { burst: 5, everyMs: 100 },
};

describe('an allowance of events', () => {
  it('is so many about one object at once, and then one at a time', () => {
    const budget = new EventBudget(RATES);
    const taken = [0, 0, 0, 0, 999, 1000, 1000].map((atMs) => budget.take('web', atMs));
    const no = 'perObject';
    expect(taken).toEqual([undefined, undefined, undefined, no, no, undefined, no]);
  });

  it('of one object is not used up by another one', () => {
    const budget = new EventBudget(RATES);
    for (let count = 0; count < 4; count += 1) budget.take('web', 0);
    expect(budget.take('db', 0)).toBeUndefined();
  });

  it('is for all objects together, too', () => {
    const budget = new EventBudget(RATES);
    const taken = ['a', 'b', 'c', 'd', 'e', 'f'].map((uid) => budget.take(uid, 0));
    expect(taken).toEqual([...Array(5).fill(undefined), 'total']);
    expect(budget.take('f', 100)).toBeUndefined();
  });

  it('grows to no more than the burst', () => {
    const budget = new EventBudget(RATES);
    budget.take('web', 0);
    const taken = Array.from({ length: 4 }, () => budget.take('web', 3_600_000));
    expect(taken).toEqual([undefined, undefined, undefined, 'perObject']);
  });

  it('is remembered of so many objects that none can be forgotten by asking for more', () => {
    const rates = { ...RATES, total: { burst: 100_000, everyMs: 1 } };
    const budget = new EventBudget(rates);
    for (let count = 0; count < 3; count += 1) budget.take('web', 0);
    for (let index = 0; index < 1000; index += 1) budget.take(`other-${index}`, 0);
    expect(budget.take('web', 0)).toBe('perObject');
  });
});

it('events about one object that are too many are dropped, and one line says so', async () => {
  await using all = await setUp({ rates: { ...RATES, total: { burst: 100, everyMs: 1 } } });
  for (const message of messages(20)) all.say(message);
  all.say('of another', { ...WEB, uid: 'uid-of-web-1', name: 'web-1' });
  await all.recorder.idle;
  expect(all.said()).toEqual(['message 0', 'message 1', 'message 2', 'of another']);
  expect(all.log.levels).toEqual(['warn']);
  expect(all.log.lines[0]?.fields.reason).toBe('too many about Pod shop/web-0');
});
