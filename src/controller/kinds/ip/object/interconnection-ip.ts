/**
 * The IP object that records the address of a router's leg in an underlay Subnet, as Kube-OVN's
 * controller makes it (subnet/object/interconnection.ts). Pure.
 */
import { rawFields } from '../../../../common/fields.ts';
import type { Meta } from '../../../model/meta.ts';
import type { AllocatedNic } from '../../pod/object/allocated-nic.ts';
import {
  INTERCONNECTION_PREFIX,
  type Interconnection,
  interconnectionName,
} from '../../subnet/object/interconnection.ts';
import type { Subnet } from '../../subnet/object/subnet.ts';
import type { IpHolder, IpObject } from './ip.ts';

/** Kube-OVN puts the IP objects of all routers into it. */
const NAMESPACE = 'default';

/** True for the record of a leg: no pod's IP object is called as the pod. */
export function isInterconnectionIp({ meta, spec }: Pick<IpObject, 'meta' | 'spec'>): boolean {
  return meta.name === spec.podName && meta.name.startsWith(INTERCONNECTION_PREFIX);
}

/** What the IP object records, in the words of that of a pod's NIC. */
export function interconnectionNic(
  subnet: Subnet,
  { addresses, mac }: Interconnection,
): { readonly nic: AllocatedNic; readonly holder: IpHolder } {
  const port = interconnectionName(subnet);
  return {
    nic: { kind: 'ovn', provider: 'ovn', port, subnet, addresses, mac },
    holder: { workload: port, namespace: NAMESPACE, nodeName: '', podType: '' },
  };
}

/** The IP object goes with its Subnet. @param ip a new one */
export function ownedBySubnet(ip: object, { name, uid }: Meta): object {
  const owner = { apiVersion: 'kubeovn.io/v1', kind: 'Subnet', name, uid };
  const metadata = { ...rawFields(rawFields(ip).metadata), ownerReferences: [owner] };
  return { ...ip, metadata };
}
