/**
 * Ports that a clean-up may judge: those with Kube-OVN's marks, read off their Interface rows. Pure.
 */
import { isContainerId, isInterfaceName } from '../../wire/cni.ts';
import type { Attachment } from '../attachment.ts';
import type { InterfaceRow } from '../ovs/port.ts';

export interface MarkedPort {
  /** Of the host interface. */
  readonly name: string;
  /** True for a port that this daemon made: its row has the attachment's key. */
  readonly isOurs: boolean;
  /** Without key (empty container id) for a port of Kube-OVN's Go daemon. */
  readonly attachment: Attachment & { readonly netns: string };
}

/**
 * The port of a row; undefined for one that is not Kube-OVN's, does not say its namespace, or has a
 * name that is no plain word: OVS takes any text for one, and the tools that remove it do not. By
 * `if7…` ip(8) means the link with index 7 where, as here, no link has that name.
 */
export function readMarkedPort({ name, externalIds: ids }: InterfaceRow): MarkedPort | undefined {
  const { vendor, pod_netns: netns, container_id: containerId, if_name: ifName } = ids;
  if (vendor !== 'kube-ovn' || netns === undefined || !netns.startsWith('/')) return undefined;
  if (!isInterfaceName(name) || /^if\d/.test(name)) return undefined;
  const isOurs = containerId !== undefined;
  if (isOurs && !(isContainerId(containerId) && isInterfaceName(ifName ?? ''))) return undefined;
  return {
    name,
    isOurs,
    attachment: {
      containerId: containerId ?? '',
      ifName: ifName ?? '',
      pod: { namespace: ids.pod_namespace ?? '', name: ids.pod_name ?? '' },
      provider: ids.provider ?? '',
      network: ids.network ?? '',
      ipamOnly: false,
      netns,
      routes: [],
    },
  };
}
