/**
 * A write to an object without namespace, whose outcome is seen at once in the informer cache.
 */
import { below } from '../../common/kubernetes/path.ts';
import type { Objects } from '../cluster/collection.ts';
import type { Writes } from '../leadership/leader-writes.ts';
import type { MergePatch } from '../model/meta.ts';

/**
 * @param patch undefined where there is nothing to write
 * @param part what of the object: its status is written apart from the rest
 */
export async function patchObject<T>(
  writes: Writes,
  collection: Objects<T>,
  { name, patch, part = 'object' }: { name: string; patch: MergePatch | undefined; part?: Part },
): Promise<void> {
  if (patch === undefined) return;
  const path = below(collection.path, ...(part === 'status' ? [name, part] : [name]));
  collection.wrote(name, await writes.patch(path, patch));
}

type Part = 'object' | 'status';
