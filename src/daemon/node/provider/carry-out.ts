/**
 * Carries out a recorded move of addresses between a card and its bridge (move-record.ts), whether it has
 * just been recorded or was interrupted somewhere. The node has its addresses and routes at every moment,
 * and is reachable but for an instant:
 *
 * 1. the addresses are added where they go; they stay where they are, too;
 * 2. to the bridge: the card becomes its port;
 * 3. the routes go over there; then the old addresses are removed;
 * 4. from the bridge: the card's port goes, or the whole bridge with what it still has;
 * 5. a card that has exchanged its name with the bridge has it back (card-name.ts);
 * 6. the record is removed, with the last change of OVS.
 */
import type { Logger } from '../../../common/log.ts';
import { messageOf } from '../../../common/text.ts';
import { applyOnNode } from '../../netns/link.ts';
import type { FreshLook } from '../../ovs/session.ts';
import type { Vsctl } from '../../ovs/vsctl.ts';
import {
  addressLines,
  describeConfig,
  type KernelState,
  type Move,
  removalLines,
  routeLines,
} from './address-move.ts';
import { restoreName } from './card-name.ts';
import { readKernelLinks, readKernelRoutes } from './kernel.ts';
import { type MovePair, type MoveRecord, removeRecordCommands } from './move-record.ts';
import { cardCommands, findBridge, unmappingCommands } from './ovs-bridge.ts';
import { deleteVlanLines, restoreVlanLines, type VlanOfCard } from './vlan-interfaces.ts';

export interface MoveParts {
  readonly ovs: FreshLook;
  readonly vsctl: Vsctl;
  readonly log: Logger;
}

/** Links and routes that a record is about, as they are now. @throws ToolError */
export async function readKernelState(names: readonly string[]): Promise<KernelState> {
  const [links, routes] = await Promise.all([readKernelLinks(), readKernelRoutes(names)]);
  return { links, routes };
}

/** Names of the links of a record. */
export function linksOf(pairs: readonly MovePair[]): string[] {
  return pairs.flatMap(({ link, port }) => [link, port]);
}

/**
 * Carries out a record.
 * @param state as it was read when nothing of it had begun; it is read where it is not given
 * @throws ToolError, OvsdbError: a move to the bridge has been taken back then, as far as that was possible
 */
export async function carryOut(
  parts: MoveParts,
  network: string,
  record: MoveRecord,
  state?: KernelState,
): Promise<void> {
  if (record.goal !== 'bridge') return await toCard(parts, network, record, state);
  try {
    await toBridge(parts, network, record, state);
  } catch (error) {
    await takeBack(parts, network, record);
    throw error;
  }
}

async function toBridge(
  parts: MoveParts,
  network: string,
  record: MoveRecord,
  known?: KernelState,
): Promise<void> {
  const { bridge } = record;
  const found = findBridge(await parts.ovs.fresh(), bridge);
  if (found === undefined) throw new Error(`OVS has lost the bridge ${bridge}`);
  const state = known ?? (await readKernelState(linksOf(record.pairs)));
  const moves = record.pairs.map(({ config, link, port }) => ({ config, from: link, to: port }));
  const cardUp = state.links.get(record.card)?.isUp ? [] : [`link set dev ${record.card} up`];
  await applyOnNode([...cardUp, ...moves.flatMap((move) => addressLines(move, state))]);
  const card = cardCommands({ ...record, name: bridge }, found);
  if (card.length > 0) await parts.vsctl(card, { waits: true });
  await applyOnNode([
    ...moves.flatMap((move) => routeLines(move, state)),
    ...moves.flatMap((move) => removalLines(move, state)),
    ...deleteVlanLines(vlansOf(record), state.links),
  ]);
  await parts.vsctl(removeRecordCommands(network));
  report(parts, network, record, `moved from ${record.card} to ${bridge}`);
}

/** What cannot be moved to the bridge goes on where it was. Never throws. */
export async function takeBack(
  parts: MoveParts,
  network: string,
  record: MoveRecord,
): Promise<void> {
  try {
    await toCard(parts, network, { ...record, goal: 'card' });
  } catch (error) {
    const fields = { network, error: messageOf(error) };
    parts.log.error(fields, 'the addresses of a card are not yet back on it; trying again');
  }
}

async function toCard(
  parts: MoveParts,
  network: string,
  record: MoveRecord,
  known?: KernelState,
): Promise<void> {
  if (!record.exchanges) return await leaveBridge(parts, network, record, known);
  const { ovs, vsctl } = parts;
  const hasBridge = findBridge(await ovs.fresh(), record.bridge) !== undefined;
  // The card cannot have its own name back before the bridge is gone.
  if (hasBridge) await leaveBridge(parts, network, { ...record, goal: 'no-bridge' }, known);
  await restoreName(record);
  const { externalIds } = await ovs.fresh();
  await vsctl([...unmappingCommands(network, externalIds), ...removeRecordCommands(network)]);
  parts.log.info({ network }, `${record.card} is called ${record.bridge} again`);
}

async function leaveBridge(
  parts: MoveParts,
  network: string,
  record: MoveRecord,
  known?: KernelState,
): Promise<void> {
  const { bridge, card, goal } = record;
  const before = known ?? (await readKernelState(linksOf(record.pairs)));
  const made = vlansOf(record).flatMap((vlan) => restoreVlanLines(vlan, before.links));
  await applyOnNode(made);
  const state = made.length === 0 ? before : await readKernelState(linksOf(record.pairs));
  const moves = movesToCard(record.pairs, state);
  // The old addresses answer on the bridge until it goes: neighbours ask there.
  await applyOnNode([
    ...moves.flatMap((move) => addressLines(move, state)),
    ...moves.flatMap((move) => routeLines(move, state)),
    ...(goal === 'card' ? moves.flatMap((move) => removalLines(move, state)) : []),
  ]);
  const { externalIds } = await parts.ovs.fresh();
  // Of the bridge's own addresses the card is the port.
  const ports = record.pairs.map(({ link, port }) => (port === bridge ? link : port));
  const removal =
    goal === 'card'
      ? ports.flatMap((port) => ['--', '--if-exists', 'del-port', bridge, port])
      : ['--', '--if-exists', 'del-br', bridge, ...unmappingCommands(network, externalIds)];
  // Until a card has its own name back, it is recorded.
  const done = record.exchanges ? [] : removeRecordCommands(network);
  await parts.vsctl([...removal, ...done], { waits: true });
  report(parts, network, record, `moved from ${bridge} to ${card}`);
}

function vlansOf({ pairs, card }: MoveRecord): VlanOfCard[] {
  return pairs.flatMap(({ link: name, port, vlan: id }) =>
    id === undefined ? [] : [{ name, id, card, port }],
  );
}

/** A card that has gone takes nothing back. */
function movesToCard(pairs: readonly MovePair[], { links }: KernelState): Move[] {
  return pairs.flatMap(({ config, link, port }) =>
    links.has(link) ? [{ config, from: port, to: link }] : [],
  );
}

function report({ log }: MoveParts, network: string, { pairs }: MoveRecord, what: string): void {
  const moved = pairs.map(({ config }) => describeConfig(config)).join('; ');
  log.info({ network }, `${what}: ${moved}`);
}
