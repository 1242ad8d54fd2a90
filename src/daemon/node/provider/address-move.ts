/**
 * The lines of `ip -batch` that move addresses and routes from one link to another, so that the node has
 * each of them at every moment: new before old. Pure.
 *
 * What is to move is recorded beforehand (move-record.ts), for the kernel drops all IPv4 routes of a link
 * with its last address. The lines are made of that record and of what both links have now: those of a
 * move that was interrupted anywhere make the rest of it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KernelLinks, KernelRoutes } from './kernel.ts';
import {
  addLines,
  addressText,
  deleteLine,
  deletionWords,
  inOrder,
  isSameAddress,
  type LinkConfig,
  type LinkRoute,
  routeWords,
} from './link-config.ts';

/** One move, and what there is. */
export interface Move {
  readonly config: LinkConfig;
  /** Names of links; `from` may be gone, or the same one, which gets what it lacks. */
  readonly from: string;
  readonly to: string;
}

/** What the node has now. */
export interface KernelState {
  readonly links: KernelLinks;
  readonly routes: KernelRoutes;
}

/** Sets the new link up and gives it the addresses; the old one keeps its own. */
export function addressLines({ config, to }: Move, { links }: KernelState): string[] {
  const link = links.get(to);
  const up = link?.isUp ? [] : [`link set dev ${to} up`];
  const added = config.addresses.flatMap((address) => {
    const there = link?.addresses.find((other) => isSameAddress(other, address));
    return addLines(address, there, to);
  });
  return [...up, ...added];
}

/** Has the routes go over the new link, which has the addresses. */
export function routeLines({ config, from, to }: Move, { routes }: KernelState): string[] {
  return inOrder(config.routes).flatMap((route) => {
    const isThere = has(routes, withHops(route), to);
    if (isReplaced(route)) return isThere ? [] : [line('replace', route, to)];
    // A route of another link with the same destination and metric is none to replace.
    const isOldThere = !(isThere && from === to) && has(routes, route, from);
    return [
      ...(isThere ? [] : [line('append', route, to)]),
      ...(isOldThere ? [line('delete', route, from)] : []),
    ];
  });
}

/** Takes the addresses off the old link: those that are secondary to others before these. */
export function removalLines({ config, from, to }: Move, { links }: KernelState): string[] {
  if (from === to) return [];
  const left = links.get(from)?.addresses ?? [];
  return config.addresses
    .filter((address) => left.some((other) => isSameAddress(other, address)))
    .reverse()
    .map((address) => deleteLine(address, from));
}

/** True where the new link has all, and the old one nothing of it. */
export function isMoved(move: Move, state: KernelState): boolean {
  return (
    addressLines(move, state).length + routeLines(move, state).length === 0 &&
    removalLines(move, state).length === 0
  );
}

/** For people: `10.1.0.5/24, fd00::5/64 and 3 routes`. */
export function describeConfig({ addresses, routes }: LinkConfig): string {
  const texts = addresses.map(addressText);
  const more = `${routes.length} ${routes.length === 1 ? 'route' : 'routes'}`;
  return texts.length === 0 ? more : `${texts.join(', ')} and ${more}`;
}

/**
 * The kernel replaces a route as one step where it takes all routes of one destination and metric for
 * next hops of each other: those of IPv6 with a gateway, and those with several hops.
 */
function isReplaced({ family, hops, nhid }: LinkRoute): boolean {
  if (nhid !== undefined) return false;
  return hops.length > 1 || (family === 'inet6' && hops[0]?.gateway !== undefined);
}

function has(routes: KernelRoutes, route: LinkRoute, link: string): boolean {
  const wanted = { ...route, hops: route.hops.map((hop) => ({ dev: link, ...hop })) };
  return routes.some((other) => isDeepStrictEqual(other, wanted));
}

/** The route as it is on the link that it is moved to. */
function withHops({ nhid, ...route }: LinkRoute): LinkRoute {
  return route;
}

function line(verb: 'append' | 'replace' | 'delete', route: LinkRoute, link: string): string {
  const words = verb === 'delete' ? deletionWords(route, link) : routeWords(route, link);
  return `route ${verb} ${words}`;
}
