/**
 * The addresses of one Subnet and one family: which there are, which nobody has, and who has the
 * others. It decides nothing about NICs: plan.ts asks what would be possible, and the allocator
 * then takes and releases.
 *
 * What nobody has is at all times: usable, less gateway, excluded and used ones; and each such
 * address is in the stock of one pool.
 */

import type { Address, Cidr, Family } from '../../../common/address.ts';
import { cidrText, contains } from '../../../common/address.ts';
import type { AddressRange } from '../../ranges/address-range.ts';
import { addressOf, numberOf, rangesOf, rangesText, usableOf } from '../../ranges/address-range.ts';
import { only, RangeSet } from '../../ranges/range-set.ts';
import type { FamilyUsage } from '../../ranges/usage.ts';
import { AllocationError, ownerText, takenBy } from './error.ts';
import type { MayShare, Owner } from './owners.ts';
import { Owners } from './owners.ts';
import { DEFAULT_POOL, Pools } from './pools.ts';
import { Stock } from './stock.ts';

/** What a Subnet has of one family. */
export interface Block {
  readonly cidr: Cidr;
  /** Never given to a NIC, whether or not it is excluded too. */
  readonly gateway?: Address | undefined;
}

/** The same without which addresses they are. */
export interface AddressCounts {
  readonly used: bigint;
  /** Of no IPPool. */
  readonly available: bigint;
}

/**
 * One family of one Subnet. Questions return an AllocationError as a value; whoever calls `take` or `release`
 * has asked before.
 */
export class SubnetAddresses {
  readonly family: Family;
  readonly #subnet: string;
  #cidr: Cidr | undefined;
  #gateway: bigint | undefined;
  #usable = RangeSet.empty;
  #excluded = RangeSet.empty;
  #used = RangeSet.empty;
  readonly #owners = new Owners<bigint>();
  readonly #pools = new Pools();

  constructor(subnet: string, family: Family) {
    this.#subnet = subnet;
    this.family = family;
  }

  /** Whether the Subnet has addresses of this family. */
  get exists(): boolean {
    return this.#cidr !== undefined;
  }

