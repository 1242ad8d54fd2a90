/**
 * The pods by whose their addresses are: a pod's own, but for a virtual machine's.
 */
import type { Collection } from './collection.ts';
import type { Machines } from './machines.ts';
import { isAlive } from './objects/liveness.ts';
import { ownerParts, portsKeyOf } from './objects/owner-key.ts';
import { ownerOfPod, type Pod } from './objects/pod.ts';
import { isUntold } from './objects/pod-annotations.ts';

export class PodIndex {
  readonly #pods: Collection<Pod>;
  readonly #machines: Pick<Machines, 'isShown'>;
  /** Keys of pods by owner, where that is not the pod's own key. */
  readonly #shared = new Map<string, Set<string>>();

  /** Follows the collection, which has not been started yet. */
  constructor(
    pods: Collection<Pod>,
    settings: { readonly keepsVmAddresses: boolean },
    machines: Pick<Machines, 'isShown'>,
  ) {
    this.#pods = pods;
    this.#machines = machines;
    pods.onChange(({ type, key, value, previous }) => {
      // Owners can be edited, as annotations can.
      for (const gone of [previous, type === 'deleted' ? value : undefined]) {
        if (gone !== undefined) this.#remove(ownerOfPod(gone, settings), key);
      }
      if (type === 'deleted') return;
      const owner = ownerOfPod(value, settings);
      if (owner !== key) {
        this.#shared.set(owner, (this.#shared.get(owner) ?? new Set()).add(key));
      }
    });
  }

  /** Keys of the pods whose addresses are under `owner`, or would be, and the one that is the key. */
  keysOf(owner: string): readonly string[] {
    return [owner, ...(this.#shared.get(owner) ?? [])];
  }

  /** True where one of them runs or will run, other than that of key `except`. */
  isRunning(owner: string, except?: string): boolean {
    const now = Date.now();
    const isUsing = (key: string) => {
      const pod = key === except ? undefined : this.#pods.get(key);
      if (pod === undefined || pod.hostNetwork || !isAlive(pod, now)) return false;
      return key === owner || this.#mayUse(pod);
    };
    return this.keysOf(owner).some(isUsing) || this.#isNamedLikePod(owner, now);
  }

  /**
   * Whether a pod that claims to be a machine's may have the machine's addresses. Where its instance
   * has gone before it, nothing shows that any more, and then what it was told counts: addresses that
   * may be in use are not given to others.
   */
  #mayUse(pod: Pod): boolean {
    return this.#machines.isShown(pod) || !isUntold(pod);
  }

  /** An IP object of a machine's pod has the pod's name, where --keep-vm-ip was off when it was made. */
  #isNamedLikePod(owner: string, now: number): boolean {
    if (!ownerParts(owner).isMachine) return false;
    const pod = this.#pods.get(portsKeyOf(owner));
    return pod?.machine !== undefined && isAlive(pod, now);
  }

  #remove(owner: string, key: string): void {
    const keys = this.#shared.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#shared.delete(owner);
  }
}
