/**
 * What the allocator is given and asked, and what it answers. All of it is checked before: texts of
 * annotations and objects do not get here.
 */
import type { Address, Family } from '../../../common/address.ts';
import type { AddressRange } from '../../ranges/address-range.ts';
import type { AllocationError } from './error.ts';
import type { MayShare, Owner } from './owners.ts';
import type { Block } from './subnet-addresses.ts';

/** What a Subnet says that matters here. */
export interface SubnetSpec {
  readonly name: string;
  /** One per family; none for a Subnet of which NICs get only MAC addresses. */
  readonly blocks: readonly Block[];
  /** Never allocated dynamically; given to who asks for them by name. Of both families. */
  readonly excludes: readonly AddressRange[];
}

/** An IPPool as the allocator is given it. */
export interface PoolSpec {
  readonly name: string;
  /** Name of the Subnet whose addresses these are. */
  readonly subnet: string;
  readonly ranges: readonly AddressRange[];
}

/** Addresses asked for by name, at most one per family; a family without one has a free one. */
export type FixedAddresses = readonly Address[];

/** Which addresses a NIC is to have. */
export type AddressRequest =
  /** Any address of an IPPool, or of what no IPPool has. */
  | { readonly kind: 'dynamic'; readonly pool?: string | undefined }
  /**
   * The first of these that can be had; for a pod of a StatefulSet, which has an index, exactly
   * the one at that index.
   */
  | {
      readonly kind: 'fixed';
      readonly entries: readonly FixedAddresses[];
      readonly index?: number | undefined;
    };

/** Which MAC address a NIC is to have. */
export type MacRequest =
  /** The NIC gets its MAC address elsewhere, as a macvlan one does. */
  | { readonly kind: 'none' }
  /** The one it has, or a new one. */
  | { readonly kind: 'dynamic' }
  | { readonly kind: 'fixed'; readonly mac: string };

/** All that one NIC asks for, in one Subnet. */
export interface AcquireRequest extends Owner {
  /** Name of the Subnet. */
  readonly subnet: string;
  readonly addresses: AddressRequest;
  readonly mac: MacRequest;
  /** The only family the NIC is to have; all of the Subnet, where it is not said. */
  readonly family?: Family | undefined;
  /** Addresses that are not allocated, such as those of nodes. */
  readonly skip?: readonly Address[] | undefined;
  /** Whose addresses it may have, too, where it asks for them by name; nobody's by default. */
  readonly mayShare?: MayShare | undefined;
}

/** What a NIC is known to have, from an earlier controller. */
export interface AdoptRequest extends Owner {
  readonly subnet: string;
  readonly addresses: FixedAddresses;
  readonly mac?: string | undefined;
  /** Who may have the same, too; nobody by default. */
  readonly mayShare?: MayShare | undefined;
  /**
   * True where no object of the cluster says so but the pod itself, whose author may write anything:
   * it then keeps only what could be allocated dynamically. What is out of range, excluded or the gateway's is
   * refused.
   */
  readonly isUnrecorded?: boolean | undefined;
  /** A user's IP object promises it to the NIC. */
  readonly reserved?: boolean | undefined;
}

/** What a NIC has. */
export interface Allocation extends Owner {
  readonly subnet: string;
  /** IPv4 first; none where the Subnet has only MAC addresses. */
  readonly addresses: readonly Address[];
  /** In lower case, with colons. */
  readonly mac: string | undefined;
  /** Whether it stays the NIC's when its pod is gone. */
  readonly reserved: boolean;
}

/** What came of taking over an earlier allocation. */
export interface Adoption {
  /** Undefined where all was refused: the NIC has then what it had before. */
  readonly allocation: Allocation | undefined;
  /** What the NIC did not get: it is someone else's, or nobody's to have. */
  readonly refused: readonly AllocationError[];
  /** What the NIC has, and would not have got: it is out of range, or the gateway's. */
  readonly misplaced: readonly AllocationError[];
}
