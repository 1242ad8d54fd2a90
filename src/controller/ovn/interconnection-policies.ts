/**
 * Where a Vpc's router sends what comes from an underlay Subnet that it has a leg in, and what goes there.
 * Pure. Priorities, matches and marks are Kube-OVN's.
 *
 * What the logical router knows itself goes its way by the policies of the other Subnets, which come
 * first (31000, subnet-acls.ts); all else that the Subnet sends goes to its physical gateway.
 */
import { type Address, type Cidr, cidrText, type Family } from '../../common/address.ts';
import type { DesiredPolicy } from './desired.ts';
import { nodeSetName, overlaySetName } from './interconnection-sets.ts';
import { nodeGroupSetName } from './node-groups.ts';
import type { Policy } from './rows.ts';

/** An underlay Subnet with a leg of a router. */
export interface Interconnected {
  readonly subnet: string;
  readonly vpc: string;
  readonly isInDefaultVpc: boolean;
  /** True where only overlay Subnets are reached by the router, and no other underlay. */
  readonly isOverlayOnly: boolean;
  readonly blocks: readonly { readonly cidr: Cidr; readonly gateway: Address }[];
  /** By which nodes Services are reached, where the Subnet has no load balancers in OVN. */
  readonly serviceNodes: readonly ServiceNode[];
  /** Networks of Services. */
  readonly serviceCidrs: readonly Cidr[];
}

/** A node that is attached to the router. */
export interface ServiceNode {
  readonly name: string;
  /** Its own in the network of the nodes and the router. */
  readonly addresses: readonly Address[];
}

const TO_NODES_PRIORITY = 31_000;
const SAME_SUBNET_PRIORITY = 30_060;
const GATEWAY_OVERLAY_ONLY_PRIORITY = 30_050;
const TO_SUBNET_PRIORITY = 29_400;
const GATEWAY_PRIORITY = 29_000;

/** Keys of `external_ids` that say what a policy is for. */
const IS_INTERCONNECTION = 'isU2ORoutePolicy';
const IS_OVERLAY_ONLY = 'isU2OOverlayOnlyRoutePolicy';
const IDS = { [IS_INTERCONNECTION]: 'true' };
const IS_SERVICE = 'isU2ONoLBRoutePolicy';
const NODE = 'node';
const SERVICE_CIDR = 'svcCidr';
const OVERLAY_ONLY_IDS = { ...IDS, [IS_OVERLAY_ONLY]: 'true' };

/** Whether a policy of ours is for an interconnection: Kube-OVN has others with further marks. */
export function isInterconnectionPolicy({
  external_ids: ids,
}: Pick<Policy, 'external_ids'>): boolean {
  return ids[IS_INTERCONNECTION] === 'true';
}

/** Keys of `external_ids` that such a policy has. */
export const INTERCONNECTION_KEYS: readonly string[] = [
  ...[IS_INTERCONNECTION, IS_OVERLAY_ONLY],
  ...[IS_SERVICE, NODE, SERVICE_CIDR],
];

/** The policies for one Subnet. */
export function interconnectionPolicies(interconnected: Interconnected): readonly DesiredPolicy[] {
  const { isInDefaultVpc, isOverlayOnly, blocks } = interconnected;
  const of = isOverlayOnly ? overlayOnly : isInDefaultVpc ? inDefaultVpc : inOtherVpc;
  return blocks.flatMap(({ cidr, gateway }) => {
    const block = { ...interconnected, cidr: cidrText(cidr), family: cidr.family, gateway };
    return [...of(block), ...toServices(interconnected, cidr.family)];
  });
}

/** What pods send to Services goes by their own node, which has kube-proxy's rules. */
function toServices(
  { subnet, serviceNodes, serviceCidrs }: Interconnected,
  family: Family,
): readonly DesiredPolicy[] {
  const services = serviceCidrs.find((cidr) => cidr.family === family);
  if (services === undefined) return [];
  const cidr = cidrText(services);
  return serviceNodes.flatMap(({ name, addresses }): readonly DesiredPolicy[] => {
    const nexthops = addresses.filter((address) => address.family === family);
    if (nexthops.length === 0) return [];
    const set = nodeGroupSetName(subnet, name, family);
    const field = fieldOf(family);
    return [
      {
        priority: TO_SUBNET_PRIORITY,
        match: `${field}.src == $${set} && ${field}.dst == ${cidr}`,
        action: 'reroute',
        nexthops,
        subnet,
        ids: { ...IDS, [IS_SERVICE]: 'true', [NODE]: name, [SERVICE_CIDR]: cidr },
      },
    ];
  });
}

interface OneBlock extends Pick<Interconnected, 'subnet' | 'vpc'> {
  readonly cidr: string;
  readonly family: Family;
  readonly gateway: Address;
}

function inDefaultVpc(block: OneBlock): readonly DesiredPolicy[] {
  return [
    allow(block, TO_SUBNET_PRIORITY, to(block), IDS),
    toNodes(block, IDS),
    ...inOtherVpc(block),
  ];
}

function inOtherVpc(block: OneBlock): readonly DesiredPolicy[] {
  return [toGateway(block, GATEWAY_PRIORITY, from(block), IDS)];
}

function overlayOnly(block: OneBlock): readonly DesiredPolicy[] {
  const { vpc, family } = block;
  const fromOverlay = `${fieldOf(family)}.src == $${overlaySetName(vpc, family)}`;
  const within = `${from(block)} && ${to(block)}`;
  return [
    allow(block, TO_SUBNET_PRIORITY, `${fromOverlay} && ${to(block)}`, OVERLAY_ONLY_IDS),
    toNodes(block, OVERLAY_ONLY_IDS),
    allow(block, SAME_SUBNET_PRIORITY, within, OVERLAY_ONLY_IDS),
    toGateway(block, GATEWAY_OVERLAY_ONLY_PRIORITY, from(block), IDS),
  ];
}

/** Nodes are on physical networks, also where an overlay's CIDR has their addresses. */
function toNodes(block: OneBlock, ids: DesiredPolicy['ids']): DesiredPolicy {
  const nodes = `${fieldOf(block.family)}.dst == $${nodeSetName(block.subnet, block.family)}`;
  return toGateway(block, TO_NODES_PRIORITY, `${nodes} && ${from(block)}`, ids);
}

function allow(
  { subnet }: OneBlock,
  priority: number,
  match: string,
  ids: DesiredPolicy['ids'] = {},
): DesiredPolicy {
  return { priority, match, action: 'allow', nexthops: [], subnet, ids };
}

function toGateway(
  { subnet, gateway }: OneBlock,
  priority: number,
  match: string,
  ids: DesiredPolicy['ids'] = {},
): DesiredPolicy {
  return { priority, match, action: 'reroute', nexthops: [gateway], subnet, ids };
}

function from({ family, cidr }: OneBlock): string {
  return `${fieldOf(family)}.src == ${cidr}`;
}

function to({ family, cidr }: OneBlock): string {
  return `${fieldOf(family)}.dst == ${cidr}`;
}

function fieldOf(family: Family): 'ip4' | 'ip6' {
  return family === 'IPv4' ? 'ip4' : 'ip6';
}