  /**
   * The Subnet says this now; excluded ranges of the other family do not matter. Owners keep what
   * they have, wherever it lies. What was released stays released.
   */
  configure(block: Block | undefined, excludes: readonly AddressRange[]): void {
    this.#cidr = block?.cidr;
    this.#gateway = block?.gateway && numberOf(block.gateway);
    this.#usable = block === undefined ? RangeSet.empty : RangeSet.of(usableOf(block.cidr));
    this.#excluded = RangeSet.of(...rangesOf(this.family, excludes));
    const released = this.#pools
      .all()
      .reduce((all, stock) => all.union(stock.released), RangeSet.empty);
    const allowed = this.#withoutGateway(this.#usable.minus(this.#excluded));
    const unused = allowed.minus(this.#used);
    this.#pools.restock(new Stock(unused.minus(released), unused.intersect(released)));
  }

  /** Why there cannot be an IPPool of these ranges, or undefined. */
  poolProblem(name: string, ranges: RangeSet): AllocationError | undefined {
    const overlap = this.#pools.overlap(name, ranges);
    if (overlap === undefined) return undefined;
    const shared = rangesText(this.family, overlap.shared);
    return new AllocationError({
      reason: 'IPPoolConflict',
      what: `ippool ${name} has conflict IPs with ippool ${overlap.pool}: ${shared}`,
      details: `remove these addresses from spec.ips of ippool ${name} or ippool ${overlap.pool}`,
      subnet: this.#subnet,
    });
  }

  /** There is an IPPool of these ranges now, with which `poolProblem` found nothing wrong. */
  setPool(name: string, ranges: RangeSet): void {
    this.#pools.set(name, ranges);
  }

  /** An IPPool is gone: what nobody has of it goes to the default pool. */
  removePool(name: string): void {
    this.#pools.remove(name);
  }

  /** Whether the number is one of this pool, whoever has it. */
  isIn(pool: string, number: bigint): boolean {
    return this.#pools.nameOf(number) === pool;
  }

  /**
   * Why `owner` may not have this address, asked for by name, or undefined. It may be an excluded
   * one and one of any pool: people set aside what they want to give out themselves.
   */
  problem(number: bigint, owner: Owner, mayShare: MayShare): AllocationError | undefined {
    return this.misplacement(number) ?? this.conflict(number, owner, mayShare);
  }

  /** Why nobody may have this address, or undefined. */
  misplacement(number: bigint): AllocationError | undefined {
    if (!this.#usable.has(number)) return this.#outOfRange(number);
    if (number !== this.#gateway) return undefined;
    const address = this.#text(number);
    return new AllocationError({
      reason: 'AddressConflict',
      what: `${address} is the gateway of subnet ${this.#subnet}${this.#hasIt(number)}`,
      details: 'use another address, or another gateway in the Subnet',
      subnet: this.#subnet,
      address,
      owners: this.#owners.of(number),
    });
  }

  /** Why this address could not be allocated dynamically if nobody had it, or undefined. */
  dynamicProblem(number: bigint): AllocationError | undefined {
    const problem = this.misplacement(number);
    if (problem !== undefined || !this.#excluded.has(number)) return problem;
    const address = this.#text(number);
    return new AllocationError({
      reason: 'AddressOutOfRange',
      what: `${address} is one of the excludeIps of subnet ${this.#subnet}${this.#hasIt(number)}`,
      details: 'take another address, or reserve this one by an IP object',
      subnet: this.#subnet,
      address,
      owners: this.#owners.of(number),
    });
  }

  /** Whose address it is, where that keeps `owner` from having it, as an error. */
  conflict(number: bigint, owner: Owner, mayShare: MayShare): AllocationError | undefined {
    const others = this.#owners.against(owner, number, mayShare);
    if (others.length === 0) return undefined;
    const address = this.#text(number);
    return takenBy(others, { kind: 'address', address, subnet: this.#subnet });
  }

  /** The address to be allocated next from a pool, other than those in `skip`; or why there is none. */
  next(pool: string, skip: ReadonlySet<bigint>): bigint | AllocationError {
    const from = `subnet ${this.#subnet}`;
    const stock = this.#pools.stock(pool);
    const number = stock?.next(skip);
    if (number !== undefined) return number;
    return new AllocationError({
      reason: 'NoAvailableAddress',
      what:
        stock === undefined
          ? `there is no ippool ${pool} of ${from}`
          : `no ${this.family} address of ${pool === DEFAULT_POOL ? from : `ippool ${pool} of ${from}`} is left`,
      details:
        pool === DEFAULT_POOL
          ? 'free addresses, exclude fewer, or use a Subnet with a larger cidrBlock'
          : `look at spec.ips of ippool ${pool}: it needs addresses of each family of the NIC`,
      subnet: this.#subnet,
    });
  }

  /** `owner` has the address from now on. */
  take(number: bigint, owner: Owner, how: 'dynamic' | 'named'): void {
    this.#pools.stockOf(number).take(number, how);
    this.#used = this.#used.add(only(number));
    this.#owners.add(number, owner);
  }

  /** `owner` no longer has the address; when nobody has, it may be allocated again, last of all. */
  release(number: bigint, owner: Owner): void {
    if (!this.#owners.remove(number, owner)) return;
    this.#used = this.#used.remove(only(number));
    if (this.misplacement(number) !== undefined || this.#excluded.has(number)) return;
    this.#pools.stockOf(number).release(number);
  }

  ownersOf(number: bigint): readonly Owner[] {
    return this.#owners.of(number);
  }

  /** What is owned and yet nobody may have. */
  misplaced(): AllocationError[] {
    const numbers = this.#used.minus(this.#withoutGateway(this.#usable));
    return [...numbers.numbers()].flatMap((number) => this.misplacement(number) ?? []);
  }

  /** Excluded addresses count as neither used nor available. */
  usage(): FamilyUsage {
    const available = this.#pools
      .all()
      .reduce((all, stock) => all.union(stock.available), RangeSet.empty);
    return this.#usageOf(this.#used.minus(this.#excluded), available);
  }

  /** Quick, also where they are scattered. */
  counts(): AddressCounts {
    const used = this.#used.minus(this.#excluded).size;
    return { used, available: this.availableCount(DEFAULT_POOL) };
  }

  /** How many addresses nobody has, of all pools or of one IPPool. Quick, also where they are scattered. */
  availableCount(pool?: string): bigint {
    const stocks = pool === undefined ? this.#pools.all() : [this.#pools.stock(pool)];
    return stocks.reduce((sum, stock) => sum + (stock?.size ?? 0n), 0n);
  }

  /** Addresses of an IPPool count as used even where they are excluded, as in Kube-OVN. */
  poolUsage(name: string): FamilyUsage | undefined {
    const ranges = this.#pools.ranges(name);
    const stock = this.#pools.stock(name);
    if (ranges === undefined || stock === undefined) return undefined;
    return this.#usageOf(this.#used.intersect(ranges), stock.available);
  }

  #usageOf(using: RangeSet, available: RangeSet): FamilyUsage {
    return {
      using: using.size,
      usingRanges: rangesText(this.family, using),
      available: available.size,
      availableRanges: rangesText(this.family, available),
    };
  }

  #withoutGateway(set: RangeSet): RangeSet {
    return this.#gateway === undefined ? set : set.remove(only(this.#gateway));
  }

  #outOfRange(number: bigint): AllocationError {
    const address = addressOf(this.family, number);
    const cidr = this.#cidr;
    return new AllocationError({
      reason: 'AddressOutOfRange',
      what: `${address.text} is ${placeOf(address, cidr)} subnet ${this.#subnet}${this.#hasIt(number)}`,
      details:
        cidr === undefined
          ? `the Subnet has no ${this.family} cidrBlock`
          : `an address of ${rangesText(this.family, this.#usable)} is possible`,
      subnet: this.#subnet,
      address: address.text,
      owners: this.#owners.of(number),
    });
  }

  #hasIt(number: bigint): string {
    const [owner] = this.#owners.of(number);
    return owner === undefined ? '' : `, and ${ownerText(owner)} has it`;
  }

  #text(number: bigint): string {
    return addressOf(this.family, number).text;
  }
}

function placeOf(address: Address, cidr: Cidr | undefined): string {
  return cidr !== undefined && contains(cidr, address)
    ? `the first or last address of ${cidrText(cidr)} of`
    : 'outside of';
}
