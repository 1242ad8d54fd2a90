/** What the tests of the northbound database share: objects with few words. */
import {
  type Address,
  type Cidr,
  parseAddress,
  parseCidr,
} from '../../../../src/common/address.ts';
import type {
  DesiredAcl,
  DesiredPort,
  DesiredRoute,
  DesiredRouter,
  DesiredRule,
  DesiredSecurityGroup,
  DesiredSwitch,
} from '../../../../src/controller/ovn/desired.ts';
import { NorthboundError } from '../../../../src/controller/ovn/error.ts';
import type { Plan } from '../../../../src/controller/ovn/transaction-builder.ts';

export const NOTHING: Plan = { waits: [], operations: [], kept: [], claims: new Map() };
export const MAC = '02:00:00:00:00:01';
export const VENDOR = { vendor: 'kube-ovn' };

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`no CIDR: ${text}`);
  return parsed;
}

export function routerOf(changes: Partial<DesiredRouter> = {}): DesiredRouter {
  return {
    name: 'tenant',
    learnsFromArpRequests: false,
    routes: [],
    policies: [],
    unreadable: new Set(),
    overlay: { cidrs: [], isNeeded: false },
    legs: [],
    withoutLegs: [],
    ...changes,
  };
}

export function routeOf(
  prefix: string,
  nexthop: string,
  changes: Partial<DesiredRoute> = {},
): DesiredRoute {
  return {
    by: 'dst-ip',
    prefix: cidr(prefix),
    nexthop: address(nexthop),
    routeTable: '',
    ...changes,
  };
}

/** A switch without a router. */
export function switchOf(changes: Partial<DesiredSwitch> = {}): DesiredSwitch {
  return { name: 'front', dhcp: [], acls: [], ...changes };
}

/** A switch on the router `tenant`. @param gateway with prefix length; several, comma-separated */
export function attachedSwitch(
  gateway = '10.1.0.1/24',
  changes: Partial<DesiredSwitch> & { vpc?: string; newMac?: string; routeTable?: string } = {},
): DesiredSwitch {
  const { vpc = 'tenant', newMac = MAC, routeTable = '', ...rest } = changes;
  const gateways = gateway.split(',').map((each) => {
    const [text = '', prefixLength = ''] = each.split('/');
    return { address: address(text), prefixLength: Number(prefixLength) };
  });
  return switchOf({ attachment: { vpc, gateways, newMac, routeTable }, ...rest });
}

export function aclOf(match: string, changes: Partial<DesiredAcl> = {}): DesiredAcl {
  return { direction: 'to-lport', priority: 1000, match, action: 'drop', tier: 2, ...changes };
}

/** @param addresses comma-separated; @param groups names of SecurityGroups that exist */
export function portOf(
  addresses = '10.1.0.5',
  changes: Partial<Omit<DesiredPort, 'securityGroups'>> & { groups?: readonly string[] } = {},
): DesiredPort {
  const { groups = [], ...rest } = changes;
  return {
    name: 'web-0.shop.net.shop.ovn',
    subnet: 'front',
    vpc: 'ovn-cluster',
    mac: '02:00:00:00:01:05',
    addresses: addresses === '' ? [] : addresses.split(',').map(address),
    takesUnknown: false,
    isSecured: false,
    virtualAddresses: [],
    securityGroups: groups.map((name) => ({ name, exists: true })),
    ...rest,
  };
}

export function groupOf(
  name: string,
  rules: readonly DesiredRule[] = [],
  changes: Partial<DesiredSecurityGroup> = {},
): DesiredSecurityGroup {
  return { name, tier: 0, allowsSameGroup: false, rules, ...changes };
}

/** Lets ICMP of IPv4 come in from anywhere. */
export function ruleOf(changes: Partial<DesiredRule> = {}): DesiredRule {
  return {
    direction: 'ingress',
    priority: 1,
    remote: { network: cidr('0.0.0.0/0') },
    protocol: { name: 'icmp' },
    policy: 'allow',
    ...changes,
  };
}

/** The NorthboundError that a call must end with. */
export async function failureOf(call: () => unknown): Promise<NorthboundError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof NorthboundError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
