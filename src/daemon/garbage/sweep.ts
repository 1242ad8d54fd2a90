/**
 * Clean-up of a node: removes the ports whose sandbox is provably gone, and limits that no port
 * has any more.
 *
 * The proof is the kernel's, and its second half each NIC kind's own (nic/kinds): nothing is mounted at the
 * path of the sandbox's namespace, and the interface is gone.
 */

import type { Logger } from '../../common/log.ts';
import type { Observers } from '../call/observers.ts';
import { isNetnsUnmounted } from '../netns/netns.ts';
import { abandonedPorts } from '../nic/kinds/kinds.ts';
import { type RemoveParts, removeNic } from '../nic/remove.ts';
import { type MarkedPort, readMarkedPort } from '../ovs/marked-port.ts';
import { INTEGRATION_BRIDGE, toInterfaceRow } from '../ovs/port.ts';
import { findOrphanedLimits, unplug } from '../ovs/port-removal.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import { Attempts } from './attempts.ts';

/** What a clean-up uses. */
export interface SweepParts extends RemoveParts {
  readonly queue: RemoveParts['queue'] & Pick<AttachmentQueue, 'runIfIdle'>;
  readonly log: Logger;
  /** Who observes what is done; nobody without it. */
  readonly observers?: Pick<Observers, 'removed'>;
}

/**
 * Removes the ports whose sandbox is gone.
 * @throws CniError 11 when OVS refuses; what was not removed then is left for the next round
 */
export async function removeDeadPorts(parts: SweepParts): Promise<void> {
  const attempts = new Attempts();
  for (const port of await deadPorts(parts)) await attempts.add(() => removePort(port, parts));
  attempts.end('the next round tries again');
}

async function deadPorts({
  interfaces,
  log,
}: Pick<SweepParts, 'interfaces' | 'log'>): Promise<readonly MarkedPort[]> {
  const suspects = [...interfaces.rows.values()]
    .flatMap((row) => readMarkedPort(toInterfaceRow(row)) ?? [])
    .filter(({ attachment }) => isNetnsUnmounted(attachment.netns));
  if (suspects.length === 0) return [];
  const proved = await abandonedPorts(suspects);
  if (proved !== undefined) return proved;
  log.warn(
    { bridge: INTEGRATION_BRIDGE },
    'no clean-up: this daemon does not see the links of OVS, so that a missing one proves nothing; it must run in the network namespace of the node (hostNetwork)',
  );
  return [];
}

async function removePort({ name, isOurs, attachment }: MarkedPort, parts: SweepParts) {
  const { pod, containerId, ifName, netns } = attachment;
  const remove = async () => {
    // The runtime may have used the same names for another sandbox meanwhile.
    if (!isNetnsUnmounted(netns)) return;
    if (!(await removeNic(attachment, parts, [name]))) return;
    parts.observers?.removed('sandbox-gone', 1);
    parts.log.info(
      {
        pod: `${pod.namespace}/${pod.name}`,
        ...(isOurs ? { containerId, ifName } : {}),
        port: name,
        proof: `nothing is mounted at ${netns}, and the node has no link ${name}`,
      },
      'removed a port whose sandbox is gone',
    );
  };
  await parts.queue.runIfIdle(attachment, remove);
}

/**
 * Removes limits that no port has.
 * @throws CniError 11 when OVS refuses
 */
export async function removeOrphanedLimits({
  ovs,
  vsctl,
  log,
  observers,
}: Pick<SweepParts, 'ovs' | 'vsctl' | 'log' | 'observers'>): Promise<void> {
  const rows = await findOrphanedLimits(ovs);
  const { qos, queues } = rows;
  if (qos.length + queues.length === 0) return;
  await unplug({ ovs, vsctl }, rows);
  observers?.removed('no-port', qos.length + queues.length);
  log.info(
    { qos, queues, proof: 'no port has them, and they carry the marks of attachments' },
    'removed limits without a port',
  );
}
