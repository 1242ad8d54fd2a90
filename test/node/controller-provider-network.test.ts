/** Provider networks beside a daemon of Kube-OVN's: what it needs of a controller, and what OVN gets. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewObject } from '../lab/kubernetes/api.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ovnNetwork, subnet } from './controller-manifests.ts';
import { eventAbout, gone } from './controller-observe.ts';
import { canPing, pings } from './observe.ts';
import { keyOfNetwork, NETWORK, ProviderFixture } from './provider-controller-fixture.ts';

const AGENT = 'kube-system/kube-ovn-cni-a';
const PORT = 'localnet.plain';
const TAGGED = { cidrBlock: '10.93.0.0/24', provider: 'plain.default.ovn', vlan: 'red' };
const JOINED = { cidrBlock: '10.94.0.0/24', provider: 'joined.default.ovn', vpc: 'tenant' };
const LEG = 'u2o-interconnection.tenant.joined';

let fixture: ProviderFixture;
beforeAll(async () => {
  const excluded = { annotations: { [keyOfNetwork('exclude')]: 'true' } };
  fixture = await ProviderFixture.start([
    { kind: 'Node', metadata: { name: 'old', ...excluded } },
    agentOn('node1'),
  ]);
  const { wire } = fixture;
  await wire.machine({ name: 'on7', vlan: 7, addresses: ['10.93.0.1/24'] });
  await wire.machine({ name: 'on9', vlan: 9, addresses: ['10.93.0.9/24'] });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The pod of a node's daemon. */
function agentOn(nodeName: string): NewObject {
  const labels = { app: 'kube-ovn-cni' };
  return {
    kind: 'Pod',
    metadata: { name: 'kube-ovn-cni-a', namespace: 'kube-system', labels },
    spec: { nodeName, hostNetwork: true },
  };
}

function object(kind: string, name: string, spec: object): NewObject {
  return { kind, metadata: { name }, spec };
}

/** Waits until the condition of the node says this. */
async function nodeIs(message: string): Promise<Record<string, unknown>> {
  const { status = {} } = await fixture.becomes('ProviderNetwork', NETWORK, ({ status: now }) => {
    const conditions = (now?.conditions ?? []) as { message: string }[];
    return conditions.length === 1 && conditions[0]?.message === message;
  });
  return status;
}

/** Columns of a row, without blanks. */
async function row(table: string, name: string, ...columns: string[]): Promise<string> {
  const text = await fixture.node.nbctl(
    '--bare',
    `--columns=${columns}`,
    'find',
    table,
    `name=${name}`,
  );
  return text.trim().split('\n').join(' | ');
}

test('a ProviderNetwork gets ready as labels of the Node and an annotation of the daemon’s pod say', async () => {
  fixture.apply(object('ProviderNetwork', NETWORK, { defaultInterface: 'eth1' }));
  expect(await nodeIs('unknown error')).toMatchObject({ ready: false, notReadyNodes: ['node1'] });
  const annotations = { [keyOfNetwork('err_mesg')]: 'nic eth1 does not exist' };
  fixture.api.patch('Pod', AGENT, { metadata: { annotations } });
  const failed = await nodeIs('nic eth1 does not exist');
  expect(failed.conditions).toMatchObject([
    { node: 'node1', type: 'Ready', status: 'False', reason: 'InitOVSBridgeFailed' },
  ]);
  fixture.api.patch('Pod', AGENT, {
    metadata: { annotations: { [keyOfNetwork('err_mesg')]: null } },
  });
  const labels = { ready: 'true', interface: 'eth1', mtu: '1500' };
  const entries = Object.entries(labels).map(([name, value]) => [keyOfNetwork(name), value]);
  fixture.api.patch('Node', 'node1', { metadata: { labels: Object.fromEntries(entries) } });
  const ready = await nodeIs('');
  expect(ready).toMatchObject({ ready: true, readyNodes: ['node1'], notReadyNodes: [] });
  expect(ready.conditions).toMatchObject([
    { node: 'node1', type: 'Ready', status: 'True', reason: 'InitOVSBridgeSucceeded' },
  ]);
});

test('a Node that an annotation left out is left out by the object, which its daemon reads', async () => {
  const { spec } = await fixture.becomes('ProviderNetwork', NETWORK, (network) => {
    return ((network.spec?.excludeNodes ?? []) as string[]).includes('old');
  });
  expect(spec).toMatchObject({ excludeNodes: ['old'], defaultInterface: 'eth1' });
  await fixture.becomes('Node', 'old', ({ metadata }) => {
    return metadata.annotations?.[keyOfNetwork('exclude')] === undefined;
  });
});

