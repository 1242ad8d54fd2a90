/**
 * DEL: removes port, limits and veth pair of exactly this container and interface.
 *
 * Everything that is missing counts as done: the pod object, the network namespace, the rows,
 * the link (CNI spec 1.1, "DEL"). It asks neither the API server nor the pod's namespace, and the
 * database itself for the rows.
 */
import type { CniRequest } from '../wire/messages.ts';
import { parseDelRequest } from './attachment.ts';
import { together } from './concurrency/together.ts';
import type { Context } from './context.ts';
import { hostInterfaceNames } from './nic/names.ts';
import { findPort, unplug } from './ovs/port-removal.ts';
import { deleteLinks } from './sandbox/link.ts';

/** @throws CniError as docs/errors.md lists them */
export async function del(request: CniRequest, context: Context): Promise<void> {
  const attachment = parseDelRequest(request);
  // The plugin that made the interface removes it; addresses are the controller's to free.
  if (attachment.ipamOnly) return;
  // The work goes on when the caller leaves: half a DEL helps nobody.
  await context.queue.runDel(attachment, async () => {
    const names = hostInterfaceNames(attachment.containerId, attachment.ifName);
    const { rows, foreign } = await findPort(context.vsctl, attachment, names);
    // Also without a port: an ADD may have ended between its first two steps. A name that
    // another attachment has, finished or not, is that attachment's link.
    const isOurs = (name: string) =>
      !foreign.includes(name) && context.queue.mayUse(name, attachment);
    // Side by side: the kernel takes 20 ms to let go of a link.
    await together(new AbortController().signal, () => [
      unplug(context.vsctl, rows),
      deleteLinks(names.filter(isOurs)),
    ]);
  });
}
