/** The networks of the hostile soak: one of macvlan, whose addresses we only hand out, and one of OVN. */

import { SOCKET } from '../../../test/lab/daemon.ts';
import type { NewObject } from '../../../test/lab/kubernetes/api.ts';
import { ovnNetwork, subnet } from '../../../test/node/controller-manifests.ts';

/** A network as the attacks and the oracle know it; the controller's view of it is not asked. */
export interface Network {
  readonly name: string;
  /** Prefix of its annotations, without `.kubernetes.io/`. */
  readonly provider: string;
  readonly ifName: string;
  /** One of each family that it has. */
  readonly cidrs: readonly string[];
  readonly gateways: readonly string[];
  /** Addresses that a pod has only if it asks for them. */
  readonly excluded: readonly string[];
}

/** Small, so that random addresses are often taken ones. */
export const LAN: Network = {
  name: 'lan',
  provider: 'lan.default',
  ifName: 'net1',
  cidrs: ['172.17.0.0/25'],
  gateways: ['172.17.0.1'],
  excluded: ['172.17.0.2', '172.17.0.3', '172.17.0.4'],
};
export const RED: Network = {
  name: 'red',
  provider: 'red.default.ovn',
  ifName: 'net2',
  cidrs: ['10.50.0.0/25', 'fd00:50::/120'],
  gateways: ['10.50.0.1', 'fd00:50::1'],
  excluded: ['10.50.0.2', '10.50.0.3'],
};
export const NETWORKS: readonly Network[] = [LAN, RED];

/** What the networks annotation of a pod with a NIC of each says. */
export const BOTH = 'default/lan,default/red';

export function manifests(): NewObject[] {
  return [macvlan(), ovnNetwork('red'), ...NETWORKS.map(subnetOf)];
}

/** With the capability for MACs: macvlan takes the one that Multus passes on. */
function macvlan(): NewObject {
  const ipam = { type: 'kube-ovn', server_socket: SOCKET, provider: LAN.provider };
  const plugin = { type: 'macvlan', master: 'eth0', mode: 'bridge', capabilities: { mac: true } };
  return {
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'lan', namespace: 'default' },
    spec: { config: JSON.stringify({ cniVersion: '0.3.1', ...plugin, ipam }) },
  };
}

function subnetOf({ name, provider, cidrs, gateways, excluded }: Network): NewObject {
  return subnet(name, {
    provider,
    cidrBlock: cidrs.join(','),
    gateway: gateways.join(','),
    excludeIps: [...gateways, ...excluded],
  });
}
