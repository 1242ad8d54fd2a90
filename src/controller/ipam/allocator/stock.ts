/**
 * Numbers that nobody has, and the order in which they are allocated: those that are free, the lowest
 * first, and only when none of them is left those that were released, the lowest first again. So an
 * address that a pod had a moment ago is given away last (Kube-OVN's order; see its IPAM).
 */
import { only, RangeSet } from '../../ranges/range-set.ts';

/** The unused numbers of one pool. It knows no owners: `take` and `release` are called by those who do. */
export class Stock {
  #free: RangeSet;
  #released: RangeSet;

  constructor(free: RangeSet = RangeSet.empty, released: RangeSet = RangeSet.empty) {
    this.#free = free;
    this.#released = released;
  }

  /** All that nobody has. */
  get available(): RangeSet {
    return this.#free.union(this.#released);
  }

  /** How many nobody has. */
  get size(): bigint {
    return this.#free.size + this.#released.size;
  }

  /** Those of them that somebody had before. */
  get released(): RangeSet {
    return this.#released;
  }

  /** The number to be allocated next that is not in `skip`. */
  next(skip: ReadonlySet<bigint>): bigint | undefined {
    return lowestNotIn(skip, this.#free) ?? lowestNotIn(skip, this.#released);
  }

  /** Someone has the number from now on, which was allocated dynamically or asked for by name. */
  take(number: bigint, how: 'dynamic' | 'named'): void {
    if (how === 'dynamic' && this.#free.rangeCount === 0) {
      this.#free = this.#released;
      this.#released = RangeSet.empty;
    }
    this.#free = this.#free.remove(only(number));
    this.#released = this.#released.remove(only(number));
  }

  /** Nobody has the number any more. */
  release(number: bigint): void {
    this.#released = this.#released.add(only(number));
  }

  /** Takes what is in `ranges` out, into a stock of its own. */
  cut(ranges: RangeSet): Stock {
    const part = new Stock(this.#free.intersect(ranges), this.#released.intersect(ranges));
    this.#free = this.#free.minus(ranges);
    this.#released = this.#released.minus(ranges);
    return part;
  }

  /** Puts all of another stock in. */
  join(other: Stock): void {
    this.#free = this.#free.union(other.#free);
    this.#released = this.#released.union(other.#released);
  }
}

function lowestNotIn(skip: ReadonlySet<bigint>, set: RangeSet): bigint | undefined {
  let number = set.lowest();
  while (number !== undefined && skip.has(number)) number = set.lowestFrom(number + 1n);
  return number;
}
