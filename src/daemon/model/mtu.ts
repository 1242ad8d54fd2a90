/**
 * MTU of a NIC, and of the node's tunnels. Pure.
 */

import type { Family } from '../../common/address.ts';
import { IPV6_MTU_MIN, MTU_MAX, MTU_MIN } from '../../common/mtu.ts';
import { providerNetworkLabels } from '../../common/provider-network.ts';
import { invalid } from '../call/error.ts';
import type { Node } from './node.ts';
import type { Subnet } from './subnet.ts';

/**
 * The encapsulations of tunnels, as `--network-type` names them; each takes another number of bytes of the
 * MTU.
 */
export type NetworkType = 'geneve' | 'vxlan' | 'stt';

/** Bytes that a tunnel adds to a pod's packet over IPv4; an IPv6 header has 20 more. */
const TUNNEL_OVERHEAD_BYTES: Readonly<Record<NetworkType, number>> = {
  geneve: 100,
  vxlan: 50,
  stt: 72,
};
const IPV6_EXTRA_BYTES = 20;

/** Bytes left for a pod's packet in a tunnel over a device of `deviceMtu` bytes. */
export function tunnelMtu(deviceMtu: number, type: NetworkType, isIpv6: boolean): number {
  return deviceMtu - TUNNEL_OVERHEAD_BYTES[type] - (isIpv6 ? IPV6_EXTRA_BYTES : 0);
}

/** What an MTU is given by. */
export interface MtuSources {
  readonly subnet: Subnet | undefined;
  /** Empty for an overlay NIC. */
  readonly providerNetwork: string;
  readonly node: Node | undefined;
}

/**
 * MTU of a NIC in bytes, where it does not follow from the node's tunnels: the Subnet's, else for
 * an underlay NIC that of the provider network's device.
 * @returns undefined for a NIC that takes the tunnels'
 * @throws CniError 7 when the Subnet's or the node's label is not an MTU
 */
export function ownMtu({ subnet, providerNetwork, node }: MtuSources): number | undefined {
  if (subnet !== undefined && subnet.mtu !== undefined) {
    return checkMtu(subnet.mtu, `spec.mtu of Subnet ${subnet.name}`);
  }
  const isUnderlay = subnet?.underlay === true && !subnet.u2oInterconnection;
  if (providerNetwork === '' || !isUnderlay) return undefined;
  const { mtu: label } = providerNetworkLabels(providerNetwork);
  const text = node?.labels[label];
  return !text ? undefined : checkMtu(text, `node label ${label}`);
}

/** @throws CniError 7 for an MTU that is too small for the NIC's addresses */
export function refuseSmallMtu(mtu: number, families: readonly Family[]): void {
  if (mtu >= IPV6_MTU_MIN || !families.includes('IPv6')) return;
  throw invalid('the MTU', mtu, `at least ${IPV6_MTU_MIN} bytes for a NIC with an IPv6 address`);
}

function checkMtu(found: number | string, field: string): number {
  const mtu = /^\d{1,5}$/.test(String(found)) ? Number(found) : Number.NaN;
  if (mtu >= MTU_MIN && mtu <= MTU_MAX) return mtu;
  throw invalid(field, found, `a number of bytes from ${MTU_MIN} to ${MTU_MAX}`);
}
