/**
 * From a Vpc and its Subnets to the router that OVN is to have. Pure.
 */
import { type Address, type Family, parseCidr } from '../../../common/address.ts';
import { checkedValue } from '../../model/problem.ts';
import type { ClusterSettings } from '../../model/settings.ts';
import type { DesiredPolicy, DesiredRoute, DesiredRouter } from '../../ovn/desired.ts';
import { subnetPolicies } from '../../ovn/subnet-acls.ts';
import type { Subnet, SubnetObject } from '../subnet/object/subnet.ts';
import type { Vpc } from './object/vpc.ts';

/** @param subnets all of the Vpc */
export function desiredRouter(
  vpc: Vpc,
  subnets: readonly SubnetObject[],
  { joinSubnet }: ClusterSettings,
): DesiredRouter {
  const routed = subnets.filter(({ claims }) => claims.hasRouterPort);
  const joining = vpc.isDefault ? subnets.find(({ meta }) => meta.name === joinSubnet) : undefined;
  const join = joining && checkedValue(joining.checked);
  const own = vpc.staticRoutes.map(
    ({ policy, cidr, nextHop, routeTable }): DesiredRoute => ({
      by: policy === 'policySrc' ? 'src-ip' : 'dst-ip',
      prefix: cidr,
      nexthop: nextHop,
      routeTable,
    }),
  );
  const policies = vpc.policyRoutes.map(
    ({ priority, match, action, nextHops }): DesiredPolicy => ({
      priority,
      match,
      action,
      nexthops: nextHops,
    }),
  );
  return {
    name: vpc.name,
    learnsFromArpRequests: false,
    routes: [...defaultRoutes(join), ...own, ...routesForPolicies(vpc, routed)],
    policies: [
      ...policies,
      // Also of one with which something is wrong: its pods run on.
      ...routed.flatMap(({ meta, claims }) => subnetPolicies(meta.name, claims.cidrs)),
    ],
  };
}

const ANYWHERE: Readonly<Record<Family, string>> = { IPv4: '0.0.0.0/0', IPv6: '::/0' };

/** What the default Vpc does not know goes to the nodes, by the Subnet that joins them with it. */
function defaultRoutes(join: Subnet | undefined): readonly DesiredRoute[] {
  return (join?.blocks ?? []).flatMap(({ family, gateway }) => routeTo(ANYWHERE[family], gateway));
}

/**
 * OVN drops what has no route before it asks policies, so that a policy to anywhere outside would be
 * without effect. Any route lets packets get that far; one to the router's own address leads nowhere
 * for those that no policy takes (northd(8), "IP Routing" comes before "Policy").
 */
function routesForPolicies(vpc: Vpc, routed: readonly SubnetObject[]): readonly DesiredRoute[] {
  if (!vpc.policyRoutes.some(({ action }) => action === 'reroute')) return [];
  const own = new Map<Family, Address>();
  const staying = routed.filter(({ meta }) => !meta.deleting);
  for (const { checked } of staying.toSorted(byName)) {
    for (const { family, gateway } of checkedValue(checked)?.blocks ?? []) {
      if (!own.has(family)) own.set(family, gateway);
    }
  }
  return [...own].flatMap(([family, address]) =>
    routeTo(ANYWHERE[family], address).map((route) => ({ ...route, isFallback: true })),
  );
}

function byName(one: SubnetObject, other: SubnetObject): number {
  return one.meta.name < other.meta.name ? -1 : 1;
}

function routeTo(text: string, nexthop: Address): readonly DesiredRoute[] {
  const prefix = parseCidr(text);
  return prefix === undefined ? [] : [{ by: 'dst-ip', prefix, nexthop, routeTable: '' }];
}
