/**
 * The ACLs of a SecurityGroup. Pure. Matches, priorities and tiers are Kube-OVN's, to the letter,
 * so that a database that it has written needs no change.
 *
 * A match is put together from parsed addresses, numbers and checked names only. `outport` is the
 * pod for what comes to it, `inport` for what it sends.
 */
import { bits, type Cidr, cidrText, type Family } from '../../common/address.ts';
import type { DesiredAcl, DesiredRule, DesiredSecurityGroup, PortRange } from './desired.ts';
import { addressSetName, DENY_ALL_GROUP, portGroupName } from './names.ts';

type Direction = DesiredAcl['direction'];

const DIRECTIONS = ['to-lport', 'from-lport'] as const;
/** OVN's tiers of a SecurityGroup's 0 and 1. */
const TIERS = [2, 3] as const;
const TIER_BASE = 2;

/** A rule's priority is subtracted from this. */
const RULES_PRIORITY = 18_484;
const BASE_PRIORITY = 2005;
const SAME_GROUP_PRIORITY = 2004;
const DENY_PRIORITY = 2003;

/** All ACLs of a SecurityGroup's port group. */
export function securityGroupAcls(group: DesiredSecurityGroup): DesiredAcl[] {
  const { name, tier, allowsSameGroup, rules } = group;
  return [
    ...DIRECTIONS.flatMap((direction) => baseAcls(name, direction)),
    ...(allowsSameGroup ? DIRECTIONS.flatMap((each) => sameGroupAcls(name, tier, each)) : []),
    ...rules.map((rule) => ruleAcl(name, tier, rule)),
  ];
}

/**
 * All ACLs of the group of every port with a SecurityGroup: whatever no rule allows is dropped, in
 * each tier, or a packet that is passed on to the last would get through.
 *
 * Ours: a port may be in this group alone, because its SecurityGroups do not exist. Of those it would
 * have neighbour discovery, without which it has no gateway of IPv6 and does not come up; ARP is no
 * `ip`, and passes anyway.
 */
export function denyAllAcls({ hasLonePorts }: { hasLonePorts: boolean }): DesiredAcl[] {
  const match = (direction: Direction) => `${membersMatch(DENY_ALL_GROUP, direction)} && ip`;
  const drops = DIRECTIONS.flatMap((direction) =>
    TIERS.map((tier) => ({
      direction,
      priority: DENY_PRIORITY,
      match: match(direction),
      action: 'drop' as const,
      tier,
    })),
  );
  return hasLonePorts ? [...drops, ...loneAcls()] : drops;
}

/** Whether an ACL of that group is one for ports that are in no other. */
export function isForLonePorts({ match }: { readonly match: string }): boolean {
  return loneAcls().some((acl) => acl.match === match);
}

function loneAcls(): DesiredAcl[] {
  return DIRECTIONS.flatMap((direction) =>
    allowAcls(DENY_ALL_GROUP, direction, [neighbourDiscovery(direction)]),
  );
}

/** Of neighbour discovery a pod gets advertisements of routers (134), and sends solicitations (133). */
function neighbourDiscovery(direction: Direction): string {
  const types = direction === 'to-lport' ? '{130, 134, 135, 136}' : '{130, 133, 135, 136}';
  return `icmp6.type == ${types} && icmp6.code == 0 && ip.ttl == 255`;
}

/** ARP, neighbour discovery, DHCP and VRRP: without them a pod has no network to be secured. */
function baseAcls(name: string, direction: Direction): DesiredAcl[] {
  const isToPod = direction === 'to-lport';
  const [from4, to4] = isToPod ? [67, 68] : [68, 67];
  const [from6, to6] = isToPod ? [547, 546] : [546, 547];
  return allowAcls(name, direction, [
    'arp',
    neighbourDiscovery(direction),
    `udp.src == ${from4} && udp.dst == ${to4} && ip4`,
    `udp.src == ${from6} && udp.dst == ${to6} && ip6`,
    'ip.proto == 112',
  ]);
}

/** What the members of a group may do whatever its rules say, in each tier. */
function allowAcls(name: string, direction: Direction, matches: readonly string[]): DesiredAcl[] {
  return matches.flatMap((match) =>
    TIERS.map((tier) => ({
      direction,
      priority: BASE_PRIORITY,
      match: `${membersMatch(name, direction)} && ${match}`,
      action: 'allow-related' as const,
      tier,
    })),
  );
}

function sameGroupAcls(name: string, tier: 0 | 1, direction: Direction): DesiredAcl[] {
  return (['IPv4', 'IPv6'] as const).map((family) => ({
    direction,
    priority: SAME_GROUP_PRIORITY,
    match: [
      membersMatch(name, direction),
      protocolOf(family),
      `${field(family, remoteEnd(direction))} == $${addressSetName(name, family)}`,
    ].join(' && '),
    action: 'allow-related',
    tier: TIER_BASE + tier,
  }));
}

const ACTIONS = { allow: 'allow-related', drop: 'drop', pass: 'pass' } as const;

function ruleAcl(name: string, tier: 0 | 1, rule: DesiredRule): DesiredAcl {
  const direction = rule.direction === 'ingress' ? 'to-lport' : 'from-lport';
  const { remote } = rule;
  const family = 'network' in remote ? remote.network.family : remote.family;
  const remotes =
    'network' in remote ? networkText(remote.network) : `$${addressSetName(remote.group, family)}`;
  const local = rule.local && `${field(family, localEnd(direction))} == ${networkText(rule.local)}`;
  return {
    direction,
    priority: RULES_PRIORITY - rule.priority,
    match: [
      membersMatch(name, direction),
      protocolOf(family),
      `${field(family, remoteEnd(direction))} == ${remotes}`,
      ...(local === undefined ? [] : [local]),
      ...transportMatches(family, rule.protocol),
    ].join(' && '),
    action: ACTIONS[rule.policy],
    tier: TIER_BASE + tier,
  };
}

function transportMatches(family: Family, protocol: DesiredRule['protocol']): string[] {
  if (!('ports' in protocol)) {
    const icmp = family === 'IPv4' ? 'icmp4' : 'icmp6';
    return protocol.name === 'all' ? [] : [icmp];
  }
  const { name, ports, sourcePorts } = protocol;
  return [
    rangeMatch(`${name}.dst`, ports),
    ...(sourcePorts === undefined ? [] : [rangeMatch(`${name}.src`, sourcePorts)]),
  ];
}

function rangeMatch(port: string, { min, max }: PortRange): string {
  return `${min} <= ${port} <= ${max}`;
}

function membersMatch(name: string, direction: Direction): string {
  return `${portOf(direction)} == @${portGroupName(name)}`;
}

function portOf(direction: Direction): string {
  return direction === 'to-lport' ? 'outport' : 'inport';
}

function remoteEnd(direction: Direction): 'src' | 'dst' {
  return direction === 'to-lport' ? 'src' : 'dst';
}

function localEnd(direction: Direction): 'src' | 'dst' {
  return direction === 'to-lport' ? 'dst' : 'src';
}

function protocolOf(family: Family): 'ip4' | 'ip6' {
  return family === 'IPv4' ? 'ip4' : 'ip6';
}

function field(family: Family, end: 'src' | 'dst'): string {
  return `${protocolOf(family)}.${end}`;
}

/** One address is written without a mask. */
function networkText(network: Cidr): string {
  return network.prefixLength === bits(network.family) ? network.network : cidrText(network);
}
