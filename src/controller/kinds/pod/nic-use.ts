/**
 * Whether a pod's sandbox may use what a NIC has: by what the pod's author cannot write, which is the
 * allocator, the IP object and the pod's node and phase.
 */
import type { Uses } from '../context.ts';
import { holderUid, ownerOfPod, type Pod } from './object/pod.ts';

type View = Uses<'addresses' | 'settings', 'ips'>;

/** True where the allocator knows the NIC as one of the pod's owner. @param port the NIC's name */
export function isHeld(pod: Pod, port: string, { addresses, settings }: View): boolean {
  return addresses.allocator.allocationOf(port)?.pod === ownerOfPod(pod, settings);
}

/**
 * True where the pod's sandbox may use what the NIC has, although the pod's annotations do not say
 * so, or no longer. Kube-OVN's IP objects do not tell which pod of the name they were made for; a pod
 * that runs counts as the one.
 */
export function isInUse(pod: Pod, port: string, view: View): boolean {
  if (pod.nodeName === '' || !isHeld(pod, port, view)) return false;
  const ip = view.cluster.ips.get(port);
  if (ip?.record === undefined) return ip !== undefined && pod.end.phase === 'Running';
  return ip.record.uid === holderUid(pod, view.settings);
}
