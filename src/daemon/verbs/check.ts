/**
 * CHECK: whether an interface still is what its ADD made (CNI spec 1.1, "CHECK").
 *
 * Compares the ADD's answer, the pod's annotations, the pod's network namespace and OVS, and names
 * every difference at once. It changes nothing, and needs no API server: while that is away the
 * last known annotations count.
 */

import { abortable, startDeadline } from '../../common/concurrency/deadline.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { logicalSwitchPort } from '../../common/names.ts';
import { withToolTime } from '../../common/process/tool-time.ts';
import type { CheckRequest } from '../../wire/messages.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import { compareLimits } from '../limits/comparison.ts';
import type { LimitsFollower } from '../limits/limits-follower.ts';
import { type LiveAttachment, parseAddRequest } from '../model/attachment.ts';
import { type Difference, differenceError } from '../model/difference.ts';
import { type EarlierResult, parseEarlierResult } from '../model/earlier-result.ts';
import { hostInterfaceNames } from '../model/interface-names.ts';
import type { Nic } from '../model/nic.ts';
import { isMirror, type Pod, podKey } from '../model/pod.ts';
import { compareAllocation, recordedNic } from '../nic/allocation-comparison.ts';
import { KINDS, kindOf } from '../nic/kinds/kinds.ts';
import type { PrimaryNetwork } from '../node/primary-network.ts';
import type { Mirror } from '../ovs/mirror.ts';
import { comparePort } from '../ovs/port-comparison.ts';
import { inspectPort } from '../ovs/port-inspection.ts';
import type { FreshLook } from '../ovs/session.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';

/** What a CHECK uses. */
export interface CheckParts {
  /** Pods of this node, by `namespace/name`. */
  readonly pods: Pick<WatchCache<Pod>, 'get' | 'isSynced'>;
  /** Whose the pods' primary network is. */
  readonly primary: Pick<PrimaryNetwork, 'refuse'>;
  readonly limits: Pick<LimitsFollower, 'settled'>;
  readonly queue: Pick<AttachmentQueue, 'runCheck'>;
  readonly ovs: FreshLook;
  readonly mirror: Pick<Mirror, 'all'>;
}

/** Whole CHECK; ms. All that it reads is on this node, and a DEL may wait behind it. */
const CHECK_TIMEOUT_MS = 10_000;
/** Tools are ended a moment after the CHECK: its answer says how long it has waited for them; ms. */
const TOOLS_TIMEOUT_MS = CHECK_TIMEOUT_MS + 500;

/**
 * @param caller aborted when the caller goes away
 * @throws CniError 110 to 113 for what differs; others as docs/errors.md lists them
 */
export async function check(
  request: CheckRequest,
  parts: CheckParts,
  caller: AbortSignal,
): Promise<void> {
  const attachment = parseAddRequest(request);
  const known = parts.pods.get(podKey(attachment.pod.namespace, attachment.pod.name));
  if (known !== undefined) parts.primary.refuse(attachment, known);
  const earlier = parseEarlierResult(request.prev_result, attachment);
  using deadline = startDeadline(CHECK_TIMEOUT_MS, caller);
  const { signal } = deadline;
  // What was annotated a moment ago is on its way.
  await waiting(CHANGES, parts.limits.settled(attachment.pod, signal));
  let stage = TURN;
  const result = parts.queue.runCheck(attachment, signal, () => {
    stage = TOOLS;
    // Its turn ends with the deadline: a DEL must not wait for tools that hang.
    const found = withToolTime(TOOLS_TIMEOUT_MS, 0, () =>
      findDifferences(attachment, earlier, parts),
    );
    return abortable(found, signal);
  });
  const differences = await waiting(() => stage, abortable(result, signal));
  if (differences.length > 0) throw differenceError(differences);
}

const CHANGES: Wait = {
  what: "a change of the pod's limits",
  lookAt: 'the load of this node, and whether ovsdb-server answers: `ovs-vsctl show`',
};
const TURN: Wait = {
  what: 'an earlier call for the same interface',
  lookAt: "what that one waits for: the daemon's log",
};
const TOOLS: Wait = {
  what: "OVS's database and ip to read OVS's rows and the pod's network",
  lookAt: 'the load of this node, and whether ovsdb-server answers: `ovs-vsctl show`',
};

async function findDifferences(
  attachment: LiveAttachment,
  earlier: EarlierResult,
  { pods, ovs, mirror }: Pick<CheckParts, 'pods' | 'ovs' | 'mirror'>,
): Promise<Difference[]> {
  const { pod, nic, differences } = recordedNic(attachment, pods);
  const allocation = [...differences, ...(nic ? compareAllocation(attachment, earlier, nic) : [])];
  // The interface is another plugin's, which checks it itself.
  if (attachment.ipamOnly) return allocation;
  const names = hostInterfaceNames(attachment.containerId, attachment.ifName);
  const kind = nic === undefined ? KINDS[0] : kindOf(nic);
  const inspected = inspectPort(ovs, attachment, names);
  const hostMtu = inspected.then(({ own }) => own?.mtu ?? undefined);
  const [port, ofInterface] = await Promise.all([
    inspected,
    kind.check(attachment, earlier, hostMtu),
  ]);
  const expected = {
    usualName: names[0],
    ifaceId: nic && portName(attachment, nic),
    podUid: pod && !isMirror(pod) ? pod.uid : undefined,
    mtu: earlier.interface?.mtu,
  };
  return [
    ...allocation,
    ...comparePort(expected, port),
    ...ofInterface,
    ...(pod && nic && port.own ? compareLimits(pod, port.own, mirror.all) : []),
  ];
}

function portName({ pod, provider }: LiveAttachment, nic: Nic): string {
  return logicalSwitchPort({
    workload: nic.workload,
    namespace: pod.namespace,
    provider,
    ifName: nic.sharedNetworkIfName,
  });
}
