import { describe, expect, it } from 'vitest';
import { projectNode } from '../../../../src/controller/kinds/node/object/node.ts';
import type { SubnetObject } from '../../../../src/controller/kinds/subnet/object/subnet.ts';
import { vpcNameConflict } from '../../../../src/controller/kinds/vpc/object/vpc.ts';
import {
  nodeConflicts,
  standbyProblem,
  subnetConflicts,
  vlanProblem,
  vpcProblems,
} from '../../../../src/controller/validation/subnet-conflicts.ts';
import {
  MACVLAN,
  rawObject,
  subnetObject,
  subnetOf,
  vlanObject,
  vpcObject,
} from '../kinds/object-support.ts';

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-01-02T00:00:00Z';

function subnet(name: string, spec: object, creationTimestamp = NEW): SubnetObject {
  return subnetObject(name, spec, { metadata: { creationTimestamp } });
}

const conflictOf = (spec: object, other: object) =>
  subnetConflicts(subnet('new', spec), [subnet('old', other, OLD)]).map(({ message }) => message);

describe('two Subnets', () => {
  const wide = { cidrBlock: '10.16.0.0/16' };
  const within = { cidrBlock: '10.16.9.0/24' };

  it('of one VPC share no address, whichever is the wider one', () => {
    expect(conflictOf(within, wide)).toEqual([
      'subnet new cidr 10.16.9.0/24 is conflict with subnet old cidr 10.16.0.0/16',
    ]);
    expect(conflictOf(wide, within)).toHaveLength(1);
    expect(conflictOf(wide, { cidrBlock: '10.17.0.0/16' })).toEqual([]);
  });

  it('may meet in one family', () => {
    const dual = (v4: string, v6: string) => ({ cidrBlock: `${v4},${v6}` });
    expect(
      conflictOf(dual('10.1.0.0/16', 'fd00::/64'), dual('10.2.0.0/16', 'fd00::/48')),
    ).toHaveLength(1);
    expect(conflictOf(dual('10.1.0.0/16', 'fd00::/64'), dual('10.2.0.0/16', 'fd01::/64'))).toEqual(
      [],
    );
  });

  it('of different VPCs may have the same addresses', () => {
    expect(conflictOf({ ...wide, vpc: 'a' }, { ...wide, vpc: 'b' })).toEqual([]);
    expect(conflictOf({ ...wide, vpc: 'a' }, { ...wide, vpc: 'a' })).toHaveLength(1);
  });

  it('in different VLANs, too', () => {
    expect(conflictOf({ ...wide, vlan: 'a' }, { ...wide, vlan: 'b' })).toEqual([]);
  });

  it('of one macvlan network share no address, of two they may', () => {
    const macvlan = (provider: string) => ({ ...wide, provider });
    expect(conflictOf(macvlan('a.default'), macvlan('a.default'))).toHaveLength(1);
    expect(conflictOf(macvlan('a.default'), macvlan('b.default'))).toEqual([]);
    expect(conflictOf(macvlan('a.default'), wide)).toEqual([]);
  });

  it('conflict for the newer one only: the older one goes on', () => {
    const older = subnet('b', wide, OLD);
    const newer = subnet('a', wide, NEW);
    expect(subnetConflicts(older, [older, newer])).toEqual([]);
    expect(subnetConflicts(newer, [older, newer])).toHaveLength(1);
  });

  it('of one second have an order, too', () => {
    const [a, b] = [subnet('a', wide), subnet('b', wide)];
    expect(subnetConflicts(a, [a, b])).toEqual([]);
    expect(subnetConflicts(b, [a, b])).toHaveLength(1);
  });

  it('conflict also where something else is wrong with the earlier one, whose pods run on', () => {
    const wrong = subnet('wrong', { ...wide, mtu: 'x' }, OLD);
    expect(subnetConflicts(subnet('new', wide), [wrong])).toHaveLength(1);
    expect(subnetConflicts(wrong, [subnet('new', wide)])).toEqual([]);
  });

  it('conflict while one is being deleted: pods have its addresses until it is gone', () => {
    const leaving = subnetObject('old', wide, {
      metadata: { creationTimestamp: OLD, deletionTimestamp: NEW },
    });
    expect(subnetConflicts(subnet('new', wide), [leaving])).toHaveLength(1);
  });

  it('of one second go by which was found valid, and then by name', () => {
    const ready = (name: string) =>
      subnetObject(name, wide, {
        metadata: { creationTimestamp: NEW },
        status: {
          conditions: [
            { type: 'Ready', status: 'False' },
            { type: 'Validated', status: 'True' },
          ],
        },
      });
    expect(subnetConflicts(ready('winner'), [subnet('loser', wide)])).toEqual([]);
    expect(subnetConflicts(subnet('loser', wide), [ready('winner')])).toHaveLength(1);
    expect(subnetConflicts(subnet('a', wide), [subnet('b', wide)])).toEqual([]);
  });

  it('with external gateways have policy routing tables of their own', () => {
    const egress = (cidrBlock: string, policyRoutingTableID: number) => {
      return { cidrBlock, externalEgressGateway: '192.168.0.1', policyRoutingTableID };
    };
    expect(conflictOf(egress('10.1.0.0/16', 7), egress('10.2.0.0/16', 7))).toEqual([
      'subnet new policy routing table ID 7 is conflict with subnet old policy routing table ID 7',
    ]);
    expect(conflictOf(egress('10.1.0.0/16', 7), egress('10.2.0.0/16', 8))).toEqual([]);
  });
});

