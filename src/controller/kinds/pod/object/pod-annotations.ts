/**
 * What is written on a pod for its NICs: one merge patch for all of them. Pure.
 *
 * `allocated` and the addresses stand and fall together, and `routed` is never without
 * `allocated`: the node's daemon waits for them.
 */

import { parseMac } from '../../../../common/address.ts';
import { annotationKey, sharedNetwork } from '../../../model/annotation-key.ts';
import { changedFields } from '../../../model/changes.ts';
import type { MergePatch } from '../../../model/meta.ts';
import type { ClusterSettings } from '../../../model/settings.ts';
import type { VlanObject } from '../../vlan/object/vlan.ts';
import { type AllocatedNic, addressesText } from './allocated-nic.ts';
import type { Pod } from './pod.ts';

/** A NIC with all that its annotations say. */
export interface AnnotatedNic extends AllocatedNic {
  /** Of an underlay Subnet. */
  readonly vlan?: VlanObject;
  /** True once OVN's logical routing for the NIC is ready; means nothing for an `ipam` NIC. */
  readonly isRouted: boolean;
}

/** A text, or null for a key that is to go. */
type Annotations = Readonly<Record<string, string | null>>;

/** What is written for a NIC, and goes with it. */
const WRITTEN_NAMES = [
  ...['ip_address', 'mac_address', 'cidr', 'gateway', 'logical_switch', 'pod_nic_type'],
  ...['allocated', 'virtualmachine', 'logical_router', 'vlan_id', 'provider_network', 'routed'],
];

/**
 * The patch that makes the pod say this of its NICs, or undefined where it does.
 * @param removed keys of NICs that it does not have, from `unpluggedKeys` or `unallocatedKeys`
 */
export function annotationsPatch(
  pod: Pod,
  nics: readonly AnnotatedNic[],
  settings: ClusterSettings,
  removed: Annotations = {},
): MergePatch | undefined {
  const wanted: Record<string, string | null> = { ...removed };
  for (const key of Object.keys(removed)) Object.assign(wanted, unroutedNetwork(pod, key));
  for (const nic of nics) {
    Object.assign(wanted, routedNetwork(pod, nic), annotationsOf(pod, nic, settings));
  }
  return patchOf(pod, wanted);
}

/**
 * Kube-OVN's daemon looks for `routed` of NICs that share a network under the network, where no
 * controller writes it, once the network's `default_route` is "true"; ours looks under both.
 */
function routedNetwork({ annotations }: Pod, { provider, kind, isRouted }: AnnotatedNic) {
  const network = sharedNetwork(provider);
  if (network === undefined || kind !== 'ovn' || !isRouted) return {};
  const isAsked = annotations[annotationKey(network, 'default_route')] === 'true';
  return isAsked ? { [annotationKey(network, 'routed')]: 'true' } : {};
}

/** @param key of what is removed: with the `routed` of a NIC that of its network goes */
function unroutedNetwork({ annotations }: Pod, key: string): Annotations {
  const end = annotationKey('', 'routed');
  const network = key.endsWith(end) ? sharedNetwork(key.slice(0, -end.length)) : undefined;
  if (network === undefined || annotations[annotationKey(network, 'allocated')]) return {};
  return { [annotationKey(network, 'routed')]: null };
}

/** The keys of what was written for a NIC that the pod no longer has. */
export function unpluggedKeys(provider: string): Annotations {
  return Object.fromEntries(WRITTEN_NAMES.map((name) => [annotationKey(provider, name), null]));
}

/** The keys by which the node's daemon knows that a NIC has its addresses. */
export function unallocatedKeys(provider: string): Annotations {
  const names = ['allocated', 'cidr', 'gateway', 'routed'];
  return Object.fromEntries(names.map((name) => [annotationKey(provider, name), null]));
}

/** True for a pod to which no addresses are published. */
export function isUnallocated({ annotations }: Pod): boolean {
  return !Object.keys(annotations).some((key) => key.endsWith(annotationKey('', 'allocated')));
}

/** With the UID, the patch is refused for another pod that has taken the name meanwhile. */
function patchOf({ annotations, uid }: Pod, wanted: Annotations): MergePatch | undefined {
  const changes = changedFields(annotations, wanted);
  return changes && { metadata: { uid, annotations: changes } };
}

function annotationsOf(pod: Pod, nic: AnnotatedNic, settings: ClusterSettings): Annotations {
  const { provider, subnet, addresses, kind } = nic;
  const vm = settings.keepsVmAddresses ? pod.machine?.name : undefined;
  const values: Annotations = {
    ip_address: addressesText(addresses),
    ...macOf(pod, nic),
    cidr: subnet.cidrBlock,
    gateway: subnet.gateway,
    allocated: 'true',
    // What does not hold for the NIC goes, whoever wrote it: the node's daemon goes by these.
    virtualmachine: vm ?? null,
    logical_router: null,
    vlan_id: null,
    provider_network: null,
    ...(kind === 'ovn' ? ovnValues(pod, nic, settings) : { pod_nic_type: null }),
  };
  const keyed = Object.entries(values).map(([name, value]) => [
    annotationKey(provider, name),
    value,
  ]);
  return Object.fromEntries(keyed);
}

/**
 * The MAC as it is written already, if it is this one in other letters. Where an `ipam` NIC has
 * none, nobody asked for one, and there is nothing to remove.
 */
function macOf({ annotations }: Pod, { provider, mac }: AnnotatedNic): Annotations {
  if (mac === undefined) return {};
  const written = annotations[annotationKey(provider, 'mac_address')] ?? '';
  return { mac_address: parseMac(written) === mac ? written : mac };
}

function ovnValues(pod: Pod, nic: AnnotatedNic, settings: ClusterSettings): Annotations {
  const { provider, subnet, vlan, isRouted } = nic;
  const written = (name: string) => pod.annotations[annotationKey(provider, name)] ?? '';
  return {
    logical_switch: subnet.name,
    pod_nic_type: written('pod_nic_type') || settings.podNicType,
    ...(subnet.hasRouterPort && subnet.vpc !== '' ? { logical_router: subnet.vpc } : {}),
    ...(vlan === undefined ? {} : { vlan_id: String(vlan.id), provider_network: vlan.provider }),
    ...(isRouted ? { routed: 'true' } : {}),
  };
}
