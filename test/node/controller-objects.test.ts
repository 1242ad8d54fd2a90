/** Subnets, Vpcs and IPPools that are wrong, alone or beside others, as the API shows it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone, messagesAbout } from './controller-observe.ts';

const NOT_VALID = 'ValidateLogicalSwitchFailed';
const READY = { type: 'Ready', status: 'True' };

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  fixture.apply(
    vpc('tenant', { namespaces: ['tenant-ns'] }),
    vpc('other', {}),
    subnet('first', { vpc: 'tenant', cidrBlock: '10.1.0.0/16', provider: 'first.default.ovn' }),
    ovnNetwork('first'),
  );
  await isReady('first');
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A physical network that this node is not in. */
const PHYSICAL: NewObject = {
  kind: 'ProviderNetwork',
  metadata: { name: 'physical' },
  spec: { defaultInterface: 'eth1', excludeNodes: ['node1'] },
};

function vpc(name: string, spec: object): NewObject {
  return { kind: 'Vpc', metadata: { name }, spec };
}

function isReady(name: string) {
  return conditionBecomes(fixture, { kind: 'Subnet', name }, READY);
}

/**
 * Waits until a Subnet is called wrong, by an event and by its conditions. As with Kube-OVN, one whose Vlan
 * alone is wrong counts as validated.
 * @returns what is wrong
 */
async function complaint(name: string, reason = NOT_VALID): Promise<string> {
  const object = { kind: 'Subnet', name };
  const type = reason === NOT_VALID ? 'Validated' : 'Ready';
  const condition = await conditionBecomes(fixture, object, { type, status: 'False' });
  expect(condition.reason).toBe(reason);
  const ready = await conditionBecomes(fixture, object, { type: 'Ready', status: 'False' });
  expect(ready.message).toBe(condition.message);
  const text = condition.message;
  expect(await eventAbout(fixture, { ...object, reason, text })).toBe(text);
  expect(await fixture.node.nbctl('ls-list')).not.toContain(`(${name})`);
  return text;
}

async function drop(kind: string, name: string): Promise<void> {
  fixture.api.delete(kind, name);
  await gone(fixture, kind, name);
}

describe('a Subnet is called wrong', () => {
  const good = { vpc: 'other', cidrBlock: '10.9.0.0/16' };
  test.each([
    [{ gateway: '10.8.0.1' }, 'gateway 10.8.0.1 is not in cidr 10.9.0.0/16'],
    [{ gateway: '10.9.0.0' }, 'validate gateway 10.9.0.0 for cidr 10.9.0.0/16 failed'],
    [{ gateway: '10.9.255.255' }, 'validate gateway 10.9.255.255 for cidr 10.9.0.0/16 failed'],
    [{ cidrBlock: '' }, 'CIDRBlock: "" format error'],
    [{ cidrBlock: '10.9.0.0/16,10.8.0.0/16' }, 'format error'],
    [{ cidrBlock: '10.9.0.1/32' }, 'mask is invalid'],
    [{ cidrBlock: '224.1.0.0/16' }, 'conflict with v4 multicast cidr 224.0.0.0/4'],
    [{ cidrBlock: '127.0.0.0/8' }, 'conflict with v4 loopback cidr'],
    [{ cidrBlock: '169.254.0.0/16' }, 'conflict with v4 link local cidr 169.254.0.0/16'],
    [{ cidrBlock: 'fe80::/64' }, 'conflict with v6 link local cidr fe80::/10'],
    [{ excludeIps: ['10.9.0.9..10.9.0.2'] }, 'in excludeIps is not a valid ip range'],
    [{ cidrBlock: 'fd00:9::/64', mtu: 1200 }, 'mtu 1200 is below the IPv6 minimum 1280'],
    [{ vips: ['10.8.0.9'] }, 'vip 10.8.0.9'],
    [
      { natOutgoing: true, externalEgressGateway: '10.9.0.9' },
      'conflict configuration: natOutgoing and externalEgressGateway',
    ],
    [{ logicalGateway: true, u2oInterconnection: true, vlan: 'v' }, "can't be opened at the same"],
    [{ cidrBlock: '', vlan: 'v', gateway: '10.9.0.1' }, 'gateway must be empty'],
    [{ vpc: 'nowhere' }, "vpc 'nowhere' not found"],
    [{ vpc: 'wrong' }, 'subnet wrong and vpc wrong cannot have the same name'],
    [{ vpc: 'tenant', namespaces: ['default'] }, "is out of range to custom vpc 'tenant'"],
    [{ vpc: 'tenant', cidrBlock: '10.1.2.0/24' }, 'is conflict with subnet first cidr 10.1.0.0/16'],
    [{ vpc: 'tenant', cidrBlock: '10.0.0.0/8' }, 'is conflict with subnet first cidr 10.1.0.0/16'],
    [{ vpc: '', cidrBlock: '192.0.2.0/24' }, 'address 192.0.2.1'],
    [{ vpc: '', namespaces: ['tenant-ns'] }, "are overlap with vpc 'tenant'"],
  ])('for %j', async (spec, text) => {
    fixture.apply(subnet('wrong', { ...good, ...spec }));
    expect(await complaint('wrong')).toContain(text);
    await drop('Subnet', 'wrong');
  });

  test.each([
    [{ cidrBlock: 'FD00::/129' }, 'format error'],
    [{ cidrBlock: '10.9.0.0' }, 'CIDRBlock: "10.9.0.0" format error'],
    [{ excludeIps: ['10.9.0.300'] }, 'in excludeIps is not a valid address'],
    [{ allowSubnets: ['10.0.0'] }, 'in allowSubnets is not a valid address'],
    [{ gatewayType: 'scattered' }, 'is not a valid gateway type'],
    [{ protocol: 'IPX' }, 'is not a valid protocol type'],
  ])('for %j, which a cluster can have from before our definitions', async (spec, text) => {
    fixture.api.createUnchecked(subnet('wrong', { ...good, ...spec }));
    expect(await complaint('wrong')).toContain(text);
    await drop('Subnet', 'wrong');
  });
});

