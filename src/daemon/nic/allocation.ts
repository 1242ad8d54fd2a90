/**
 * Waits until the controller has said all that an attachment needs: the pod is known, its NIC
 * has an address and routing, and its Subnet is there. Everything arrives by watch.
 */

import type { Deadline } from '../../common/concurrency/deadline.ts';
import { abortable } from '../../common/concurrency/deadline.ts';
import type { KubernetesApi } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { CniCode } from '../../wire/cni.ts';
import { CniError, OwnCode } from '../call/error.ts';
import { atStage, forThisCall, inStage } from '../call/stage.ts';
import type { Wait } from '../call/waiting.ts';
import { waiting } from '../call/waiting.ts';
import type { Annotations } from '../model/annotation-keys.ts';
import type { Attachment, LiveAttachment } from '../model/attachment.ts';
import type { DeletedPods } from '../model/deleted-pods.ts';
import type { Missing, Nic } from '../model/nic.ts';
import { CONTROLLER, namesSubnet, readNic } from '../model/nic.ts';
import type { Pod } from '../model/pod.ts';
import { isSamePod, podKey, projectPod } from '../model/pod.ts';
import type { Subnet } from '../model/subnet.ts';
import { subnetOfProvider } from '../model/subnet.ts';
import { isLauncherOf } from '../model/virtual-machine.ts';
import type { PrimaryNetwork } from '../node/primary-network.ts';
import { kindOf } from './kinds/kinds.ts';
import { readAnnotations } from './wrong-annotation.ts';

/** What the wait for an allocation uses. */
export interface AllocationParts {
  readonly api: Pick<KubernetesApi, 'get'>;
  /** Pods of this node, by `namespace/name`. */
  readonly pods: Pick<WatchCache<Pod>, 'get' | 'synced' | 'until' | 'onChange'>;
  readonly deletedPods: Pick<DeletedPods, 'has'>;
  /** By name. */
  readonly subnets: Pick<WatchCache<Subnet>, 'get' | 'values' | 'synced' | 'until'>;
  /** Whose the pods' primary network is. */
  readonly primary: Pick<PrimaryNetwork, 'refuse'>;
}

/** What a controller has published for one attachment. */
export interface Allocation {
  readonly pod: Pod;
  readonly nic: Nic;
  /** Undefined only on the primary network, where the annotations name none. */
  readonly subnet: Subnet | undefined;
}

/**
 * @throws CniError 7 for a network that no Subnet belongs to or a wrong annotation; 11 naming
 *   the wait when the deadline passes; 100 when the pod is gone
 */
export async function awaitAllocation(
  attachment: LiveAttachment,
  parts: AllocationParts,
  deadline: Deadline,
): Promise<Allocation> {
  const { signal } = deadline;
  const { pods, subnets } = parts;
  await waiting(FIRST_LIST, abortable(Promise.all([pods.synced, subnets.synced]), signal));

  atStage('get-pod', () => refuseLateCall(attachment, parts));

  let missing = missingPod(attachment);
  const strangers = new Set<string>();
  const look = forThisCall(() => {
    const pod = pods.get(podKey(attachment.pod.namespace, attachment.pod.name));
    if (pod === undefined) return undefined;
    if (!isSamePod(pod, attachment.pod.uid)) {
      if (!strangers.has(pod.uid)) void endIfReplaced(attachment, parts, deadline);
      strangers.add(pod.uid);
      return undefined;
    }
    if (pod.deleting) throw podGone(attachment, 'is being deleted');
    atStage('provider', () => {
      parts.primary.refuse(attachment, pod);
      refuseUnboundProvider(pod, attachment, parts);
    });
    const nic = readPossibleNic(pod.annotations, attachment);
    if ('missing' in nic) missing = explained(nic.missing, attachment, parts);
    else if (isOfPod(nic, pod)) return { pod, nic: onlyMachinesMigrate(nic, pod) };
    else missing = launcherOf(nic, attachment);
    return undefined;
  });
  const { pod, nic } = await waiting(() => missing, pods.until(look, signal));
  const subnet = await inStage('get-subnet', findSubnet(nic, attachment, parts, signal));
  return { pod, nic, subnet: await connected(subnet, attachment, parts, signal) };
}