test('a Subnet waits for its Vlan, which a daemon lets through by then, and has its port to the wire', async () => {
  fixture.apply(ovnNetwork('plain'), subnet('plain', TAGGED));
  const text = 'failed to get vlan red: not found';
  await eventAbout(fixture, {
    kind: 'Subnet',
    name: 'plain',
    reason: 'ValidateSubnetVlanFailed',
    text,
  });
  // As the Vlans of old versions are: an id by another name, and no provider network.
  fixture.apply(object('Vlan', 'red', { vlanId: 7, provider: '', providerInterfaceName: NETWORK }));
  await fixture.subnetReady('plain');
  const [network] = fixture.api.list('ProviderNetwork');
  expect(network?.status).toMatchObject({ vlans: ['red'] });
  const { spec } = await fixture.becomes('Vlan', 'red', ({ status }) => {
    return ((status?.subnets ?? []) as string[]).includes('plain');
  });
  expect(spec).toEqual({ id: 7, provider: NETWORK });
  const columns = ['type', 'addresses', 'tag', 'options', 'external_ids'];
  expect(await row('Logical_Switch_Port', PORT, ...columns)).toBe(
    `localnet | unknown | 7 | network_name=${NETWORK} | ipv4_network=10.93.0.0/24 ls=plain vendor=kube-ovn`,
  );
  // Its gateway is on the wire.
  expect(await row('Logical_Router_Port', 'ovn-cluster-plain', 'name')).toBe('');
});

let pod: Sandbox;
test('a pod reaches what is in its VLAN, and what is in another one as soon as its Vlan has that id', async () => {
  pod = await fixture.run('web', 'plain', '10.93.0.1');
  expect(await pings(pod, '10.93.0.1')).toBe(true);
  expect(await canPing(pod, '10.93.0.9')).toBe(false);
  fixture.api.patch('Vlan', 'red', { spec: { id: 9 } });
  await fixture.rowBecomes('Logical_Switch_Port', PORT, 'tag=9');
  expect(await pings(pod, '10.93.0.9')).toBe(true);
  expect(await canPing(pod, '10.93.0.1')).toBe(false);
  const { metadata } = await fixture.becomes(
    'Pod',
    'default/web',
    ({ metadata: { annotations } }) => {
      return annotations?.['plain.default.ovn.kubernetes.io/vlan_id'] === '9';
    },
  );
  expect(metadata.annotations).toMatchObject({
    'plain.default.ovn.kubernetes.io/provider_network': NETWORK,
  });
});

test('what somebody else changes of that port comes back', async () => {
  await fixture.node.nbctl('set', 'Logical_Switch_Port', PORT, 'tag=77');
  await fixture.rowBecomes('Logical_Switch_Port', PORT, 'tag=9');
  await fixture.node.nbctl('lsp-del', PORT);
  await fixture.rowBecomes('Logical_Switch_Port', PORT, 'tag=9');
  expect(await pings(pod, '10.93.0.9')).toBe(true);
});

test('a Vlan that moves to another provider network takes its Subnets there', async () => {
  fixture.apply(object('ProviderNetwork', 'fabric', { defaultInterface: 'eth7' }));
  fixture.api.patch('Vlan', 'red', { spec: { provider: 'fabric' } });
  await fixture.rowBecomes('Logical_Switch_Port', PORT, 'options:network_name=fabric');
  await fixture.becomes('ProviderNetwork', 'fabric', ({ status }) => {
    return ((status?.vlans ?? []) as string[]).includes('red');
  });
  fixture.api.patch('Vlan', 'red', { spec: { provider: NETWORK } });
  await fixture.rowBecomes('Logical_Switch_Port', PORT, `options:network_name=${NETWORK}`);
  expect(await pings(pod, '10.93.0.9')).toBe(true);
});

test('of two Vlans with one id the younger is in conflict, and no Subnet is made in it', async () => {
  fixture.apply(object('Vlan', 'red-too', { id: 9, provider: NETWORK }));
  const text = 'new vlan red-too conflict with old vlan red';
  await eventAbout(fixture, { kind: 'Vlan', name: 'red-too', reason: 'VlanConflict', text });
  fixture.apply(
    subnet('twin', { cidrBlock: '10.95.0.0/24', provider: 'twin.default.ovn', vlan: 'red-too' }),
  );
  await eventAbout(fixture, {
    kind: 'Subnet',
    name: 'twin',
    reason: 'ValidateSubnetVlanFailed',
    text: 'subnet twin has invalid conflict vlan red-too',
  });
  expect(await row('Logical_Switch', 'twin', 'name')).toBe('');
  fixture.api.patch('Vlan', 'red-too', { spec: { id: 10 } });
  await fixture.subnetReady('twin');
  expect(await row('Logical_Switch_Port', 'localnet.twin', 'tag')).toBe('10');
});

