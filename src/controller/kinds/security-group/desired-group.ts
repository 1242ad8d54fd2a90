/**
 * From a SecurityGroup to the port group and rules that OVN is to have. Pure.
 */

import type { DesiredRule, DesiredSecurityGroup } from '../../ovn/desired.ts';
import type { SecurityGroup, SecurityRule } from './object/security-group.ts';

/** The port group, address sets and ACLs that a SecurityGroup asks for. */
export function desiredSecurityGroup(group: SecurityGroup): DesiredSecurityGroup {
  const { name, tier, allowSameGroupTraffic, ingress, egress } = group;
  return {
    name,
    tier,
    allowsSameGroup: allowSameGroupTraffic,
    rules: [
      ...ingress.map((rule) => desiredRule('ingress', rule)),
      ...egress.map((rule) => desiredRule('egress', rule)),
    ],
  };
}

function desiredRule(direction: DesiredRule['direction'], rule: SecurityRule): DesiredRule {
  const { priority, family, remote, local, policy } = rule;
  return {
    direction,
    priority,
    remote:
      'securityGroup' in remote ? { group: remote.securityGroup, family } : { network: remote },
    ...(local === undefined ? {} : { local }),
    protocol: protocolOf(rule),
    policy,
  };
}

function protocolOf({ protocol, ports, sourcePorts }: SecurityRule): DesiredRule['protocol'] {
  if (protocol !== 'tcp' && protocol !== 'udp') return { name: protocol };
  // A rule for a port protocol without ports does not pass the checks.
  const range = ports ?? { min: 1, max: 65_535 };
  return {
    name: protocol,
    ports: range,
    ...(sourcePorts === undefined ? {} : { sourcePorts }),
  };
}
