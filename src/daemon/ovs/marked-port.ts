/**
 * Ports that a clean-up may remove: those with Kube-OVN's marks, read off their Interface rows. Pure.
 */
import { isContainerId, isInterfaceName } from '../../wire/cni.ts';
import type { Attachment } from '../model/attachment.ts';
import type { InterfaceRow } from './port.ts';

/** One port with Kube-OVN's marks, and whose it is by them. */
export interface MarkedPort {
  /** Of the host interface. */
  readonly name: string;
  /** True for a port that this daemon made: its row has the attachment's key. */
  readonly isOurs: boolean;
  /** Without key (empty container id) for a port of Kube-OVN's Go daemon. */
  readonly attachment: Attachment & { readonly netns: string };
}

/** The port of a row; undefined for one that is not Kube-OVN's, or of which that cannot be said. */
export function readMarkedPort(row: InterfaceRow): MarkedPort | undefined {
  const { name, externalIds: ids } = row;
  const { vendor, pod_netns: netns, container_id: containerId, if_name: ifName } = ids;
  if (vendor !== 'kube-ovn' || !netns?.startsWith('/') || !isLink(row)) return undefined;
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

/**
 * True for a port that is a link of the kernel, by whose absence it is known to be abandoned, under a name that
 * only means it: OVS takes any text for a name, and by `if7…` ip(8) means the link with index 7 where
 * no link has that name.
 */
function isLink({ name, type }: InterfaceRow): boolean {
  return (type === '' || type === 'system') && isInterfaceName(name) && !/^if\d/.test(name);
}
