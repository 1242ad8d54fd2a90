/**
 * Vpc: a router of its own, and the Subnets behind it. Pure.
 */
import type { Address, Cidr } from '../../../../common/address.ts';
import { bits, parseAddress, parseCidr } from '../../../../common/address.ts';
import { type Fields, rawFields, readFields, readQuietly } from '../../../../common/fields.ts';
import { changedFields } from '../../../model/changes.ts';
import { type MergePatch, type Meta, projectMeta } from '../../../model/meta.ts';
import { type Checked, checked, type Problem, say } from '../../../model/problem.ts';

/** One static route that the user asks for. */
export interface StaticRoute {
  readonly policy: 'policyDst' | 'policySrc';
  /** A single address is a network of one. */
  readonly cidr: Cidr;
  readonly nextHop: Address;
  readonly ecmpMode: string;
  readonly bfdId: string;
  readonly routeTable: string;
}

/** One routing policy that the user asks for. */
export interface PolicyRoute {
  readonly priority: number;
  /** In OVN's language; taken as it is. */
  readonly match: string;
  readonly action: 'allow' | 'drop' | 'reroute';
  /** Of a reroute: one or more. */
  readonly nextHops: readonly Address[];
}

/** A link to another Vpc; this controller makes none. */
export interface VpcPeering {
  readonly remoteVpc: string;
  /** Our router's address in the link between the two, with the link's prefix length. */
  readonly localConnectIps: readonly string[];
}

/** A Vpc's spec, checked. */
export interface Vpc {
  readonly name: string;
  readonly isDefault: boolean;
  /** Namespaces that its Subnets may be for. */
  readonly namespaces: readonly string[];
  /** Name of the Subnet for pods of these namespaces; empty for none. */
  readonly defaultSubnet: string;
  readonly staticRoutes: readonly StaticRoute[];
  readonly policyRoutes: readonly PolicyRoute[];
  readonly peerings: readonly VpcPeering[];
}

/** What is kept of a Vpc object. */
export interface VpcObject {
  readonly meta: Meta;
  readonly checked: Checked<Vpc>;
  readonly status: VpcStatus;
}

/** The part of the status that we write. */
export interface VpcStatus {
  /** True once its router is there. */
  readonly standby: boolean;
  readonly default: boolean;
  /** Name of its router. */
  readonly router: string;
  readonly defaultLogicalSwitch: string;
  readonly subnets: readonly string[];
}

const PRIORITY_MAX = 32767;

/** A raw Vpc as the API server sends it. Never throws for what a user can write. */
export function projectVpc(raw: unknown, defaultVpc: string): VpcObject {
  const meta = projectMeta(raw);
  const { spec, status } = rawFields(raw);
  const said = readQuietly(status);
  return {
    meta,
    checked: checkVpc(meta.name, spec, defaultVpc),
    status: {
      standby: said.flag('standby'),
      default: said.flag('default'),
      router: said.text('router'),
      defaultLogicalSwitch: said.text('defaultLogicalSwitch'),
      subnets: said.texts('subnets'),
    },
  };
}

/** The patch that makes the status say this, or undefined where it does. */
export function vpcStatusPatch(status: VpcStatus, wanted: VpcStatus): MergePatch | undefined {
  const changes = changedFields({ ...status }, { ...wanted });
  return changes && { status: changes };
}

/** A Vpc's name must not be a Subnet's, since OVN's rows are named after both. */
export function vpcNameConflict(name: string, subnetNames: ReadonlySet<string>) {
  if (!subnetNames.has(name)) return undefined;
  return {
    message: say`vpc ${name} and subnet ${name} cannot have the same name`,
    advice: 'give one of the two another name',
  } satisfies Problem;
}

function checkVpc(name: string, spec: unknown, defaultVpc: string): Checked<Vpc> {
  const problems: Problem[] = [];
  const report = (problem: Problem) => {
    problems.push(problem);
  };
  const fields = readFields(spec, 'spec', report);
  const vpc = {
    name,
    isDefault: name === defaultVpc,
    namespaces: fields.texts('namespaces'),
    defaultSubnet: fields.text('defaultSubnet'),
    staticRoutes: fields.parts('staticRoutes').flatMap((route) => checkStaticRoute(route, report)),
    policyRoutes: fields.parts('policyRoutes').flatMap((route) => checkPolicyRoute(route, report)),
    peerings: fields.parts('vpcPeerings').flatMap((peering) => checkPeering(peering, report)),
  };
  return checked(vpc, problems);
}

type Report = (problem: Problem) => void;

function checkStaticRoute(fields: Fields, report: Report): readonly StaticRoute[] {
  const policy = fields.text('policy') || 'policyDst';
  const cidrText = fields.text('cidr').trim();
  const nextHopText = fields.text('nextHopIP').trim();
  const host = parseAddress(cidrText);
  const cidr = host ? parseCidr(`${host.text}/${bits(host.family)}`) : parseCidr(cidrText);
  const nextHop = parseAddress(nextHopText);
  const isPolicy = policy === 'policyDst' || policy === 'policySrc';
  if (!isPolicy) {
    report({
      message: say`unknown policy type: ${policy}`,
      advice: 'set policy to "policyDst" or "policySrc"',
    });
  }
  if (cidr === undefined) {
    const what = cidrText.includes('/') ? 'cidr' : 'IP';
    report({
      message: say`invalid ${what} ${cidrText}`,
      advice: 'set cidr to a CIDR or an address',
    });
  }
  if (nextHop === undefined) {
    report({
      message: say`invalid next hop IP ${nextHopText}`,
      advice: 'set nextHopIP to an address',
    });
  }
  if (!isPolicy || cidr === undefined || nextHop === undefined) return [];
  return [
    {
      policy,
      cidr,
      nextHop,
      ecmpMode: fields.text('ecmpMode'),
      bfdId: fields.text('bfdId'),
      routeTable: fields.text('routeTable'),
    },
  ];
}

function checkPolicyRoute(fields: Fields, report: Report): readonly PolicyRoute[] {
  const action = fields.text('action');
  const priority = fields.integer('priority', 0, PRIORITY_MAX) ?? 0;
  const match = fields.text('match');
  if (action !== 'allow' && action !== 'drop' && action !== 'reroute') {
    report({
      message: say`unknown policy action: ${action}`,
      advice: 'set action to "allow", "drop" or "reroute"',
    });
    return [];
  }
  if (action !== 'reroute') return [{ priority, match, action, nextHops: [] }];
  const text = fields.text('nextHopIP');
  const nextHops = text.split(',').flatMap((part) => parseAddress(part.trim()) ?? []);
  if (nextHops.length !== text.split(',').length) {
    report({
      message: say`invalid next hop ips: ${text}`,
      advice: 'set nextHopIP to an address, or to several with "," between them',
    });
  }
  return [{ priority, match, action, nextHops }];
}

function checkPeering(fields: Fields, report: Report): readonly VpcPeering[] {
  const text = fields.text('localConnectIP');
  const localConnectIps = text.split(',').map((part) => part.trim());
  if (localConnectIps.some((part) => parseCidr(part) === undefined)) {
    report({
      message: say`invalid cidr ${text}`,
      advice: 'set localConnectIP to an address with a prefix length, like "169.254.0.1/30"',
    });
  }
  return [{ remoteVpc: fields.text('remoteVpc'), localConnectIps }];
}
