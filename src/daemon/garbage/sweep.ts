/**
 * Clean-up of a node: removes the ports whose sandbox is provably gone, and limits that no port
 * has any more.
 *
 * The proof has two halves, both the kernel's. Nothing is mounted at the namespace's path, and the
 * node has no link of the port's name: the two ends of a veth pair die together, so the interface
 * in the pod is gone, too. Either alone proves nothing: a namespace lives on in a process without
 * its path, and a daemon may not see the folder. That the pod object is gone proves nothing, either:
 * its containers may still run, and a static pod's always do.
 */

import { messageOf } from '../../common/text.ts';
import { tryAgain } from '../call/error.ts';
import type { Context } from '../context.ts';
import { nodeLinks } from '../netns/link.ts';
import { isNetnsUnmounted } from '../netns/netns.ts';
import { removeAttachment } from '../nic/remove.ts';
import { type MarkedPort, readMarkedPort } from '../ovs/marked-port.ts';
import { INTEGRATION_BRIDGE, toInterfaceRow } from '../ovs/port.ts';
import { findOrphanedLimits, unplug } from '../ovs/port-removal.ts';

/**
 * Removes the ports whose sandbox is gone.
 * @throws CniError 11 when OVS refuses; what was not removed then is left for the next round
 */
export async function removeDeadPorts(context: Context): Promise<void> {
  const failures: string[] = [];
  for (const port of await deadPorts(context)) {
    // One that cannot be removed is no reason to leave the others.
    await removePort(port, context).catch((error) => void failures.push(messageOf(error)));
  }
  if (failures.length > 0) throw tryAgain(failures.join('; '), 'the next round tries again');
}

async function deadPorts({ interfaces, log }: Context): Promise<MarkedPort[]> {
  const suspects = [...interfaces.rows.values()]
    .flatMap((row) => readMarkedPort(toInterfaceRow(row)) ?? [])
    .filter(({ attachment }) => isNetnsUnmounted(attachment.netns));
  if (suspects.length === 0) return [];
  const links = await nodeLinks();
  if (links.has(INTEGRATION_BRIDGE)) return suspects.filter(({ name }) => !links.has(name));
  log.warn(
    { bridge: INTEGRATION_BRIDGE },
    'no clean-up: this daemon does not see the links of OVS, so that a missing one proves nothing; it must run in the network namespace of the node (hostNetwork)',
  );
  return [];
}

async function removePort({ name, isOurs, attachment }: MarkedPort, context: Context) {
  const { pod, containerId, ifName, netns } = attachment;
  const remove = async () => {
    // The runtime may have used the same names for another sandbox meanwhile.
    if (!isNetnsUnmounted(netns)) return;
    if (!(await removeAttachment(attachment, context, [name]))) return;
    context.observers?.removed('sandbox-gone', 1);
    context.log.info(
      {
        pod: `${pod.namespace}/${pod.name}`,
        ...(isOurs ? { containerId, ifName } : {}),
        port: name,
        proof: `nothing is mounted at ${netns}, and the node has no link ${name}`,
      },
      'removed a port whose sandbox is gone',
    );
  };
  await context.queue.runIfIdle(attachment, remove);
}

/**
 * Removes limits that no port has.
 * @throws CniError 11 when OVS refuses
 */
export async function removeOrphanedLimits({ vsctl, log, observers }: Context): Promise<void> {
  const rows = await findOrphanedLimits(vsctl);
  const { qos, queues } = rows;
  if (qos.length + queues.length === 0) return;
  await unplug(vsctl, rows);
  observers?.removed('no-port', qos.length + queues.length);
  log.info(
    { qos, queues, proof: 'no port has them, and they carry the marks of attachments' },
    'removed limits without a port',
  );
}
