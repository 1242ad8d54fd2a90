/**
 * GC: removes what the runtime's list of valid attachments of a network does not have (CNI spec 1.1,
 * "GC"), and then whatever has lost its sandbox.
 *
 * The list speaks for one network only, so it concerns only ports and interfaces that an ADD of ours
 * marked with that network's name and provider. Kube-OVN's executable says no name: several networks may
 * have one provider, and a port of one that the list of another lacks may live. Such ports go by the
 * proof that their sandbox is gone. Calls of the same attachment that run or wait go
 * first: their interface is not touched. Nor is one whose ADD has run since this GC came: the list is older.
 * The specification lets no runtime call ADD beside GC, and a node may have two runtimes.
 */

import { startDeadline } from '../../common/concurrency/deadline.ts';
import { OWN_CNI_TYPE } from '../../common/names.ts';
import { withToolTime } from '../../common/process/tool-time.ts';
import { isContainerId, isInterfaceName } from '../../wire/cni.ts';
import type { GcRequest } from '../../wire/messages.ts';
import { invalid } from '../call/error.ts';
import { waiting } from '../call/waiting.ts';
import { Attempts } from '../garbage/attempts.ts';
import { removeDeadPorts, removeOrphanedLimits, type SweepParts } from '../garbage/sweep.ts';
import { type Attachment, attachmentKey, isNetworkName } from '../model/attachment.ts';
import { readLinkMark } from '../model/link-mark.ts';
import { nodeLinks } from '../netns/link.ts';
import { removeNic } from '../nic/remove.ts';
import { readMarkedPort } from '../ovs/marked-port.ts';
import { type Interfaces, toInterfaceRow } from '../ovs/port.ts';
import { OVS_ROWS } from '../ovs/table.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';

/** What a GC uses. */
export interface GcParts extends SweepParts {
  readonly queue: SweepParts['queue'] & Pick<AttachmentQueue, 'addsFromNow'>;
  readonly interfaces: SweepParts['interfaces'] & Pick<Interfaces, 'synced'>;
}

/** For OVS's rows to arrive; ms. */
const ROWS_TIMEOUT_MS = 10_000;
/** For all tools of one GC together: our executable waits 115 s. What is left is the next GC's; ms. */
const TOOLS_MS_MAX = 90_000;

/**
 * Goes on when something cannot be removed, and says at the end what; not while OVS's database is away.
 * @param caller aborted when the caller goes away
 * @throws CniError 7 for a wrong list, of which nothing is believed; 11 for what could not be removed
 */
export async function gc(request: GcRequest, parts: GcParts, caller: AbortSignal): Promise<void> {
  // The plugin that made the interfaces removes them; addresses are the controller's to free.
  if (request.cni_type !== OWN_CNI_TYPE) return;
  const isListed = readList(request);
  using newer = parts.queue.addsFromNow();
  const isValid =
    isListed && ((attachment: Attachment) => isListed(attachment) || newer.has(attachment));
  using deadline = startDeadline(ROWS_TIMEOUT_MS, caller);
  await waiting(OVS_ROWS, parts.interfaces.synced(deadline.signal));
  await withToolTime(TOOLS_MS_MAX, 0, () => removeAll(request, parts, caller, isValid));
}

/** @throws CniError 11 for what could not be removed */
async function removeAll(
  request: GcRequest,
  parts: GcParts,
  caller: AbortSignal,
  isValid: ReturnType<typeof readList>,
): Promise<void> {
  const attempts = new Attempts();
  if (isValid !== undefined) {
    for (const attachment of await markedAttachments(request, parts)) {
      // A list without its caller is out of date: the runtime may have gone on.
      caller.throwIfAborted();
      if (isValid(attachment)) continue;
      await attempts.add(() => removeInvalid(attachment, request, parts));
    }
  }
  await attempts.add(() => removeDeadPorts(parts));
  await attempts.add(() => removeOrphanedLimits(parts));
  attempts.end('what could be removed is removed; look at the others');
}

/** Attachments of this network that ports or interfaces of ours are marked with. */
async function markedAttachments(
  { provider, network }: GcRequest,
  { interfaces }: Pick<GcParts, 'interfaces'>,
): Promise<Attachment[]> {
  const ports = [...interfaces.rows.values()]
    .flatMap((row) => readMarkedPort(toInterfaceRow(row)) ?? [])
    .flatMap(({ isOurs, attachment }) => (isOurs ? [attachment] : []));
  const unplugged = [...(await nodeLinks()).values()]
    .flatMap((alias) => readLinkMark(alias) ?? [])
    .map((mark) => ({ ...mark, pod: { namespace: '', name: '' }, ipamOnly: false, routes: [] }));
  // An interface that is a port is the same attachment: the port's row says more, and comes last.
  const byKey = new Map<string, Attachment>();
  for (const attachment of [...unplugged, ...ports]) {
    const isOfNetwork = attachment.provider === provider && attachment.network === network;
    if (isOfNetwork) byKey.set(attachmentKey(attachment), attachment);
  }
  return [...byKey.values()];
}

async function removeInvalid(
  attachment: Attachment,
  { network, provider, valid_attachments: list = [] }: GcRequest,
  parts: GcParts,
): Promise<void> {
  const { containerId, ifName, pod } = attachment;
  await parts.queue.runIfIdle(attachment, async () => {
    await removeNic(attachment, parts);
    parts.observers?.removed('not-valid', 1);
    const count = list.length;
    const proof = `it is none of the ${count} attachments of network ${network} (${provider}) that the runtime calls valid`;
    // An interface that is no port does not say its pod.
    const whose = pod.name === '' ? {} : { pod: `${pod.namespace}/${pod.name}` };
    parts.log.info(
      { ...whose, containerId, ifName, proof },
      'removed an attachment that is no longer valid',
    );
  });
}

/**
 * Whether an attachment is on the list; undefined where there is no list, or no name to say whose it is.
 * @throws CniError 7 for an element that can be no attachment
 */
function readList({ network, valid_attachments: list }: GcRequest) {
  if (list === undefined || !isNetworkName(network)) return undefined;
  const keys = new Set<string>();
  for (const [index, { container_id: containerId, if_name: ifName }] of list.entries()) {
    if (!isContainerId(containerId) || !isInterfaceName(ifName)) {
      const field = `cni.dev/valid-attachments[${index}]`;
      throw invalid(field, { containerId, ifName }, 'a container id and an interface name');
    }
    keys.add(attachmentKey({ containerId, ifName }));
  }
  return (attachment: Attachment) => keys.has(attachmentKey(attachment));
}
