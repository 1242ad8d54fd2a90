/**
 * Removes what an ADD made on the node for one attachment, whoever asks for it: DEL or a clean-up.
 */

import { together } from '../../common/concurrency/together.ts';
import type { Context } from '../context.ts';
import type { Attachment } from '../model/attachment.ts';
import { hostInterfaceNames } from '../model/interface-names.ts';
import { deleteLinks } from '../netns/link.ts';
import { type FoundPort, findPort, unplug } from '../ovs/port-removal.ts';
import { giveBackCommands } from '../ownership/iface-id-owner.ts';

/**
 * Removes port, limits and veth pair; what is missing counts as done. The caller has the
 * attachment's turn in the queue.
 * @param names names that the host end may have, Kube-OVN's own first
 * @returns whether there was a port
 * @throws CniError 11 when OVS or the kernel refuses
 */
export async function removeAttachment(
  attachment: Attachment,
  context: Context,
  names: readonly string[] = hostInterfaceNames(attachment.containerId, attachment.ifName),
): Promise<boolean> {
  // A change of its limits must not come between the look-up and the removal.
  return context.portLock.run(hostNameKey(names[0] ?? ''), () =>
    remove(attachment, context, names),
  );
}

/**
 * Key of the port lock for a host interface: the only turn of a port that Kube-OVN's Go daemon made,
 * whose rows do not say which attachment's it is.
 */
export function hostNameKey(hostInterface: string): string {
  return `host interface ${hostInterface}`;
}

async function remove(
  attachment: Attachment,
  context: Context,
  names: readonly string[],
): Promise<boolean> {
  const { vsctl, queue } = context;
  const found = await findPort(vsctl, attachment, names);
  const { rows, foreign } = found;
  // Also without a port: an ADD may have ended between its first two steps. A name that another
  // attachment has, finished or not, is that attachment's link.
  const isOurs = (name: string) => !foreign.includes(name) && queue.mayUse(name, attachment);
  // Side by side: the kernel takes 20 ms to let go of a link.
  await together(new AbortController().signal, () => [
    unplugFound(found, context),
    deleteLinks(names.filter(isOurs)),
  ]);
  queue.noLeftovers(attachment);
  return rows.ports.length > 0;
}

/**
 * Removes a port, and gives its logical switch port back to a sandbox that lost it and lives on.
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function unplugFound(
  { rows, names, ifaceIds: [ifaceId] }: FoundPort,
  {
    vsctl,
    portLock,
    interfaces,
    pods,
  }: Pick<Context, 'vsctl' | 'portLock' | 'interfaces' | 'pods'>,
): Promise<void> {
  if (ifaceId === undefined) await unplug(vsctl, rows);
  else {
    await portLock.run(ifaceId, () =>
      unplug(vsctl, rows, giveBackCommands(ifaceId, names, { interfaces, pods })),
    );
  }
}
