import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { only, RangeSet } from '../../../../src/controller/ranges/range-set.ts';
import type { NumberRange, RangeTree } from '../../../../src/controller/ranges/range-tree.ts';
import { concat, link, split } from '../../../../src/controller/ranges/range-tree.ts';
import { imbalanceOf, shuffled } from './trees.ts';

/** All numbers that the sets of these tests can have. */
const UNIVERSE = Array.from({ length: 48 }, (_, number) => number);

const range = fc
  .tuple(fc.nat(39), fc.nat(8))
  .map(([first, more]) => ({ first: BigInt(first), last: BigInt(first + more) }));
const change = fc.record({ kind: fc.constantFrom('add', 'remove', 'keep'), range });
const changes = fc.array(change, { maxLength: 40 });

function inRange(number: number, { first, last }: NumberRange): boolean {
  return first <= BigInt(number) && BigInt(number) <= last;
}

/** The set, and the same as a list of booleans. */
function made(steps: readonly { kind: string; range: NumberRange }[]) {
  let set = RangeSet.empty;
  let model = UNIVERSE.map(() => false);
  for (const { kind, range: each } of steps) {
    if (kind === 'add') set = set.add(each);
    else if (kind === 'remove') set = set.remove(each);
    else if (model.filter(Boolean).length > 20) set = set.within(each);
    else continue;
    model = model.map((had, number) =>
      inRange(number, each) ? kind !== 'remove' && (had || kind === 'add') : kind !== 'keep' && had,
    );
  }
  return { set, model };
}

function numbersIn(model: readonly boolean[]): bigint[] {
  return UNIVERSE.filter((number) => model[number]).map(BigInt);
}

describe('a set of ranges', () => {
  it('has what was added and not removed, whatever the order', async () => {
    await fc.assert(
      fc.property(changes, (steps) => {
        const { set, model } = made(steps);
        const numbers = numbersIn(model);
        expect([...set.numbers()]).toEqual(numbers);
        expect(set.size).toBe(BigInt(numbers.length));
        expect(set.lowest()).toBe(numbers[0]);
        for (const number of UNIVERSE.map(BigInt)) {
          expect(set.has(number)).toBe(numbers.includes(number));
          expect(set.lowestFrom(number)).toBe(numbers.find((each) => each >= number));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('consists of as few ranges as possible, the lowest first', async () => {
    await fc.assert(
      fc.property(changes, (steps) => {
        const all = [...made(steps).set];
        all.forEach(({ first, last }, position) => {
          expect(first).toBeLessThanOrEqual(last);
          const next = all[position + 1];
          if (next !== undefined) expect(next.first).toBeGreaterThan(last + 1n);
        });
        expect(made(steps).set.rangeCount).toBe(all.length);
      }),
    );
  });

  it('is united, cut and compared as any set is', async () => {
    await fc.assert(
      fc.property(changes, changes, (one, other) => {
        const a = made(one);
        const b = made(other);
        const both = (rule: (inA: boolean, inB: boolean) => boolean) =>
          numbersIn(a.model.map((inA, number) => rule(inA, b.model[number] ?? false)));
        expect([...a.set.union(b.set).numbers()]).toEqual(both((inA, inB) => inA || inB));
        expect([...a.set.minus(b.set).numbers()]).toEqual(both((inA, inB) => inA && !inB));
        expect([...a.set.intersect(b.set).numbers()]).toEqual(both((inA, inB) => inA && inB));
      }),
      { numRuns: 300 },
    );
  });

  it('is not changed by what is derived from it', async () => {
    await fc.assert(
      fc.property(changes, range, (steps, each) => {
        const { set, model } = made(steps);
        set.add(each);
        set.remove(each);
        set.within(each);
        expect([...set.numbers()]).toEqual(numbersIn(model));
      }),
    );
  });

  it('takes a range that ends before it begins for empty', () => {
    const set = RangeSet.of({ first: 1n, last: 9n });
    const empty = { first: 5n, last: 4n };
    expect([...set.add(empty)]).toEqual([{ first: 1n, last: 9n }]);
    expect([...set.remove(empty)]).toEqual([{ first: 1n, last: 9n }]);
    expect(set.within(empty).size).toBe(0n);
  });
});

describe('the tree below', () => {
  const NUMBERS = Array.from({ length: 3_000 }, (_, index) => BigInt(2 * index));

  it.each([
    ['upwards', (numbers: readonly bigint[]) => numbers],
    ['downwards', (numbers: readonly bigint[]) => numbers.toReversed()],
    ['in any order', shuffled],
  ])('is in balance when filled %s', (_, order) => {
    let tree: RangeTree;
    for (const number of order(NUMBERS)) {
      const [below, above] = split(tree, number);
      tree = link(below, only(number), above);
    }
    expect(tree?.ranges).toBe(NUMBERS.length);
    expect(imbalanceOf(tree)).toBeLessThanOrEqual(3);
  });

  it('is in balance when trees of any size are put together', () => {
    let lower: RangeTree;
    let upper: RangeTree;
    for (const number of NUMBERS) {
      lower = link(lower, only(number), undefined);
      upper = link(undefined, only(50_000n - number), upper);
      if (number % 50n !== 0n) continue;
      expect(imbalanceOf(lower)).toBeLessThanOrEqual(3);
      expect(imbalanceOf(upper)).toBeLessThanOrEqual(3);
      const [few, many] = split(lower, number / 7n);
      for (const [left, right] of [
        [lower, upper],
        [few, many],
        [few, upper],
      ]) {
        const both = concat(left, right);
        expect(both?.ranges).toBe((left?.ranges ?? 0) + (right?.ranges ?? 0));
        expect(imbalanceOf(both)).toBeLessThanOrEqual(3);
      }
    }
  });

  it('is in balance when numbers are taken out at random', () => {
    let tree: RangeTree;
    for (const number of NUMBERS) tree = link(tree, only(number), undefined);
    for (const number of shuffled(NUMBERS).slice(100)) {
      const [below] = split(tree, number);
      const [, above] = split(tree, number + 1n);
      tree = concat(below, above);
      if (number % 50n === 0n) expect(imbalanceOf(tree)).toBeLessThanOrEqual(3);
    }
    expect(tree?.ranges).toBe(100);
    expect(imbalanceOf(tree)).toBeLessThanOrEqual(3);
  });
});
