/**
 * Sets up the bridge of a provider network on this node, as its objects ask for it: docs/daemon.md
 * says in which order, and why. What is right already is left alone: then nothing but `ip` for a look runs.
 */
import { bridgeName, interfaceOf, type ProviderNetwork } from '../../../common/provider-network.ts';
import type { Vlan } from '../../../common/vlan.ts';
import { applyOnNode } from '../../netns/link.ts';
import type { OvsState } from '../../ovs/state.ts';
import {
  bring,
  configOfName,
  datapathOf,
  hasOwnMac,
  NOTHING,
  randomMac,
  type SetUp,
  type SetUpParts,
} from './bring.ts';
import { carryOut } from './carry-out.ts';
import { setUpExchanged } from './exchanged.ts';
import { fitCard, refuseForeignBridge } from './fitness.ts';
import { type KernelLinks, readKernelLinks, readKernelRoutes } from './kernel.ts';
import { type MoveRecord, writeRecordCommands } from './move-record.ts';
import {
  bridgeCommands,
  cardPorts,
  type FoundBridge,
  findBridge,
  heldVlans,
  isExchanged,
  isOwnBridge,
  mappingCommands,
  networkBridge,
  type WantedBridge,
} from './ovs-bridge.ts';
import { takeDown } from './take-down.ts';
import {
  createVlanLines,
  findVlanInterfaces,
  surplusVlans,
  trunksOf,
  type VlanInterface,
} from './vlan-interfaces.ts';
import { refuseUsedVlans } from './vlan-uses.ts';

/** What there is, and what of it is asked for. */
interface Surroundings {
  readonly network: ProviderNetwork;
  readonly links: KernelLinks;
  readonly card: string;
  readonly vlans: readonly VlanInterface[];
  readonly wanted: WantedBridge;
}

/**
 * Sets up the bridge, or changes it to what is asked for now.
 * @throws Error that says what is in the way; a change that was begun is finished by the next call
 */
export async function setUp(
  parts: SetUpParts,
  network: ProviderNetwork,
  vlans: Iterable<Vlan>,
): Promise<SetUp> {
  const { log, nodeName, ovs } = parts;
  const card = interfaceOf(network, nodeName);
  await removeOtherForm(parts, network, card);
  if (network.exchangeLinkName) return await setUpExchanged(parts, network, vlans);
  const name = bridgeName(network.name);
  const links = await withAutoCreated(network, card);
  const state = await ovs.fresh();
  const before = findBridge(state, name);
  const held = heldVlans(before);
  const { interfaces, missing } = findVlanInterfaces(network, { card, bridge: name, links, held });
  if (missing.length > 0) {
    log.warn({ network: network.name, missing }, 'this node has not all of spec.vlanInterfaces');
  }
  if (!links.has(card) && isForeignToKernel(state)) {
    return await withoutCard(parts, network, card, state);
  }
  refuseForeignBridge(network.name, before, state.externalIds);
  const found = fitCard(card, links, { state, bridge: name });
  const names = interfaces.map((vlan) => vlan.name);
  await refuseUsedVlans(names, links);
  const wanted: WantedBridge = {
    network: network.name,
    ...{ name, card, vlans: interfaces },
    datapathType: datapathOf(state),
    exchangesNames: false,
    macLearningFallback: parts.macLearningFallback,
    mac: hasOwnMac(found, links) ? undefined : found.mac,
    mtu: found.mtu,
    trunks: trunksOf(network.name, vlans, interfaces),
  };
  const around = { network, links, card, vlans: interfaces, wanted };
  const hasReleased = await releaseSurplus(parts, around, before);
  const now = hasReleased ? { ...around, links: await readKernelLinks() } : around;
  await bring(parts, wanted, now.links);
  await deleteSurplusVlans(now);
  return { interface: card, mtu: found.mtu, vlanInterfaces: names };
}

/**
 * Where spec.exchangeLinkName or the card has changed, and one of both bridges has its card's name, that one goes
 * first, and the card has its name back.
 */
