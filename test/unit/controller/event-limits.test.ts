import { describe, expect, it } from 'vitest';
import { EventBudget, type EventRates } from '../../../src/common/kubernetes/event-budget.ts';
import { EVENT_LIMITS } from '../../../src/controller/event-limits.ts';

const budget = () => new EventBudget(EVENT_LIMITS.rates as EventRates);
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("the controller's events", () => {
  it('of ten thousand pods that come at once are all allowed, two of each', () => {
    const all = budget();
    const refused = range(20_000).filter((index) => all.take(`pod-${index % 10_000}`, 0));
    expect(refused).toEqual([]);
  });

  it('about one object that is changed again and again are 25, and then one a minute', () => {
    const all = budget();
    const allowed = (atMs: number) =>
      range(100).filter(() => all.take('flooded', atMs) === undefined).length;
    expect(allowed(0)).toBe(25);
    expect(allowed(60_000)).toBe(1);
    expect(all.take('another', 60_000)).toBeUndefined();
  });
});
