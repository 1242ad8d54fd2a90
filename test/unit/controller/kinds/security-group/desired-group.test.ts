import { expect, it } from 'vitest';
import { desiredSecurityGroup } from '../../../../../src/controller/kinds/security-group/desired-group.ts';
import { projectSecurityGroup } from '../../../../../src/controller/kinds/security-group/object/security-group.ts';
import { cidr } from '../../ovn/support.ts';
import { rawObject, rightOf } from '../object-support.ts';

const desired = (spec: object) =>
  desiredSecurityGroup(rightOf(projectSecurityGroup(rawObject('web', { spec })).checked));

const rule = {
  ipVersion: 'ipv4',
  protocol: 'all',
  priority: 1,
  remoteType: 'address',
  remoteAddress: '0.0.0.0/0',
  policy: 'allow',
};
/** The one rule that comes of one. */
const ruleOf = (changes: object) => desired({ ingressRules: [{ ...rule, ...changes }] }).rules[0];

it('a group without rules has its name, and does not let its members talk', () => {
  expect(desired({})).toEqual({ name: 'web', tier: 0, allowsSameGroup: false, rules: [] });
});

it('a group has its tier, and lets its members talk where it says so', () => {
  const wanted = desired({ tier: 1, allowSameGroupTraffic: true });
  expect(wanted).toMatchObject({ tier: 1, allowsSameGroup: true });
});

it('rules have their direction, those that come in first', () => {
  const wanted = desired({
    egressRules: [{ ...rule, priority: 3, policy: 'drop' }],
    ingressRules: [rule, { ...rule, priority: 2, policy: 'pass' }],
  });
  expect(wanted.rules.map((each) => [each.direction, each.priority, each.policy])).toEqual([
    ['ingress', 1, 'allow'],
    ['ingress', 2, 'pass'],
    ['egress', 3, 'drop'],
  ]);
});

it('a rule about everything of a network has neither ports nor an address of ours', () => {
  expect(ruleOf({})).toEqual({
    direction: 'ingress',
    priority: 1,
    remote: { network: cidr('0.0.0.0/0') },
    protocol: { name: 'all' },
    policy: 'allow',
  });
});

it('a single address is a network of one, on either side', () => {
  expect(ruleOf({ remoteAddress: '10.1.0.5', localAddress: '10.1.0.6' })).toMatchObject({
    remote: { network: cidr('10.1.0.5/32') },
    local: cidr('10.1.0.6/32'),
  });
});

it('the other end may be a group, of which one family is meant', () => {
  const remote = { remoteType: 'securityGroup', remoteSecurityGroup: 'db', ipVersion: 'ipv6' };
  expect(ruleOf(remote)?.remote).toEqual({ group: 'db', family: 'IPv6' });
});

it('a rule about a protocol with ports has them, and those of the source where it says so', () => {
  const ports = { portRangeMin: 80, portRangeMax: 90 };
  expect(ruleOf({ protocol: 'tcp', ...ports })?.protocol).toEqual({
    name: 'tcp',
    ports: { min: 80, max: 90 },
  });
  const sources = { localAddress: '10.1.0.6', sourcePortRangeMin: 1, sourcePortRangeMax: 9 };
  expect(ruleOf({ protocol: 'udp', ...ports, ...sources })?.protocol).toEqual({
    name: 'udp',
    ports: { min: 80, max: 90 },
    sourcePorts: { min: 1, max: 9 },
  });
});

it('ports mean nothing to a protocol that has none', () => {
  const ports = { portRangeMin: 80, portRangeMax: 90 };
  expect(ruleOf({ protocol: 'icmp', ...ports })?.protocol).toEqual({ name: 'icmp' });
});
