/**
 * The pools that the addresses of one Subnet and family are allocated from. An IPPool carves its
 * addresses out of the default pool, so each address is in exactly one.
 */
import { RangeSet } from '../../ranges/range-set.ts';
import type { NumberRange } from '../../ranges/range-tree.ts';
import { Stock } from './stock.ts';

/** Name of the pool with all that no IPPool has. */
export const DEFAULT_POOL = '';

interface Pool {
  /** What its IPPool says, whether the Subnet has such addresses or not. */
  readonly ranges: RangeSet;
  readonly stock: Stock;
}

interface NamedRange extends NumberRange {
  readonly pool: string;
}

/** The default pool and one pool for each IPPool of the Subnet, each with what nobody has of it. */
export class Pools {
  #rest = new Stock();
  readonly #named = new Map<string, Pool>();
  /** Ranges of all IPPools, the lowest first. */
  #index: readonly NamedRange[] = [];

  /** What nobody has, of the pool of this name. */
  stock(name: string): Stock | undefined {
    return name === DEFAULT_POOL ? this.#rest : this.#named.get(name)?.stock;
  }

  /** What the IPPool of this name says. */
  ranges(name: string): RangeSet | undefined {
    return this.#named.get(name)?.ranges;
  }

  /** Name of the pool that this number is in; O(log n) in the number of ranges of all pools. */
  nameOf(number: bigint): string {
    let low = 0;
    let high = this.#index.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#index[middle] as NamedRange).last < number) low = middle + 1;
      else high = middle;
    }
    const range = this.#index[low];
    return range !== undefined && range.first <= number ? range.pool : DEFAULT_POOL;
  }

  /** What nobody has, of the pool that this number is in. */
  stockOf(number: bigint): Stock {
    return this.stock(this.nameOf(number)) ?? this.#rest;
  }

  /** What nobody has, of all pools. */
  all(): readonly Stock[] {
    return [this.#rest, ...[...this.#named.values()].map(({ stock }) => stock)];
  }

  /** The first IPPool other than `name` that has any of `ranges`, and which. */
  overlap(name: string, ranges: RangeSet): { pool: string; shared: RangeSet } | undefined {
    for (const [pool, { ranges: others }] of this.#named) {
      const shared = pool === name ? RangeSet.empty : others.intersect(ranges);
      if (shared.rangeCount > 0) return { pool, shared };
    }
    return undefined;
  }

  /** An IPPool is there, or is another than it was; it overlaps with no other. */
  set(name: string, ranges: RangeSet): void {
    this.#release(name);
    this.#named.set(name, { ranges, stock: this.#rest.cut(ranges) });
    this.#reindex();
  }

  /** An IPPool is gone: its addresses go to the default pool, in the state they are in. */
  remove(name: string): void {
    this.#release(name);
    this.#named.delete(name);
    this.#reindex();
  }

  /** `stock` is from now on all that nobody has. */
  restock(stock: Stock): void {
    this.#rest = stock;
    for (const [name, { ranges }] of this.#named) {
      this.#named.set(name, { ranges, stock: stock.cut(ranges) });
    }
  }

  #release(name: string): void {
    const pool = this.#named.get(name);
    if (pool !== undefined) this.#rest.join(pool.stock);
  }

  #reindex(): void {
    this.#index = [...this.#named]
      .flatMap(([pool, { ranges }]) => [...ranges].map((range) => ({ ...range, pool })))
      .sort((a, b) => (a.first < b.first ? -1 : 1));
  }
}
