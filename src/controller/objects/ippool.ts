/**
 * IPPool: a named part of a Subnet's addresses, for those who ask for it. Pure.
 */
import type { AddressRange } from '../allocator/address-range.ts';
import { numberOf, parseRange } from '../allocator/address-range.ts';
import { rawFields, readFields } from './fields.ts';
import { projectIpPoolStatus } from './ippool-status.ts';
import { isEarlier, type Meta, projectMeta } from './meta.ts';
import { type Checked, checked, checkedValue, type Problem, say } from './problem.ts';
import type { UsageStatus } from './usage.ts';

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
    const range = parseRange(text);
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

/** The first two ranges with an address in common, as a text. */
function firstShared(
  ranges: readonly AddressRange[],
  others: readonly AddressRange[],
): string | undefined {
  for (const { first, last } of ranges) {
    for (const other of others) {
      if (other.first.family !== first.family) continue;
      const from = numberOf(first) < numberOf(other.first) ? other.first : first;
      const to = numberOf(last) > numberOf(other.last) ? other.last : last;
      if (numberOf(from) <= numberOf(to)) return `${from.text}..${to.text}`;
    }
  }
  return undefined;
}
