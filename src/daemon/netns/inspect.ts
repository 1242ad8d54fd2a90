/**
 * What a pod's network namespace has: its links with their addresses, and routes. One process
 * reads all of it (ip(8), `-batch`: with `-json` each command answers by one line).
 */
import Type, { type Static } from 'typebox';
import { type Cidr, cidrText, parseAddress, parseCidr } from '../../common/address.ts';
import { parseOutput, unreadable } from '../../common/process/output.ts';
import { defaultDestination, type Route } from '../model/route.ts';
import { checkNetns, isNetnsUnmounted, runInNetns } from './netns.ts';

/** What was read of a pod's namespace. */
export interface PodNetwork {
  readonly links: readonly PodLink[];
  /** Routes to the destinations that were asked for; one for each next hop. */
  readonly routes: readonly Route[];
}

/** One link of a pod, with its addresses. */
export interface PodLink {
  readonly name: string;
  /** Empty for a device that has none. */
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  readonly state: 'up' | 'up without carrier' | 'down';
  /** With prefix lengths; one that another machine has is marked ` dadfailed`. */
  readonly addresses: readonly string[];
}

/**
 * Reads links, and the unicast routes to exactly these destinations. Those in all tables: CNI's
 * CHECK must allow for later plugins of the chain, and `sbr` moves routes from the main table to one
 * of its own. By destination, since a pod that is a router may have any number of others.
 *
 * @returns undefined where the namespace is gone
 * @throws CniError 4 for the node's own namespace; ToolError when it cannot be read
 */
export async function inspectPod(
  netns: string,
  destinations: readonly Cidr[],
): Promise<PodNetwork | undefined> {
  if (isNetnsUnmounted(netns)) return undefined;
  checkNetns(netns);
  const batch = [
    'address show',
    ...destinations.map((destination) => `route show table all exact ${cidrText(destination)}`),
  ];
  const input = `${batch.join('\n')}\n`;
  try {
    const output = await runInNetns(netns, 'ip', ['-json', '-batch', '-'], { input });
    const [links = '', ...routes] = output.trim().split('\n');
    if (routes.length !== destinations.length) throw unreadable('ip', output);
    return {
      links: parseOutput('ip', links, LINKS).map(toLink),
      routes: destinations.flatMap(({ family }, index) =>
        parseOutput('ip', routes[index] ?? '', ROUTES).flatMap((route) => toRoutes(route, family)),
      ),
    };
  } catch (error) {
    // It may have gone meanwhile.
    if (isNetnsUnmounted(netns)) return undefined;
    throw error;
  }
}

const LINKS = Type.Array(
  Type.Object({
    ifname: Type.String(),
    flags: Type.Array(Type.String()),
    mtu: Type.Number(),
    address: Type.Optional(Type.String()),
    addr_info: Type.Optional(
      Type.Array(
        Type.Object({
          /** Missing for one that has only a far end. */
          local: Type.Optional(Type.String()),
          prefixlen: Type.Number(),
          dadfailed: Type.Optional(Type.Boolean()),
        }),
      ),
    ),
  }),
);

function toLink({
  ifname,
  flags,
  mtu,
  address = '',
  addr_info = [],
}: Static<typeof LINKS>[number]): PodLink {
  const carrier = flags.includes('LOWER_UP') ? 'up' : 'up without carrier';
  return {
    name: ifname,
    mac: address,
    mtu,
    state: flags.includes('UP') ? carrier : 'down',
    addresses: addr_info.map(({ local = '', prefixlen, dadfailed }) => {
      const text = `${parseAddress(local)?.text ?? local}/${prefixlen}`;
      return dadfailed ? `${text} dadfailed` : text;
    }),
  };
}

/** A next hop of another family than the route's is `via`. */
const NEXT_HOP = {
  gateway: Type.Optional(Type.String()),
  via: Type.Optional(Type.Object({ host: Type.String() })),
};
const ROUTES = Type.Array(
  Type.Object({
    ...NEXT_HOP,
    dst: Type.String(),
    /** Missing for a unicast route. */
    type: Type.Optional(Type.String()),
    nexthops: Type.Optional(Type.Array(Type.Object(NEXT_HOP))),
  }),
);

function toRoutes(route: Static<typeof ROUTES>[number], family: Cidr['family']): Route[] {
  const destination = toDestination(route.dst, family);
  if (destination === undefined || (route.type ?? 'unicast') !== 'unicast') return [];
  return (route.nexthops ?? [route]).map(({ gateway, via }) => {
    const nextHop = parseAddress(gateway ?? via?.host ?? '');
    return nextHop === undefined ? { destination } : { destination, gateway: nextHop };
  });
}

/** ip(8) leaves out the length of a host's prefix. */
function toDestination(text: string, family: Cidr['family']): Cidr | undefined {
  if (text === 'default') return defaultDestination(family);
  return parseCidr(text) ?? parseCidr(`${text}/${family === 'IPv4' ? 32 : 128}`);
}
