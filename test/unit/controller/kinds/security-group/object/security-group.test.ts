import { describe, expect, it } from 'vitest';
import {
  missingRemoteGroups,
  projectSecurityGroup,
  remoteGroupProblem,
  securityGroupStatusPatch,
} from '../../../../../../src/controller/kinds/security-group/object/security-group.ts';
import { messagesOf, rawObject, rightOf } from '../../object-support.ts';

const group = (spec: object, status: object = {}) =>
  projectSecurityGroup(rawObject('sg', { spec, status }));
const RULE = {
  ipVersion: 'ipv4',
  protocol: 'tcp',
  priority: 1,
  remoteType: 'address',
  remoteAddress: '10.16.0.0/16',
  portRangeMin: 80,
  portRangeMax: 80,
  policy: 'allow',
};
const ruleOf = (changes: object) =>
  rightOf(group({ ingressRules: [{ ...RULE, ...changes }] }).checked).ingress[0];

describe('a SecurityGroup', () => {
  it('has rules for both directions', () => {
    const { checked } = group({
      allowSameGroupTraffic: true,
      tier: 1,
      ingressRules: [RULE],
      egressRules: [
        { ...RULE, protocol: 'all', remoteType: 'securityGroup', remoteSecurityGroup: 'other' },
      ],
    });
    const sg = rightOf(checked);
    expect(sg).toMatchObject({ name: 'sg', allowSameGroupTraffic: true, tier: 1 });
    expect(sg.ingress).toEqual([
      {
        family: 'IPv4',
        protocol: 'tcp',
        priority: 1,
        remote: { family: 'IPv4', network: '10.16.0.0', prefixLength: 16 },
        ports: { min: 80, max: 80 },
        policy: 'allow',
      },
    ]);
    expect(sg.egress[0]?.remote).toEqual({ securityGroup: 'other' });
  });

  it('may be bare', () => {
    expect(rightOf(group({}).checked)).toEqual({
      name: 'sg',
      ingress: [],
      egress: [],
      allowSameGroupTraffic: false,
      tier: 0,
    });
  });

  it('has ports only where there are ports', () => {
    expect(ruleOf({ protocol: 'icmp', portRangeMin: 0, portRangeMax: 0 })).not.toHaveProperty(
      'ports',
    );
    expect(ruleOf({ protocol: undefined })).toMatchObject({ protocol: 'all' });
  });

  it('has a single address as a network of one, and ports of the near end', () => {
    expect(
      ruleOf({
        remoteAddress: '10.16.0.5',
        localAddress: '10.16.0.6',
        sourcePortRangeMin: 1,
        sourcePortRangeMax: 65535,
      }),
    ).toMatchObject({
      remote: { network: '10.16.0.5', prefixLength: 32 },
      local: { network: '10.16.0.6', prefixLength: 32 },
      sourcePorts: { min: 1, max: 65535 },
    });
  });

  it.each([
    ["IPVersion should be 'ipv4' or 'ipv6'", { ipVersion: 'IPv4' }],
    ["priority '0' is not in the range of 1 to 16384", { priority: 0 }],
    ["priority '16385' is not in the range of 1 to 16384", { priority: 16385 }],
    ["not support sgRemoteType 'cidr'", { remoteType: 'cidr' }],
    ["invalid CIDR '10.16.0.0/40'", { remoteAddress: '10.16.0.0/40' }],
    ["invalid ip address '10.16'", { remoteAddress: '10.16' }],
    ["invalid CIDR 'fd00::/64'", { remoteAddress: 'fd00::/64' }],
    ["invalid ip address 'x'", { localAddress: 'x', sourcePortRangeMin: 1, sourcePortRangeMax: 2 }],
    ["failed to get remote sg ''", { remoteType: 'securityGroup' }],
    ['portRange is out of range', { portRangeMin: 0 }],
    ['portRange is out of range', { portRangeMax: 65536 }],
    ['portRange err, range Minimum value greater than maximum value', { portRangeMin: 81 }],
    ['sourcePortRange is out of range', { localAddress: '10.16.0.6' }],
    [
      'sourcePortRange err, range Minimum value greater than maximum value',
      { localAddress: '10.16.0.6', sourcePortRangeMin: 2, sourcePortRangeMax: 1 },
    ],
    ["not support policy 'deny'", { policy: 'deny' }],
    ["not support protocol 'sctp'", { protocol: 'sctp' }],
  ])('is wrong with %s', (message, changes) => {
    const { checked } = group({ egressRules: [RULE, { ...RULE, ...changes }] });
    expect(messagesOf(checked)).toEqual([message]);
    const advice = 'problems' in checked ? checked.problems[0].advice : '';
    expect(advice).toContain('spec.egressRules[1]');
  });

  it('passes nothing on from the last tier', () => {
    const rules = { ingressRules: [{ ...RULE, policy: 'pass' }] };
    expect(messagesOf(group({ ...rules, tier: 1 }).checked)).toEqual([
      'policy pass not valid when the security group tier is maximum [1]',
    ]);
    expect(messagesOf(group(rules).checked)).toEqual([]);
    expect(messagesOf(group({ tier: 2 }).checked)).toEqual(['spec.tier is wrong: 2']);
  });

  it('names groups that are there', () => {
    const remote = { ...RULE, remoteType: 'securityGroup', remoteSecurityGroup: 'other' };
    const sg = rightOf(group({ ingressRules: [remote], egressRules: [remote] }).checked);
    expect(missingRemoteGroups(sg, () => true)).toEqual([]);
    expect(missingRemoteGroups(sg, (name) => name !== 'other')).toEqual(['other']);
    expect(remoteGroupProblem('other').message).toBe("failed to get remote sg 'other': not found");
  });

  it('has a status that is written where it changes', () => {
    const wanted = {
      portGroup: 'ovn.sg.sg',
      allowSameGroupTraffic: false,
      ingressMd5: 'a',
      egressMd5: '',
      ingressLastSyncSuccess: true,
      egressLastSyncSuccess: true,
    };
    expect(securityGroupStatusPatch(group({}).status, wanted)).toEqual({
      status: {
        portGroup: 'ovn.sg.sg',
        ingressMd5: 'a',
        ingressLastSyncSuccess: true,
        egressLastSyncSuccess: true,
      },
    });
    expect(securityGroupStatusPatch(group({}, wanted).status, wanted)).toBeUndefined();
  });
});
