/**
 * Sets up a bridge that has its card's name (`exchangeLinkName`): the card is renamed to `br-<network>` first, and
 * from then on all is as with any other bridge, with names exchanged.
 */
import { bridgeName, interfaceOf, type ProviderNetwork } from '../../../common/provider-network.ts';
import type { Vlan } from '../../../common/vlan.ts';
import { bring, datapathOf, hasOwnMac, randomMac, type SetUp, type SetUpParts } from './bring.ts';
import { leaveName } from './card-name.ts';
import { carryOut, takeBack } from './carry-out.ts';
import { fitCard, refuseForeignBridge } from './fitness.ts';
import { configOf, type KernelLinks, readKernelLinks, readKernelRoutes } from './kernel.ts';
import { type ExchangedNames, hasOwnName, refuseVlansOn } from './link-exchange.ts';
import { type MoveRecord, writeRecordCommands } from './move-record.ts';
import {
  bridgeCommands,
  findBridge,
  heldVlans,
  mappingCommands,
  type WantedBridge,
} from './ovs-bridge.ts';
import { trunksOf } from './vlan-interfaces.ts';

/**
 * Sets up the bridge, or changes it to what is asked for now.
 * @throws Error that says what is in the way; a card is given its own name back then
 */
export async function setUpExchanged(
  parts: SetUpParts,
  network: ProviderNetwork,
  vlans: Iterable<Vlan>,
): Promise<SetUp> {
  const bridge = interfaceOf(network, parts.nodeName);
  const names = { bridge, card: bridgeName(network.name) };
  const links = await readKernelLinks();
  const state = await parts.ovs.fresh();
  const found = findBridge(state, bridge);
  refuseForeignBridge(network.name, found, state.externalIds);
  const isNew = hasOwnName(names, links, state);
  if (isNew) refuseVlanInterfaces(network);
  // Of before the node started: there is no link for it as long as a card has its name.
  if (isNew && found) await parts.vsctl(['--', '--if-exists', 'del-br', bridge], { waits: true });
  const wanted = await wantedOf(parts, { network, names, vlans, links, isNew });
  if (isNew) await exchange(parts, wanted, links);
  else await bring(parts, wanted, links);
  const vlanInterfaces = wanted.vlans.map(({ name }) => name);
  return { interface: bridge, mtu: wanted.mtu, vlanInterfaces };
}

/** Those that a bridge of Kube-OVN's daemon has already stay. */
function refuseVlanInterfaces(network: ProviderNetwork): void {
  const { vlanInterfaces, preserveVlanInterfaces, autoCreateVlanSubinterfaces } = network;
  const asks = preserveVlanInterfaces || autoCreateVlanSubinterfaces || vlanInterfaces.length > 0;
  if (!asks) return;
  throw new Error(
    'this daemon exchanges no names where VLAN interfaces are kept: set spec.exchangeLinkName to false, or remove vlanInterfaces, preserveVlanInterfaces and autoCreateVlanSubinterfaces',
  );
}

interface Asked {
  readonly network: ProviderNetwork;
  readonly names: ExchangedNames;
  readonly vlans: Iterable<Vlan>;
  readonly links: KernelLinks;
  readonly isNew: boolean;
}

async function wantedOf(
  { ovs, macLearningFallback }: SetUpParts,
  { network, names, vlans, links, isNew }: Asked,
): Promise<WantedBridge> {
  const state = await ovs.fresh();
  const { bridge, card } = names;
  const link = fitCard(isNew ? bridge : card, links, { state, bridge });
  if (isNew) refuseVlansOn(bridge, links);
  const held = heldVlans(findBridge(state, bridge));
  return {
    ...{ network: network.name, name: bridge, card, vlans: held, macLearningFallback },
    datapathType: datapathOf(state),
    exchangesNames: true,
    mac: hasOwnMac(link, links) ? undefined : link.mac,
    mtu: link.mtu,
    trunks: trunksOf(network.name, vlans, held),
  };
}

/** Renames the card, makes the bridge under its name, and has addresses and routes move there. */
async function exchange(
  parts: SetUpParts,
  wanted: WantedBridge,
  links: KernelLinks,
): Promise<void> {
  const { ovs, vsctl, boot } = parts;
  const { network, name: bridge, card, trunks } = wanted;
  const link = links.get(bridge);
  if (link === undefined) throw new Error(`nic ${bridge} does not exist`);
  const routes = await readKernelRoutes([bridge]);
  const record: MoveRecord = {
    ...{ boot, bridge, card, goal: 'bridge', exchanges: true, trunks: [...trunks] },
    pairs: [{ link: card, port: bridge, config: configOf(link, routes) }],
  };
  await vsctl(writeRecordCommands(network, record));
  try {
    await leaveName(record, { links, routes });
    const { externalIds } = await ovs.fresh();
    const changes = [
      ...bridgeCommands(wanted, undefined, randomMac),
      ...mappingCommands(wanted, externalIds, randomMac),
    ];
    await vsctl(changes, { waits: true });
  } catch (error) {
    await takeBack(parts, network, record);
    throw error;
  }
  await carryOut(parts, network, record);
}