/**
 * What the annotations say of a NIC, where it is of a kind that this daemon makes.
 * @throws CniError 2 for one of another kind; 7 that names the annotation that is wrong
 */
export function readPossibleNic(annotations: Annotations, attachment: Attachment): Nic | Missing {
  const nic = readAnnotations(() => readNic(annotations, attachment));
  // The interface of a NIC that we only allocate for is another plugin's.
  if (!('missing' in nic) && !attachment.ipamOnly) kindOf(nic);
  return nic;
}

/** True where a NIC is named by its pod, or by the VM that the pod runs: by nothing else. */
function isOfPod({ workload }: Nic, pod: Pod): boolean {
  return workload === pod.name || isLauncherOf(pod, workload);
}

/** What a migration does without, the probe for other users of an address, no other pod may skip. */
function onlyMachinesMigrate(nic: Nic, pod: Pod): Nic {
  return { ...nic, migrating: nic.migrating && isLauncherOf(pod, nic.workload) };
}

function launcherOf({ workload }: Nic, { pod, provider }: LiveAttachment): Wait {
  return {
    what: `pod ${pod.namespace}/${pod.name} to be a launcher of virtual machine ${workload}, as its annotation ${provider}.kubernetes.io/virtualmachine says: it has no owner reference to that VirtualMachineInstance`,
    lookAt: `whether the annotation was copied from another pod; only ${CONTROLLER} writes it`,
    stage: 'confirm-address',
  };
}

/** Ends the deadline as soon as the pod is deleted or replaced; undone by disposal. */
export function endWithPod(
  attachment: LiveAttachment,
  { pods }: Pick<AllocationParts, 'pods'>,
  deadline: Deadline,
): Disposable {
  const key = podKey(attachment.pod.namespace, attachment.pod.name);
  const stop = pods.onChange((change) => {
    if (change.key !== key || !isSamePod(change.value, attachment.pod.uid)) return;
    if (change.type === 'deleted') deadline.abort(podGone(attachment, 'was deleted'));
    else if (change.value.deleting) deadline.abort(podGone(attachment, 'is being deleted'));
  });
  return { [Symbol.dispose]: stop };
}

const FIRST_LIST: Wait = {
  what: 'the first list of pods and Subnets from the API server',
  lookAt: "whether this node reaches the API server, and the daemon's log",
  stage: 'get-pod',
};

function missingPod({ pod }: LiveAttachment): Wait {
  const uid = pod.uid === undefined ? '' : ` with UID ${pod.uid}`;
  return {
    what: `pod ${pod.namespace}/${pod.name}${uid} to appear on this node`,
    lookAt: "whether the pod exists and is scheduled here, and the daemon's log for a broken watch",
    stage: 'get-pod',
  };
}

function podGone({ pod }: LiveAttachment, how: string): CniError {
  return new CniError(
    OwnCode.podGone,
    `pod ${pod.namespace}/${pod.name} ${how}`,
    'nothing is left to do for this sandbox but its DEL',
  );
}

/** The pod was here and went. */
function refuseLateCall(
  attachment: LiveAttachment,
  { pods, deletedPods }: Pick<AllocationParts, 'pods' | 'deletedPods'>,
): void {
  const { namespace, name, uid } = attachment.pod;
  if (!deletedPods.has(uid)) return;
  const isReplaced = pods.get(podKey(namespace, name)) !== undefined;
  throw podGone(attachment, isReplaced ? replacedFor(uid) : 'was deleted');
}

function replacedFor(uid: string | undefined): string {
  return `was replaced by one with another UID than ${uid}`;
}

const LOOK_TIMEOUT_MS = 5000;

/**
 * A pod of that name with another UID is either the newer pod, and this call comes too late, or
 * an older one that our watch has not seen going. Only the API server knows; without its word the
 * watch decides.
 */
