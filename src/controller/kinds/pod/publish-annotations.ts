/**
 * Writing on a pod what its NICs have: one patch for all of them.
 */
import { KINDS, objectPath } from '../../../common/kubernetes/path.ts';
import type { Uses } from '../context.ts';
import type { Pod } from './object/pod.ts';
import { type AnnotatedNic, annotationsPatch } from './object/pod-annotations.ts';

type Context = Uses<'settings' | 'writes', 'pods'>;

/** What one patch of a pod's annotations adds and removes. */
export interface Publication {
  /** What these NICs have. */
  readonly nics?: readonly AnnotatedNic[];
  /** Keys that are to go, from `unpluggedKeys` or `unallocatedKeys`. */
  readonly removed?: Readonly<Record<string, string | null>>;
  /** True where the pod must not have changed since it was seen: the patch is then refused. */
  readonly isGuarded?: boolean;
}

/**
 * @returns false where the pod has gone
 * @throws KubernetesError, a conflict where the patch is guarded and the pod has changed
 */
export async function publishAnnotations(
  context: Context,
  pod: Pod,
  publication: Publication,
): Promise<boolean> {
  const { cluster, writes, settings } = context;
  const { nics = [], removed = {}, isGuarded = false } = publication;
  const patch = annotationsPatch(pod, nics, settings, removed);
  if (patch === undefined) return true;
  const { resourceVersion } = pod;
  const metadata = { ...(patch.metadata as object), ...(isGuarded ? { resourceVersion } : {}) };
  const path = objectPath(KINDS.pods, pod.name, pod.namespace);
  const raw = await writes.patch(path, { ...patch, metadata });
  cluster.pods.wrote(`${pod.namespace}/${pod.name}`, raw);
  return raw !== undefined;
}
