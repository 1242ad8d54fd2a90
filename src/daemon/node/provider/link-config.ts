/**
 * The addresses and routes of a link that move with it: what ip(8) shows of them, and the words by which it
 * makes them again on another link. Pure.
 *
 * What stays: IPv6 and IPv4 link-local addresses, of which each link has its own; addresses that another
 * machine was found to have; routes that the kernel makes of addresses, and makes again where they come.
 * Lifetimes are dropped, as Kube-OVN drops them.
 */
import { isDeepStrictEqual } from 'node:util';
import Type, { type Static } from 'typebox';

/** One word of a batch of ip(8). */
const WORD = Type.String({ pattern: '^[\\x21-\\x7e]+$' });
/** A metric of a route (ip-route(8)), as its words. */
export const METRIC = /^[a-z_]+ [A-Za-z0-9.]+$/;
const ADDRESS = Type.Object({
  family: Type.Union([Type.Literal('inet'), Type.Literal('inet6')]),
  local: WORD,
  prefixlen: Type.Integer(),
  /** The other end of a point-to-point link. */
  peer: Type.Optional(WORD),
  broadcast: Type.Optional(WORD),
  scope: WORD,
  /** What stands behind the link's name in the label: `:1`. */
  alias: Type.Optional(WORD),
  /** Of the route that the kernel makes of it. */
  metric: Type.Optional(Type.Integer()),
  noprefixroute: Type.Optional(Type.Boolean()),
  /** IPv6: nobody was asked for it when it was added. */
  nodad: Type.Optional(Type.Boolean()),
  /** It is not used for new connections. */
  deprecated: Type.Optional(Type.Boolean()),
});
const NEXT_HOP = Type.Object({
  gateway: Type.Optional(WORD),
  /** An IPv6 gateway of an IPv4 route. */
  via: Type.Optional(WORD),
  /** Undefined for the link that the route is moved with. */
  dev: Type.Optional(WORD),
  weight: Type.Optional(Type.Integer()),
  onlink: Type.Optional(Type.Boolean()),
});
const ROUTE = Type.Object({
  family: Type.Union([Type.Literal('inet'), Type.Literal('inet6')]),
  /** Number of the type; 1 for unicast (rtnetlink(7)). */
  type: WORD,
  dst: WORD,
  table: WORD,
  protocol: WORD,
  scope: WORD,
  tos: Type.Optional(WORD),
  metric: Type.Optional(Type.Integer()),
  prefsrc: Type.Optional(WORD),
  /** IPv6: `low`, `medium`, `high`. */
  pref: Type.Optional(WORD),
  /** `mtu`, `advmss` and the like, as words of ip-route(8). */
  metrics: Type.Array(Type.String({ pattern: METRIC.source })),
  /** Of an object for next hops (ip-nexthop(8)), which stays on its link: elsewhere the route has hops of its own. */
  nhid: Type.Optional(Type.Integer()),
  hops: Type.Array(NEXT_HOP),
});

export const LINK_CONFIG = Type.Object({
  addresses: Type.Array(ADDRESS),
  routes: Type.Array(ROUTE),
});

export type LinkAddress = Static<typeof ADDRESS>;
export type LinkRoute = Static<typeof ROUTE>;
type NextHop = Static<typeof NEXT_HOP>;

/** What moves, in the order in which it was made: an address before those that are secondary to it. */
export type LinkConfig = Static<typeof LINK_CONFIG>;

/** `10.1.0.5/24`. */
export function addressText({ local, prefixlen }: LinkAddress): string {
  return `${local}/${prefixlen}`;
}

/** Whether two are the same address of one link; their settings may differ. */
export function isSameAddress(one: LinkAddress, other: LinkAddress): boolean {
  return addressText(one) === addressText(other) && one.peer === other.peer;
}

/** What either of two links has, each address and route once; what the first has comes first. */
export function joined(one: LinkConfig, other: LinkConfig): LinkConfig {
  const addresses = other.addresses.filter(
    (address) => !one.addresses.some((each) => isSameAddress(each, address)),
  );
  const routes = other.routes.filter(
    (route) => !one.routes.some((each) => isDeepStrictEqual(each, route)),
  );
  return { addresses: [...one.addresses, ...addresses], routes: [...one.routes, ...routes] };
}

/**
 * The lines of `ip -batch` that give a link an address. `nodad`: it is the node's already, and is used at
 * once. The second line takes that mark off again, so that the address is as it was.
 * @param there the same address where the link has it
 */
