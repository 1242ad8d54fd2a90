/**
 * Plays the controllers of Deployments and StatefulSets, and the scheduler. Nothing here happens by
 * itself: a test says when a workload is looked at.
 */
import { randomInt } from 'node:crypto';
import type { WorkloadManifest } from './documented.ts';
import { apply } from './kubectl.ts';
import type { FakeApiServer, KubernetesObject } from './kubernetes/api.ts';
import { keyOf } from './kubernetes/object.ts';
import type { Sandbox } from './runtime.ts';

export type PodIdentity = Sandbox['pod'];

export interface WorkloadsOptions {
  /** Where the scheduler places all pods. */
  readonly nodeName: string;
  /** `later`: in the event loop's next turn, so that watches see a pod without a node first. */
  readonly binding?: 'at once' | 'later';
  /** How pods end that a workload has too many of; by default at once, as `endPod` does it. */
  readonly end?: (pod: PodIdentity) => Promise<void>;
}

/** What a workload makes pods of. */
interface Plan {
  /** The object that owns its pods. */
  readonly owner: Readonly<Record<string, unknown>>;
  readonly isStateful: boolean;
  /** Pods are named by it, and a dash. */
  readonly prefix: string;
  readonly replicas: number;
  /** The number of a StatefulSet's first pod. */
  readonly start: number;
  readonly manifest: KubernetesObject & WorkloadManifest;
}

export class Workloads {
  readonly #api: FakeApiServer;
  readonly #options: WorkloadsOptions;

