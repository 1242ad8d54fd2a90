/**
 * How many addresses are taken and left, as the status of Subnets and IPPools has it. Pure.
 */

import { rawFields } from '../../common/fields.ts';
import type { FamilyUsage, Usage } from '../ranges/usage.ts';
import { changedFields } from './changes.ts';
import { type Condition, projectConditions } from './conditions.ts';
import type { MergePatch } from './meta.ts';

/** What is kept of a status: what we write. */
export interface UsageStatus {
  /** Counts and ranges, by their names in the object. */
  readonly usage: Readonly<Record<string, string | number | undefined>>;
  readonly conditions: readonly Condition[];
}

/** How an object names its fields; Subnets and IPPools differ in the case of letters. */
export type UsageNames = (version: 'v4' | 'v6') => Readonly<Record<keyof FamilyUsage, string>>;

const VERSIONS = [
  ['IPv4', 'v4'],
  ['IPv6', 'v6'],
] as const;

/** Reads the counts and ranges of a raw status by their names in the object, and its conditions. */
export function projectUsageStatus(raw: unknown, namesOf: UsageNames): UsageStatus {
  const status = rawFields(raw);
  const usage = new Map<string, string | number | undefined>();
  for (const [, version] of VERSIONS) {
    const names = namesOf(version);
    for (const name of [names.available, names.using]) usage.set(name, readCount(status[name]));
    for (const name of [names.availableRanges, names.usingRanges]) {
      usage.set(name, typeof status[name] === 'string' ? status[name] : undefined);
    }
  }
  return {
    usage: Object.fromEntries(usage),
    conditions: projectConditions(status.conditions),
  };
}

/** The patch that makes a status say this, or undefined where it does. */
export function usagePatch(
  { usage: current }: UsageStatus,
  namesOf: UsageNames,
  usage: Usage,
): MergePatch | undefined {
  const wanted = VERSIONS.flatMap(([family, version]) => {
    const names = namesOf(version);
    const { available, availableRanges, using, usingRanges } = usage[family];
    return [
      [names.available, countValue(available)],
      [names.availableRanges, availableRanges],
      [names.using, countValue(using)],
      [names.usingRanges, usingRanges],
    ] as const;
  });
  const changes = changedFields(current, Object.fromEntries(wanted));
  return changes && { status: changes };
}

/**
 * A count as it stands in JSON. The API server keeps numbers as floating point, so that the count
 * of a large IPv6 network is near its value, and a comparison has to be made of what is kept.
 */
function countValue(count: bigint): number {
  return Number(count < 0n ? 0n : count);
}

/** Kube-OVN takes numbers and texts of digits. */
function readCount(raw: unknown): number | undefined {
  const count = typeof raw === 'string' ? Number.parseFloat(raw) : raw;
  return typeof count === 'number' && Number.isFinite(count) ? count : undefined;
}