test('a Subnet without a CIDR has MACs only: its addresses are another server’s', async () => {
  fixture.apply(
    ...[ovnNetwork('bare'), object('Vlan', 'untagged', { provider: NETWORK })],
    subnet('bare', { provider: 'bare.default.ovn', vlan: 'untagged' }),
  );
  await fixture.subnetReady('bare');
  const { annotations, port } = await fixture.allocated('bare', 'bare');
  expect(annotations).toMatchObject({ allocated: 'true', ip_address: '', vlan_id: '0' });
  expect(await row('Logical_Switch_Port', port, 'addresses')).toBe(annotations.mac_address);
  expect(await row('Logical_Switch_Port', 'localnet.bare', 'tag')).toBe('');
});

test('with u2oInterconnection pods reach overlay Subnets by the router, and the world by the gateway on the wire', async () => {
  const { wire } = fixture;
  const gateway = await wire.machine({ name: 'gw11', vlan: 11, addresses: ['10.94.0.1/24'] });
  await gateway.run('ip', 'address', 'add', '203.0.113.1/32', 'dev', 'lo');
  await gateway.run('ip', 'link', 'set', 'lo', 'up');
  fixture.apply(
    ...[object('Vpc', 'tenant', {}), object('Vlan', 'blue', { id: 11, provider: NETWORK })],
    ...[ovnNetwork('joined'), ovnNetwork('over')],
    subnet('joined', { ...JOINED, vlan: 'blue', u2oInterconnection: true }),
    subnet('over', { cidrBlock: '10.96.0.0/24', provider: 'over.default.ovn', vpc: 'tenant' }),
  );
  await Promise.all(['joined', 'over'].map((name) => fixture.subnetReady(name)));
  const { status = {} } = await fixture.becomes('Subnet', 'joined', ({ status: now }) => {
    return now?.u2oInterconnectionVPC === 'tenant' && now.v4usingIPs === 1;
  });
  const { u2oInterconnectionIP: leg, u2oInterconnectionMAC: mac } = status;
  expect(leg).toBe('10.94.0.2');
  expect(await row('Logical_Router_Port', 'tenant-joined', 'mac', 'networks')).toBe(
    `${mac} | 10.94.0.2/24`,
  );
  expect(fixture.api.list('IP').find(({ metadata }) => metadata.name === LEG)?.spec).toMatchObject({
    subnet: 'joined',
    v4IpAddress: leg,
    macAddress: mac,
  });
  const under = await fixture.run('under', 'joined', String(leg));
  const over = await fixture.run('over', 'over', '10.96.0.1');
  expect(await pings(under, '10.96.0.2')).toBe(true);
  expect(await pings(over, '10.94.0.3')).toBe(true);
  expect(await pings(under, '10.94.0.1')).toBe(true);
  expect(await pings(under, '203.0.113.1')).toBe(true);
});

test('without it again the router has no leg there, and the address is free', async () => {
  fixture.api.patch('Subnet', 'joined', { spec: { u2oInterconnection: false } });
  await gone(fixture, 'IP', LEG);
  const { status } = await fixture.becomes('Subnet', 'joined', ({ status: now }) => {
    return now?.u2oInterconnectionIP === '' && now?.v4usingIPs === 1;
  });
  expect(status).toMatchObject({ u2oInterconnectionMAC: '', u2oInterconnectionVPC: '' });
  expect(await row('Logical_Router_Port', 'tenant-joined', 'name')).toBe('');
  expect(await row('Address_Set', 'joined.u2o_exclude_ip.ip4', 'name')).toBe('');
  await fixture.rowBecomes(
    'Logical_Router',
    'tenant',
    'options:always_learn_from_arp_request=false',
  );
  const policies = await fixture.node.nbctl('lr-policy-list', 'tenant');
  expect(policies).not.toContain('reroute');
});

test('a Vlan that goes is in the status no more, and so is what a label said that has gone', async () => {
  fixture.api.delete('Vlan', 'red-too');
  await fixture.becomes('ProviderNetwork', NETWORK, ({ status }) => {
    return !((status?.vlans ?? []) as string[]).includes('red-too');
  });
  fixture.api.patch('Node', 'node1', { metadata: { labels: { [keyOfNetwork('ready')]: null } } });
  expect(await nodeIs('unknown error')).toMatchObject({ ready: false });
  fixture.api.patch('ProviderNetwork', NETWORK, { spec: { excludeNodes: ['old', 'node1'] } });
  await fixture.becomes('ProviderNetwork', NETWORK, ({ status }) => {
    return status?.ready === true && (status.conditions as unknown[]).length === 0;
  });
});
