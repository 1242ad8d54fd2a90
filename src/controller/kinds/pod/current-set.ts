/**
 * A StatefulSet as it is now. Where sets may not be watched, as with the role of Kube-OVN's charts, the
 * informer cache may be a minute old: then a set is asked for by its name before it decides about addresses.
 */
import { KubernetesError } from '../../../common/kubernetes/error.ts';
import { objectPath } from '../../../common/kubernetes/path.ts';
import type { Uses } from '../context.ts';
import { projectStatefulSet, type StatefulSet } from '../stateful-set/object/stateful-set.ts';

/** @returns undefined where there is none, or where sets cannot be read at all */
export async function currentSet(
  { cluster: { statefulSets }, writes }: Uses<'writes', 'statefulSets'>,
  namespace: string,
  name: string,
): Promise<StatefulSet | undefined> {
  if (statefulSets.isWatched || !statefulSets.isSynced) {
    return statefulSets.get(`${namespace}/${name}`);
  }
  const kind = { group: 'apps', version: 'v1', resource: 'statefulsets' };
  try {
    const raw = await writes.read(objectPath(kind, name, namespace));
    return raw === undefined ? undefined : projectStatefulSet(raw);
  } catch (error) {
    // A role without get, either: the last list is the best that there is.
    if (!(error instanceof KubernetesError) || error.status !== 403) throw error;
    return statefulSets.get(`${namespace}/${name}`);
  }
}
