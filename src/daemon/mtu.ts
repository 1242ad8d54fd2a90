/**
 * MTU of a NIC, and of the node's tunnels. Pure.
 */
import { invalid } from './error.ts';
import type { Node } from './objects/node.ts';
import { providerNetworkMtuLabel } from './objects/node.ts';
import type { Subnet } from './objects/subnet.ts';

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

/**
 * MTU of a NIC in bytes: the Subnet's, else for an underlay NIC the provider network's device
 * (0, the kernel's default, where its label is not there), else the node's tunnels'.
 * @throws CniError 7 when the node's label is not a number
 */
export function nicMtu(options: {
  subnet: Subnet | undefined;
  providerNetwork: string;
  node: Node | undefined;
  tunnelMtu: number;
}): number {
  const { subnet, providerNetwork, node } = options;
  if (subnet !== undefined && subnet.mtu > 0) return subnet.mtu;
  const isUnderlay = subnet?.underlay === true && !subnet.u2oInterconnection;
  if (providerNetwork === '' || !isUnderlay) return options.tunnelMtu;
  const label = providerNetworkMtuLabel(providerNetwork);
  const text = node?.labels[label];
  if (text === undefined) return 0;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw invalid(`node label ${label}`, text, 'a number of bytes');
  return Number(text);
}
