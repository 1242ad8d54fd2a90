/**
 * What a pod's network namespace has: its links with their addresses, and routes. One process
 * reads all of it (ip(8), `-batch`: with `-json` each command answers by one line).
 */
import { type Cidr, cidrText, parseAddress, parseCidr } from '../../common/address.ts';
import { defaultDestination, type Route } from '../nic/route.ts';
import { checkNetns, isNetnsUnmounted, runInNetns } from './netns.ts';

export interface PodNetwork {
  readonly links: readonly PodLink[];
  /** Routes to the destinations that were asked for; one for each next hop. */
  readonly routes: readonly Route[];
}

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
    const [links = [], ...routes] = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return {
      links: (links as RawLink[]).map(toLink),
      routes: destinations.flatMap(({ family }, index) =>
        (routes[index] as RawRoute[]).flatMap((route) => toRoutes(route, family)),
      ),
    };
  } catch (error) {
    // It may have gone meanwhile.
    if (isNetnsUnmounted(netns)) return undefined;
    throw error;
  }
}

interface RawLink {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address?: string;
  readonly addr_info?: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly dadfailed?: boolean;
  }[];
}

function toLink({ ifname, flags, mtu, address = '', addr_info = [] }: RawLink): PodLink {
  const carrier = flags.includes('LOWER_UP') ? 'up' : 'up without carrier';
  return {
    name: ifname,
    mac: address,
    mtu,
    state: flags.includes('UP') ? carrier : 'down',
    addresses: addr_info.map(({ local, prefixlen, dadfailed }) => {
      const text = `${parseAddress(local)?.text ?? local}/${prefixlen}`;
      return dadfailed ? `${text} dadfailed` : text;
    }),
  };
}

/** A next hop of another family than the route's is `via`. */
interface RawNextHop {
  readonly gateway?: string;
  readonly via?: { readonly host: string };
}

interface RawRoute extends RawNextHop {
  readonly dst: string;
  /** Missing for a unicast route. */
  readonly type?: string;
  readonly nexthops?: readonly RawNextHop[];
}

function toRoutes(route: RawRoute, family: Cidr['family']): Route[] {
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