describe('a Subnet that was called wrong is ready', () => {
  test('when it is corrected', async () => {
    const spec = { vpc: 'other', cidrBlock: '10.9.0.0/16', gateway: '10.8.0.1' };
    fixture.apply(subnet('corrected', spec));
    await complaint('corrected');
    fixture.api.patch('Subnet', 'corrected', { spec: { gateway: '10.9.0.1' } });
    await isReady('corrected');
    const object = { kind: 'Subnet', name: 'corrected' };
    await conditionBecomes(fixture, object, { type: 'Validated', status: 'True' });
    await conditionBecomes(fixture, object, { type: 'Error', status: 'False' });
    expect(await fixture.node.nbctl('ls-list')).toContain('(corrected)');
    await drop('Subnet', 'corrected');
  });

  test('when its Vpc comes', async () => {
    fixture.apply(subnet('early', { vpc: 'late', cidrBlock: '10.9.0.0/16' }));
    expect(await complaint('early')).toContain("vpc 'late' not found");
    fixture.apply(vpc('late', {}));
    await isReady('early');
    await fixture.becomes('Vpc', 'late', ({ status }) => status?.standby === true);
    expect(await fixture.node.nbctl('lr-list')).toContain('(late)');
    await drop('Subnet', 'early');
    await drop('Vpc', 'late');
  });

  test('when its Vlan comes, and the ProviderNetwork of that', async () => {
    const spec = { cidrBlock: '10.9.0.0/16', vlan: 'v7', vpc: 'other' };
    fixture.apply(subnet('underlay', spec));
    const reason = 'ValidateSubnetVlanFailed';
    expect(await complaint('underlay', reason)).toContain('failed to get vlan v7');
    const vlan = { kind: 'Vlan', metadata: { name: 'v7' }, spec: { id: 7, provider: 'physical' } };
    fixture.apply(vlan);
    const text = 'provider network physical of vlan v7 not found';
    await eventAbout(fixture, { kind: 'Subnet', name: 'underlay', reason, text });
    fixture.apply(PHYSICAL);
    await isReady('underlay');
    expect(await fixture.node.nbctl('lsp-list', 'underlay')).toContain('localnet.underlay');
    await drop('Subnet', 'underlay');
  });

  test('when the Subnet goes that has its addresses, and not before', async () => {
    const spec = { vpc: 'other', cidrBlock: '10.9.0.0/16' };
    // Names decide between objects of one second.
    fixture.apply(subnet('a-first', spec));
    await isReady('a-first');
    fixture.apply(subnet('b-second', { ...spec, cidrBlock: '10.9.3.0/24' }));
    await complaint('b-second');
    // A change of its own has it validated again.
    fixture.api.patch('Subnet', 'a-first', { spec: { private: true } });
    const object = { kind: 'Subnet', name: 'a-first' };
    await eventAbout(fixture, { ...object, reason: 'SetPrivateLogicalSwitchSuccess' });
    expect(messagesAbout(fixture, { ...object, reason: NOT_VALID })).toEqual([]);
    await drop('Subnet', 'a-first');
    await isReady('b-second');
    await drop('Subnet', 'b-second');
  });
});

test('one CIDR may be of Subnets in two Vpcs, and pods have the same address in both', async () => {
  const spec = { vpc: 'other', cidrBlock: '10.1.0.0/16', provider: 'second.default.ovn' };
  fixture.apply(ovnNetwork('second'), subnet('second', spec));
  await isReady('second');
  await isReady('first');
  fixture.schedule(podOf('both', 'first,second'));
  const first = await fixture.allocated('default/both', 'first.default.ovn');
  const second = await fixture.allocated('default/both', 'second.default.ovn');
  expect([first.ip_address, second.ip_address]).toEqual(['10.1.0.2', '10.1.0.2']);
  expect([first.logical_router, second.logical_router]).toEqual(['tenant', 'other']);
});

