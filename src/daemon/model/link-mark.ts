/**
 * The mark on an interface of the node that a daemon made (its alias, ip-link(8)): which attachment it
 * is of. Before the interface is a port nothing else tells, and a daemon that is killed then leaves it so.
 * Pure.
 */
import { isContainerId, isInterfaceName } from '../../wire/cni.ts';
import type { Attachment } from './attachment.ts';

/** What a mark says. */
export type LinkMark = Pick<Attachment, 'containerId' | 'ifName' | 'provider' | 'network'>;

const PREFIX = 'kube-ovn';
/** IFALIASZ of linux/if.h less the closing NUL. */
const ALIAS_BYTES_MAX = 255;

/** The mark, one plain word; empty where the kernel's limit is too small for it. */
export function linkMark({ containerId, ifName, provider, network }: LinkMark): string {
  const mark = [PREFIX, containerId, ifName, provider, network].join('/');
  return mark.length <= ALIAS_BYTES_MAX ? mark : '';
}

/** What an alias says, or undefined where it is no mark of ours. */
export function readLinkMark(alias: string): LinkMark | undefined {
  const [prefix, containerId = '', ifName = '', provider, network, ...rest] = alias.split('/');
  if (prefix !== PREFIX || rest.length > 0 || !isContainerId(containerId)) return undefined;
  if (!isInterfaceName(ifName) || provider === undefined || network === undefined) return undefined;
  return { containerId, ifName, provider, network };
}
