/**
 * The router of a Vpc, its static routes and policies. Pure. Its ports belong to Subnets:
 * switch-plan.ts.
 *
 * Kube-OVN's controller also routes what each Subnet of a Vpc sends to the Subnet's own gateway
 * (policy `src-ip`). OVN as Kube-OVN patches it asks such routes last. Any other OVN prefers them to
 * less specific ones by destination, so that a Subnet could not reach a larger one, nor what is
 * behind a default route. They are not made here, and go where a database has them.
 *
 * Of the rows on a router only those are ours that carry the mark and are of a kind that a Vpc
 * or Subnet asks for. Kube-OVN marks others too (of nodes, egress gateways, BFD), by further
 * `external_ids`: these stay.
 */
import { type Address, bits, cidrText, parseAddress, parseCidr } from '../../../common/address.ts';
import { mapOf, setOf, uuidAtom } from '../../../common/ovsdb/value.ts';
import { claimed } from '../../ovn/claims.ts';
import type { DesiredPolicy, DesiredRoute, DesiredRouter } from '../../ovn/desired.ts';
import {
  INTERCONNECTION_KEYS,
  isInterconnectionPolicy,
} from '../../ovn/interconnection-policies.ts';
import { ensureNodeSets, planOverlaySets, removeNodeSets } from '../../ovn/interconnection-sets.ts';
import { isOurs, VENDOR } from '../../ovn/names.ts';
import { ensureNodeGroups } from '../../ovn/node-groups.ts';
import { ownRouter } from '../../ovn/ownership.ts';
import type { Ids, Policy, Route, Router } from '../../ovn/rows.ts';
import type { NbState } from '../../ovn/state.ts';
import { isSubnetPolicy } from '../../ovn/subnet-acls.ts';
import {
  correctMap,
  newTransactionBuilder,
  type Parent,
  type Plan,
  rowAtom,
  type TransactionBuilder,
} from '../../ovn/transaction-builder.ts';

/** Keys of `Logical_Router.options` that are set here; others stay. */
const LEARN_OPTION = 'always_learn_from_arp_request';
const OPTIONS = { mac_binding_age_threshold: '300', dynamic_neigh_routers: 'true' };

/**
 * Makes the router of a Vpc be as desired.
 * @throws NorthboundError `taken`
 */
export function planRouter(state: NbState, desired: DesiredRouter): Plan {
  const builder = newTransactionBuilder();
  const options = { ...OPTIONS, [LEARN_OPTION]: String(desired.learnsFromArpRequests) };
  const { row, parent } = ownRouter(builder, state, desired.name, { options: mapOf(options) });
  if (row !== undefined) {
    const place = { table: 'Logical_Router', row, column: 'options' } as const;
    correctMap(builder, place, options);
  }
  planRoutes(builder, routesOf(state, row), parent, desired.routes);
  const policies = policiesOf(state, row).filter(
    ({ external_ids: ids }) => !desired.unreadable.has(ids.subnet ?? ''),
  );
  planPolicies(builder, policies, parent, desired.policies);
  planOverlaySets(builder, state, desired.name, desired.overlay);
  planNamed(builder, state, desired);
  return builder.done();
}

/**
 * What policies name comes and goes with them, in one transaction: a match with a name that is nowhere is
 * none to OVN. What is in it is the Subnets' (subnet/switch-plan.ts).
 */
function planNamed(
  builder: TransactionBuilder,
  state: NbState,
  { name: vpc, legs, withoutLegs }: DesiredRouter,
): void {
  for (const { subnet, nodes } of legs) {
    ensureNodeSets(builder, state, subnet);
    ensureNodeGroups(builder, state, { subnet, vpc }, nodes);
  }
  for (const subnet of withoutLegs) {
    removeNodeSets(builder, state, subnet);
    ensureNodeGroups(builder, state, { subnet, vpc }, []);
  }
}

/**
 * Removes the router of a Vpc that is gone. One that somebody else has attached something to
 * stays, without what is ours.
 */
export function planRouterRemoval(state: NbState, name: string): Plan {
  const builder = newTransactionBuilder();
  builder.claim(claimed.router(name));
  planOverlaySets(builder, state, name, { cidrs: undefined, isNeeded: false });
  for (const router of state.routersNamed(name).filter(isOurs))
    removeRouter(builder, state, router);
  return builder.done();
}

function removeRouter(builder: TransactionBuilder, state: NbState, router: Router): void {
  const { name, ports, static_routes: routes, policies, nat } = router;
  const children = [
    ['ports', [...ports].flatMap((each) => state.routerPorts.get(each) ?? [])],
    ['static_routes', routes.flatMap((each) => state.routes.get(each) ?? [])],
    ['policies', policies.flatMap((each) => state.policies.get(each) ?? [])],
  ] as const;
  const foreign = children.filter(([, rows]) => rows.some((row) => !isOurs(row)));
  const columns = [...foreign.map(([column]) => column), ...(nat.length > 0 ? ['nat'] : [])];
  // What comes onto it meanwhile would go with it.
  builder.assume('Logical_Router', router, 'ports', 'static_routes', 'policies', 'nat');
  if (columns.length === 0) {
    builder.destroy('Logical_Router', router);
    return;
  }
  for (const [column, rows] of children) {
    builder.remove(
      'Logical_Router',
      router,
      column,
      rows.filter(isOurs).map((row) => uuidAtom(row.uuid)),
    );
  }
  builder.keep(`Logical_Router ${name} stays: it has ${columns.join(' and ')} that are not ours`);
}