test('what a Subnet does not say is filled in', async () => {
  fixture.apply(subnet('plain', { cidrBlock: '10.9.0.77/16,fd00:9::/64', vpc: 'other' }));
  await isReady('plain');
  expect(fixture.api.get('Subnet', 'plain').spec).toMatchObject({
    cidrBlock: '10.9.0.0/16,fd00:9::/64',
    protocol: 'Dual',
    gateway: '10.9.0.1,fd00:9::1',
    excludeIps: ['10.9.0.1', 'fd00:9::1'],
    provider: 'ovn',
  });
  await drop('Subnet', 'plain');
});

describe('a Vpc is called wrong', () => {
  test.each([
    ['first', {}, 'vpc first and subnet first cannot have the same name'],
    ['wrong', { staticRoutes: [{ cidr: '10.0.0', nextHopIP: '10.1.0.9' }] }, 'invalid IP 10.0.0'],
    ['wrong', { staticRoutes: [{ cidr: '10.0.0.0/8', nextHopIP: '' }] }, 'invalid next hop IP'],
    ['wrong', { policyRoutes: [{ match: 'ip4', action: 'x' }] }, 'unknown policy action: x'],
    ['wrong', { vpcPeerings: [{ remoteVpc: 'o', localConnectIP: 'y' }] }, 'invalid cidr y'],
  ])('named %s, for %j', async (name, spec, text) => {
    // Our definition does not take each of them: Vpcs may be older.
    fixture.api.createUnchecked(vpc(name, spec));
    const about = { kind: 'Vpc', name, reason: 'ReconcileVpcFailed', text };
    await eventAbout(fixture, about);
    expect(await fixture.node.nbctl('lr-list')).not.toContain(`(${name})`);
    await drop('Vpc', name);
  });

  test('and is ready when it is corrected', async () => {
    const route = { cidr: '0.0.0.0/0', nextHopIP: 'nowhere' };
    // Our definition does not take it: a Vpc may be older.
    fixture.api.createUnchecked(vpc('routed', { staticRoutes: [route] }));
    await eventAbout(fixture, { kind: 'Vpc', name: 'routed', reason: 'ReconcileVpcFailed' });
    const staticRoutes = [{ ...route, nextHopIP: '10.7.0.9' }];
    fixture.api.patch('Vpc', 'routed', { spec: { staticRoutes } });
    await fixture.becomes('Vpc', 'routed', ({ status }) => status?.standby === true);
    expect(await fixture.node.nbctl('lr-route-list', 'routed')).toContain('10.7.0.9');
    await drop('Vpc', 'routed');
  });
});

describe('IPPools', () => {
  const pool = (name: string, ips: readonly string[], more: object = {}): NewObject => {
    return { kind: 'IPPool', metadata: { name }, spec: { subnet: 'first', ips, ...more } };
  };
  const failed = async (name: string) => {
    const object = { kind: 'IPPool', name };
    const condition = await conditionBecomes(fixture, object, { ...READY, status: 'False' });
    expect(condition.reason).toBe('UpdateIPAMFailed');
    const { reason, message: text } = condition;
    return await eventAbout(fixture, { ...object, reason, text });
  };
  const succeeded = (name: string) => conditionBecomes(fixture, { kind: 'IPPool', name }, READY);

  test('two that share an address: the later one waits for the end of the earlier one', async () => {
    fixture.apply(pool('a-pool', ['10.1.9.0/24', '10.1.8.1']));
    await succeeded('a-pool');
    fixture.apply(pool('b-pool', ['10.1.9.200..10.1.10.9']));
    expect(await failed('b-pool')).toContain('ippool b-pool has conflict IPs with ippool a-pool');
    await succeeded('a-pool');
    await drop('IPPool', 'a-pool');
    await succeeded('b-pool');
    await drop('IPPool', 'b-pool');
  });

  test.each([
    [['10.1.0.9..fd00::9'], {}, 'invalid ip range'],
    [['10.1.0.9..10.1.0.2'], {}, 'invalid ip range'],
    [['10.1.0.9'], { subnet: 'nowhere' }, 'subnet nowhere of ippool wrong does not exist'],
  ])('of %j %j', async (ips, more, text) => {
    fixture.apply(pool('wrong', ips, more));
    expect(await failed('wrong')).toContain(text);
    await drop('IPPool', 'wrong');
  });

  test('pods that name one have its addresses, others have not', async () => {
    fixture.apply(pool('mine', ['10.1.0.3..10.1.0.4']));
    await succeeded('mine');
    const named = { 'first.default.ovn.kubernetes.io/ip_pool': 'mine' };
    fixture.schedule(podOf('pooled', 'first', named));
    fixture.schedule(podOf('plain', 'first'));
    const addresses = ['pooled', 'plain'].map(async (name) => {
      return (await fixture.allocated(`default/${name}`, 'first.default.ovn')).ip_address;
    });
    expect(await Promise.all(addresses)).toEqual(['10.1.0.3', '10.1.0.5']);
    const counted = await fixture.becomes('IPPool', 'mine', ({ status }) => {
      return status?.v4UsingIPs === 1;
    });
    expect(counted.status).toMatchObject({
      v4UsingIPRange: '10.1.0.3',
      v4AvailableIPs: 1,
      v4AvailableIPRange: '10.1.0.4',
    });
  });
});
