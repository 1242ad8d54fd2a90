/**
 * Links of the node with what a provider network asks of them, and their addresses and routes, as ip(8)
 * shows them (`-N -d`: numbers in place of names that a file of the host gives).
 */
import Type, { type Static } from 'typebox';
import { parseOutput } from '../../../common/process/output.ts';
import { run } from '../../../common/process/run.ts';
import { show } from '../../../common/text.ts';
import { type LinkAddress, type LinkConfig, type LinkRoute, METRIC } from './link-config.ts';

const LINKS = Type.Array(
  Type.Object({
    ifindex: Type.Integer(),
    ifname: Type.String(),
    mtu: Type.Integer(),
    link_type: Type.Optional(Type.String()),
    flags: Type.Array(Type.String()),
    address: Type.Optional(Type.String()),
    ifalias: Type.Optional(Type.String()),
    altnames: Type.Optional(Type.Array(Type.String())),
    /** The link that it is in: a bond, a bridge, a VRF, `ovs-system`. */
    master: Type.Optional(Type.String()),
    /** The link that it is on, as a VLAN. */
    link: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    linkinfo: Type.Optional(
      Type.Object({
        info_kind: Type.Optional(Type.String()),
        info_data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
    addr_info: Type.Array(
      Type.Object({
        family: Type.Optional(Type.String()),
        local: Type.Optional(Type.String()),
        address: Type.Optional(Type.String()),
        prefixlen: Type.Optional(Type.Integer()),
        broadcast: Type.Optional(Type.String()),
        scope: Type.Optional(Type.String()),
        label: Type.Optional(Type.String()),
        metric: Type.Optional(Type.Integer()),
        noprefixroute: Type.Optional(Type.Boolean()),
        nodad: Type.Optional(Type.Boolean()),
        deprecated: Type.Optional(Type.Boolean()),
        dadfailed: Type.Optional(Type.Boolean()),
      }),
    ),
  }),
);
/** What a route of ours would not have: an encapsulation, whose `dst` hides the route's, source, realms. */
const UNMOVABLE = ['encap', 'from', 'flow'] as const;
const HOP = {
  gateway: Type.Optional(Type.String()),
  via: Type.Optional(Type.Object({ family: Type.String(), host: Type.String() })),
  dev: Type.Optional(Type.String()),
  flags: Type.Optional(Type.Array(Type.String())),
};
const ROUTES = Type.Array(
  Type.Object({
    ...HOP,
    type: Type.String(),
    dst: Type.String(),
    table: Type.String(),
    protocol: Type.String(),
    scope: Type.String(),
    /** Of an object for next hops, whose hops `ip` shows, too. */
    nhid: Type.Optional(Type.Integer()),
    tos: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
    metric: Type.Optional(Type.Integer()),
    prefsrc: Type.Optional(Type.String()),
    pref: Type.Optional(Type.String()),
    metrics: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
    nexthops: Type.Optional(
      Type.Array(Type.Object({ ...HOP, weight: Type.Optional(Type.Integer()) })),
    ),
  }),
);

type RawLink = Static<typeof LINKS>[number];
type RawAddress = RawLink['addr_info'][number];
export type RawRoute = Static<typeof ROUTES>[number];

export interface KernelLink {
  readonly name: string;
  readonly ifindex: number;
  /** Bytes. */
  readonly mtu: number;
  readonly mac: string;
  readonly isUp: boolean;
  /** False for the loopback, and for tunnels that carry no Ethernet frames. */
  readonly isEthernet: boolean;
  /** Empty for none. */
  readonly alias: string;
  /** Names that it has beside its own (ip-link(8), `altname`). */
  readonly altnames?: readonly string[];
  readonly master?: string;
  /** `vlan`, `bond`, `tun`; empty for a network card. */
  readonly kind: string;
  /** The link that a VLAN is on. */
  readonly parent?: string;
  readonly vlanId?: number;
  readonly bondMode?: string;
  /** Those that move, in the order in which they were made. */
  readonly addresses: readonly LinkAddress[];
}

/** Links by name. */
export type KernelLinks = ReadonlyMap<string, KernelLink>;

/** Routes of both families, without those that the kernel makes itself. */
export type KernelRoutes = readonly KernelRoute[];

/** A route as `LinkRoute`, but with the name of a link at each of its hops. */
export type KernelRoute = LinkRoute & {
  /** What it has that would be lost if it were made again elsewhere. */
  readonly unmovable?: string;
};

/** Links and their addresses. @throws ToolError */
export async function readKernelLinks(): Promise<KernelLinks> {
  const output = await run('ip', ['-j', '-d', 'address', 'show']);
  return parseLinks(output);
}

/** What `ip -j -d address show` prints. @throws ToolError */
export function parseLinks(output: string): KernelLinks {
  const links = parseOutput('ip', output, LINKS).map(toLink);
  return new Map(links.map((link) => [link.name, link]));
}

/** Routes of all tables that go over one of these links. @throws ToolError */
export async function readKernelRoutes(links: readonly string[]): Promise<KernelRoutes> {
  const words = ['route', 'show', 'table', 'all'];
  const [v4, v6] = await Promise.all([
    run('ip', ['-j', '-N', '-d', '-4', ...words]),
    run('ip', ['-j', '-N', '-d', '-6', ...words]),
  ]);
  return [...parseRoutes('inet', v4, links), ...parseRoutes('inet6', v6, links)];
}

/** What `ip -j -N -d route show table all` prints; nothing at all where there are none. */
export function parseRoutes(
  family: 'inet' | 'inet6',
  output: string,
  links: readonly string[],
): KernelRoutes {
  const routes = parseOutput('ip', output.trim() === '' ? '[]' : output, ROUTES);
  const isOverLink = ({ dev }: { readonly dev?: string }) =>
    dev !== undefined && links.includes(dev);
  return routes
    .filter((route) => isMovable(route) && (route.nexthops ?? [route]).some(isOverLink))
    .map((route) => toRoute(family, route));
}

function toLink(raw: RawLink): KernelLink {
  const { ifname, linkinfo, master } = raw;
  const kind = linkinfo?.info_kind ?? '';
  const { id, mode } = linkinfo?.info_data ?? {};
  return {
    name: ifname,
    ifindex: raw.ifindex,
    mtu: raw.mtu,
    mac: raw.address ?? '',
    isUp: raw.flags.includes('UP'),
    isEthernet: raw.link_type === 'ether',
    alias: raw.ifalias ?? '',
    kind,
    ...(raw.altnames === undefined ? {} : { altnames: raw.altnames }),
    ...(master === undefined ? {} : { master }),
    ...(kind === 'vlan' && typeof raw.link === 'string' ? { parent: raw.link } : {}),
    ...(kind === 'vlan' && typeof id === 'number' ? { vlanId: id } : {}),
    ...(kind === 'bond' && typeof mode === 'string' ? { bondMode: mode } : {}),
    addresses: asMade(raw.addr_info.flatMap((address) => toAddress(address, ifname))),
  };
}

/** In the order in which they were made: of IPv6 addresses the kernel shows the last one first. */
function asMade(addresses: readonly LinkAddress[]): LinkAddress[] {
  const isV4 = ({ family }: LinkAddress) => family === 'inet';
  return [...addresses.filter(isV4), ...addresses.filter((each) => !isV4(each)).reverse()];
}

function toAddress(raw: RawAddress, link: string): LinkAddress[] {
  const { family, local, prefixlen, label, address: peer } = raw;
  if (local === undefined || prefixlen === undefined || raw.dadfailed) return [];
  if ((family !== 'inet' && family !== 'inet6') || isLinkLocal(local)) return [];
  const alias = label?.startsWith(`${link}:`) ? label.slice(link.length) : '';
  return [
    {
      ...{ family, local, prefixlen, scope: raw.scope ?? 'global' },
      ...(peer === undefined ? {} : { peer }),
      ...(raw.broadcast === undefined ? {} : { broadcast: raw.broadcast }),
      ...(/^:[\w.-]+$/.test(alias) ? { alias } : {}),
      ...(raw.metric === undefined ? {} : { metric: raw.metric }),
      ...(raw.noprefixroute ? { noprefixroute: true } : {}),
      ...(raw.nodad ? { nodad: true } : {}),
      ...(raw.deprecated ? { deprecated: true } : {}),
    },
  ];
}

/** RFC 3927 and RFC 4291, section 2.5.6. */
function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/i.test(address);
}

/** RTPROT_KERNEL and RT_TABLE_LOCAL, linux/rtnetlink.h: the kernel makes these of addresses. */
function isMovable({ protocol, table, type, dst }: RawRoute): boolean {
  const isUnicast = type === '1';
  return protocol !== '2' && table !== '255' && isUnicast && !/^(fe80::|ff00::)/.test(dst);
}

function toRoute(family: 'inet' | 'inet6', raw: RawRoute): KernelRoute {
  const { type, dst, table, protocol, scope, tos, metric, prefsrc, pref, nhid } = raw;
  const hops = raw.nexthops ?? [raw];
  const metrics = (raw.metrics ?? []).flatMap((group) => Object.entries(group).map(metricWords));
  const unmovable =
    UNMOVABLE.find((key) => [raw, ...hops].some((part) => key in part)) ??
    metrics.find((words) => !METRIC.test(words));
  return {
    ...{ family, type, dst, table, protocol, scope },
    ...(nhid === undefined ? {} : { nhid }),
    ...(tos === undefined ? {} : { tos: String(tos) }),
    ...(metric === undefined ? {} : { metric }),
    ...(prefsrc === undefined ? {} : { prefsrc }),
    ...(pref === undefined ? {} : { pref }),
    metrics,
    hops: hops.map((hop) => toHop(hop, hops.length > 1)),
    ...(unmovable === undefined ? {} : { unmovable }),
  };
}

function toHop(
  raw: NonNullable<RawRoute['nexthops']>[number],
  hasWeight: boolean,
): LinkRoute['hops'][number] {
  const { gateway, via, dev, weight, flags } = raw;
  return {
    ...(gateway === undefined ? {} : { gateway }),
    ...(via === undefined ? {} : { via: via.host }),
    ...(dev === undefined ? {} : { dev }),
    ...(hasWeight && weight !== undefined ? { weight } : {}),
    ...(flags?.includes('onlink') ? { onlink: true } : {}),
  };
}

/** As ip-route(8) takes one; mostly that is how it shows it. */
function metricWords([name, value]: [string, unknown]): string {
  if (name === 'congestion') return `congctl ${value}`;
  return value === null ? `features ${name}` : `${name} ${value}`;
}

/**
 * What moves from a link: its addresses, and the routes over it with the link left out of them.
 * @throws Error for a route that cannot be moved as it is
 */
export function configOf(link: KernelLink, routes: KernelRoutes): LinkConfig {
  const { name } = link;
  return {
    addresses: [...link.addresses],
    routes: routes.flatMap((route) => {
      if (!route.hops.some(({ dev }) => dev === name)) return [];
      if (route.unmovable !== undefined) throw unmovable(name, route);
      return [{ ...route, hops: route.hops.map((hop) => withoutLink(hop, name)) }];
    }),
  };
}

function withoutLink(hop: LinkRoute['hops'][number], link: string): LinkRoute['hops'][number] {
  const { dev, ...rest } = hop;
  return dev === undefined || dev === link ? rest : hop;
}

function unmovable(link: string, { dst, unmovable: what = '' }: KernelRoute): Error {
  return new Error(`${link} has a route to ${dst} with ${show(what)}, which cannot be moved`);
}
