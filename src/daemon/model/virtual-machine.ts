/**
 * Which pods run a KubeVirt VM, and so are its logical switch ports. The annotation
 * `virtualmachine` is the word of the pod's author, and an owner reference is, too, unless what it
 * names exists: KubeVirt's controller makes VirtualMachineInstances, with UIDs that nobody chooses.
 */
import { KubernetesError } from '../../common/kubernetes/api.ts';
import type { Pod, VirtualMachineRef } from './pod.ts';

/** True where a pod's owner is the VirtualMachineInstance of this name. */
export function isLauncherOf(pod: Pick<Pod, 'virtualMachine'>, vmName: string): boolean {
  return pod.virtualMachine?.name === vmName;
}

/**
 * Why an owner reference names no virtual machine; undefined where it does. Where the daemon's role
 * does not let it read VirtualMachineInstances, as in Kube-OVN's charts, the reference counts: its
 * author may create pods in the VM's namespace, and the IP object must be a VM's of that name.
 *
 * @param readUid reads the UID of that VirtualMachineInstance
 * @throws what `readUid` throws, except for a refusal (403) and an object that is not there (404)
 */
export async function virtualMachineDisagreement(
  namespace: string,
  { name, uid }: VirtualMachineRef,
  readUid: () => Promise<unknown>,
): Promise<string | undefined> {
  try {
    if ((await readUid()) === uid) return undefined;
    return `VirtualMachineInstance ${namespace}/${name} has another UID than the pod's owner reference, ${uid}`;
  } catch (error) {
    const status = error instanceof KubernetesError ? error.status : undefined;
    if (status === 403) return undefined;
    if (status === 404) return `there is no VirtualMachineInstance ${namespace}/${name}`;
    throw error;
  }
}
