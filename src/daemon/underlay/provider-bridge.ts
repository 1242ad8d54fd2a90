/**
 * The bridges of provider networks on this node, as OVS's rows and OVN's mapping have them. Pure.
 */
import { BRIDGE_MAPPINGS, parseMap } from '../node/provider/names-map.ts';
import type { OvsState } from '../ovs/state.ts';
import type { ProviderBridge } from './fdb-entries.ts';

const PATCH_PORT = /^patch-localnet\..+-to-br-int$/;
/** Of the port of a VLAN interface of the node's, which is no network card: whose place it takes. */
const VLAN_SOURCE = 'provider-vlan-interface';

/** By name. */
export function providerBridges(state: OvsState): ReadonlyMap<string, ProviderBridge> {
  const networks = new Map<string, Set<string>>();
  for (const [network, bridge] of parseMap(state.externalIds[BRIDGE_MAPPINGS])) {
    if (network === '' || bridge === '') continue;
    networks.set(bridge, (networks.get(bridge) ?? new Set()).add(network));
  }
  const bridges = [...networks].flatMap(([name, ofBridge]) => {
    const row = state.bridgeNamed(name);
    return row === undefined ? [] : [bridgeOf(state, name, ofBridge)];
  });
  return new Map(bridges.map((bridge) => [bridge.name, bridge]));
}

/** Equal texts are equal bridges. */
export function bridgesText(state: OvsState): string {
  const bridges = [...providerBridges(state).values()];
  return JSON.stringify(
    bridges.map(({ name, networks, card, patchPorts }) => [
      ...[name, [...networks], card ?? 0, [...patchPorts]],
      // Whatever else becomes of its ports: OVS may forget MACs with it.
      [...(state.bridgeNamed(name)?.ports ?? [])],
    ]),
  );
}

function bridgeOf(state: OvsState, name: string, networks: ReadonlySet<string>): ProviderBridge {
  const patchPorts = new Map<string, number>();
  let card: number | undefined;
  for (const uuid of state.bridgeNamed(name)?.ports ?? []) {
    const port = state.ports.get(uuid);
    const row = state.interfaces.get(port?.interfaces[0] ?? '');
    // OVS writes -1 for an interface that it cannot open.
    if (port === undefined || row?.ofport === undefined || row.ofport < 1) continue;
    if (row.type === 'patch' && PATCH_PORT.test(row.name)) patchPorts.set(row.name, row.ofport);
    else if (isCard(port.external_ids, row.type)) card ??= row.ofport;
  }
  return { name, networks, card, patchPorts: new Map([...patchPorts].sort()) };
}

/** `system` is what OVS takes no type for (ovs-vswitchd.conf.db(5)); others are those of DPDK. */
function isCard(ids: Readonly<Record<string, string>>, type: string): boolean {
  return ids.vendor === 'kube-ovn' && ids[VLAN_SOURCE] === undefined && type !== 'internal';
}
