/**
 * Which port is whose: pods' ports as their Interface rows describe them. Pure.
 */

import { isOvnProvider } from '../../common/names.ts';
import { keyPrefix } from '../model/annotation-keys.ts';
import type { Attachment } from '../model/attachment.ts';
import { type Bandwidth, parseBandwidth } from '../model/bandwidth.ts';
import { type Pod, staticPodOf } from '../model/pod.ts';
import { isLauncherOf } from '../model/virtual-machine.ts';
import { STATIC_POD_ID } from '../ovs/iface-id.ts';
import { readMarkedPort } from '../ovs/marked-port.ts';
import type { InterfaceRow, LimitMarks } from '../ovs/port.ts';

/** A port that stands for a logical switch port of a pod. */
export interface FollowedPort extends LimitMarks {
  /** Of the host interface. */
  readonly name: string;
  readonly provider: string;
  /** In the pod; empty where a port of Kube-OVN's Go daemon does not say it. */
  readonly ifName: string;
  /** Undefined for a port of Kube-OVN's Go daemon. */
  readonly podUid: string | undefined;
  /** Set for a static pod's port: what its kubelet knows the pod by. */
  readonly staticPod: string | undefined;
  readonly attachment: Attachment;
  readonly bandwidth: Bandwidth | undefined;
}

/** Undefined for what is no pod's port, and for one that a newer sandbox took the `iface-id` from. */
export function readFollowedPort(row: InterfaceRow): FollowedPort | undefined {
  const { 'iface-id': ifaceId, 'iface-id-ver': podUid, bandwidth } = row.externalIds;
  const marked = readMarkedPort(row);
  if (marked === undefined || ifaceId === undefined) return undefined;
  const { attachment, name } = marked;
  const workload = attachment.pod.name;
  const nic = readIfaceId(ifaceId, `${workload}.${attachment.pod.namespace}`);
  if (nic === undefined) return undefined;
  return {
    name,
    ifaceId,
    workload,
    provider: nic.provider,
    ifName: attachment.ifName || nic.ifName,
    podUid,
    staticPod: row.externalIds[STATIC_POD_ID],
    attachment,
    bandwidth: parseBandwidth(bandwidth),
  };
}

/**
 * The network that a logical switch port is on: `<pod>.<namespace>` for provider `ovn`, else with
 * `.<provider>` behind it, and `.<ifname>` where several NICs share the network.
 */
function readIfaceId(ifaceId: string, pod: string) {
  if (ifaceId === pod) return { provider: 'ovn', ifName: '' };
  if (!ifaceId.startsWith(`${pod}.`)) return undefined;
  const fields = ifaceId.slice(pod.length + 1).split('.');
  const provider = fields.slice(0, 3).join('.');
  return isOvnProvider(provider) ? { provider, ifName: fields.slice(3).join('.') } : undefined;
}

/**
 * The port of a row where it is a port of this very pod.
 * @param workloads of the pod: for who looks at many rows
 */
export function portOfPod(
  row: InterfaceRow,
  pod: Pod,
  workloads = workloadsOf(pod),
): FollowedPort | undefined {
  // Most rows are other pods', which is seen before anything is parsed.
  const {
    pod_namespace: namespace,
    pod_name: workload = '',
    'iface-id-ver': uid,
  } = row.externalIds;
  if (namespace !== pod.namespace) return undefined;
  const isOther =
    uid === undefined
      ? !workloads.has(workload)
      : uid !== pod.uid && staticPodOf(pod) === undefined;
  if (isOther) return undefined;
  const port = readFollowedPort(row);
  return port !== undefined && isPortOfPod(port, pod) ? port : undefined;
}

/** Names that may stand for a pod in OVS: its own, and that of the virtual machine that it runs. */
export function workloadsOf({ name, virtualMachine }: Pod): ReadonlySet<string> {
  return new Set(virtualMachine === undefined ? [name] : [name, virtualMachine.name]);
}

/** True for a port of this very pod, and not of another one that had its name. */
export function isPortOfPod(port: FollowedPort, pod: Pod): boolean {
  const { attachment, workload, provider, ifName, podUid } = port;
  if (attachment.pod.namespace !== pod.namespace) return false;
  if (podUid === pod.uid) return true;
  // The mirror of a static pod gets a new UID, and its ports stay. They say themselves that they are
  // such a pod's: anybody can write the annotation of one.
  if (podUid !== undefined)
    return port.staticPod !== undefined && port.staticPod === staticPodOf(pod);
  const prefix = keyPrefix(pod.annotations, provider, ifName);
  const vm = pod.annotations[`${prefix}.kubernetes.io/virtualmachine`];
  if (vm && !isLauncherOf(pod, vm)) return false;
  return workload === (vm || pod.name);
}
