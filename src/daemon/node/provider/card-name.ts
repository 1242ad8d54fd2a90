/**
 * Gives a card the name of its bridge, and its own back (link-exchange.ts). Its addresses and routes are recorded
 * (move-record.ts), and come back in the same run of ip(8): meanwhile the node is not reachable by that card.
 */
import { applyOnNode } from '../../netns/link.ts';
import type { KernelState } from './address-move.ts';
import { readKernelLinks, readKernelRoutes } from './kernel.ts';
import { dropAltnameLines, renameLines, restoreLines } from './link-exchange.ts';
import type { MoveRecord } from './move-record.ts';

type Recorded = Pick<MoveRecord, 'bridge' | 'card' | 'pairs'>;

/** A card that has its own name gets that of its bridge. @throws ToolError */
export async function leaveName(record: Recorded, state: KernelState): Promise<void> {
  const { bridge, card } = record;
  await applyOnNode(renameLines({ from: bridge, to: card }, record, state));
  // Others may have kept it, such as udev.
  await applyOnNode(dropAltnameLines(card, bridge, await readKernelLinks()));
}

/**
 * A card has its own name again, and all that is recorded of it, wherever a rename was interrupted. One that has
 * gone gets nothing.
 * @throws ToolError, Error where another link has the name
 */
export async function restoreName(record: Recorded): Promise<void> {
  const { bridge, card, pairs } = record;
  const names = [bridge, ...pairs.map(({ link }) => link)];
  const [links, routes] = await Promise.all([readKernelLinks(), readKernelRoutes(names)]);
  if (!links.has(card)) return await applyOnNode(restoreLines(record, pairs, { links, routes }));
  if (links.has(bridge)) {
    throw new Error(
      `${card} cannot be called ${bridge} again: there is another interface so called`,
    );
  }
  await applyOnNode(renameLines({ from: card, to: bridge }, record, { links, routes }));
}