async function endIfReplaced(
  attachment: LiveAttachment,
  { api }: Pick<AllocationParts, 'api'>,
  deadline: Deadline,
): Promise<void> {
  const { namespace, name, uid } = attachment.pod;
  const path = objectPath(KINDS.pods, name, namespace);
  const signal = AbortSignal.any([deadline.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
  const live = await api.get(path, {}, signal).catch(() => undefined);
  if (live !== undefined && !isSamePod(projectPod(live), uid)) {
    deadline.abort(podGone(attachment, replacedFor(uid)));
  }
}

/** At once: a network that no Subnet belongs to will not get an address by waiting. */
function refuseUnboundProvider(
  pod: Pod,
  attachment: LiveAttachment,
  { subnets }: Pick<AllocationParts, 'subnets'>,
): void {
  const { provider, ifName } = attachment;
  if (provider === 'ovn' || namesSubnet(pod.annotations, provider, ifName)) return;
  if (subnetOfProvider(subnets.values(), provider) === undefined) throw unbound(provider);
}

/** A Subnet that is being deleted gives no address to a new NIC, however long it waits. */
function explained(
  missing: Wait,
  { provider }: LiveAttachment,
  { subnets }: Pick<AllocationParts, 'subnets'>,
): Wait {
  const subnet = subnetOfProvider(subnets.values(), provider);
  if (!subnet?.terminating) return missing;
  const why = `Subnet ${subnet.name}, which is being deleted and gives no address to a new interface`;
  return { ...missing, lookAt: `${why}; and at ${missing.lookAt}` };
}

function unbound(provider: string, named?: string): CniError {
  const alsoNot =
    named === undefined ? '' : `, and Subnet "${named}" of the annotation does not exist`;
  return new CniError(
    CniCode.invalidConfig,
    `provider "${provider}" is not bound to any Subnet${alsoNot}`,
    `expected a Subnet whose spec.provider is "${provider}", or the pod's annotation ${provider}.kubernetes.io/logical_switch with a Subnet's name`,
  );
}

/** How much later than the pod's annotations their Subnet may reach us; ms. */
const SUBNET_LAG_MS = 2000;

function subnetNamed(name: string): Wait {
  return {
    what: `Subnet ${name} of the annotation logical_switch`,
    lookAt: `whether Subnet ${name} exists, and the daemon's log for a broken watch`,
    stage: 'get-subnet',
  };
}

/** The Subnet that the annotations name, else the one of the provider. */
async function findSubnet(
  nic: Nic,
  { provider }: LiveAttachment,
  { subnets }: Pick<AllocationParts, 'subnets'>,
  signal: AbortSignal,
): Promise<Subnet | undefined> {
  const { logicalSwitch } = nic;
  if (logicalSwitch === undefined) return subnetOfProvider(subnets.values(), provider);
  const lag = AbortSignal.any([signal, AbortSignal.timeout(SUBNET_LAG_MS)]);
  const late = subnets.until(() => subnets.get(logicalSwitch), lag).catch(() => undefined);
  const named = await waiting(subnetNamed(logicalSwitch), abortable(late, signal));
  const subnet = named ?? subnetOfProvider(subnets.values(), provider);
  if (subnet === undefined) throw unbound(provider, logicalSwitch);
  return subnet;
}

/**
 * A NIC on an underlay network with u2o interconnection has its default route by OVN's router: without the
 * router's address it would go to the physical gateway, past everything in the cluster.
 * @returns the Subnet when it says that address, where it has one to say
 */
async function connected(
  subnet: Subnet | undefined,
  { ipamOnly }: LiveAttachment,
  { subnets }: Pick<AllocationParts, 'subnets'>,
  signal: AbortSignal,
): Promise<Subnet | undefined> {
  if (subnet === undefined || ipamOnly || isConnected(subnet)) return subnet;
  const { name } = subnet;
  const wait: Wait = {
    what: `the address of OVN's router on Subnet ${name} (status.u2oInterconnectionIP), which has u2oInterconnection`,
    lookAt: `the events and conditions of Subnet ${name}, and the log of ${CONTROLLER}`,
    stage: 'u2o-address',
  };
  const known = () => {
    const now = subnets.get(name);
    return now !== undefined && isConnected(now) ? now : undefined;
  };
  return await waiting(wait, subnets.until(known, signal));
}

function isConnected({ u2oInterconnection, u2oGateways }: Subnet): boolean {
  return !u2oInterconnection || u2oGateways.length > 0;
}
