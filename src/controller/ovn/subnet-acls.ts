/**
 * The ACLs and policies that belong to a Subnet. Pure. Matches and priorities are Kube-OVN's.
 */
import type { Cidr, Family } from '../../common/address.ts';
import { cidrText } from '../../common/address.ts';
import type { DesiredAcl, DesiredPolicy } from './desired.ts';

/** The tier of network policies, which a Subnet's ACLs share. */
const TIER = 2;
const ALLOWED_PRIORITY = 1001;
const DENY_PRIORITY = 1000;
const NODES_PRIORITY = 3000;
const EAST_WEST_PRIORITY = 1900;
const POLICY_PRIORITY = 31_000;
/** Of `ACL.name`, in ovn-nb's schema. */
const NAME_CHARS_MAX = 63;

/**
 * `spec.private`: only the Subnet itself, those that `spec.allowSubnets` lists, and nodes get to
 * its pods.
 * @param nodes networks of the nodes' own ports, if there are any
 */
export function privateAcls(options: {
  readonly subnet: string;
  readonly cidrs: readonly Cidr[];
  readonly allowed: readonly Cidr[];
  readonly nodes: readonly Cidr[];
}): DesiredAcl[] {
  const { subnet, cidrs, allowed, nodes } = options;
  const toPods = { direction: 'to-lport', tier: TIER } as const;
  const allow = (priority: number, match: string): DesiredAcl => ({
    ...toPods,
    priority,
    match,
    action: 'allow-related',
  });
  const log = { name: subnet.slice(0, NAME_CHARS_MAX), severity: 'warning' } as const;
  return [
    { ...toPods, priority: DENY_PRIORITY, match: 'ip', action: 'drop', log },
    ...cidrs.flatMap((cidr) => [
      allow(ALLOWED_PRIORITY, between(cidr, cidr)),
      ...ofFamily(nodes, cidr.family).map((node) => allow(NODES_PRIORITY, from(node))),
      ...ofFamily(allowed, cidr.family).map((other) =>
        allow(ALLOWED_PRIORITY, `(${between(cidr, other)}) || (${between(other, cidr)})`),
      ),
    ]),
  ];
}

/** One of `spec.acls`: the match is its author's own. */
export type OwnAcl = Omit<DesiredAcl, 'tier' | 'log'>;

/**
 * `spec.acls`, with `spec.allowEWTraffic`.
 * @param eastWest the Subnet's networks, where traffic within it is to pass whatever `acls` say
 */
export function ownAcls(acls: readonly OwnAcl[], eastWest: readonly Cidr[]): DesiredAcl[] {
  if (acls.length === 0) return [];
  const within = eastWest.flatMap((cidr) =>
    (['to-lport', 'from-lport'] as const).map((direction) => ({
      direction,
      priority: EAST_WEST_PRIORITY,
      match: between(cidr, cidr),
      action: 'allow' as const,
    })),
  );
  return [...within, ...acls].map((acl) => ({ ...acl, tier: TIER }));
}

/** What goes to a Subnet is routed to it, whatever policies of lower priority say. */
export function subnetPolicies(subnet: string, cidrs: readonly Cidr[]): DesiredPolicy[] {
  return cidrs.map((cidr) => ({
    priority: POLICY_PRIORITY,
    match: `${fieldOf(cidr.family)}.dst == ${cidrText(cidr)}`,
    action: 'allow',
    nexthops: [],
    subnet,
  }));
}

/** Whether a policy with `external_ids:subnet` is one of `subnetPolicies`. */
export function isSubnetPolicy({ priority }: { readonly priority: number }): boolean {
  return priority === POLICY_PRIORITY;
}

function between(source: Cidr, destination: Cidr): string {
  return `${from(source)} && ${fieldOf(destination.family)}.dst == ${cidrText(destination)}`;
}

function from(source: Cidr): string {
  return `${fieldOf(source.family)}.src == ${cidrText(source)}`;
}

function fieldOf(family: Family): 'ip4' | 'ip6' {
  return family === 'IPv4' ? 'ip4' : 'ip6';
}

function ofFamily(cidrs: readonly Cidr[], family: Family): Cidr[] {
  return cidrs.filter((cidr) => cidr.family === family);
}
