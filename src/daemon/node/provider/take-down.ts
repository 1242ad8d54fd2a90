/**
 * Removes the bridge of a provider network from this node, and gives its addresses and routes back to the
 * card and to the VLAN interfaces that it had them from.
 */
import { bridgeName } from '../../../common/provider-network.ts';
import { show } from '../../../common/text.ts';
import { applyOnNode } from '../../netns/link.ts';
import type { KernelState } from './address-move.ts';
import { carryOut, type MoveParts } from './carry-out.ts';
import { configOf, type KernelLinks, readKernelLinks, readKernelRoutes } from './kernel.ts';
import { type MovePair, type MoveRecord, writeRecordCommands } from './move-record.ts';
import { MAC_MAPPINGS, parseMap } from './names-map.ts';
import {
  cardPorts,
  type FoundBridge,
  heldVlans,
  isExchanged,
  isOwnBridge,
  networkBridge,
  unmappingCommands,
  unmarkedCardPorts,
} from './ovs-bridge.ts';
import { surplusVlans } from './vlan-interfaces.ts';

export interface TakeDownParts extends MoveParts {
  /** Of Linux, that records are of. */
  readonly boot: string;
}

/**
 * Removes the bridge of a provider network where it is one of Kube-OVN's.
 * @returns true where there was something to remove
 * @throws Error that says what is in the way; a removal that was begun is finished by the next call
 */
export async function takeDown(parts: TakeDownParts, network: string): Promise<boolean> {
  const state = await parts.ovs.fresh();
  const ids = state.externalIds;
  const found = networkBridge(state, network);
  if (found === undefined) return await forget(parts, network, ids);
  if (!isOwnBridge(found)) return false;
  refuseUnknownVlans(found);
  const pairs = pairsOf(network, found);
  const [links, routes] = await Promise.all([
    readKernelLinks(),
    readKernelRoutes(pairs.flatMap(({ link, port }) => [link, port])),
  ]);
  const record = recordOf(parts, found, pairs, { links, routes });
  const hasMoves = record.pairs.some(
    ({ config }) => config.addresses.length + config.routes.length > 0,
  );
  if (hasMoves || record.exchanges) {
    await parts.vsctl(writeRecordCommands(network, record));
    await carryOut(parts, network, record, { links, routes });
  } else {
    const removal = ['--', '--if-exists', 'del-br', found.name];
    await parts.vsctl([...removal, ...unmappingCommands(network, ids)], { waits: true });
    parts.log.info({ network }, `the bridge ${found.name} was removed`);
  }
  await deleteAutoCreated(network, links);
  return true;
}

/**
 * What is left where there is no bridge: somebody has deleted it, a removal was interrupted, or none was made. An
 * entry that OVN has for a network without a MAC for it is not Kube-OVN's, and its bridge may come yet.
 */
async function forget(
  { vsctl }: TakeDownParts,
  network: string,
  ids: Readonly<Record<string, string>>,
): Promise<boolean> {
  const hasDeleted = await deleteAutoCreated(network, await readKernelLinks());
  const commands = parseMap(ids[MAC_MAPPINGS]).has(network) ? unmappingCommands(network, ids) : [];
  if (commands.length > 0) await vsctl(commands);
  return hasDeleted || commands.length > 0;
}

/** VLAN interfaces that were made for the provider network. @returns true where there were any */
async function deleteAutoCreated(network: string, links: KernelLinks): Promise<boolean> {
  const surplus = surplusVlans(network, links, []).map((name) => `link delete dev ${name}`);
  await applyOnNode(surplus);
  return surplus.length > 0;
}

type Pair = Omit<MovePair, 'config'>;

/**
 * Which link had its addresses from which port: the card first, where there is one. One that has lost its mark is
 * better than none: with the bridge its addresses would be lost.
 */
function pairsOf(network: string, found: FoundBridge): Pair[] {
  const [port] = [...cardPorts(found), ...unmarkedCardPorts(found)];
  // One that has been taken out of a bridge with its own name is to have that name back nevertheless.
  const card = port?.name ?? (isExchanged(found) ? bridgeName(network) : undefined);
  return [
    ...(card === undefined ? [] : [{ link: card, port: found.name }]),
    ...heldVlans(found).map(({ name, port, id }) => ({ link: name, port, vlan: id })),
  ];
}

function recordOf(
  { boot }: TakeDownParts,
  found: FoundBridge,
  pairs: readonly Pair[],
  { links, routes }: KernelState,
): MoveRecord {
  const bridge = found.name;
  const card = pairs.find(({ port }) => port === bridge)?.link ?? bridge;
  return {
    ...{ boot, bridge, card, goal: 'no-bridge', trunks: [0] },
    ...(isExchanged(found) ? { exchanges: true } : {}),
    pairs: pairs.map((pair) => {
      const link = links.get(pair.port);
      const config = link === undefined ? { addresses: [], routes: [] } : configOf(link, routes);
      return { ...pair, config };
    }),
  };
}

/** A port of a VLAN interface that is nobody's known would take its addresses with it. */
function refuseUnknownVlans({ name, ports }: FoundBridge): void {
  const pattern = /^(.+-vlan|kv)\d{1,4}(-[a-z2-7]+)?$/;
  const unknown = ports.find(
    (port) => port.type === 'internal' && !port.isOurs && pattern.test(port.name),
  );
  if (unknown === undefined) return;
  throw new Error(
    `refusing to remove OVS bridge ${name}: its port ${show(unknown.name)} looks like that of a VLAN interface, and has no vendor=kube-ovn in its external_ids; remove the port`,
  );
}
