import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectIpPool } from '../../../../src/controller/kinds/ippool/object/ippool.ts';
import { projectNode } from '../../../../src/controller/kinds/node/object/node.ts';
import type { SubnetObject } from '../../../../src/controller/kinds/subnet/object/subnet.ts';
import { checkedValue } from '../../../../src/controller/model/problem.ts';
import {
  nodeConflicts,
  subnetConflicts,
} from '../../../../src/controller/validation/subnet-conflicts.ts';
import {
  type ClusterState,
  hasSameResult,
  validatePools,
  validateSubnets,
  validateVpc,
} from '../../../../src/controller/validation/validate.ts';
import { ValidationMemo } from '../../../../src/controller/validation/validation-memo.ts';
import {
  messagesOf,
  type RawObject,
  rawObject,
  settings,
  subnetObject,
  vlanObject,
  vpcObject,
} from '../kinds/object-support.ts';

const EARLY = { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' } };
const LATE = { metadata: { creationTimestamp: '2026-01-02T00:00:00Z' } };

const plain: ClusterState = {
  settings,
  vpcs: [vpcObject('ovn-cluster')],
  nodes: [],
  vlan: () => undefined,
};

/** What is wrong with each Subnet, by name. */
function validated(subnets: readonly SubnetObject[], changes: Partial<ClusterState> = {}) {
  const objects = validateSubnets(subnets, { ...plain, ...changes });
  return Object.fromEntries([...objects].map(([name, { checked }]) => [name, messagesOf(checked)]));
}

const poolObject = (name: string, spec: object, more: RawObject = {}) =>
  projectIpPool(rawObject(name, { ...more, spec }));

describe('a Subnet', () => {
  const front = subnetObject('front', { cidrBlock: '10.1.0.0/24' }, EARLY);

  it('with which nothing is wrong stays as it is', () => {
    expect(validateSubnets([front], plain)).toEqual(new Map([['front', front]]));
  });

  it('that came later cannot have the addresses of another one', () => {
    const late = subnetObject('a-copy', { cidrBlock: '10.1.0.128/25' }, LATE);
    expect(validated([late, front])).toEqual({
      front: [],
      'a-copy': [expect.stringContaining('conflict with subnet front')],
    });
  });

  it('cannot be without its Vpc', () => {
    expect(validated([front], { vpcs: [] })).toEqual({ front: ["vpc 'ovn-cluster' not found"] });
  });

  it('says what the cluster lacks for what it needs', () => {
    const lack = { message: 'the cluster has none', advice: 'install it' };
    const lackOf = () => lack;
    expect(validated([front], { vpcs: [], lackOf })).toEqual({
      front: ["vpc 'ovn-cluster' not found: the cluster has none"],
    });
    const outside = subnetObject('outside', { cidrBlock: '10.2.0.0/24', vlan: 'vlan7' });
    expect(validated([outside], { lackOf })).toEqual({
      outside: ['failed to get vlan vlan7: not found: the cluster has none'],
    });
    expect(validated([front], { lackOf })).toEqual({ front: [] });
  });

  it('cannot have the address of a node', () => {
    const addresses = [{ type: 'InternalIP', address: '10.1.0.7' }];
    const nodes = [projectNode(rawObject('node-1', { status: { addresses } }))];
    expect(validated([front], { nodes })).toEqual({
      front: [expect.stringContaining('node node-1 address 10.1.0.7')],
    });
  });

  it('cannot be without its Vlan, and needs that one only', () => {
    const outside = subnetObject('outside', { cidrBlock: '10.2.0.0/24', vlan: 'vlan7' });
    const vlan7 = vlanObject('vlan7', { id: 7, provider: 'net' });
    const vlan = (name: string) => (name === 'vlan7' ? vlan7 : undefined);
    expect(validated([outside, front])).toEqual({
      outside: ['failed to get vlan vlan7: not found'],
      front: [],
    });
    expect(validated([outside, front], { vlan })).toEqual({ outside: [], front: [] });
  });

  it('has everything that is wrong told at once', () => {
    const late = subnetObject('late', { cidrBlock: '10.1.0.0/24' }, LATE);
    expect(validated([front, late], { vpcs: [] }).late).toHaveLength(2);
  });

  it('that is wrong by itself is told of that, and its addresses stay its own', () => {
    const wrong = subnetObject('wrong', { cidrBlock: '10.1.0.0/24', gateway: '10.9.0.1' }, EARLY);
    const late = subnetObject('late', { cidrBlock: '10.1.0.0/24' }, LATE);
    expect(validated([wrong, late], { vpcs: [vpcObject('ovn-cluster')] })).toEqual({
      wrong: messagesOf(wrong.checked),
      late: ['subnet late cidr 10.1.0.0/24 is conflict with subnet wrong cidr 10.1.0.0/24'],
    });
    expect(messagesOf(wrong.checked)).toHaveLength(1);
  });
});

describe('an IPPool', () => {
  const subnets = new Map([['front', subnetObject('front', { cidrBlock: '10.1.0.0/24' })]]);
  const ips = ['10.1.0.10..10.1.0.19'];

  it('that came later cannot have the addresses of another one', () => {
    const first = poolObject('z', { subnet: 'front', ips }, EARLY);
    const second = poolObject('a', { subnet: 'front', ips: ['10.1.0.19'] }, LATE);
    const pools = validatePools([second, first], subnets);
    expect(pools.get('z')).toEqual(first);
    expect(messagesOf(pools.get('a')?.checked ?? { value: '' })).toEqual([
      'ippool a has conflict IPs with ippool z: 10.1.0.19..10.1.0.19',
    ]);
  });

  it('cannot be without its Subnet, which may be a wrong one', () => {
    const pool = poolObject('a', { subnet: 'front', ips });
    const wrongOf = (known: typeof subnets) =>
      [...validatePools([pool], known).values()].flatMap(({ checked }) => messagesOf(checked));
    expect(wrongOf(new Map())).toEqual(['subnet front of ippool a does not exist']);
    expect(wrongOf(new Map([['front', subnetObject('front', {})]]))).toEqual([]);
  });

  it('that is wrong by itself is told of that only', () => {
    const wrong = poolObject('a', { subnet: 'nowhere', ips: ['x'] });
    expect(validatePools([wrong], subnets).get('a')?.checked).toEqual(wrong.checked);
  });
});

describe('a Vpc', () => {
  it('cannot have the name of a Subnet, whatever else is wrong with it', () => {
    const vpc = vpcObject('front');
    expect(validateVpc(vpc, new Set(['back']))).toBe(vpc);
    expect(messagesOf(validateVpc(vpc, new Set(['front'])).checked)).toEqual([
      'vpc front and subnet front cannot have the same name',
    ]);
    const wrong = vpcObject('front', { policyRoutes: [{ action: 'x' }] });
    expect(validateVpc(wrong, new Set(['front'])).checked).toEqual(wrong.checked);
  });
});

describe('two results of validation', () => {
  const spec = { cidrBlock: '10.1.0.0/24' };
  const one = subnetObject('front', spec);

  it('are the same whatever the version and the status say', () => {
    const metadata = { resourceVersion: '8', finalizers: ['x'] };
    const other = subnetObject('front', spec, { metadata, status: { v4usingIPs: 3 } });
    expect(hasSameResult(one, other)).toBe(true);
    expect(hasSameResult(undefined, undefined)).toBe(true);
  });

  it.each([
    ['an object that is not there', undefined],
    ['an object made anew', subnetObject('front', spec, { metadata: { uid: 'other' } })],
    [
      'one that is being deleted',
      subnetObject('front', spec, { metadata: { deletionTimestamp: 'x' } }),
    ],
    ['one that says something else', subnetObject('front', { ...spec, excludeIps: ['10.1.0.9'] })],
    ['one that is wrong', subnetObject('front', { ...spec, gateway: '10.9.0.1' })],
    ['one of another network', subnetObject('front', { ...spec, provider: 'net.shop.ovn' })],
  ])('differ from %s', (_, other) => {
    expect(hasSameResult(one, other)).toBe(false);
    expect(hasSameResult(other, one)).toBe(false);
  });

  it('differ by the network also where both are wrong alike', () => {
    const [here, there] = ['a.default', 'b.default'].map((provider) =>
      subnetObject('front', { cidrBlock: 'nonsense', provider }),
    );
    expect(hasSameResult(here, there)).toBe(false);
    expect(hasSameResult(here, here)).toBe(true);
  });
});

describe('conflicts between many Subnets', () => {
  /** Few networks, so that they meet often: of each length some. */
  const cidr = fc
    .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 20, max: 28 }), fc.boolean())
    .map(([number, length, isV6]) =>
      isV6 ? `fd00:${number}::/${2 * length}` : `10.1.${number * 16}.0/${length}`,
    );
  const spec = fc.record({
    cidrBlock: cidr,
    vpc: fc.constantFrom('ovn-cluster', 'tenant'),
    vlan: fc.constantFrom('', '', 'vlan7'),
    provider: fc.constantFrom('ovn', 'a.default', 'b.default'),
    policyRoutingTableID: fc.constantFrom(1001, 1002),
    gatewayType: fc.constant('centralized'),
  });
  const subnets = fc.array(fc.tuple(spec, fc.boolean()), { maxLength: 12 }).map((all) =>
    all.map(([each, isEarly], index) => {
      return subnetObject(`s${index}`, each, isEarly ? EARLY : LATE);
    }),
  );
  /** A Subnet as it is now; without a spec one that has gone. */
  const edited = (index: number, written: readonly [object, boolean] | undefined) => {
    const name = `s${index}`;
    if (written !== undefined) return subnetObject(name, written[0], written[1] ? EARLY : LATE);
    return subnetObject(name, {}, { metadata: { deletionTimestamp: '2026-01-03T00:00:00Z' } });
  };
  const address = fc.integer({ min: 0, max: 255 }).map((byte) => `10.1.${byte}.7`);

  it('are the same as if each were compared with each, and with each node', async () => {
    await fc.assert(
      fc.property(subnets, fc.array(address, { maxLength: 4 }), (all, addresses) => {
        const nodes = addresses.map((each, index) =>
          projectNode({
            metadata: { name: `n${index}` },
            status: { addresses: [{ type: 'InternalIP', address: each }] },
          }),
        );
        const vpcs = [vpcObject('ovn-cluster'), vpcObject('tenant')];
        const vlan = () => vlanObject('vlan7', { id: 7, provider: 'p' });
        const found = validateSubnets(all, { ...plain, vpcs, nodes, vlan });
        for (const object of all) {
          const subnet = checkedValue(object.checked);
          const expected =
            subnet === undefined
              ? messagesOf(object.checked)
              : [
                  ...subnetConflicts(object, all),
                  ...nodeConflicts(subnet, nodes, settings.defaultVpc),
                ].map(({ message }) => message);
          expect(messagesOf(found.get(object.meta.name)?.checked ?? object.checked)).toEqual([
            ...new Set(expected),
          ]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are the same where only what has changed is validated again', async () => {
    const edit = fc.tuple(
      fc.integer({ min: 0, max: 5 }),
      fc.option(fc.tuple(spec, fc.boolean()), { nil: undefined }),
    );
    const around = fc.record({
      vpcs: fc.subarray([vpcObject('ovn-cluster'), vpcObject('tenant')], { minLength: 1 }),
      vlan: fc.constantFrom(
        undefined,
        ...[7, 8].map((id) => vlanObject('vlan7', { id, provider: 'p' })),
      ),
      nodes: fc.subarray(
        ['10.1.16.7', '10.1.32.7'].map((each) =>
          projectNode({
            metadata: { name: each },
            status: { addresses: [{ type: 'InternalIP', address: each }] },
          }),
        ),
      ),
      lack: fc.constantFrom(undefined, { message: 'no Vpcs', advice: 'install them' }),
    });
    const step = fc.tuple(fc.array(edit, { maxLength: 2 }), around);
    await fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), (steps) => {
        const memo = new ValidationMemo();
        const objects = new Map<string, SubnetObject>();
        let before = new Map<string, SubnetObject>();
        for (const [edits, { vpcs, nodes, vlan, lack }] of steps) {
          for (const [index, written] of edits) objects.set(`s${index}`, edited(index, written));
          const all = [...objects.values()].filter(({ meta }) => !meta.deleting);
          const vlanNow = () => vlan;
          const lackOf = () => lack;
          const clusterState = { ...plain, vpcs, nodes, vlan: vlanNow, lackOf, ipsOf: () => [] };
          const found = validateSubnets(all, clusterState, before, memo);
          expect(found).toEqual(validateSubnets(all, clusterState, before));
          before = found;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are validated once more only for those that a change concerns', () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      subnetObject(`s${index}`, { cidrBlock: `10.1.${index}.0/24` }),
    );
    const memo = new ValidationMemo();
    const before = validateSubnets(many, plain, new Map(), memo);
    const changed = [...many.slice(1), subnetObject('s0', { cidrBlock: '10.1.7.0/24' })];
    const after = validateSubnets(changed, plain, before, memo);
    const others = [...after].filter(([name, object]) => before.get(name) !== object);
    expect(others.map(([name]) => name).sort()).toEqual(['s0', 's7']);
  });

  it('are found in a time that grows with their number, and not with its square', () => {
    const many = Array.from({ length: 4_000 }, (_, index) =>
      subnetObject(`s${index}`, {
        cidrBlock: `10.${index >> 8}.${index & 255}.0/24,fd00:${index.toString(16)}::/64`,
      }),
    );
    const begun = performance.now();
    validateSubnets(many, plain);
    // A fifth of a second on a quiet machine; each with each took minutes.
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
