import { describe, expect, it } from 'vitest';
import {
  projectVpc,
  vpcStatusPatch,
} from '../../../../../../src/controller/kinds/vpc/object/vpc.ts';
import { messagesOf, rawObject, rightOf, vpcObject } from '../../object-support.ts';

const route = { cidr: '0.0.0.0/0', nextHopIP: '10.101.0.254', policy: 'policyDst' };
const policy = { priority: 7, match: 'ip4.dst == 10.0.0.1', action: 'allow' };
const peering = { remoteVpc: 'b', localConnectIP: '169.254.0.1/30' };

describe('a Vpc', () => {
  it('has namespaces and routes', () => {
    const spec = {
      namespaces: ['shop'],
      defaultSubnet: 'net',
      staticRoutes: [route, { cidr: '10.0.0.7', nextHopIP: '10.0.0.1' }],
      policyRoutes: [{ ...policy, action: 'reroute', nextHopIP: '10.0.0.1,10.0.0.2' }],
      vpcPeerings: [peering],
    };
    const vpc = rightOf(vpcObject('a', spec).checked);
    expect(vpc).toMatchObject({ isDefault: false, namespaces: ['shop'], defaultSubnet: 'net' });
    expect(vpc.staticRoutes).toMatchObject([
      { policy: 'policyDst', cidr: { network: '0.0.0.0', prefixLength: 0 } },
      { policy: 'policyDst', cidr: { network: '10.0.0.7', prefixLength: 32 } },
    ]);
    expect(vpc.policyRoutes[0]?.nextHops.map(({ text }) => text)).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(vpc.peerings).toEqual([{ remoteVpc: 'b', localConnectIps: ['169.254.0.1/30'] }]);
  });

  it('is the default one by its name', () => {
    expect(rightOf(vpcObject('ovn-cluster').checked).isDefault).toBe(true);
  });

  it.each([
    ['unknown policy type: policySource', { staticRoutes: [{ ...route, policy: 'policySource' }] }],
    ['invalid cidr 10.0.0.0/40', { staticRoutes: [{ ...route, cidr: '10.0.0.0/40' }] }],
    ['invalid IP 10.0.0', { staticRoutes: [{ ...route, cidr: '10.0.0' }] }],
    ['invalid next hop IP ', { staticRoutes: [{ ...route, nextHopIP: '' }] }],
    ['unknown policy action: deny', { policyRoutes: [{ ...policy, action: 'deny' }] }],
    [
      'invalid next hop ips: 10.0.0.1,x',
      { policyRoutes: [{ ...policy, action: 'reroute', nextHopIP: '10.0.0.1,x' }] },
    ],
    ['invalid cidr 169.254.0.1', { vpcPeerings: [{ ...peering, localConnectIP: '169.254.0.1' }] }],
    ['spec.namespaces is wrong: "shop"', { namespaces: 'shop' }],
  ])('is wrong with %s', (message, spec) => {
    expect(messagesOf(vpcObject('a', spec).checked)).toEqual([message]);
  });

  it('has what is wrong said for a route in each place', () => {
    const spec = { staticRoutes: [route, { cidr: 'x', nextHopIP: 'y', policy: 'z' }] };
    expect(messagesOf(vpcObject('a', spec).checked)).toHaveLength(3);
  });
});

describe("a Vpc's status", () => {
  const status = {
    standby: true,
    default: false,
    router: 'a',
    defaultLogicalSwitch: '',
    subnets: ['net'],
  };

  it('is written where it changes, and only that', () => {
    const bare = projectVpc(rawObject('a'), 'ovn-cluster').status;
    expect(vpcStatusPatch(bare, status)).toEqual({
      status: { standby: true, router: 'a', subnets: ['net'] },
    });
    const written = projectVpc(rawObject('a', { status }), 'ovn-cluster').status;
    expect(vpcStatusPatch(written, status)).toBeUndefined();
  });
});
