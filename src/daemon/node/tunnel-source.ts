/**
 * Where this node's tunnels end: which of its addresses, and on which interface. The order of the
 * sources is Kube-OVN's; what OVS has already is ours.
 *
 * 1. the node's label `ovn.kubernetes.io/ovs_dp_type=userspace`: the interface of `--dpdk-tunnel-iface`
 * 2. the node's annotation `ovn.kubernetes.io/tunnel_interface`, a name or regular expressions
 * 3. `--iface`, likewise
 * 4. POD_IP, which Kube-OVN's charts give the daemon
 * 5. what OVS has (`ovn-encap-ip`), where an interface of this node has that address: an administrator
 *    or an earlier run has set it
 * 6. the Node's InternalIP
 */
import { plain } from '../../common/text.ts';
import type { Node } from '../model/node.ts';
import { type InterfacePatterns, parseInterfacePatterns } from './interface-patterns.ts';
import type { Link } from './links.ts';
import type { TunnelSettings } from './tunnel-settings.ts';

/** Of the Node; `userspace` where its OVS has its datapath there. */
export const DATAPATH_LABEL = 'ovn.kubernetes.io/ovs_dp_type';
const INTERFACE_ANNOTATION = 'ovn.kubernetes.io/tunnel_interface';
/** Interfaces that patterns match are looked at up to here: a node's own are some, a node's pods' many. */
const MATCHES_MAX = 64;

/** The address at which this node's tunnels end. */
export interface TunnelEnd {
  readonly address: string;
  /** What the address was found by, for people. */
  readonly source: string;
  /** True where nobody has said it to us, so that what OVS has beside it stays as it is. */
  readonly isKept: boolean;
}

/** All that the address is decided by. */
export interface TunnelSources {
  readonly settings: TunnelSettings;
  /** Undefined where the API server has none of that name. */
  readonly node: Node | undefined;
  readonly links: readonly Link[];
  /** The first address of OVS's `ovn-encap-ip`; empty for none. */
  readonly current: string;
  /** Addresses that the routes over an interface send from; asked only where there is a choice. */
  readonly routeSources: (link: string) => Promise<readonly string[]>;
  /** The bridge of OVS that an interface is in, whose addresses are on the bridge; undefined for none. */
  readonly bridgeOf: (link: string) => Promise<string | undefined>;
}

/** @throws Error that says which interface or address is missing, and who asks for it */
export async function findTunnelEnd(sources: TunnelSources): Promise<TunnelEnd> {
  const { settings, node, links, current } = sources;
  const asked = askedInterfaces(settings, node);
  if (asked !== undefined) return await endOnInterface(asked, sources);
  const { podAddress } = settings;
  if (podAddress !== undefined) {
    return { address: podAddress, source: 'POD_IP', isKept: false };
  }
  if (current !== '' && linkWith(links, current) !== undefined) {
    return { address: current, source: 'ovn-encap-ip of OVS', isKept: true };
  }
  const address = node?.internalAddress;
  if (address !== undefined) return { address, source: "the node's InternalIP", isKept: false };
  throw new Error(
    "this node's object has no InternalIP, and neither --iface nor POD_IP says where its tunnels end",
  );
}

/** The first link that has this address; undefined for none. */
export function linkWith(links: readonly Link[], address: string): Link | undefined {
  return links.find(({ addr_info }) => addr_info.some(({ local }) => local === address));
}

interface AskedInterfaces {
  readonly source: string;
  readonly patterns: InterfacePatterns;
}

function askedInterfaces(
  { interfaces, userspaceInterface }: TunnelSettings,
  node: Node | undefined,
): AskedInterfaces | undefined {
  if (node?.labels[DATAPATH_LABEL] === 'userspace') {
    const source = `--dpdk-tunnel-iface=${userspaceInterface}`;
    return { source, patterns: parseInterfacePatterns(source, userspaceInterface) };
  }
  const annotated = node?.tunnelInterface;
  if (annotated !== undefined) {
    const source = `the node's annotation ${INTERFACE_ANNOTATION}=${plain(annotated)}`;
    return { source, patterns: parseInterfacePatterns(source, annotated) };
  }
  if (interfaces === undefined) return undefined;
  return { source: `--iface=${interfaces.text}`, patterns: interfaces };
}

/** The first address that may be the tunnels', on the first interface that has one. */
async function endOnInterface(
  { source, patterns }: AskedInterfaces,
  sources: TunnelSources,
): Promise<TunnelEnd> {
  const { links, settings } = sources;
  const names = patterns.matches(links.map(({ ifname }) => ifname));
  if (names.length === 0) throw new Error(`${source}: this node has no such interface`);
  for (const name of names.slice(0, MATCHES_MAX)) {
    const own = usableAddresses(links, name, settings);
    const bridge = own.length > 0 ? undefined : await sources.bridgeOf(name);
    const usable = bridge === undefined ? own : usableAddresses(links, bridge, settings);
    const device = bridge ?? name;
    const [first] = usable;
    if (first === undefined) continue;
    const address = usable.length === 1 ? first : await preferred(usable, device, sources);
    return { address, source: `${source} (${device})`, isKept: false };
  }
  throw new Error(
    `${source}: ${names.slice(0, 3).join(', ')} has no global address${settings.takesHostAddresses ? '' : ', or only such with a prefix of its full length, see --host-tunnel-src'}`,
  );
}

function usableAddresses(
  links: readonly Link[],
  name: string,
  { takesHostAddresses }: TunnelSettings,
): string[] {
  const link = links.find(({ ifname }) => ifname === name);
  return (link?.addr_info ?? []).flatMap(({ local, scope, prefixlen, family }) => {
    const isHost = prefixlen === (family === 'inet6' ? 128 : 32);
    const isUsable = scope === 'global' && (takesHostAddresses || !isHost);
    return isUsable && local !== undefined ? [local] : [];
  });
}

/** What the host itself sends from, rather than an address that it has for a service. */
async function preferred(
  usable: readonly string[],
  device: string,
  { routeSources }: TunnelSources,
): Promise<string> {
  const sent = await routeSources(device);
  return usable.find((address) => sent.includes(address)) ?? usable[0] ?? '';
}
