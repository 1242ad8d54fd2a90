/**
 * The pods by whose their addresses are: a pod's own, but for a virtual machine's.
 */
import type { MachineClaim, MachineInstance } from '../../common/virtual-machine.ts';
import { isAlive } from '../kinds/pod/object/liveness.ts';
import { ownerOfPod, type Pod } from '../kinds/pod/object/pod.ts';
import { isUnallocated } from '../kinds/pod/object/pod-annotations.ts';
import { machineOwner, ownerParts, portsKeyOf } from '../model/owner-key.ts';
import type { Cluster } from './cluster.ts';
import type { Machines } from './machines.ts';

type View = Pick<Cluster, 'pods' | 'machineInstances' | 'nodes'>;

/**
 * Finds the pods whose addresses are under one owner key, and says whether one of them still uses these
 * addresses.
 */
export class PodIndex {
  readonly #cluster: View;
  readonly #machines: Pick<Machines, 'isShown'>;
  /** Keys of pods by owner, where that is not the pod's own key. */
  readonly #shared = new Map<string, Set<string>>();
  /** By UID, pods that an instance listed when it went before them, and which instance that was. */
  readonly #outlived = new Map<string, MachineClaim>();

  /** Follows the collections, which have not been started yet. */
  constructor(
    cluster: View,
    settings: { readonly keepsVmAddresses: boolean },
    machines: Pick<Machines, 'isShown'>,
  ) {
    this.#cluster = cluster;
    this.#machines = machines;
    cluster.pods.onChange(({ type, key, value, previous }) => {
      const current = type === 'deleted' ? undefined : value;
      // Owners can be edited, as annotations can.
      for (const gone of [previous, type === 'deleted' ? value : undefined]) {
        if (gone === undefined) continue;
        this.#remove(ownerOfPod(gone, settings), key);
        if (gone.uid !== current?.uid) this.#outlived.delete(gone.uid);
      }
      if (current !== undefined) this.#add(ownerOfPod(current, settings), key);
    });
    cluster.machineInstances.onChange(({ type, value, previous }) => {
      if (type === 'deleted') this.#instanceGone(value);
      else if (previous !== undefined && previous.uid !== value.uid) this.#instanceGone(previous);
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
      const pod = key === except ? undefined : this.#cluster.pods.get(key);
      if (pod === undefined || pod.hostNetwork || !isAlive(pod, now, this.#cluster.nodes))
        return false;
      return key === owner || this.mayUse(pod);
    };
    return this.keysOf(owner).some(isUsing) || this.#isNamedLikePod(owner, now);
  }

  /**
   * Whether a pod that claims to be a machine's may have the machine's addresses: it is shown to be one
   * of its pods, or was until its instance went before it. What the pod says itself counts only where
   * no instance can be known: addresses that may be in use are not given to others then.
   */
  mayUse(pod: Pod): boolean {
    if (this.#machines.isShown(pod)) return true;
    if (!this.#cluster.machineInstances.isSynced) return !isUnallocated(pod);
    const known = this.#outlived.get(pod.uid);
    return known !== undefined && isSameClaim(known, pod.machine);
  }

  /** An IP object of a machine's pod has the pod's name, where --keep-vm-ip was off when it was made. */
  #isNamedLikePod(owner: string, now: number): boolean {
    if (!ownerParts(owner).isMachine) return false;
    const pod = this.#cluster.pods.get(portsKeyOf(owner));
    return pod?.machine !== undefined && isAlive(pod, now, this.#cluster.nodes) && this.mayUse(pod);
  }

  /** KubeVirt has an instance go after its pods; where it is made to go before them, they run on. */
  #instanceGone({ namespace, name, uid, activePods }: MachineInstance): void {
    const claim = { name, uid };
    for (const key of this.keysOf(machineOwner(namespace, name))) {
      const pod = this.#cluster.pods.get(key);
      if (pod === undefined || !activePods?.has(pod.uid)) continue;
      if (isSameClaim(claim, pod.machine)) this.#outlived.set(pod.uid, claim);
    }
  }

  #add(owner: string, key: string): void {
    if (owner === key) return;
    this.#shared.set(owner, (this.#shared.get(owner) ?? new Set()).add(key));
  }

  #remove(owner: string, key: string): void {
    const keys = this.#shared.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#shared.delete(owner);
  }
}

function isSameClaim(one: MachineClaim, other: MachineClaim | undefined): boolean {
  return one.name === other?.name && one.uid === other.uid;
}
