/**
 * Status of a Subnet: how many of its addresses are taken, and what came of it. Pure.
 */

import type { Address, Family } from '../../../../common/address.ts';
import {
  errorCleared,
  type Outcome,
  says,
  unobserved,
  updatedConditions,
} from '../../../model/conditions.ts';
import type { MergePatch } from '../../../model/meta.ts';
import { projectUsageStatus, type UsageStatus, usagePatch } from '../../../model/usage-status.ts';
import type { AddressRange } from '../../../ranges/address-range.ts';
import { numbersOf, usableOf } from '../../../ranges/address-range.ts';
import type { FamilyUsage, Usage } from '../../../ranges/usage.ts';
import { isMacOnly, type Subnet, type SubnetBlock } from './subnet.ts';
import { includes } from './subnet-excludes.ts';

/** Success that means that NICs can be attached. */
const READY_REASONS = [
  'SetNonOvnSubnetSuccess',
  'ResetLogicalSwitchAclSuccess',
  'SetPrivateLogicalSwitchSuccess',
  'ReconcileCentralizedGatewaySuccess',
];
const NO_USAGE: FamilyUsage = { using: 0n, usingRanges: '', available: 0n, availableRanges: '' };
const NOT_VALID = 'ValidateLogicalSwitchFailed';
const STANDARD_CONDITIONS = ['Ready', 'Validated', 'Error'];

/** The counts, ranges and conditions of a raw Subnet's status; what cannot be read counts as absent. */
export function projectSubnetStatus(raw: unknown): UsageStatus {
  return projectUsageStatus(raw, usageNames);
}

function usageNames(version: 'v4' | 'v6') {
  return {
    available: `${version}availableIPs`,
    availableRanges: `${version}availableIPrange`,
    using: `${version}usingIPs`,
    usingRanges: `${version}usingIPrange`,
  };
}

/**
 * How many IP objects with these addresses count as in use: one that lies in `excludeIps` does not,
 * since what is excluded is not among the available ones either. The gateway's entry is no such
 * exclusion, and mostly the only one: then nobody's addresses are looked at.
 */
export function usingCount(
  subnet: Subnet,
  ips: { readonly size: number; values(): Iterable<{ readonly addresses: readonly Address[] }> },
): number {
  if (isMacOnly(subnet)) return 0;
  const gateways = new Set(subnet.blocks.map(({ gateway }) => gateway.text));
  const excludes = subnet.excludes.filter(
    ({ first, last }) => first.text !== last.text || !gateways.has(first.text),
  );
  if (excludes.length === 0) return ips.size;
  let using = 0;
  for (const { addresses } of ips.values()) {
    const isExcluded = addresses.some((address) =>
      excludes.some((range) => includes(range, { first: address, last: address })),
    );
    if (!isExcluded) using += 1;
  }
  return using;
}

/**
 * The patch of the addresses' status, or undefined where it says so already.
 *
 * @param using how many IP objects of the Subnet count (`usingCount`); of a dual-stack Subnet
 *   Kube-OVN has the same number for both families
 * @param usage what the allocator says, of which only the ranges are taken: Kube-OVN's counts are
 *   of IP objects
 */
export function subnetUsagePatch(
  subnet: Subnet,
  status: UsageStatus,
  using: number,
  usage: Usage,
): MergePatch | undefined {
  if (isMacOnly(subnet)) return undefined;
  const counted = (family: Family): FamilyUsage => {
    const block = subnet.blocks.find((candidate) => candidate.family === family);
    if (block === undefined) return NO_USAGE;
    const available = capacity(block, subnet.excludes) - BigInt(using);
    return { ...usage[family], using: BigInt(using), available };
  };
  return usagePatch(status, usageNames, { IPv4: counted('IPv4'), IPv6: counted('IPv6') });
}

/** How many addresses NICs can have as long as none has any. */
function capacity({ cidr, family }: SubnetBlock, excludes: readonly AddressRange[]): bigint {
  const usable = usableOf(cidr);
  let count = usable.last - usable.first + 1n;
  for (const range of excludes) {
    if (range.first.family !== family) continue;
    const { first, last } = numbersOf(range);
    const from = first < usable.first ? usable.first : first;
    const to = last > usable.last ? usable.last : last;
    if (from <= to) count -= to - from + 1n;
  }
  return count;
}

/**
 * The patch of the conditions, or undefined where they say so already. Kube-OVN's rules, but an
 * error that is over is said to be over.
 */
export function subnetConditionsPatch(
  { conditions }: UsageStatus,
  outcome: Outcome,
  now: Date,
): MergePatch | undefined {
  const { reason, message } = outcome;
  const said =
    message === undefined
      ? [
          says('Validated', 'True', reason),
          ...(READY_REASONS.includes(reason) ? [says('Ready', 'True', reason)] : []),
          ...errorCleared(conditions),
        ]
      : [
          says('Error', 'True', reason, message),
          reason === NOT_VALID
            ? says('Validated', 'False', reason, message)
            : says('Validated', 'True', reason),
          says('Ready', 'False', reason, message),
        ];
  const types = STANDARD_CONDITIONS.filter((type) => !said.some((one) => one.type === type));
  const updated = updatedConditions(conditions, [...said, ...unobserved(types, conditions)], now);
  return updated && { status: { conditions: updated } };
}
