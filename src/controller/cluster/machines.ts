/**
 * Which pods are shown to be those of a KubeVirt machine, by its VirtualMachineInstance
 * (common/virtual-machine.ts). KubeVirt may not be installed: then no pod is one.
 */
import { claimProblem } from '../../common/virtual-machine.ts';
import type { MayShare } from '../ipam/allocator/owners.ts';
import { ownerOfPod, type Pod } from '../kinds/pod/object/pod.ts';
import { providerOf } from '../model/nic-name.ts';
import { portsKeyOf } from '../model/owner-key.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { Cluster } from './cluster.ts';

/**
 * Checks what pods claim about KubeVirt machines against the VirtualMachineInstances, which no pod's author
 * can write.
 */
export class Machines {
  readonly #cluster: Pick<Cluster, 'pods' | 'machineInstances'>;
  readonly #settings: Pick<ClusterSettings, 'keepsVmAddresses'>;

  constructor(
    cluster: Pick<Cluster, 'pods' | 'machineInstances'>,
    settings: Pick<ClusterSettings, 'keepsVmAddresses'>,
  ) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  /** True for a pod that claims to be a machine's, and is shown to be. */
  isShown(pod: Pod): boolean {
    return pod.machine !== undefined && this.#claimProblem(pod) === undefined;
  }

  /**
   * Why a pod cannot have the addresses that are under the name of its machine; undefined where it
   * can, and for a pod whose addresses are its own.
   */
  problemOf(pod: Pod): string | undefined {
    return this.#settings.keepsVmAddresses ? this.#claimProblem(pod) : undefined;
  }

  /**
   * Whose addresses a NIC of this pod may have, too: where pods have addresses of their own, those
   * that the other pods of its machine have on the same network.
   * @param provider what the annotations of the NIC are under
   */
  mayShare(pod: Pod, provider: string): MayShare {
    if (!this.isShown(pod)) return () => false;
    return ({ nic, pod: owner }) => {
      const other = this.#cluster.pods.get(portsKeyOf(owner));
      if (other === undefined || ownerOfPod(other, this.#settings) !== owner) return false;
      const isSibling =
        other.namespace === pod.namespace && other.machine?.uid === pod.machine?.uid;
      return isSibling && this.isShown(other) && providerOf(nic, owner) === provider;
    };
  }

  #claimProblem(pod: Pod): string | undefined {
    const { machine, namespace } = pod;
    if (machine === undefined) return undefined;
    const { machineInstances } = this.#cluster;
    if (!machineInstances.isSynced) {
      return `VirtualMachineInstance ${namespace}/${machine.name} is not known: is KubeVirt installed, and may the controller list its objects?`;
    }
    return claimProblem(pod, machine, machineInstances.get(`${namespace}/${machine.name}`));
  }
}
