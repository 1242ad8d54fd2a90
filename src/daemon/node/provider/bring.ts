/**
 * Brings the bridge of a provider network to what is wanted, its card's port and those of VLAN interfaces with
 * it, and has addresses and routes move there. What is right already is left alone.
 */
import { randomBytes } from 'node:crypto';
import { applyOnNode } from '../../netns/link.ts';
import { INTEGRATION_BRIDGE } from '../../ovs/port.ts';
import type { OvsState } from '../../ovs/state.ts';
import { carryOut, type MoveParts } from './carry-out.ts';
import {
  configOf,
  type KernelLink,
  type KernelLinks,
  type KernelRoutes,
  readKernelRoutes,
} from './kernel.ts';
import { joined, type LinkConfig } from './link-config.ts';
import { type MovePair, type MoveRecord, writeRecordCommands } from './move-record.ts';
import {
  bridgeCommands,
  cardCommands,
  changesMacs,
  findBridge,
  mappingCommands,
  type WantedBridge,
} from './ovs-bridge.ts';
import { deleteVlanLines } from './vlan-interfaces.ts';

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

/** Makes the bridge and its ports, and has addresses and routes move to it. */
export async function bring(
  parts: SetUpParts,
  wanted: WantedBridge,
  links: KernelLinks,
): Promise<void> {
  const { ovs, vsctl, boot } = parts;
  const { card, vlans } = wanted;
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
    await applyOnNode(
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

/** A bond in that mode answers with the MACs of its members. */
export function hasOwnMac({ bondMode, parent }: KernelLink, links: KernelLinks): boolean {
  const modes = [bondMode, links.get(parent ?? '')?.bondMode];
  return modes.includes('balance-alb');
}

/** Of the integration bridge, and so of all. */
export function datapathOf(state: OvsState): string {
  return state.bridgeNamed(INTEGRATION_BRIDGE)?.datapath_type ?? '';
}

export const NOTHING: LinkConfig = { addresses: [], routes: [] };

/** What a link has that moves; nothing for one that the node does not have. */
export function configOfName(name: string, links: KernelLinks, routes: KernelRoutes): LinkConfig {
  const link = links.get(name);
  return link === undefined ? NOTHING : configOf(link, routes);
}

async function setLinksUp(names: readonly string[], links: KernelLinks): Promise<void> {
  const down = names.filter((name) => links.get(name)?.isUp !== true);
  await applyOnNode(down.map((name) => `link set dev ${name} up`));
}

/** One that is administered locally, and of one interface (IEEE 802, section 8). */
export function randomMac(): string {
  const [first = 0, ...rest] = randomBytes(6);
  const bytes = [(first & 0xfc) | 0x02, ...rest];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
