/**
 * DEL: removes port, limits and interface of exactly this container and interface.
 *
 * Everything that is missing counts as done: the pod object, the network namespace, the rows,
 * the link (CNI spec 1.1, "DEL"). It asks neither the API server nor the pod's namespace, and the
 * database itself for the rows.
 */
import { abortable, startDeadline } from '../../common/concurrency/deadline.ts';
import { withToolTime } from '../../common/process/tool-time.ts';
import type { CniRequest } from '../../wire/messages.ts';
import { atStage, enterStage, inStage } from '../call/stage.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import { parseDelRequest } from '../model/attachment.ts';
import { type RemoveParts, removeNic } from '../nic/remove.ts';
import { podUidOf } from '../ovs/port.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';

/** What a DEL uses. */
export interface DelParts extends RemoveParts {
  readonly queue: RemoveParts['queue'] & Pick<AttachmentQueue, 'runDel'>;
}

/** What a DEL has found. */
export interface Removed {
  readonly hadPort: boolean;
  /** Of the port's pod, where its rows said it. */
  readonly podUid: string | undefined;
}

const NOTHING: Removed = { hadPort: false, podUid: undefined };

/** @throws CniError as docs/errors.md lists them */
export async function del(request: CniRequest, parts: DelParts): Promise<Removed> {
  const attachment = atStage('validate-request', () => parseDelRequest(request));
  // The plugin that made the interface removes it; addresses are the controller's to free.
  if (attachment.ipamOnly) return NOTHING;
  const turn = enterStage('queue');
  let removed = NOTHING;
  // The work goes on when the caller leaves, or has its answer: half a DEL helps nobody.
  const done = parts.queue.runDel(attachment, () => {
    turn.leave();
    return withToolTime(REMOVAL_MS_MAX, 0, async () => {
      const podUid = podUidOf(attachment, parts.interfaces);
      const hadPort = await inStage('delete-nic', removeNic(attachment, parts));
      removed = { hadPort, podUid };
    });
  });
  using deadline = startDeadline(DEL_TIMEOUT_MS);
  await waiting(TURN, abortable(done, deadline.signal)).catch((error) => {
    turn.fail(error);
    throw error;
  });
  return removed;
}

/** For the tools of one removal together, which take some 40 ms; ms. */
const REMOVAL_MS_MAX = 15_000;
/** Later than our executable records a DEL: Kube-OVN's waits for ever; ms. */
const DEL_TIMEOUT_MS = 30_000;
const TURN: Wait = {
  what: 'an earlier call for the same interface to end',
  lookAt: "what that one waits for: the daemon's log",
};
