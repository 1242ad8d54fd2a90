/**
 * Names and marks of rows in the northbound database. Pure; the rules are Kube-OVN's, so that a
 * cluster can go from its controller to this one and back.
 */
import type { Family } from '../../common/address.ts';
import { NorthboundError } from './error.ts';

/** `external_ids:vendor` of each row that this controller or Kube-OVN's has made. */
export const VENDOR = 'kube-ovn';

/** The Vpc that is there without anybody having made it. */
export const DEFAULT_VPC = 'ovn-cluster';

/** The group of all ports with a SecurityGroup. No object can have this name. */
export const DENY_ALL_GROUP = 'kubeovn_deny_all';

/** Whether a row may be changed and removed. */
export function isOurs(row: { readonly external_ids: Readonly<Record<string, string>> }): boolean {
  return row.external_ids.vendor === VENDOR;
}

/** The router's port to a Subnet. */
export function routerPortName(vpc: string, subnet: string): string {
  return `${vpc}-${subnet}`;
}

/** The switch's port to the router of its Vpc. */
export function switchRouterPortName(subnet: string, vpc: string): string {
  return `${subnet}-${vpc}`;
}

/** The switch's port to its provider network. */
export function localnetPortName(subnet: string): string {
  return `localnet.${subnet}`;
}

/** The Subnet of which a port group has the ports of one node (node-groups.ts); undefined for any other. */
export function subnetOfNodeGroup({
  external_ids: ids,
}: {
  readonly external_ids: Readonly<Record<string, string>>;
}): string | undefined {
  return ids.u2o === 'true' ? ids.ls : undefined;
}

/** Whether OVN takes a SecurityGroup's name in matches. Pods can list whatever they like. */
export function isGroupName(group: string): boolean {
  return /^[a-zA-Z_.0-9-]+$/.test(group);
}

/** @throws NorthboundError `unsupported` where it is not `isGroupName` */
export function portGroupName(group: string): string {
  return inMatches(`ovn.sg.${group}`, group);
}

/** The set of the addresses that members of a SecurityGroup have. @throws as `portGroupName` */
export function addressSetName(group: string, family: Family): string {
  return inMatches(`ovn.sg.${group}.associated.${family === 'IPv4' ? 'v4' : 'v6'}`, group);
}

/**
 * Names of groups and sets stand bare in matches, where OVN takes neither a hyphen nor anything
 * else with a meaning of its own (ovn-sb(5), "Logical_Flow match").
 */
function inMatches(name: string, group: string): string {
  if (isGroupName(group)) return name.replaceAll('-', '.');
  throw new NorthboundError(
    'unsupported',
    `SecurityGroup ${JSON.stringify(group)} has a name that OVN takes in no rule`,
    'expected letters, digits, hyphens and dots',
  );
}
