/**
 * What we keep of a Pod object.
 */
import { isDnsName, MIGRATION_ANNOTATION } from '../../common/names.ts';

/** One pod of this node. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** True once the pod has a deletionTimestamp. */
  readonly deleting: boolean;
  /** True once all its containers have ended for good: phase Succeeded or Failed. */
  readonly finished: boolean;
  /** The KubeVirt VM whose launcher the pod says it is. The author of a pod can write it. */
  readonly virtualMachine?: VirtualMachineRef;
  /** It attaches networks by name, as Multus reads it. The author of a pod can write it. */
  readonly asksForNetworks?: true;
  /** It has a network by name for its default interface, as Multus reads it. Its author can write it. */
  readonly asksForDefaultNetwork?: true;
  /** Only Kube-OVN's annotations and those it reads. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** An owner reference to a VirtualMachineInstance, which has the VM's name. */
export interface VirtualMachineRef {
  readonly name: string;
  readonly uid: string;
}

/** A static pod's mirror has its own UID; the runtime knows the pod by this one. */
const STATIC_POD_UID_ANNOTATION = 'kubernetes.io/config.hash';

/** Multus' (its documentation, "how-to-use"). */
const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';
const DEFAULT_NETWORK_ANNOTATION = 'v1.multus-cni.io/default-network';

/** The key of a pod in caches and logs: `<namespace>/<name>`. */
export function podKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** A raw Pod as the API server sends it, reduced to what we use: memory is what it costs. */
export function projectPod(raw: unknown): Pod {
  const { metadata, status } = raw as { metadata: RawMetadata; status?: { phase?: string } };
  const annotations: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    if (isOurs(key)) annotations[key] = value;
  }
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    deleting: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
    finished: status?.phase === 'Succeeded' || status?.phase === 'Failed',
    ...virtualMachineOf(metadata.ownerReferences),
    ...(metadata.annotations?.[NETWORKS_ANNOTATION] ? { asksForNetworks: true as const } : {}),
    ...(metadata.annotations?.[DEFAULT_NETWORK_ANNOTATION]
      ? { asksForDefaultNetwork: true as const }
      : {}),
    annotations,
  };
}

/** KubeVirt names a VM, its instance and the owner of its launcher pods alike. */
function virtualMachineOf(owners: RawMetadata['ownerReferences']): Pick<Pod, 'virtualMachine'> {
  const owner = owners?.find(
    ({ apiVersion, kind, name }) =>
      apiVersion.startsWith('kubevirt.io/') && kind === 'VirtualMachineInstance' && isDnsName(name),
  );
  return owner === undefined ? {} : { virtualMachine: { name: owner.name, uid: owner.uid } };
}

interface RawMetadata {
  name: string;
  namespace?: string;
  uid: string;
  deletionTimestamp?: string | null;
  annotations?: Record<string, string>;
  ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  }[];
}

function isOurs(key: string): boolean {
  if (key === MIGRATION_ANNOTATION || key === STATIC_POD_UID_ANNOTATION) return true;
  return /\.kubernetes\.io\/[a-z_]+$/.test(key) && !key.startsWith('kubectl.');
}

/**
 * The pod of this UID, where it is not on its way out.
 * @param staticPod what the kubelet knows it by, of a static pod, whose mirror gets new UIDs
 */
export function livingPod(pods: Iterable<Pod>, uid: string, staticPod?: string): Pod | undefined {
  for (const pod of pods) {
    const isIt = pod.uid === uid || (staticPod !== undefined && staticPodOf(pod) === staticPod);
    if (isIt && !pod.deleting && !pod.finished) return pod;
  }
  return undefined;
}

/** True for the mirror of a static pod: it gets a new UID when it is deleted, and the pod runs on. */
export function isMirror(pod: Pod): boolean {
  return staticPodOf(pod) !== undefined;
}

/** What the kubelet and the runtime know a static pod by; undefined for any other pod. */
export function staticPodOf(pod: Pod): string | undefined {
  const hash = pod.annotations[STATIC_POD_UID_ANNOTATION] ?? '';
  return /^[0-9A-Za-z-]{1,64}$/.test(hash) ? hash : undefined;
}

/** True where `uid`, as a runtime says it, means this pod. */
export function isSamePod(pod: Pod, uid: string | undefined): boolean {
  return uid === undefined || uid === pod.uid || uid === pod.annotations[STATIC_POD_UID_ANNOTATION];
}
