/**
 * What the controller keeps of a Pod: what it asks for, what it has, and whether it still runs.
 * Pure.
 */
import { MIGRATION_ANNOTATION } from '../../common/names.ts';
import { type Fields, rawFields, readQuietly } from './fields.ts';

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Only those that have to do with networks. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Empty as long as no node was chosen. */
  readonly nodeName: string;
  readonly hostNetwork: boolean;
  readonly statefulSet?: Owner;
  /** Name of the KubeVirt VM that runs in it. */
  readonly virtualMachine?: string;
  /** True for a VM's pod that the VM is migrating to. */
  readonly migrating: boolean;
  readonly end: PodEnd;
}

export interface Owner {
  readonly name: string;
  readonly uid: string;
}

/** What tells how far a pod is from its end. */
export interface PodEnd {
  readonly phase: string;
  readonly reason: string;
  readonly restartPolicy: string;
  /** Undefined as long as nobody deleted it; ms since 1970. */
  readonly deletedAtMs?: number;
  /** What a deletion leaves it; ms. */
  readonly graceMs: number;
  /** What the pod itself wants for its end; ms. */
  readonly terminationGraceMs: number;
}

export const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';
export const DEFAULT_NETWORK_ANNOTATION = 'v1.multus-cni.io/default-network';

/** A pod without `terminationGracePeriodSeconds` has this. */
const DEFAULT_GRACE_SECONDS = 30;
const SECONDS_MAX = Number.MAX_SAFE_INTEGER / 1000;

/** A raw Pod as the API server sends it, reduced to what we use: memory is what it costs. */
export function projectPod(raw: unknown): Pod {
  const object = rawFields(raw);
  const metadata = readQuietly(object.metadata);
  const spec = readQuietly(object.spec);
  const status = readQuietly(object.status);
  const annotations = readAnnotations(metadata);
  const name = metadata.text('name');
  const owners = metadata.parts('ownerReferences');
  return {
    namespace: metadata.text('namespace'),
    name,
    uid: metadata.text('uid'),
    resourceVersion: metadata.text('resourceVersion'),
    annotations,
    nodeName: spec.text('nodeName'),
    hostNetwork: spec.flag('hostNetwork'),
    ...readStatefulSet(owners, name),
    ...readVirtualMachine(owners),
    migrating: Boolean(annotations[MIGRATION_ANNOTATION]),
    end: readEnd(metadata, spec, status),
  };
}

/** The pod's number in its StatefulSet, which is at the end of its name, or undefined. */
export function podIndex(name: string): number | undefined {
  const digits = /-(\d{1,9})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What the IP object says of the pod's kind. */
export function podType(pod: Pod): '' | 'StatefulSet' | 'VirtualMachine' {
  if (pod.statefulSet) return 'StatefulSet';
  return pod.virtualMachine === undefined ? '' : 'VirtualMachine';
}

/** The name that addresses and ports of the pod are under. */
export function workloadOf(pod: Pod, settings: { readonly keepsVmAddresses: boolean }): string {
  return (settings.keepsVmAddresses ? pod.virtualMachine : undefined) ?? pod.name;
}

/** Whose its addresses are, in the allocator and in IP objects. */
export function ownerOfPod(pod: Pod, settings: { readonly keepsVmAddresses: boolean }): string {
  return `${pod.namespace}/${workloadOf(pod, settings)}`;
}

function readAnnotations(metadata: Fields): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = Object.create(null);
  for (const [key, value] of metadata.textMap('annotations')) {
    if (isOurs(key)) annotations[key] = value;
  }
  return annotations;
}

function isOurs(key: string): boolean {
  const own = [NETWORKS_ANNOTATION, DEFAULT_NETWORK_ANNOTATION, MIGRATION_ANNOTATION];
  if (own.includes(key)) return true;
  return key.includes('.kubernetes.io/') && !key.startsWith('kubectl.');
}

function readStatefulSet(owners: readonly Fields[], podName: string) {
  const owner = owners.find(
    (candidate) =>
      candidate.text('kind') === 'StatefulSet' &&
      candidate.text('apiVersion').startsWith('apps/') &&
      podName.startsWith(`${candidate.text('name')}-`),
  );
  return owner && { statefulSet: { name: owner.text('name'), uid: owner.text('uid') } };
}

/** The VM's instance owns the pod, and has the VM's name. */
function readVirtualMachine(owners: readonly Fields[]) {
  const owner = owners.find(
    (candidate) =>
      candidate.text('kind') === 'VirtualMachineInstance' &&
      candidate.text('apiVersion').startsWith('kubevirt.io/'),
  );
  return owner && { virtualMachine: owner.text('name') };
}

function readEnd(metadata: Fields, spec: Fields, status: Fields): PodEnd {
  const deletedAtMs = Date.parse(metadata.text('deletionTimestamp'));
  const grace = metadata.integer('deletionGracePeriodSeconds', 0, SECONDS_MAX) ?? 0;
  const wanted = spec.integer('terminationGracePeriodSeconds', 0, SECONDS_MAX);
  return {
    phase: status.text('phase'),
    reason: status.text('reason'),
    restartPolicy: spec.text('restartPolicy'),
    ...(Number.isNaN(deletedAtMs) ? {} : { deletedAtMs }),
    graceMs: grace * 1000,
    terminationGraceMs: (wanted ?? DEFAULT_GRACE_SECONDS) * 1000,
  };
}
