/**
 * Whether an IP object says what a pod's annotations say. Pure.
 *
 * Annotations are the word of whoever may write the pod: a copy of another pod's annotations
 * (`kubectl get -o yaml`, `kubectl debug --copy-to`, a restored backup) looks like an allocation. The IP
 * object, which has the name of the NIC's logical switch port, is written by controllers only, before
 * the annotations (Kube-OVN's controller: createOrUpdateIPCR before the patch of the pod; ours alike).
 */
import { show } from '../../common/text.ts';
import type { Ip } from './ip.ts';
import type { Nic } from './nic.ts';
import type { Pod } from './pod.ts';

/** What is claimed for a NIC. */
export interface IpClaim {
  readonly pod: Pick<Pod, 'name' | 'namespace' | 'virtualMachine'>;
  readonly nic: Pick<Nic, 'addresses' | 'mac' | 'logicalSwitch' | 'workload'>;
  /** MAC addresses that another plugin was told to give the interface, as they are written. */
  readonly interfaceMacs?: readonly string[] | undefined;
}

/**
 * What the object says otherwise, as the end of a sentence about it; undefined where it agrees. It
 * may say more than the annotations do: a pod can give up what it has.
 * @param ip the object with the name of the NIC's logical switch port
 */
export function disagreement(ip: Ip, claim: IpClaim): string | undefined {
  const { pod, nic } = claim;
  if (ip.deleting) return 'is being deleted: its addresses are being released';
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
  return foreignMac(ip, claim);
}

/**
 * The interface that another plugin makes gets no MAC address but the NIC's. What the NIC has is known
 * where the object says it or our controller has noted it; Kube-OVN's may know nothing of it.
 */
function foreignMac(ip: Ip, { interfaceMacs = [] }: IpClaim): string | undefined {
  const own = ip.mac ?? ip.notedMac;
  if (own === undefined) return undefined;
  const foreign = interfaceMacs.find((mac) => !isSameMac(mac, own));
  if (foreign === undefined) return undefined;
  return `${own === '' ? 'notes no MAC address' : `says MAC address ${own}`}, and the interface is to have ${show(foreign)}: a pod asks for one by "mac" of its networks annotation before it gets its addresses, and by no "cni-args"`;
}

/** The plugins also take dashes and dots between the digits. */
function isSameMac(written: string, mac: string): boolean {
  const digits = (text: string) => text.toLowerCase().replaceAll(/[^0-9a-f]/g, '');
  return digits(written) === digits(mac);
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
