/**
 * Routes of a NIC: from the network configuration, from the pod's annotation, and the default
 * route. Pure.
 */

import type { Address, Cidr, Family } from '../../common/address.ts';
import { bits, cidrText, parseAddress, parseCidr } from '../../common/address.ts';
import type { Route as WireRoute } from '../../wire/messages.ts';
import { invalid } from '../call/error.ts';

/** One route; destination and gateway are of one family. */
export interface Route {
  readonly destination: Cidr;
  /** Without a gateway the destination is on the link. */
  readonly gateway?: Address;
}

/** 0.0.0.0/0 or ::/0. */
export function defaultDestination(family: Family): Cidr {
  return { family, network: family === 'IPv4' ? '0.0.0.0' : '::', prefixLength: 0 };
}

/**
 * Checks `{dst?, gw?}` objects. An empty `dst` is the default route of the gateway's family;
 * host bits of `dst` are cut off; a `dst` without a mask is one host.
 *
 * @param field what the routes came from, for the error: "routes" or an annotation's key
 * @throws CniError 7 that names the field and the element
 */
export function parseRoutes(routes: readonly unknown[], field: string): Route[] {
  return routes.map((route, index) => parseRoute(route, `${field}[${index}]`));
}

function parseRoute(route: unknown, field: string): Route {
  const expected = '{"dst": "<CIDR>" or none for the default route, "gw": "<IP address>"}';
  if (typeof route !== 'object' || route === null || Array.isArray(route)) {
    throw invalid(field, route, expected);
  }
  const { dst = '', gw = '' } = route as { dst?: unknown; gw?: unknown };
  if (typeof dst !== 'string' || typeof gw !== 'string') throw invalid(field, route, expected);
  const gateway = gw === '' ? undefined : parseAddress(gw);
  if (gw !== '' && gateway === undefined) throw invalid(`${field}.gw`, gw, 'an IP address');
  const destination = parseDestination(dst, gateway);
  if (destination === undefined) throw invalid(`${field}.dst`, dst, expected);
  if (gateway === undefined) return { destination };
  if (gateway.family !== destination.family) {
    throw invalid(field, route, 'a destination and a gateway of one IP family');
  }
  return { destination, gateway };
}

function parseDestination(dst: string, gateway: Address | undefined): Cidr | undefined {
  if (dst === '') return gateway && defaultDestination(gateway.family);
  const host = parseAddress(dst);
  return host ? parseCidr(`${host.text}/${bits(host.family)}`) : parseCidr(dst);
}

/** The last route to a destination wins: so a route without `dst` replaces the default route. */
export function lastOfEachDestination(routes: readonly Route[]): Route[] {
  const byDestination = new Map<string, Route>();
  for (const route of routes) {
    const key = cidrText(route.destination);
    byDestination.delete(key);
    byDestination.set(key, route);
  }
  return [...byDestination.values()];
}

/** True for a route to all addresses of a family. */
export function isDefaultRoute(route: Route): boolean {
  return route.destination.prefixLength === 0;
}

/** The route as a response has it. */
export function toWireRoute(route: Route): WireRoute {
  const dst = cidrText(route.destination);
  return route.gateway ? { dst, gw: route.gateway.text } : { dst };
}
