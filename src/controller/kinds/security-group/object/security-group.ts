/**
 * SecurityGroup: which traffic the NICs that name it may have. Pure.
 */
import type { Cidr, Family } from '../../../../common/address.ts';
import { bits, parseAddress, parseCidr } from '../../../../common/address.ts';
import { type Fields, rawFields, readFields, readQuietly } from '../../../../common/fields.ts';
import { changedFields } from '../../../model/changes.ts';
import { type MergePatch, type Meta, projectMeta } from '../../../model/meta.ts';
import { type Checked, checked, type Problem, say } from '../../../model/problem.ts';

/** What happens to traffic that a rule matches; `pass` leaves it to the next tier. */
export type SecurityPolicy = 'allow' | 'drop' | 'pass';
/** The traffic that a rule is about; `icmp` is that of the rule's family. */
export type SecurityProtocol = 'all' | 'icmp' | 'tcp' | 'udp';

/** Ports from `min` to `max`, both included, of 1 to 65535. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** One rule of a direction, checked. */
export interface SecurityRule {
  readonly family: Family;
  readonly protocol: SecurityProtocol;
  /** 1 to 16384; 1 comes first. */
  readonly priority: number;
  /** The other end: a network (a single address is one), or the NICs of a group. */
  readonly remote: Cidr | { readonly securityGroup: string };
  /** At our end; every address of the NIC where undefined. */
  readonly local?: Cidr;
  /** Only of tcp and udp. */
  readonly ports?: PortRange;
  /** Only of tcp and udp with a local address. */
  readonly sourcePorts?: PortRange;
  readonly policy: SecurityPolicy;
}

/** A SecurityGroup's spec, checked. A rule that is wrong makes the whole group wrong. */
export interface SecurityGroup {
  readonly name: string;
  readonly ingress: readonly SecurityRule[];
  readonly egress: readonly SecurityRule[];
  readonly allowSameGroupTraffic: boolean;
  readonly tier: 0 | 1;
}

/** What is kept of a SecurityGroup object. */
export interface SecurityGroupObject {
  readonly meta: Meta;
  readonly checked: Checked<SecurityGroup>;
  readonly status: SecurityGroupStatus;
}

/** The fields of the status that we write: Kube-OVN's. */
export interface SecurityGroupStatus {
  readonly portGroup: string;
  readonly allowSameGroupTraffic: boolean;
  readonly ingressMd5: string;
  readonly egressMd5: string;
  readonly ingressLastSyncSuccess: boolean;
  readonly egressLastSyncSuccess: boolean;
}

type Report = (problem: Problem) => void;

const PRIORITY_MIN = 1;
const PRIORITY_MAX = 16384;
const PORT_MAX = 65535;
const LAST_TIER = 1;
const INT32_MAX = 2 ** 31 - 1;

/** A raw SecurityGroup as the API server sends it. Never throws for what a user can write. */
export function projectSecurityGroup(raw: unknown): SecurityGroupObject {
  const meta = projectMeta(raw);
  const { spec, status } = rawFields(raw);
  const said = readQuietly(status);
  return {
    meta,
    checked: checkSecurityGroup(meta.name, spec),
    status: {
      portGroup: said.text('portGroup'),
      allowSameGroupTraffic: said.flag('allowSameGroupTraffic'),
      ingressMd5: said.text('ingressMd5'),
      egressMd5: said.text('egressMd5'),
      ingressLastSyncSuccess: said.flag('ingressLastSyncSuccess'),
      egressLastSyncSuccess: said.flag('egressLastSyncSuccess'),
    },
  };
}

/** The patch that makes the status say this, or undefined where it does. */
export function securityGroupStatusPatch(
  status: SecurityGroupStatus,
  wanted: SecurityGroupStatus,
): MergePatch | undefined {
  const changes = changedFields({ ...status }, { ...wanted });
  return changes && { status: changes };
}

/** Names of the groups that rules name and that are not there. */
export function missingRemoteGroups(
  { ingress, egress }: SecurityGroup,
  exists: (name: string) => boolean,
): readonly string[] {
  const names = new Set<string>();
  for (const { remote } of [...ingress, ...egress]) {
    if ('securityGroup' in remote) names.add(remote.securityGroup);
  }
  return [...names].filter((name) => !exists(name));
}

/** What is wrong with a group whose rule names a group that is not there; in Kube-OVN's words. */
export function remoteGroupProblem(name: string): Problem {
  return {
    message: say`failed to get remote sg '${name}': not found`,
    advice: 'create it, or name another SecurityGroup',
  };
}

function checkSecurityGroup(name: string, spec: unknown): Checked<SecurityGroup> {
  const problems: Problem[] = [];
  const report = (problem: Problem) => {
    problems.push(problem);
  };
  const fields = readFields(spec, 'spec', report);
  const tier = fields.integer('tier', 0, LAST_TIER) === LAST_TIER ? LAST_TIER : 0;
  const rules = (field: 'ingressRules' | 'egressRules') =>
    fields.parts(field).flatMap((rule, index) => {
      const at = `spec.${field}[${index}]`;
      return checkRule(rule, tier, ({ message, advice }) => {
        report({ message, advice: `${advice} (${at})` });
      });
    });
  const allowSameGroupTraffic = fields.flag('allowSameGroupTraffic');
  return checked(
    {
      name,
      ingress: rules('ingressRules'),
      egress: rules('egressRules'),
      allowSameGroupTraffic,
      tier,
    },
    problems,
  );
}

