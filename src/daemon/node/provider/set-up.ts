/**
 * Sets up the bridge of a provider network on this node, as its objects ask for it: docs/daemon.md
 * says in which order, and why. What is right already is left alone: then nothing but `ip` for a look runs.
 */
import { randomBytes } from 'node:crypto';
import { run } from '../../../common/process/run.ts';
import { bridgeName, interfaceOf, type ProviderNetwork } from '../../../common/provider-network.ts';
import type { Vlan } from '../../../common/vlan.ts';
import { lines } from '../../netns/link.ts';
import { INTEGRATION_BRIDGE } from '../../ovs/port.ts';
import type { OvsState } from '../../ovs/state.ts';
import { carryOut, type MoveParts } from './carry-out.ts';
import { fitCard, refuseForeignBridge } from './fitness.ts';
import {
  configOf,
  type KernelLink,
  type KernelLinks,
  type KernelRoutes,
  readKernelLinks,
  readKernelRoutes,
} from './kernel.ts';
import { joined, type LinkConfig } from './link-config.ts';
import { type MovePair, type MoveRecord, writeRecordCommands } from './move-record.ts';
import {
  bridgeCommands,
  cardCommands,
  cardPorts,
  changesMacs,
  type FoundBridge,
  findBridge,
  heldVlans,
  isOwnBridge,
  mappedBridge,
  mappingCommands,
  type WantedBridge,
} from './ovs-bridge.ts';
import {
  createVlanLines,
  deleteVlanLines,
  findVlanInterfaces,
  surplusVlans,
  trunksOf,
  type VlanInterface,
} from './vlan-interfaces.ts';
import { refuseUsedVlans } from './vlan-uses.ts';

export interface SetUpParts extends MoveParts {
  readonly nodeName: string;
  /** Of Linux, that records are of. */
  readonly boot: string;
  readonly macLearningFallback: boolean;
  /** MTU of the node's tunnels; bytes. */
  readonly tunnelMtu: () => Promise<number>;
}

/** A bridge that is set up. */
export interface SetUp {
  /** As the object names it. */
  readonly interface: string;
  /** Of the interface; bytes. */
  readonly mtu: number;
  readonly vlanInterfaces: readonly string[];
}

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
  if (network.exchangeLinkName) return await keepExchanged(parts, network, vlans);
  const card = interfaceOf(network, nodeName);
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
  await bring(parts, now);
  await deleteSurplusVlans(now);
  return { interface: card, mtu: found.mtu, vlanInterfaces: names };
}

/** A bridge that Kube-OVN's daemon has made under the name of its card goes on; this one makes none. */
async function keepExchanged(
  { ovs, vsctl, nodeName }: SetUpParts,
  network: ProviderNetwork,
  vlans: Iterable<Vlan>,
): Promise<SetUp> {
  const bridge = interfaceOf(network, nodeName);
  const card = bridgeName(network.name);
  const state = await ovs.fresh();
  const found = findBridge(state, bridge);
  const isThere = found?.externalIds['exchange-link-name'] === 'true' && isOwnBridge(found);
  if (!isThere || mappedBridge(network.name, state.externalIds) !== bridge) {
    throw new Error('this daemon does not exchange names: set spec.exchangeLinkName to false');
  }
  const link = (await readKernelLinks()).get(card);
  if (link === undefined)
    throw new Error(`nic ${card}, which was called ${bridge}, does not exist`);
  const held = heldVlans(found);
  const trunks = trunksOf(network.name, vlans, held);
  const commands = cardCommands({ name: bridge, card, trunks }, found);
  if (commands.length > 0) await vsctl(commands);
  return { interface: bridge, mtu: link.mtu, vlanInterfaces: held.map(({ name }) => name) };
}

/** Makes the bridge and its ports, and has addresses and routes move to it. */
async function bring(parts: SetUpParts, around: Surroundings): Promise<void> {
  const { ovs, vsctl, boot } = parts;
  const { wanted, card, vlans, links } = around;
  const state = await ovs.fresh();
  const found = findBridge(state, wanted.name);
  const changes = [
    ...bridgeCommands(wanted, found, randomMac),
    ...mappingCommands(wanted, state.externalIds, randomMac),
  ];
  const names = [card, wanted.name, ...vlans.flatMap(({ name, port }) => [name, port])];
  const isIn = found?.ports.some((port) => port.name === card) ?? false;
  const isAtHome = [card, ...vlans.map(({ name }) => name)].every(
    (name) => (links.get(name)?.addresses.length ?? 0) === 0,
  );
  const losesConfig = changesMacs(wanted, found);
  const routes = isIn && isAtHome && !losesConfig ? [] : await readKernelRoutes(names);
  const pairs: MovePair[] = [
    { link: card, port: wanted.name },
    ...vlans.map(({ name, port, id }) => ({ link: name, port, vlan: id })),
  ].map((pair) => {
    const config = configOfName(pair.link, links, routes);
    const held = losesConfig ? configOfName(pair.port, links, routes) : NOTHING;
    return { ...pair, config: joined(held, config) };
  });
  if (pairs.every(({ config }) => config.addresses.length + config.routes.length === 0)) {
    const commands = [...changes, ...cardCommands(wanted, found)];
    if (commands.length > 0) await vsctl(commands, { waits: true });
    await setLinksUp([card, wanted.name, ...vlans.map(({ port }) => port)], links);
    await applyLines(
      deleteVlanLines(
        vlans.map((vlan) => ({ ...vlan, card })),
        links,
      ),
    );
    return;
  }
  const { name: bridge, trunks } = wanted;
  const record: MoveRecord = { boot, bridge, card, goal: 'bridge', trunks: [...trunks], pairs };
  const recorded = writeRecordCommands(wanted.network, record);
  await vsctl([...changes, ...recorded], { waits: true });
  await carryOut(parts, wanted.network, record, losesConfig ? undefined : { links, routes });
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
  await applyLines(
    surplusVlans(network.name, links, wanted).map((name) => `link delete dev ${name}`),
  );
}

/** The node's links, after its interface in the provider network was made where it has to be. */
async function withAutoCreated(network: ProviderNetwork, card: string): Promise<KernelLinks> {
  const links = await readKernelLinks();
  if (!network.autoCreateVlanSubinterfaces) return links;
  const made = createVlanLines(network.name, card, links);
  if (made.length === 0) return links;
  await applyLines(made);
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

/** A bond in that mode answers with the MACs of its members. */
function hasOwnMac({ bondMode, parent }: KernelLink, links: KernelLinks): boolean {
  const modes = [bondMode, links.get(parent ?? '')?.bondMode];
  return modes.includes('balance-alb');
}

function datapathOf(state: OvsState): string {
  return state.bridgeNamed(INTEGRATION_BRIDGE)?.datapath_type ?? '';
}

const NOTHING: LinkConfig = { addresses: [], routes: [] };

function configOfName(name: string, links: KernelLinks, routes: KernelRoutes): LinkConfig {
  const link = links.get(name);
  return link === undefined ? NOTHING : configOf(link, routes);
}

async function setLinksUp(names: readonly string[], links: KernelLinks): Promise<void> {
  const down = names.filter((name) => links.get(name)?.isUp !== true);
  await applyLines(down.map((name) => `link set dev ${name} up`));
}

async function applyLines(batch: readonly string[]): Promise<void> {
  if (batch.length > 0) await run('ip', ['-batch', '-'], { input: lines(batch) });
}

/** One that is administered locally, and of one interface (IEEE 802, section 8). */
export function randomMac(): string {
  const [first = 0, ...rest] = randomBytes(6);
  const bytes = [(first & 0xfc) | 0x02, ...rest];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
