/**
 * The pods by whose their addresses are: a pod's own, but for a virtual machine's.
 */
import type { Collection } from './collection.ts';
import { isAlive } from './objects/liveness.ts';
import { ownerOfPod, type Pod } from './objects/pod.ts';

export class PodIndex {
  readonly #pods: Collection<Pod>;
  /** Keys of pods by owner, where that is not the pod's own key. */
  readonly #shared = new Map<string, Set<string>>();

  /** Follows the collection, which has not been started yet. */
  constructor(pods: Collection<Pod>, settings: { readonly keepsVmAddresses: boolean }) {
    this.#pods = pods;
    pods.onChange(({ type, key, value }) => {
      const owner = ownerOfPod(value, settings);
      if (owner === key) return;
      const keys = this.#shared.get(owner) ?? new Set();
      if (type === 'deleted') keys.delete(key);
      else keys.add(key);
      if (keys.size === 0) this.#shared.delete(owner);
      else this.#shared.set(owner, keys);
    });
  }

  /** Keys of the pods whose addresses are under `owner`, and the one that would be. */
  keysOf(owner: string): readonly string[] {
    return [owner, ...(this.#shared.get(owner) ?? [])];
  }

  /** True where one of them runs or will run, other than that of key `except`. */
  isRunning(owner: string, except?: string): boolean {
    const now = Date.now();
    return this.keysOf(owner).some((key) => {
      const pod = key === except ? undefined : this.#pods.get(key);
      return pod !== undefined && !pod.hostNetwork && isAlive(pod, now);
    });
  }
}