export function addLines(
  address: LinkAddress,
  there: LinkAddress | undefined,
  link: string,
): string[] {
  const words = addressWords(address, link);
  const isMarked = address.family === 'inet6' && !address.nodad;
  const added = `address add ${words}${address.family === 'inet6' ? ' nodad' : ''}`;
  if (there === undefined) return isMarked ? [added, `address change ${words}`] : [added];
  return isMarked && there.nodad ? [`address change ${words}`] : [];
}

/** The line that deletes it. */
export function deleteLine({ local, prefixlen, peer }: LinkAddress, link: string): string {
  const pair = peer === undefined ? `${local}/${prefixlen}` : `${local} peer ${peer}/${prefixlen}`;
  return `address delete ${pair} dev ${link}`;
}

function addressWords(address: LinkAddress, link: string): string {
  const { local, prefixlen, peer, broadcast, scope, metric } = address;
  const { noprefixroute, deprecated } = address;
  return [
    peer === undefined ? `${local}/${prefixlen}` : `${local} peer ${peer}/${prefixlen}`,
    ...(broadcast === undefined ? [] : [`broadcast ${broadcast}`]),
    ...(scope === 'global' ? [] : [`scope ${scope}`]),
    `dev ${link}`,
    ...labelWords(address, link),
    ...(metric === undefined ? [] : [`metric ${metric}`]),
    ...(deprecated ? ['valid_lft forever preferred_lft 0'] : []),
    ...(noprefixroute ? ['noprefixroute'] : []),
  ].join(' ');
}

/** A label is the link's name with something behind it, and has at most 15 bytes. */
function labelWords({ alias }: LinkAddress, link: string): string[] {
  if (alias === undefined || link.length + alias.length > 15) return [];
  return [`label ${link}${alias}`];
}

/**
 * The words of a route behind `route append` and the like, with all that is known of it.
 * @param link for the hops of the link that it is moved with
 */
export function routeWords(route: LinkRoute, link: string): string {
  const { family, type, table, protocol, scope, tos, metric, prefsrc, pref, metrics } = route;
  const [hop, ...more] = route.hops;
  return [
    ...(type === '1' ? [] : [`type ${type}`]),
    destination(route),
    ...(tos === undefined ? [] : [`tos ${tos}`]),
    ...(more.length === 0 && hop ? [hopWords(hop, link)] : []),
    `table ${table}`,
    `proto ${protocol}`,
    ...(family === 'inet' ? [`scope ${scope}`] : []),
    ...(prefsrc === undefined ? [] : [`src ${prefsrc}`]),
    ...(metric === undefined ? [] : [`metric ${metric}`]),
    ...(pref === undefined ? [] : [`pref ${pref}`]),
    ...metrics,
    ...(more.length === 0 ? [] : route.hops.map((each) => `nexthop ${hopWords(each, link)}`)),
  ].join(' ');
}

/** The words of a route behind `route delete`. */
export function deletionWords(route: LinkRoute, link: string): string {
  const { family, table, protocol, scope, tos, metric, nhid } = route;
  if (nhid === undefined) return routeWords(route, link);
  // The kernel finds it by its object, and by no hop.
  return [
    destination(route),
    ...(tos === undefined ? [] : [`tos ${tos}`]),
    `nhid ${nhid}`,
    `table ${table}`,
    `proto ${protocol}`,
    ...(family === 'inet' ? [`scope ${scope}`] : []),
    ...(metric === undefined ? [] : [`metric ${metric}`]),
  ].join(' ');
}

/** A batch has no option for the family: it goes by the destination. */
function destination({ family, dst }: LinkRoute): string {
  if (dst !== 'default') return dst;
  return family === 'inet' ? '0.0.0.0/0' : '::/0';
}

function hopWords({ gateway, via, dev, weight, onlink }: NextHop, link: string): string {
  return [
    ...(gateway === undefined ? [] : [`via ${gateway}`]),
    ...(via === undefined ? [] : [`via inet6 ${via}`]),
    `dev ${dev ?? link}`,
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(onlink ? ['onlink'] : []),
  ].join(' ');
}

/**
 * Routes in an order in which each can be made: by scope from the narrowest, as Kube-OVN does; and those
 * without a gateway first, for by them the gateways are reached.
 */
export function inOrder(routes: readonly LinkRoute[]): LinkRoute[] {
  const rank = ({ scope, hops }: LinkRoute): number => {
    const hasGateway = hops.some(({ gateway, via }) => gateway !== undefined || via !== undefined);
    return -2 * Number(scope) + (hasGateway ? 1 : 0);
  };
  return routes
    .map((route, index) => ({ route, index }))
    .sort((a, b) => rank(a.route) - rank(b.route) || a.index - b.index)
    .map(({ route }) => route);
}
