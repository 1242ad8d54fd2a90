/**
 * From a Vpc and its Subnets to the router that OVN is to have. Pure.
 */
import { type Address, type Family, parseCidr } from '../../../common/address.ts';
import { checkedValue } from '../../model/problem.ts';
import type { ClusterSettings } from '../../model/settings.ts';
import type { DesiredPolicy, DesiredRoute, DesiredRouter } from '../../ovn/desired.ts';
import { interconnectionPolicies, type ServiceNode } from '../../ovn/interconnection-policies.ts';
import { subnetPolicies } from '../../ovn/subnet-acls.ts';
import { goesByNodes, isInterconnected, legAddresses } from '../subnet/object/interconnection.ts';
import type { Subnet, SubnetObject } from '../subnet/object/subnet.ts';
import type { Vpc } from './object/vpc.ts';

/**
 * @param subnets all of the Vpc
 * @param nodes those that are attached to the router
 */
export function desiredRouter(
  vpc: Vpc,
  subnets: readonly SubnetObject[],
  settings: ClusterSettings,
  nodes: readonly ServiceNode[] = [],
): DesiredRouter {
  const { joinSubnet, serviceCidrs } = settings;
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
  const interconnected = subnets.flatMap((object) => {
    const subnet = checkedValue(object.checked);
    if (subnet === undefined || !isInterconnected(subnet)) return [];
    const serviceNodes = goesByNodes(subnet, settings) ? nodes : [];
    return [{ ...interconnectedOf(subnet, vpc), serviceNodes, serviceCidrs }];
  });
  const unreadable = routed.filter(isUnreadable);
  const legs = interconnected.map(({ subnet, serviceNodes }) => ({
    subnet,
    nodes: serviceNodes.map(({ name }) => name),
  }));
  const known = new Set([
    ...legs.map(({ subnet }) => subnet),
    ...unreadable.map(({ meta }) => meta.name),
  ]);
  const all = [
    ...policies,
    ...routed.filter((subnet) => hasCommonPolicies(subnet, vpc)).flatMap(policiesTo),
    ...interconnected.flatMap(interconnectionPolicies),
  ];
  return {
    name: vpc.name,
    // A physical gateway makes itself known to a router only by asking for it.
    learnsFromArpRequests: interconnected.length + unreadable.length > 0,
    routes: [...defaultRoutes(join), ...own, ...routesForPolicies(all, routed)],
    policies: all,
    unreadable: new Set(unreadable.map(({ meta }) => meta.name)),
    overlay: {
      cidrs: subnets.flatMap(({ claims }) => (claims.vlan === '' ? claims.cidrs : [])),
      isNeeded: interconnected.some(({ isOverlayOnly }) => isOverlayOnly),
    },
    legs,
    withoutLegs: subnets.map(({ meta }) => meta.name).filter((name) => !known.has(name)),
  };
}

/** Also to one with which something is wrong: its pods run on. */
function policiesTo({ meta, claims }: SubnetObject): readonly DesiredPolicy[] {
  return subnetPolicies(meta.name, claims.cidrs);
}

/** Of an underlay with which something is wrong, nobody knows the gateway: its pods go on with what is there. */
function isUnreadable({ claims, checked }: SubnetObject): boolean {
  return claims.vlan !== '' && checkedValue(checked) === undefined;
}

/**
 * Whether a Subnet has the policies of all Subnets. One with a router's leg has its own, and in a Vpc of a
 * user's both (Kube-OVN's rule).
 */
function hasCommonPolicies(object: SubnetObject, { isDefault }: Vpc): boolean {
  const subnet = checkedValue(object.checked);
  if (subnet === undefined) return !isUnreadable(object);
  if (!isInterconnected(subnet)) return true;
  return !isDefault && !subnet.overlayOnlyRouting;
}

function interconnectedOf({ name: subnet, overlayOnlyRouting, blocks }: Subnet, vpc: Vpc) {
  const { name, isDefault: isInDefaultVpc } = vpc;
  return { subnet, vpc: name, isInDefaultVpc, isOverlayOnly: overlayOnlyRouting, blocks };
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
function routesForPolicies(
  policies: readonly DesiredPolicy[],
  routed: readonly SubnetObject[],
): readonly DesiredRoute[] {
  if (!policies.some(({ action }) => action === 'reroute')) return [];
  const own = new Map<Family, Address>();
  const staying = routed.filter(({ meta }) => !meta.deleting);
  for (const object of staying.toSorted(byName)) {
    for (const address of routerAddresses(object)) {
      if (!own.has(address.family)) own.set(address.family, address);
    }
  }
  return [...own].flatMap(([family, address]) =>
    routeTo(ANYWHERE[family], address).map((route) => ({ ...route, isFallback: true })),
  );
}

/** The router's own addresses in a Subnet, as far as it has them. */
function routerAddresses({ checked, interconnection }: SubnetObject): readonly Address[] {
  const subnet = checkedValue(checked);
  if (subnet === undefined) return [];
  if (isInterconnected(subnet)) return legAddresses(interconnection);
  return subnet.blocks.map(({ gateway }) => gateway);
}

function byName(one: SubnetObject, other: SubnetObject): number {
  return one.meta.name < other.meta.name ? -1 : 1;
}

function routeTo(text: string, nexthop: Address): readonly DesiredRoute[] {
  const prefix = parseCidr(text);
  return prefix === undefined ? [] : [{ by: 'dst-ip', prefix, nexthop, routeTable: '' }];
}
