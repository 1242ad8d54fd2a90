/**
 * The one kind of failure that an allocation ends with. `reason` is Kube-OVN's text, with which
 * the message begins, so that people find what has been written about it.
 */
import { ownerName } from '../../model/owner-key.ts';
import type { Owner } from './owners.ts';

/** Kube-OVN's texts for what may be wrong. */
export type AllocationReason =
  /** The Subnet does not have this address, or not for NICs. */
  | 'AddressOutOfRange'
  /** The address, the MAC address or the NIC is someone else's. */
  | 'AddressConflict'
  /** What addresses may be allocated from has none left, or is not there. */
  | 'NoAvailableAddress'
  | 'NoSubnet'
  /** The networks of a Subnet are not such that addresses can be allocated. */
  | 'CIDRInvalid'
  /** An address of this family is asked for that the Subnet or the request does not have. */
  | 'InvalidIPFamily'
  /** Two IPPools have the same addresses; Kube-OVN has a sentence for it instead of a name. */
  | 'IPPoolConflict';

/** What an AllocationError is made of. */
export interface AllocationErrorFields {
  readonly reason: AllocationReason;
  /** What is wrong, without the reason. */
  readonly what: string;
  /** What to do. */
  readonly details: string;
  /** Name of the Subnet. */
  readonly subnet: string;
  /** IP or MAC address that it is about. */
  readonly address?: string | undefined;
  /** Who has that address. */
  readonly owners?: readonly Owner[];
}

/** Why a request for addresses cannot be met; `reason` is for code, the rest for an event on the pod. */
export class AllocationError extends Error {
  readonly reason: AllocationReason;
  readonly details: string;
  readonly subnet: string;
  readonly address: string | undefined;
  readonly owners: readonly Owner[];

  constructor({ reason, what, details, subnet, address, owners = [] }: AllocationErrorFields) {
    super(reason === 'IPPoolConflict' ? what : `${reason}: ${what}`);
    this.name = 'AllocationError';
    this.reason = reason;
    this.details = details;
    this.subnet = subnet;
    this.address = address;
    this.owners = owners;
  }
}

/** Someone else has an IP or MAC address: `kind` is what to call it. */
export function takenBy(
  owners: readonly Owner[],
  { kind, address, subnet }: { kind: string; address: string; subnet: string },
): AllocationError {
  return new AllocationError({
    reason: 'AddressConflict',
    what: `${kind} ${address} of subnet ${subnet} belongs to ${owners.map(ownerText).join(', ')}`,
    details: `ask for another ${kind}, or remove what has this one`,
    subnet,
    address,
    owners,
  });
}

/** "NIC a.default of pod default/a", "NIC vm.default of virtual machine default/vm" */
export function ownerText({ nic, pod }: Owner): string {
  return `NIC ${nic} of ${ownerName(pod)}`;
}
