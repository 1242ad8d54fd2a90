/** Subnets that are changed while their addresses are in use, as they are validated. */
import { describe, expect, it } from 'vitest';
import { cidrText } from '../../../../src/common/address.ts';
import { type IpObject, projectIp } from '../../../../src/controller/kinds/ip/object/ip.ts';
import type { SubnetObject } from '../../../../src/controller/kinds/subnet/object/subnet.ts';
import {
  type ClusterState,
  validateSubnets,
} from '../../../../src/controller/validation/validate.ts';
import {
  messagesOf,
  rawObject,
  settings,
  subnetObject,
  vpcObject,
} from '../kinds/object-support.ts';

const DUAL = '10.1.0.0/24,fd00:1::/64';
const FINALIZERS = ['kubeovn.io/kube-ovn-controller'];

function ip(name: string, v4: string, more: object = {}, metadata: object = {}): IpObject {
  const spec = { podName: name, namespace: 'shop', subnet: 'red', v4IpAddress: v4 };
  return projectIp(
    rawObject(`${name}.shop`, {
      metadata: { finalizers: FINALIZERS, ...metadata },
      spec: { ...spec, macAddress: '00:00:00:00:00:01', ...more },
    }),
  );
}

const around = (ips: readonly IpObject[], changes: Partial<ClusterState> = {}): ClusterState => ({
  settings,
  vpcs: [vpcObject('ovn-cluster')],
  nodes: [],
  vlan: () => undefined,
  ipsOf: () => ips,
  ...changes,
});

/** The Subnet after it was validated once as `before`, if at all, and then as `after`. */
function validated(before: object | undefined, after: object, clusterState: ClusterState) {
  const first =
    before && validateSubnets([subnetObject('red', { cidrBlock: DUAL, ...before })], clusterState);
  const objects = [subnetObject('red', { cidrBlock: DUAL, ...after })];
  return validateSubnets(objects, clusterState, first).get('red') as SubnetObject;
}

const cidrs = ({ claims }: SubnetObject) => claims.cidrs.map(cidrText);
const POD = ip('web', '10.1.0.7', { v6IpAddress: 'fd00:1::7' });

describe.each([
  ['while the controller runs', {}],
  ['while it did not run', undefined],
])('a Subnet that is changed %s', (_, before) => {
  it.each([
    ['its CIDR moves away from an address in use', '10.2.0.0/24,fd00:1::/64'],
    ['its CIDR shrinks so', '10.1.0.8/29,fd00:1::/64'],
    ['a family of it goes', '10.1.0.0/24'],
    ['the other family of it goes', 'fd00:1::/64'],
  ])('is not valid where %s', (_what, cidrBlock) => {
    const subnet = validated(before, { cidrBlock }, around([POD]));
    const problem = `subnet red cidr ${cidrBlock} leaves out addresses in use, of pod shop/web`;
    expect(messagesOf(subnet.checked)).toEqual([problem]);
    expect(subnet.isHeldBack).toBe(true);
    // Nobody else gets what is in use.
    const held = cidrs(subnet).join();
    if (before === undefined) expect(held).toMatch(/10\.1\.0\.7\/32|fd00:1::7\/128/);
    else expect(held).toBe(DUAL);
  });

  it('is not valid where its gateway is an address in use, and OVN would answer for it', () => {
    const gateway = '10.1.0.7,fd00:1::1';
    const subnet = validated(before, { gateway }, around([POD]));
    expect(messagesOf(subnet.checked)).toEqual([
      `subnet red gateway ${gateway} is an address in use, of pod shop/web`,
    ]);
    const provider = { provider: 'macvlan.default', vpc: '' };
    const other = ip('web', '10.1.0.7', { macAddress: '' });
    const elsewhere = validated(before && provider, { ...provider, gateway }, around([other]));
    expect(messagesOf(elsewhere.checked)).toEqual([]);
  });

  it('is not valid where it goes out of OVN, with ports on it', () => {
    const after = { provider: 'macvlan.default' };
    const subnet = validated(before, after, around([POD]));
    expect(messagesOf(subnet.checked)[0]).toContain('takes it out of OVN, while ports are on it');
    const other = ip('web', '10.1.0.7', { macAddress: '' });
    expect(messagesOf(validated(before, after, around([other])).checked)).toEqual([]);
  });

  it('is not valid where it goes to another Vpc, with ports on it', () => {
    const vpcs = [vpcObject('ovn-cluster', {}, { subnets: ['red'] }), vpcObject('blue')];
    const subnet = validated(before, { vpc: 'blue' }, around([POD], { vpcs }));
    expect(messagesOf(subnet.checked)).toEqual([
      'subnet red is in vpc ovn-cluster, and cannot go to vpc blue while ports are on it, of pod shop/web',
    ]);
    expect(subnet.claims.vpc).toBe('ovn-cluster');
    expect(messagesOf(validated(before, { vpc: 'blue' }, around([], { vpcs })).checked)).toEqual(
      [],
    );
  });

  it.each([
    ['nobody has addresses', []],
    ['those that are in use stay in it', [ip('web', '10.2.0.9')]],
    ['a user’s request is left out', [ip('web', '10.1.0.7', {}, { finalizers: [] })]],
    [
      'what is left out is about to go',
      [ip('web', '10.1.0.7', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ],
  ])('is valid where %s', (_what, ips) => {
    const subnet = validated(before, { cidrBlock: '10.2.0.0/24' }, around(ips));
    expect(messagesOf(subnet.checked)).toEqual([]);
    expect(cidrs(subnet)).toEqual(['10.2.0.0/24']);
  });
});

describe('a Subnet that says what it cannot', () => {
  const ips = Array.from({ length: 9 }, (_, index) => ip(`web-${index}`, `10.1.0.${index + 2}`));
  const moved = { cidrBlock: '10.2.0.0/24' };

  it('names some who have addresses', () => {
    const [message] = messagesOf(validated({}, moved, around(ips)).checked);
    expect(message).toContain('pod shop/web-0, pod shop/web-1, pod shop/web-2 and others');
  });

  it('is valid again when it says what it said, and when nobody has them any more', () => {
    const red = (spec: object) => [subnetObject('red', { cidrBlock: DUAL, ...spec })];
    const first = validateSubnets(red({}), around(ips));
    const held = validateSubnets(red(moved), around(ips), first);
    const back = validateSubnets(red({}), around(ips), held).get('red');
    expect(back && messagesOf(back.checked)).toEqual([]);
    expect(back?.isHeldBack).toBeUndefined();
    const gone = validateSubnets(red(moved), around([]), held).get('red');
    expect(gone && cidrs(gone)).toEqual(['10.2.0.0/24']);
  });

  it('has what it had, also where it is wrong in another way besides', () => {
    const subnet = validated({}, { ...moved, mtu: 60 }, around(ips));
    expect(messagesOf(subnet.checked)).toHaveLength(2);
    expect(cidrs(subnet)).toEqual(DUAL.split(','));
  });

  it('may go', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const object = subnetObject('red', moved, { metadata });
    expect(validateSubnets([object], around(ips)).get('red')?.isHeldBack).toBeUndefined();
  });
});
