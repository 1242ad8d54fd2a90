/**
 * Whether an IP object says what a pod's annotations say. Pure.
 *
 * Annotations are the word of whoever may write the pod: a copy of another pod's annotations
 * (`kubectl get -o yaml`, `kubectl debug --copy-to`, a restored backup) looks like an allocation. The IP
 * object, which has the name of the NIC's logical switch port, is written by controllers only, before
 * the annotations (Kube-OVN's controller: createOrUpdateIPCR before the patch of the pod; ours alike).
 */
import type { Ip } from '../objects/ip.ts';
import type { Pod } from '../objects/pod.ts';
import type { Nic } from './annotations.ts';

/** What is claimed for a NIC. */
export interface IpClaim {
  readonly pod: Pick<Pod, 'name' | 'namespace' | 'virtualMachine'>;
  readonly nic: Pick<Nic, 'addresses' | 'mac' | 'logicalSwitch' | 'workload'>;
}

/**
 * What the object says otherwise, as the end of a sentence about it; undefined where it agrees. It
 * may say more than the annotations do: a pod can give up what it has.
 * @param ip the object with the name of the NIC's logical switch port
 */
export function disagreement(ip: Ip, { pod, nic }: IpClaim): string | undefined {
  if (ip.deleting) return 'is being deleted: its addresses are given back';
  // Names of pods, namespaces and networks all have dots: one name can be that of two NICs.
  if (ip.podName !== nic.workload || ip.namespace !== pod.namespace) {
    return `belongs to ${ip.namespace}/${ip.podName}`;
  }
  if (ip.isVirtualMachine && !isOfMachine(ip, pod)) {
    return `belongs to virtual machine ${ip.namespace}/${ip.podName}, of which this pod is no launcher: it has no owner reference to that VirtualMachineInstance`;
  }
  if (!ip.isVirtualMachine && nic.workload !== pod.name) {
    return `belongs to pod ${ip.namespace}/${ip.podName}, which is no virtual machine`;
  }
  const foreign = nic.addresses.filter(({ address }) => !ip.addresses.includes(address.text));
  if (foreign.length > 0) {
    const texts = foreign.map(({ address }) => address.text).join(' and ');
    return `says ${ip.addresses.join(',') || 'no address'}, not ${texts}`;
  }
  if (ip.mac !== undefined && nic.mac !== undefined && ip.mac !== nic.mac) {
    return `says MAC address ${ip.mac}, not ${nic.mac}`;
  }
  if (nic.logicalSwitch !== undefined && ip.subnet !== '' && ip.subnet !== nic.logicalSwitch) {
    return `is of Subnet ${ip.subnet}, not ${nic.logicalSwitch}`;
  }
  return undefined;
}

/**
 * Without `--keep-vm-ip` Kube-OVN's controller names the object of a VM's NIC by the launcher pod,
 * whose name KubeVirt makes of the VM's (`generateName`, which the API server cuts to 58 characters).
 */
function isOfMachine({ podName }: Ip, { name, virtualMachine }: IpClaim['pod']): boolean {
  if (virtualMachine === undefined) return false;
  const launcherPrefix = `virt-launcher-${virtualMachine.name}-`.slice(0, 58);
  return podName === virtualMachine.name || (podName === name && name.startsWith(launcherPrefix));
}
