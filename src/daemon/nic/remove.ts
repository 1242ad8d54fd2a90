/**
 * Removes what an ADD made on the node for one attachment, whoever asks for it: DEL or a clean-up.
 */

import { together } from '../../common/concurrency/together.ts';
import type { Attachment } from '../model/attachment.ts';
import { hostInterfaceNames } from '../model/interface-names.ts';
import { findPort } from '../ovs/port-removal.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import { type PortParts, unplugPort } from '../ownership/iface-id-owner.ts';
import { removeLinks } from './kinds/kinds.ts';

/** What the removal uses. */
export interface RemoveParts extends PortParts {
  readonly queue: Pick<AttachmentQueue, 'mayUse' | 'noLeftovers'>;
}

/**
 * Removes port, limits and interface; what is missing counts as done. The caller holds the lock of the
 * attachment (ownership/port-locks.ts).
 * @param names names that the interface on the node may have, Kube-OVN's own first
 * @returns whether there was a port
 * @throws CniError 11 when OVS or the kernel refuses
 */
export async function removeNic(
  attachment: Attachment,
  parts: RemoveParts,
  names: readonly string[] = hostInterfaceNames(attachment.containerId, attachment.ifName),
): Promise<boolean> {
  // A change of its limits must not come between the look-up and the removal.
  return parts.locks.ofHostInterfaces(names.slice(0, 1), () => remove(attachment, parts, names));
}

async function remove(
  attachment: Attachment,
  parts: RemoveParts,
  names: readonly string[],
): Promise<boolean> {
  const { ovs, queue } = parts;
  const found = await findPort(ovs, attachment, names);
  const { rows, foreign } = found;
  // Also without a port: an ADD may have ended between its first two steps. A name that another
  // attachment has, finished or not, is that attachment's link.
  const isOurs = (name: string) => !foreign.includes(name) && queue.mayUse(name, attachment);
  // Side by side: the kernel takes 20 ms to let go of a link.
  await together(new AbortController().signal, () => [
    unplugPort(found, parts),
    removeLinks(names.filter(isOurs)),
  ]);
  queue.noLeftovers(attachment);
  return rows.ports.length > 0;
}
