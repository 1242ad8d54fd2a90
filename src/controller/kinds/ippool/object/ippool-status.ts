/**
 * Status of an IPPool: how many of its addresses are taken, and what came of it. Pure.
 */

import { errorCleared, type Outcome, says, updatedConditions } from '../../../model/conditions.ts';
import type { MergePatch } from '../../../model/meta.ts';
import { projectUsageStatus, type UsageStatus, usagePatch } from '../../../model/usage-status.ts';
import type { Usage } from '../../../ranges/usage.ts';

/** The counts, ranges and conditions of a raw IPPool's status; what cannot be read counts as absent. */
export function projectIpPoolStatus(raw: unknown): UsageStatus {
  return projectUsageStatus(raw, usageNames);
}

function usageNames(version: 'v4' | 'v6') {
  return {
    available: `${version}AvailableIPs`,
    availableRanges: `${version}AvailableIPRange`,
    using: `${version}UsingIPs`,
    usingRanges: `${version}UsingIPRange`,
  };
}

/** The patch of the addresses' status, or undefined where it says so already. */
export function ipPoolUsagePatch(status: UsageStatus, usage: Usage): MergePatch | undefined {
  return usagePatch(status, usageNames, usage);
}

/** The patch of the conditions, or undefined where they say so already. */
export function ipPoolConditionsPatch(
  { conditions }: UsageStatus,
  { reason, message }: Outcome,
  now: Date,
): MergePatch | undefined {
  const said =
    message === undefined
      ? [says('Ready', 'True', reason), ...errorCleared(conditions)]
      : [says('Error', 'True', reason, message), says('Ready', 'False', reason, message)];
  const updated = updatedConditions(conditions, said, now);
  return updated && { status: { conditions: updated } };
}
