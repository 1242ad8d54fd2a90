/**
 * The IP object of a node's own port in the network of the nodes and the default Vpc's router, as
 * Kube-OVN's controller makes it. Pure.
 */
import type { IpObject } from './ip.ts';

const PREFIX = 'node-';

/** Its name. */
export function nodeIpName(node: string): string {
  return `${PREFIX}${node}`;
}

/** True for one of a node: no pod's IP object is called as the pod. */
export function isNodeIp({ meta, spec }: Pick<IpObject, 'meta' | 'spec'>): boolean {
  return meta.name === spec.podName && meta.name.startsWith(PREFIX);
}
