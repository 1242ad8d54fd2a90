/**
 * What the controller keeps of a Pod: what it asks for, what it has, and whether it still runs.
 * Annotations and owners are as the pod's author wrote them. Pure.
 */

import { type Fields, rawFields, readQuietly } from '../../../../common/fields.ts';
import { MIGRATION_ANNOTATION } from '../../../../common/names.ts';
import { type MachineClaim, readMachineClaim } from '../../../../common/virtual-machine.ts';
import { machineOwner, podOwner } from '../../../model/owner-key.ts';

/** What is kept of a Pod. */
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
  /** Only a claim. */
  readonly statefulSet?: StatefulSetRef;
  /** The KubeVirt machine that runs in it, if it does: only a claim (machines.ts). */
  readonly machine?: MachineClaim;
  /** True for a machine's pod that says that the machine is migrating to it. */
  readonly migrating: boolean;
  /** True where it is labelled as a node's daemon: what anybody can write, but for its namespace. */
  readonly isAgent: boolean;
  readonly end: PodEnd;
}

/** The StatefulSet that a pod says it is of. */
export interface StatefulSetRef {
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

/**
 * The networks that a pod asks for (Network Custom Resource Definition De-facto Standard, section
 * 4.1).
 */
export const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';
/** The network that takes the place of the cluster's own for a pod; it is Multus'. */
export const DEFAULT_NETWORK_ANNOTATION = 'v1.multus-cni.io/default-network';

/** Kube-OVN's label of its node daemon's pods, which ours have, too. */
const AGENT_APP = 'kube-ovn-cni';
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
    ...readMachine(owners),
    migrating: Boolean(annotations[MIGRATION_ANNOTATION]),
    isAgent: metadata.textMap('labels').get('app') === AGENT_APP,
    end: readEnd(metadata, spec, status),
  };
}

/** The pod's number in its StatefulSet, which is at the end of its name, or undefined. */
export function podIndex(name: string): number | undefined {
  const digits = /-(\d{1,9})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The name that addresses and ports of the pod are under. */
export function workloadOf(pod: Pod, settings: { readonly keepsVmAddresses: boolean }): string {
  return (settings.keepsVmAddresses ? pod.machine?.name : undefined) ?? pod.name;
}

/**
 * Whose its addresses are, in the allocator and in IP objects: those of the machine that it claims, as
 * soon as the claim is shown to be true. Until then it gets none.
 */
export function ownerOfPod(pod: Pod, settings: { readonly keepsVmAddresses: boolean }): string {
  const { namespace, name, machine } = pod;
  if (machine === undefined || !settings.keepsVmAddresses) return podOwner(namespace, name);
  return machineOwner(namespace, machine.name);
}

/** UID of what its IP objects are for: the pod, or the instance of its machine. */
export function holderUid(pod: Pod, settings: { readonly keepsVmAddresses: boolean }): string {
  return (settings.keepsVmAddresses ? pod.machine?.uid : undefined) ?? pod.uid;
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

function readMachine(owners: readonly Fields[]) {
  const machine = readMachineClaim(
    owners.map((owner) => ({
      apiVersion: owner.text('apiVersion'),
      kind: owner.text('kind'),
      name: owner.text('name'),
      uid: owner.text('uid'),
    })),
  );
  return machine && { machine };
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
