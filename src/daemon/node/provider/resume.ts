/**
 * What a daemon does for a provider network before it knows the cluster's objects, of which the API server may
 * be reached through the network's own card: by OVS's rows alone.
 *
 * - A move that was interrupted is finished, or taken back.
 * - A bridge that was there before the node started again has its card as a port already, and so the card
 *   gets no packets any more, while the host's own set-up has put the addresses on it: they are moved.
 */
import { isLinkName } from '../../../common/link-name.ts';
import type { OvsState } from '../../ovs/state.ts';
import { carryOut, linksOf, type MoveParts } from './carry-out.ts';
import { configOf, readKernelLinks, readKernelRoutes } from './kernel.ts';
import {
  type MovePair,
  type MoveRecord,
  readRecord,
  removeRecordCommands,
  writeRecordCommands,
} from './move-record.ts';
import { cardPorts, findBridge, heldVlans, isOwnBridge, mappedBridge } from './ovs-bridge.ts';
import { refuseUsedVlans } from './vlan-uses.ts';

export interface ResumeParts extends MoveParts {
  /** Of Linux, that records are of. */
  readonly boot: string;
}

/**
 * Finishes the move that is recorded for a provider network.
 * @returns true where there was one
 * @throws Error for a record that cannot be read, or carried out
 */
export async function finishMove(parts: ResumeParts, network: string): Promise<boolean> {
  const { ovs, vsctl, boot, log } = parts;
  const state = await ovs.fresh();
  const record = readRecord(network, state.externalIds);
  if (record === undefined) return false;
  if (record.boot === boot) {
    log.warn({ network }, 'a move of addresses was interrupted, and is finished now');
    // A card without its bridge has its own name back: what the bridge is to be is not known here.
    const isWithout = record.exchanges && findBridge(state, record.bridge) === undefined;
    await carryOut(parts, network, isWithout ? { ...record, goal: 'no-bridge' } : record);
  } else {
    await vsctl(removeRecordCommands(network));
  }
  return true;
}

/**
 * Moves what is on the card to the bridge, where the card is a port of it.
 * @throws Error where that cannot be done
 */
export async function moveToBridge(parts: ResumeParts, network: string): Promise<void> {
  const { ovs, vsctl, log } = parts;
  const planned = planOf(await ovs.fresh(), network, parts.boot);
  if (planned === undefined) return;
  const links = await readKernelLinks();
  const hasAddresses = ({ link }: MovePair) => (links.get(link)?.addresses.length ?? 0) > 0;
  if (!planned.pairs.some(hasAddresses)) return;
  const vlans = planned.pairs.filter(({ vlan }) => vlan !== undefined);
  await refuseUsedVlans(
    vlans.map(({ link }) => link),
    links,
  );
  const routes = await readKernelRoutes(linksOf(planned.pairs));
  const pairs = planned.pairs.flatMap((pair) => {
    const link = links.get(pair.link);
    return link === undefined ? [] : [{ ...pair, config: configOf(link, routes) }];
  });
  const record = { ...planned, pairs };
  log.info(
    { network },
    `the bridge ${record.bridge} has the card ${record.card}, and not its addresses`,
  );
  await vsctl(writeRecordCommands(network, record));
  await carryOut(parts, network, record, { links, routes });
}

/** The move as OVS's rows tell it, with nothing in it yet; undefined for a bridge that is not ours to fill. */
function planOf(state: OvsState, network: string, boot: string): MoveRecord | undefined {
  const bridge = mappedBridge(network, state.externalIds);
  const found = bridge === undefined ? undefined : findBridge(state, bridge);
  if (found === undefined || !isOwnBridge(found)) return undefined;
  const [card, ...others] = cardPorts(found);
  const vlans = heldVlans(found).map(({ name, port, id }) => ({ link: name, port, vlan: id }));
  if (card === undefined || others.length > 0) return undefined;
  const named = [{ link: card.name, port: found.name }, ...vlans];
  const pairs = named
    .filter(({ link, port }) => isLinkName(link) && isLinkName(port))
    .map((pair) => ({ ...pair, config: { addresses: [], routes: [] } }));
  const { name, ports } = found;
  const trunks = ports.find((port) => port.name === card.name)?.trunks ?? [];
  return { boot, bridge: name, card: card.name, goal: 'bridge', trunks: [...trunks], pairs };
}
