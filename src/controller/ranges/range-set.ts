/**
 * A set of numbers, kept as the ranges it consists of: a whole /8 costs as much as one address.
 * Sets are never changed, only derived from each other. With n ranges, whatever concerns one
 * number or one range takes O(log n).
 */
import type { NumberRange, RangeTree } from './range-tree.ts';
import { concat, difference, inOrder, link, rangeFrom, split } from './range-tree.ts';

/** An immutable set of numbers from 0 on. */
export class RangeSet implements Iterable<NumberRange> {
  static readonly empty = new RangeSet(undefined);

  readonly #tree: RangeTree;

  private constructor(tree: RangeTree) {
    this.#tree = tree;
  }

  /** The numbers of all these ranges, which may overlap and come in any order. */
  static of(...ranges: readonly NumberRange[]): RangeSet {
    return ranges.reduce((set, range) => set.add(range), RangeSet.empty);
  }

  /** How many numbers there are. */
  get size(): bigint {
    return this.#tree?.size ?? 0n;
  }

  /** Of how many ranges that do not touch each other the set consists. */
  get rangeCount(): number {
    return this.#tree?.ranges ?? 0;
  }

  has(number: bigint): boolean {
    return this.#rangeOf(number) !== undefined;
  }

  /** The lowest number; undefined for the empty set. */
  lowest(): bigint | undefined {
    return this.lowestFrom(0n);
  }

  /** The lowest number that is `from` or above it. */
  lowestFrom(from: bigint): bigint | undefined {
    const range = rangeFrom(this.#tree, from);
    if (range === undefined) return undefined;
    return range.first < from ? from : range.first;
  }

  /** With the numbers of `range` too; one whose last is below its first has none. */
  add(range: NumberRange): RangeSet {
    if (range.last < range.first) return this;
    // What touches the range becomes one with it.
    const first = this.#rangeOf(range.first - 1n)?.first ?? range.first;
    const last = this.#rangeOf(range.last + 1n)?.last ?? range.last;
    const [below] = split(this.#tree, first);
    const [, above] = split(this.#tree, last + 1n);
    return new RangeSet(link(below, { first, last }, above));
  }

  /** Without the numbers of `range`. */
  remove(range: NumberRange): RangeSet {
    if (range.last < range.first) return this;
    const [below] = split(this.#tree, range.first);
    const [, above] = split(this.#tree, range.last + 1n);
    return new RangeSet(concat(below, above));
  }

  /** Only the numbers that are in `range` too. */
  within(range: NumberRange): RangeSet {
    if (range.last < range.first) return RangeSet.empty;
    const [, from] = split(this.#tree, range.first);
    const [inside] = split(from, range.last + 1n);
    return new RangeSet(inside);
  }

  /** O(k log n), where k is the number of ranges of the set that has fewer. */
  union(other: RangeSet): RangeSet {
    const [more, fewer] = byRanges(this, other);
    let all = more;
    for (const range of fewer) all = all.add(range);
    return all;
  }

  /** O(k log n), where k is the number of ranges of `other`. */
  minus(other: RangeSet): RangeSet {
    return new RangeSet(difference(this.#tree, other.#tree));
  }

  /** O(k log n), where k is the number of ranges of the set that has fewer. */
  intersect(other: RangeSet): RangeSet {
    const [more, fewer] = byRanges(this, other);
    let both: RangeTree;
    for (const range of fewer) both = concat(both, more.within(range).#tree);
    return new RangeSet(both);
  }

  /** The ranges, the lowest first. */
  [Symbol.iterator](): Iterator<NumberRange> {
    return inOrder(this.#tree);
  }

  /** The numbers, the lowest first: only for sets that are known to be small. */
  *numbers(): Generator<bigint, void, undefined> {
    for (const { first, last } of this) {
      for (let number = first; number <= last; number += 1n) yield number;
    }
  }

  #rangeOf(number: bigint): NumberRange | undefined {
    const range = rangeFrom(this.#tree, number);
    return range !== undefined && range.first <= number ? range : undefined;
  }
}

/** The range that has only this number. */
export function only(number: bigint): NumberRange {
  return { first: number, last: number };
}

function byRanges(a: RangeSet, b: RangeSet): readonly [more: RangeSet, fewer: RangeSet] {
  return a.rangeCount < b.rangeCount ? [b, a] : [a, b];
}