function checkRule(fields: Fields, tier: number, report: Report): readonly SecurityRule[] {
  const family = readFamily(fields.text('ipVersion'), report);
  const protocol = readProtocol(fields.text('protocol'), report);
  const policy = readPolicy(fields.text('policy'), tier, report);
  const priority = fields.integer('priority', -INT32_MAX, INT32_MAX) ?? 0;
  if (priority < PRIORITY_MIN || priority > PRIORITY_MAX) {
    report({
      message: `priority '${priority}' is not in the range of ${PRIORITY_MIN} to ${PRIORITY_MAX}`,
      advice: 'set priority to a number of that range; 1 comes first',
    });
  }
  const remote = readRemote(fields, family, report);
  const localText = fields.text('localAddress').trim();
  const local = localText === '' ? undefined : readNetwork(localText, family, report);
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  const ports = hasPorts ? readPorts(fields, 'portRange', report) : undefined;
  const hasSourcePorts = hasPorts && localText !== '';
  const sourcePorts = hasSourcePorts ? readPorts(fields, 'sourcePortRange', report) : undefined;
  if (!family || !protocol || !policy || !remote) return [];
  return [
    {
      family,
      protocol,
      priority,
      remote,
      policy,
      ...(local === undefined ? {} : { local }),
      ...(ports === undefined ? {} : { ports }),
      ...(sourcePorts === undefined ? {} : { sourcePorts }),
    },
  ];
}

function readFamily(text: string, report: Report): Family | undefined {
  if (text === 'ipv4') return 'IPv4';
  if (text === 'ipv6') return 'IPv6';
  report({
    message: "IPVersion should be 'ipv4' or 'ipv6'",
    advice: say`write ipVersion so, not "${text}"`,
  });
  return undefined;
}

function readProtocol(text: string, report: Report): SecurityProtocol | undefined {
  if (text === '') return 'all';
  if (text === 'all' || text === 'icmp' || text === 'tcp' || text === 'udp') return text;
  report({
    message: say`not support protocol '${text}'`,
    advice: 'set protocol to "all", "icmp", "tcp" or "udp"',
  });
  return undefined;
}

function readPolicy(text: string, tier: number, report: Report): SecurityPolicy | undefined {
  if (text === 'pass' && tier === LAST_TIER) {
    report({
      message: `policy pass not valid when the security group tier is maximum [${LAST_TIER}]`,
      advice: 'there is no further tier: set policy to "allow" or "drop"',
    });
  }
  if (text === 'allow' || text === 'drop' || text === 'pass') return text;
  report({
    message: say`not support policy '${text}'`,
    advice: 'set policy to "allow", "drop" or "pass"',
  });
  return undefined;
}

function readRemote(
  fields: Fields,
  family: Family | undefined,
  report: Report,
): SecurityRule['remote'] | undefined {
  const type = fields.text('remoteType');
  const securityGroup = fields.text('remoteSecurityGroup');
  if (type === 'address') return readNetwork(fields.text('remoteAddress').trim(), family, report);
  if (type === 'securityGroup' && securityGroup !== '') return { securityGroup };
  report(
    type === 'securityGroup'
      ? {
          message: "failed to get remote sg ''",
          advice: 'set remoteSecurityGroup to the name of a SecurityGroup',
        }
      : {
          message: say`not support sgRemoteType '${type}'`,
          advice: 'set remoteType to "address" or "securityGroup"',
        },
  );
  return undefined;
}

function readNetwork(text: string, family: Family | undefined, report: Report): Cidr | undefined {
  const host = parseAddress(text);
  const cidr = host ? parseCidr(`${host.text}/${bits(host.family)}`) : parseCidr(text);
  if (cidr !== undefined && (family === undefined || cidr.family === family)) return cidr;
  const what = text.includes('/') ? 'CIDR' : 'ip address';
  report({
    message: say`invalid ${what} '${text}'`,
    advice: "write an address or a CIDR of the rule's ipVersion",
  });
  return undefined;
}

function readPorts(
  fields: Fields,
  name: 'portRange' | 'sourcePortRange',
  report: Report,
): PortRange | undefined {
  const [min = 0, max = 0] = ['Min', 'Max'].map((end) =>
    fields.integer(`${name}${end}`, -INT32_MAX, INT32_MAX),
  );
  const advice = `set ${name}Min and ${name}Max to ports from 1 to ${PORT_MAX}, the lower one first`;
  if (min < 1 || min > PORT_MAX || max < 1 || max > PORT_MAX) {
    report({ message: `${name} is out of range`, advice });
    return undefined;
  }
  if (min > max) {
    const message = `${name} err, range Minimum value greater than maximum value`;
    report({ message, advice });
    return undefined;
  }
  return { min, max };
}