  constructor(api: FakeApiServer, options: WorkloadsOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** Applies a Deployment or StatefulSet. @returns the pods that were made for it */
  async apply(manifest: WorkloadManifest): Promise<PodIdentity[]> {
    const { metadata } = apply(this.#api, manifest);
    return await this.reconcile(manifest.kind, keyOf(metadata));
  }

  /** Sets the number of pods. @returns those that were made */
  async scale(kind: string, key: string, replicas: number): Promise<PodIdentity[]> {
    this.#api.patch(kind, key, { spec: { replicas } });
    return await this.reconcile(kind, key);
  }

  /** Ends the pods that a workload has too many of, and makes those that it lacks. */
  async reconcile(kind: string, key: string): Promise<PodIdentity[]> {
    const plan = planOf(this.#api.get(kind, key));
    const { missing, surplus } = changesOf(plan, this.#podsOf(plan));
    for (const pod of surplus) await this.#end(identityOf(pod));
    return missing.map((name) => this.#create(plan, name));
  }

  /** Deletes a workload, and then its pods, as the garbage collector does. */
  async delete(kind: string, key: string): Promise<void> {
    const pods = this.podsOf(kind, key);
    this.#api.delete(kind, key);
    for (const pod of pods) await this.#end(pod);
  }

  /** The pods of a workload, a StatefulSet's by their numbers. */
  podsOf(kind: string, key: string): PodIdentity[] {
    return this.#podsOf(planOf(this.#api.get(kind, key))).map(identityOf);
  }

  #podsOf({ owner, isStateful }: Plan): KubernetesObject[] {
    const owned = this.#api.list('Pod').filter(({ metadata }) => {
      const references = (metadata.ownerReferences ?? []) as { uid: string }[];
      return references.some(({ uid }) => uid === owner.uid);
    });
    const number = ({ metadata }: KubernetesObject) => Number(indexOf(metadata.name));
    return isStateful ? owned.sort((one, other) => number(one) - number(other)) : owned;
  }

  async #end(pod: PodIdentity): Promise<void> {
    if (this.#options.end !== undefined) await this.#options.end(pod);
    else endPod(this.#api, pod);
  }

  #create({ owner, isStateful, manifest }: Plan, name: string): PodIdentity {
    const { nodeName, binding = 'at once' } = this.#options;
    const { metadata, spec } = manifest.spec.template;
    const labels = isStateful
      ? {
          'statefulset.kubernetes.io/pod-name': name,
          'apps.kubernetes.io/pod-index': indexOf(name),
        }
      : {};
    const pod = this.#api.create({
      kind: 'Pod',
      metadata: {
        ...metadata,
        name,
        namespace: manifest.metadata.namespace,
        labels: { ...metadata.labels, ...labels },
        ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
      },
      spec: { ...spec, ...(binding === 'at once' ? { nodeName } : {}) },
    });
    const identity = identityOf(pod);
    if (binding === 'later') setImmediate(() => bindPod(this.#api, identity, nodeName));
    return identity;
  }
}

/** What the scheduler does; nothing where the pod has gone meanwhile. */
export function bindPod(api: FakeApiServer, pod: PodIdentity, nodeName: string): void {
  if (existingPod(api, pod) !== undefined) api.patch('Pod', keyOf(pod), { spec: { nodeName } });
}

/** Deletes a pod, as when the kubelet has ended its containers in no time; one that is gone stays so. */
export function endPod(api: FakeApiServer, pod: PodIdentity): void {
  if (existingPod(api, pod)?.metadata.deletionTimestamp === undefined) markPod(api, pod);
  if (existingPod(api, pod) !== undefined) api.finishDeletion(keyOf(pod));
}

/** Deletes a pod as a user does: on a node it is only marked, and the kubelet has to end it. */
export function markPod(api: FakeApiServer, pod: PodIdentity): void {
  if (existingPod(api, pod) !== undefined) api.delete('Pod', keyOf(pod));
}

/** The object of exactly this pod, not of one that has taken its name. */
export function existingPod(api: FakeApiServer, pod: PodIdentity): KubernetesObject | undefined {
  return api
    .list('Pod', { namespace: pod.namespace })
    .find(({ metadata }) => metadata.uid === pod.uid);
}

/** What names a pod for the runtime. */
export function identityOf({ metadata }: KubernetesObject): PodIdentity {
  const { namespace = '', name, uid = '' } = metadata;
  return { namespace, name, uid };
}

/**
 * A Deployment's pods are its ReplicaSet's, which has no object here: its name and UID are made of
 * the Deployment's, so that they stay the same.
 */
function planOf(object: KubernetesObject): Plan {
  const manifest = object as Plan['manifest'];
  const { name } = manifest.metadata;
  const uid = String(object.metadata.uid);
  const isStateful = manifest.kind === 'StatefulSet';
  const hash = uid.slice(0, 8);
  const owner = isStateful
    ? { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid }
    : { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-${hash}`, uid: `${uid}-rs` };
  const { replicas = 1, ordinals } = manifest.spec as WorkloadManifest['spec'] & {
    readonly ordinals?: { readonly start?: number };
  };
  const prefix = isStateful ? name : `${name}-${hash}`;
  return { owner, isStateful, prefix, replicas, start: ordinals?.start ?? 0, manifest };
}

/** Names of pods to make, and pods to end, in that order. */
function changesOf(
  { prefix, replicas, start, isStateful }: Plan,
  pods: readonly KubernetesObject[],
): { missing: string[]; surplus: KubernetesObject[] } {
  if (isStateful) {
    const names = Array.from({ length: replicas }, (_, index) => `${prefix}-${start + index}`);
    const taken = new Set(pods.map(({ metadata }) => metadata.name));
    return {
      missing: names.filter((name) => !taken.has(name)),
      surplus: pods.filter(({ metadata }) => !names.includes(metadata.name)).reverse(),
    };
  }
  // A ReplicaSet does not wait for the end of those that go; a StatefulSet does.
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const length = Math.max(0, replicas - staying.length);
  return {
    missing: Array.from({ length }, () => `${prefix}-${randomWord(5)}`),
    surplus: staying.slice(replicas),
  };
}

function indexOf(name: string): string {
  return name.slice(name.lastIndexOf('-') + 1);
}

/** Letters and digits that Kubernetes makes names of: no vowels, so that no words come out. */
function randomWord(length: number): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}
