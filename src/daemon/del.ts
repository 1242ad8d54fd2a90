/**
 * DEL: removes port, limits and veth pair of exactly this container and interface.
 *
 * Everything that is missing counts as done: the pod object, the network namespace, the rows,
 * the link (CNI spec 1.1, "DEL"). It asks neither the API server nor the pod's namespace, and the
 * database itself for the rows.
 */
import type { CniRequest } from '../wire/messages.ts';
import { parseDelRequest } from './attachment.ts';
import type { Context } from './context.ts';
import { removeAttachment } from './removal.ts';

/** @throws CniError as docs/errors.md lists them */
export async function del(request: CniRequest, context: Context): Promise<void> {
  const attachment = parseDelRequest(request);
  // The plugin that made the interface removes it; addresses are the controller's to free.
  if (attachment.ipamOnly) return;
  // The work goes on when the caller leaves: half a DEL helps nobody.
  await context.queue.runDel(attachment, async () => {
    await removeAttachment(attachment, context);
  });
}
