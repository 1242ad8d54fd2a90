/**
 * How many addresses of a Subnet or of an IPPool are used, and which ones.
 */
import type { Family } from '../../common/address.ts';

/** How much of one family is used, of a Subnet or an IPPool, and which addresses that is. */
export interface FamilyUsage {
  readonly using: bigint;
  /** "10.0.0.2-10.0.0.9,10.0.0.20" */
  readonly usingRanges: string;
  readonly available: bigint;
  readonly availableRanges: string;
}

/** By family; one that the Subnet does not have is all zero. */
export type Usage = Readonly<Record<Family, FamilyUsage>>;
