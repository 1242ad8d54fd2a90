/**
 * Pods that were here and are gone: an ADD for one of them comes too late and need not wait for
 * it to appear.
 */
import type { Change } from '../../common/kubernetes/watch-cache.ts';
import type { Pod } from './pod.ts';

/** UIDs that are remembered: many more than a node runs pods within a runtime's patience. */
const REMEMBERED_MAX = 2048;

/** Remembers the UIDs of the last 2,048 pods that were deleted. */
export class DeletedPods {
  readonly #uids = new Set<string>();

  /** Takes the changes of the watch. */
  readonly onChange = (change: Change<Pod>): void => {
    if (change.type !== 'deleted') return;
    this.#uids.add(change.value.uid);
    // A Set keeps the order in which its members came.
    const [oldest] = this.#uids;
    if (this.#uids.size > REMEMBERED_MAX && oldest !== undefined) this.#uids.delete(oldest);
  };

  /** True for the UID of a pod that was deleted here; false where there is no UID. */
  has(uid: string | undefined): boolean {
    return uid !== undefined && this.#uids.has(uid);
  }
}
