/**
 * IPPool: a named part of a Subnet's addresses, for those who ask for it. Pure.
 */
import type { Family } from '../../../../common/address.ts';
import { rawFields, readFields } from '../../../../common/fields.ts';
import { isEarlier, type Meta, projectMeta } from '../../../model/meta.ts';
import { type Checked, checked, checkedValue, type Problem, say } from '../../../model/problem.ts';
import type { UsageStatus } from '../../../model/usage-status.ts';
import type { AddressRange } from '../../../ranges/address-range.ts';
import { addressOf, numbersOf, parseRange } from '../../../ranges/address-range.ts';
import type { NumberRange } from '../../../ranges/range-tree.ts';
import { plainText } from '../../subnet/object/subnet-spelling.ts';
import { projectIpPoolStatus } from './ippool-status.ts';

/** An IPPool's spec, checked. */
export interface IpPool {
  readonly name: string;
  /** Name of the Subnet; never changes. */
  readonly subnet: string;
  /** In the order of the object; they may overlap each other. */
  readonly ranges: readonly AddressRange[];
  /** Namespaces whose pods have their primary address from it. */
  readonly namespaces: readonly string[];
  readonly enableAddressSet: boolean;
}

/** What is kept of an IPPool object. */
export interface IpPoolObject {
  readonly meta: Meta;
  readonly checked: Checked<IpPool>;
  readonly status: UsageStatus;
}

/** A raw IPPool as the API server sends it. Never throws for what a user can write. */
export function projectIpPool(raw: unknown): IpPoolObject {
  const meta = projectMeta(raw);
  const { spec, status } = rawFields(raw);
  return { meta, checked: checkIpPool(meta.name, spec), status: projectIpPoolStatus(status) };
}

function checkIpPool(name: string, spec: unknown): Checked<IpPool> {
  const problems: Problem[] = [];
  const report = (problem: Problem) => {
    problems.push(problem);
  };
  const fields = readFields(spec, 'spec', report);
  const subnet = fields.text('subnet');
  if (subnet === '') {
    report({ message: say`ippool ${name} has no subnet`, advice: 'set spec.subnet' });
  }
  const ranges = fields.texts('ips').flatMap((text) => {
    const range = parseRange(plainText(text));
    if (range !== undefined) return [range];
    report({
      message: say`invalid ip range ${text} in ippool ${name}`,
      advice: 'write an address, a range like "10.16.0.2..10.16.0.9", or a CIDR',
    });
    return [];
  });
  const namespaces = fields.texts('namespaces');
  const enableAddressSet = fields.flag('enableAddressSet');
  return checked({ name, subnet, ranges, namespaces, enableAddressSet }, problems);
}

/**
 * What is wrong with a pool beside the other pools: an address is in one pool at most. Of two that
 * want it, the one that came first has it, so that it goes on as it did.
 */
export function ipPoolConflict(
  object: IpPoolObject,
  others: Iterable<IpPoolObject>,
): Problem | undefined {
  const pool = checkedValue(object.checked);
  if (pool === undefined) return undefined;
  for (const other of others) {
    const rival = checkedValue(other.checked);
    if (rival === undefined || other.meta.deleting || rival.subnet !== pool.subnet) continue;
    if (rival.name === pool.name || !isEarlier(other, object)) continue;
    const shared = firstShared(pool.ranges, rival.ranges);
    if (shared === undefined) continue;
    return {
      message: `ippool ${pool.name} has conflict IPs with ippool ${rival.name}: ${shared}`,
      advice: 'take addresses that no other IPPool of the Subnet has',
    };
  }
  return undefined;
}

interface SortedRange extends NumberRange {
  readonly family: Family;
}

/** Of each list of ranges, worked out once: it is compared with those of all pools of the Subnet. */
const sortedRanges = new WeakMap<readonly AddressRange[], readonly SortedRange[]>();

function sortedOf(ranges: readonly AddressRange[]): readonly SortedRange[] {
  const known = sortedRanges.get(ranges);
  if (known !== undefined) return known;
  const sorted = ranges
    .map((range) => ({ ...numbersOf(range), family: range.first.family }))
    .sort(comparePlaces);
  sortedRanges.set(ranges, sorted);
  return sorted;
}

function comparePlaces(one: SortedRange, other: SortedRange): number {
  if (one.family !== other.family) return one.family < other.family ? -1 : 1;
  if (one.first === other.first) return 0;
  return one.first < other.first ? -1 : 1;
}

/** The lowest addresses that both have, as a text. O(ranges), once they are sorted. */
function firstShared(
  ranges: readonly AddressRange[],
  others: readonly AddressRange[],
): string | undefined {
  const [left, right] = [sortedOf(ranges), sortedOf(others)];
  for (let [l, r] = [0, 0]; l < left.length && r < right.length; ) {
    const [one, other] = [left[l] as SortedRange, right[r] as SortedRange];
    if (isBefore(one, other)) l += 1;
    else if (isBefore(other, one)) r += 1;
    else return sharedText(one, other);
  }
  return undefined;
}

/** True where all of one is before all of the other. */
function isBefore(one: SortedRange, other: SortedRange): boolean {
  return one.family === other.family ? one.last < other.first : one.family < other.family;
}

function sharedText(one: SortedRange, other: SortedRange): string {
  const from = one.first < other.first ? other.first : one.first;
  const to = one.last > other.last ? other.last : one.last;
  return `${addressOf(one.family, from).text}..${addressOf(one.family, to).text}`;
}