/** A route is not made where somebody else has made the same: it would only be there twice. */
function planRoutes(
  builder: TransactionBuilder,
  found: readonly Route[],
  parent: Parent,
  desired: readonly DesiredRoute[],
): void {
  const others = found.filter((row) => !isManagedRoute(row));
  const wanted = desired.filter((route) => !isReplaced(route, desired, others));
  const missing = new Map(wanted.map((route) => [keyOfDesiredRoute(route), route]));
  const surplus: string[] = [];
  for (const row of found.filter(isManagedRoute)) {
    if (!missing.delete(keyOfRoute(row))) surplus.push(row.uuid);
  }
  for (const row of others) missing.delete(keyOfRoute(row));
  parent.detach('static_routes', surplus.map(uuidAtom));
  const created = [...missing.values()].map((route) => rowAtom(createRoute(builder, route)));
  parent.attach('static_routes', created);
}

/** True for a fallback beside another route for the same prefix: the two would share the traffic. */
function isReplaced(
  route: DesiredRoute,
  desired: readonly DesiredRoute[],
  others: readonly Route[],
): boolean {
  if (!route.isFallback) return false;
  const place = placeOfDesiredRoute(route);
  return (
    desired.some((other) => !other.isFallback && placeOfDesiredRoute(other) === place) ||
    others.some((row) => placeOfRoute(row) === place)
  );
}

function createRoute(
  builder: TransactionBuilder,
  { by, prefix, nexthop, routeTable }: DesiredRoute,
): string {
  return builder.create('Logical_Router_Static_Route', {
    policy: by,
    ip_prefix: cidrText(prefix),
    nexthop: nexthop.text,
    ...(routeTable === '' ? {} : { route_table: routeTable }),
    external_ids: mapOf({ vendor: VENDOR }),
  });
}

function isManagedRoute(row: Route): boolean {
  return isOurs(row) && row.bfd === undefined && hasOnly(row.external_ids, ['vendor']);
}

function keyOfDesiredRoute(route: DesiredRoute): string {
  return `${placeOfDesiredRoute(route)} ${route.nexthop.text}`;
}

function keyOfRoute(row: Route): string {
  return `${placeOfRoute(row)} ${parseAddress(row.nexthop)?.text ?? row.nexthop}`;
}

/** What a route is for, whatever its next hop. */
function placeOfDesiredRoute({ by, prefix, routeTable }: DesiredRoute): string {
  return JSON.stringify([routeTable, by, cidrText(prefix)]);
}

/** In canonical text: a prefix may stand there as an address, or with host bits. */
function placeOfRoute({ policy, ip_prefix: prefix, route_table: routeTable }: Route): string {
  const by = policy === 'src-ip' ? policy : 'dst-ip';
  const address = parseAddress(prefix);
  const cidr = parseCidr(address === undefined ? prefix : `${prefix}/${bits(address.family)}`);
  return JSON.stringify([routeTable, by, cidr === undefined ? prefix : cidrText(cidr)]);
}

function planPolicies(
  builder: TransactionBuilder,
  found: readonly Policy[],
  parent: Parent,
  desired: readonly DesiredPolicy[],
): void {
  const missing = new Map(desired.map((policy) => [keyOfDesiredPolicy(policy), policy]));
  const surplus: string[] = [];
  for (const row of found.filter(isManagedPolicy)) {
    if (!missing.delete(keyOfPolicy(row))) surplus.push(row.uuid);
  }
  parent.detach('policies', surplus.map(uuidAtom));
  const created = [...missing.values()].map((policy) => rowAtom(createPolicy(builder, policy)));
  parent.attach('policies', created);
}

function createPolicy(builder: TransactionBuilder, policy: DesiredPolicy): string {
  const { priority, match, action, nexthops, subnet, ids } = policy;
  const hops = textsOf(nexthops);
  return builder.create('Logical_Router_Policy', {
    priority,
    match,
    action,
    ...(hops.length === 0 ? {} : { nexthops: setOf(hops) }),
    external_ids: mapOf({ vendor: VENDOR, ...(subnet === undefined ? {} : { subnet }), ...ids }),
  });
}

function isManagedPolicy(row: Policy): boolean {
  if (!isOurs(row)) return false;
  const { external_ids: ids } = row;
  if (ids.subnet === undefined) return hasOnly(ids, ['vendor']);
  if (isInterconnectionPolicy(row)) {
    return hasOnly(ids, ['vendor', 'subnet', ...INTERCONNECTION_KEYS]);
  }
  return isSubnetPolicy(row) && hasOnly(ids, ['vendor', 'subnet']);
}

function keyOfDesiredPolicy(policy: DesiredPolicy): string {
  const { priority, match, action, nexthops, subnet, ids = {} } = policy;
  const marks = Object.entries(ids).sort();
  return JSON.stringify([priority, match, action, textsOf(nexthops).sort(), subnet ?? '', marks]);
}

function keyOfPolicy(row: Policy): string {
  const { priority, match, action, nexthops, nexthop, external_ids: ids } = row;
  const { vendor: _, subnet = '', ...others } = ids;
  const hops = [...new Set([...nexthops, ...(nexthop === undefined ? [] : [nexthop])])].sort();
  return JSON.stringify([priority, match, action, hops, subnet, Object.entries(others).sort()]);
}

function routesOf(state: NbState, row: Router | undefined): Route[] {
  return (row?.static_routes ?? []).flatMap((uuid) => state.routes.get(uuid) ?? []);
}

function policiesOf(state: NbState, row: Router | undefined): Policy[] {
  return (row?.policies ?? []).flatMap((uuid) => state.policies.get(uuid) ?? []);
}

function textsOf(addresses: readonly Address[]): string[] {
  return [...new Set(addresses.map((each) => each.text))];
}

function hasOnly(ids: Ids, keys: readonly string[]): boolean {
  return Object.keys(ids).every((key) => keys.includes(key));
}