describe('a Subnet and the nodes', () => {
  const node = projectNode(
    rawObject('node1', {
      status: {
        addresses: [
          { type: 'Hostname', address: 'node1' },
          { type: 'InternalIP', address: '192.168.0.7' },
          { type: 'InternalIP', address: 'fd00::7' },
        ],
      },
    }),
  );
  const conflicts = (spec: object) =>
    nodeConflicts(subnetOf(spec), [node], 'ovn-cluster').map(({ message }) => message);

  it('have no address in common, of either family', () => {
    expect(conflicts({ cidrBlock: '192.168.0.0/16' })).toEqual([
      'subnet net cidr 192.168.0.0/16 conflict with node node1 address 192.168.0.7',
    ]);
    expect(conflicts({ cidrBlock: 'fd00::/64' })).toHaveLength(1);
    expect(conflicts({ cidrBlock: '10.16.0.0/16' })).toEqual([]);
  });

  it.each([
    ['in another VPC', { vpc: 'other' }],
    ['in an underlay', { vlan: 'vlan1' }],
    ['of another plugin', { provider: 'macvlan.default' }],
  ])('may %s', (_, spec) => {
    expect(conflicts({ cidrBlock: '192.168.0.0/16', ...spec })).toEqual([]);
  });
});

describe('a Subnet and its VPC', () => {
  const cidrBlock = '10.16.0.0/16';
  const vpcs = [
    vpcObject('ovn-cluster'),
    vpcObject('custom', { namespaces: ['shop', 'bank'] }),
    vpcObject('young', {}, { standby: false }),
  ];
  const problems = (spec: object) =>
    vpcProblems(subnetOf({ cidrBlock, ...spec }), vpcs, 'ovn-cluster').map(
      ({ message }) => message,
    );

  it('fit', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ vpc: 'custom', namespaces: ['shop'] })).toEqual([]);
    expect(problems({ namespaces: ['other'] })).toEqual([]);
  });

  it('are both there', () => {
    expect(problems({ vpc: 'none' })).toEqual(["vpc 'none' not found"]);
  });

  it('wait for the router', () => {
    const wait = (vpc: string) =>
      standbyProblem(
        subnetOf({ cidrBlock, vpc }),
        vpcs.find(({ meta }) => meta.name === vpc),
      )?.message;
    expect(wait('young')).toBe("the vpc 'young' not standby yet");
    expect(wait('custom')).toBeUndefined();
    expect(standbyProblem(subnetOf({ ...MACVLAN, vpc: 'young' }), vpcs[2])).toBeUndefined();
  });

  it('have namespaces that the VPC allows', () => {
    expect(problems({ vpc: 'custom', namespaces: ['shop', 'zoo'] })).toEqual([
      "namespace 'zoo' is out of range to custom vpc 'custom'",
    ]);
  });

  it('have namespaces that no other VPC has', () => {
    expect(problems({ namespaces: ['zoo', 'shop'] })).toEqual([
      "namespaces [zoo shop] are overlap with vpc 'custom'",
    ]);
  });

  it('have nothing to do with each other where OVN does not make the network', () => {
    expect(problems({ provider: 'macvlan.default', vpc: 'none' })).toEqual([]);
  });

  it('have different names', () => {
    expect(vpcNameConflict('net', new Set(['net']))?.message).toBe(
      'vpc net and subnet net cannot have the same name',
    );
    expect(vpcNameConflict('net', new Set(['other']))).toBeUndefined();
  });
});

describe('a Subnet and its Vlan', () => {
  const subnetInVlan = subnetOf({ vlan: 'vlan1' });
  const vlan = (spec: object, status = {}) => vlanObject('vlan1', spec, status);

  it('fit', () => {
    expect(vlanProblem(subnetInVlan, vlan({ id: 7, provider: 'net1' }))).toBeUndefined();
    expect(vlanProblem(subnetOf({ cidrBlock: '10.0.0.0/8' }), undefined)).toBeUndefined();
  });

  it.each([
    ['failed to get vlan vlan1', undefined],
    ['subnet net has invalid conflict vlan vlan1', vlan({ provider: 'a' }, { conflict: true })],
  ])('do not: %s', (message, found) => {
    expect(vlanProblem(subnetInVlan, found)?.message).toContain(message);
  });

  it('knows a Vlan by its old fields', () => {
    const old = vlan({ vlanId: 9, providerInterfaceName: 'net1' });
    expect(old).toMatchObject({ id: 9, provider: 'net1', status: { conflict: false } });
  });
});