async function removeOtherForm(
  parts: SetUpParts,
  network: ProviderNetwork,
  card: string,
): Promise<void> {
  const found = networkBridge(await parts.ovs.fresh(), network.name);
  if (found === undefined || !isOwnBridge(found)) return;
  const isAsked = isExchanged(found) === network.exchangeLinkName;
  if (isAsked && (!network.exchangeLinkName || found.name === card)) return;
  await takeDown(parts, network.name);
}

/**
 * Gives the addresses of cards and VLAN interfaces back that are not the provider network's any more.
 * @returns true where there were any
 */
async function releaseSurplus(
  parts: SetUpParts,
  { wanted, links, card, vlans }: Surroundings,
  found: FoundBridge | undefined,
): Promise<boolean> {
  if (found === undefined) return false;
  const oldCards = cardPorts(found).filter((port) => port.name !== card);
  const oldVlans = heldVlans(found).filter(
    (old) => !vlans.some((vlan) => vlan.port === old.port && vlan.name === old.name),
  );
  const pairs = [
    ...oldCards.map(({ name }) => ({ link: name, port: found.name })),
    ...oldVlans.map(({ name, port, id }) => ({ link: name, port, vlan: id })),
  ];
  if (pairs.length === 0) return false;
  const routes = await readKernelRoutes(pairs.map(({ port }) => port));
  const [{ name: oldCard } = { name: card }] = oldCards;
  const record: MoveRecord = {
    ...{ boot: parts.boot, bridge: found.name, card: oldCard, goal: 'card' },
    trunks: [0],
    // What the bridge has is the first card's, should it have several.
    pairs: pairs.map((pair, index) => ({
      ...pair,
      config:
        pair.port === found.name && index > 0 ? NOTHING : configOfName(pair.port, links, routes),
    })),
  };
  await parts.vsctl(writeRecordCommands(wanted.network, record));
  await carryOut(parts, wanted.network, record);
  return true;
}

/** VLAN interfaces that were made for the provider network go when nothing is on them. */
async function deleteSurplusVlans({ network, links, card, vlans }: Surroundings): Promise<void> {
  const wanted = [card, ...vlans.map(({ name }) => name)];
  await applyOnNode(
    surplusVlans(network.name, links, wanted).map((name) => `link delete dev ${name}`),
  );
}

/** The node's links, after its interface in the provider network was made where it has to be. */
async function withAutoCreated(network: ProviderNetwork, card: string): Promise<KernelLinks> {
  const links = await readKernelLinks();
  if (!network.autoCreateVlanSubinterfaces) return links;
  const made = createVlanLines(network.name, card, links);
  if (made.length === 0) return links;
  await applyOnNode(made);
  return await readKernelLinks();
}

/** A card of DPDK is none of the kernel's, and whoever set it up has put it where it is. */
function isForeignToKernel(state: OvsState): boolean {
  const [root] = state.root.values();
  return datapathOf(state) === 'netdev' && root?.dpdk_initialized === true;
}

async function withoutCard(
  parts: SetUpParts,
  network: ProviderNetwork,
  card: string,
  state: OvsState,
): Promise<SetUp> {
  const name = bridgeName(network.name);
  const mtu = await parts.tunnelMtu();
  const wanted: WantedBridge = {
    ...{ network: network.name, name, card, trunks: [], vlans: [], mac: undefined, mtu },
    datapathType: datapathOf(state),
    exchangesNames: false,
    macLearningFallback: parts.macLearningFallback,
  };
  const found = findBridge(state, name);
  const isForeign = found !== undefined && !isOwnBridge(found);
  const commands = [
    // It stays theirs who have put the card into it: a removal leaves it alone.
    ...(isForeign ? [] : bridgeCommands(wanted, found, randomMac)),
    ...mappingCommands(wanted, state.externalIds, randomMac),
  ];
  if (commands.length > 0) await parts.vsctl(commands);
  return { interface: card, mtu, vlanInterfaces: [] };
}
