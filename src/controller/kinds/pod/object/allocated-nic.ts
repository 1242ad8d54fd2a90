/**
 * One NIC of a pod with what it was given: what annotations, IP object and events are made of.
 */

import type { Address } from '../../../../common/address.ts';
import type { NetworkReason, ObjectEvent } from '../../../model/events.ts';
import type { Subnet } from '../../subnet/object/subnet.ts';

/** `ovn` where we make the interface, `ipam` where another plugin makes it. */
export type NicKind = 'ovn' | 'ipam';

/** A NIC, and what the allocator gave it. */
export interface AllocatedNic {
  readonly kind: NicKind;
  /** What its annotations are under; ends with the interface where NICs share a network. */
  readonly provider: string;
  /** Its key: name of its logical switch port and of its IP object. */
  readonly port: string;
  readonly subnet: Subnet;
  /** None where only the MAC is ours; of two, the IPv4 address is the first. */
  readonly addresses: readonly Address[];
  /** Of an `ipam` NIC only where somebody asked for it. */
  readonly mac?: string;
}

/** `v4`, `v6` or `v4,v6`. */
export function addressesText(addresses: readonly Address[]): string {
  return addresses.map(({ text }) => text).join(',');
}

/** What was done for these NICs of a pod. */
export function networkEvent(reason: NetworkReason, nics: readonly AllocatedNic[]): ObjectEvent {
  const message = nics
    .map(({ provider, subnet, addresses, mac = '', port }) => {
      const ip = addressesText(addresses);
      return `provider=${provider} subnet=${subnet.name} ip=${ip} mac=${mac} logicalSwitchPort=${port}`;
    })
    .join('; ');
  return { type: 'Normal', reason, message };
}
