/**
 * DEL: removes port, limits and veth pair of exactly this container and interface.
 *
 * Everything that is missing counts as done: the pod object, the network namespace, the rows,
 * the link (CNI spec 1.1, "DEL"). It asks neither the API server nor the pod's namespace.
 */
import type { CniRequest } from '../wire/messages.ts';
import type { Attachment } from './attachment.ts';
import { parseDelRequest } from './attachment.ts';
import type { Context } from './context.ts';
import { hostInterfaceNames } from './names.ts';
import { interfaceRows, isPortOf, unplug } from './ovs/port.ts';
import { together } from './process/together.ts';
import { deleteLinks } from './sandbox/link.ts';
import { startDeadline, waiting } from './wait.ts';

/** Whole DEL; ms. Runtimes repeat a DEL that fails. */
const DEL_TIMEOUT_MS = 60_000;

/** @throws CniError as docs/errors.md lists them */
export async function del(request: CniRequest, context: Context): Promise<void> {
  const attachment = parseDelRequest(request);
  // The plugin that made the interface removes it; addresses are the controller's to free.
  if (attachment.ipamOnly) return;
  await context.queue.runDel(attachment, async () => {
    // The work goes on when the caller leaves: half a DEL helps nobody.
    using deadline = startDeadline(DEL_TIMEOUT_MS);
    await removeNic(attachment, context, deadline.signal);
  });
}

async function removeNic(
  attachment: Attachment,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const { interfaces, vsctl } = context;
  const ovsRows = { what: "OVS's rows", lookAt: 'whether ovsdb-server runs on this node' };
  await waiting(ovsRows, interfaces.synced(signal));

  const names = hostInterfaceNames(attachment.containerId, attachment.ifName);
  const rows = interfaceRows(interfaces);
  const own = rows.filter((row) => isPortOf(row, attachment, names));
  // Without a port, the link of an ADD that ended between its first two steps may be there. A
  // name that another attachment's port has is that attachment's link.
  const foreign = rows.filter((row) => !own.includes(row)).map((row) => row.name);
  const links =
    own.length > 0 ? own.map((row) => row.name) : names.filter((name) => !foreign.includes(name));
  // Side by side: the kernel takes 20 ms to let go of a link.
  await together(unplug(vsctl, own), deleteLinks(links));
}
