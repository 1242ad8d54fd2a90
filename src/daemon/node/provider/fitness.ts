/**
 * What a provider network may take of a node: which link can be its card, and which bridge of OVS its own. All
 * else is refused before anything is touched, since an object of the cluster names it, and a slip of the
 * pen must not cost a node its loopback, its pods' network or a bridge of somebody else. Pure.
 */
import type { OvsState } from '../../ovs/state.ts';
import type { KernelLink, KernelLinks } from './kernel.ts';
import { type FoundBridge, isOwnBridge, mappedBridge } from './ovs-bridge.ts';

/**
 * Kinds of links (ip-link(8)) that never lead to a physical network by themselves, and what each is: such as
 * plugins of pods' networks make. Ports of OVS itself are found by its rows.
 */
const UNFIT_KINDS: Readonly<Record<string, string>> = {
  bridge: 'a bridge',
  dummy: 'a dummy link',
  geneve: 'a tunnel',
  gretap: 'a tunnel',
  ip6gretap: 'a tunnel',
  ifb: 'an intermediate link of traffic control',
  openvswitch: 'a link of OVS itself',
  vrf: 'a VRF',
  vxlan: 'a tunnel',
};
/** Those of OVS's datapaths, and of no row of its database. */
const DATAPATH_LINKS: readonly string[] = ['ovs-netdev', 'ovs-system'];
/** Kinds of links that have cards as members, and can be a port in their place. */
const AGGREGATES: readonly string[] = ['bond', 'team'];

/**
 * The link that is to be a provider network's card.
 * @param bridge name of the provider network's bridge
 * @throws Error where the node has no such link, or it is none to be taken
 */
export function fitCard(
  card: string,
  links: KernelLinks,
  { state, bridge }: { readonly state: OvsState; readonly bridge: string },
): KernelLink {
  const found = links.get(card);
  if (found === undefined) throw new Error(`nic ${card} does not exist`);
  const what = unfitness(found);
  if (what !== undefined) {
    throw new Error(`nic ${card} is ${what}: name a network card, a bond or a VLAN interface`);
  }
  refuseMember(found, links);
  const other = state.bridgeOfInterface(card)?.name;
  if (other === card) throw new Error(`nic ${card} is an OVS bridge itself`);
  if (other !== undefined && other !== bridge) {
    throw new Error(`nic ${card} is a port of the OVS bridge ${other}`);
  }
  return found;
}

function unfitness({ name, kind, isEthernet }: KernelLink): string | undefined {
  if (DATAPATH_LINKS.includes(name)) return UNFIT_KINDS.openvswitch;
  return UNFIT_KINDS[kind] ?? (isEthernet ? undefined : 'no Ethernet interface');
}

function refuseMember({ name, master }: KernelLink, links: KernelLinks): void {
  if (master === undefined || master === 'ovs-system') return;
  const { kind = '' } = links.get(master) ?? {};
  const advice = AGGREGATES.includes(kind)
    ? `name ${master} instead`
    : 'take it out of there first';
  throw new Error(`nic ${name} belongs to ${master}: ${advice}`);
}

/**
 * A bridge that somebody else has made is taken only where they have told OVN that it is this network's.
 * @param found the bridge that has the name which the provider network's is to have
 * @throws Error for one that is not to be touched
 */
export function refuseForeignBridge(
  network: string,
  found: FoundBridge | undefined,
  ids: Readonly<Record<string, string>>,
): void {
  if (found === undefined || isOwnBridge(found)) return;
  if (mappedBridge(network, ids) === found.name) return;
  throw new Error(
    `the OVS bridge ${found.name} is not Kube-OVN's: it has no vendor=kube-ovn in its external_ids; remove it, or give the ProviderNetwork another name`,
  );
}
