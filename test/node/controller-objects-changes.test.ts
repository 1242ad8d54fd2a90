/** Objects that change while pods use what they say, and pods that take another's name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone } from './controller-observe.ts';

const NOT_ACQUIRED = 'AcquireAddressFailed';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A network of OVN's with a Subnet of the same name. */
function applyNetwork(name: string, spec: object): void {
  const provider = `${name}.default.ovn`;
  fixture.apply(ovnNetwork(name), subnet(name, { vpc: '', provider, ...spec }));
}

/** Makes a pod with one NIC. @returns what it gets */
async function podOn(network: string, name: string, annotations: Record<string, string> = {}) {
  const pod = fixture.schedule(podOf(name, network, annotations));
  return { pod, nic: await fixture.allocated(`default/${name}`, `${network}.default.ovn`) };
}

function ipName(pod: string, network: string): string {
  return `${pod}.default.${network}.default.ovn`;
}

describe('a Subnet', () => {
  test('that excludes what a pod has leaves it to the pod, and gives it to nobody else', async () => {
    applyNetwork('shrinks', { cidrBlock: '10.11.0.0/29' });
    const { pod, nic } = await podOn('shrinks', 'excluded');
    expect(nic.ip_address).toBe('10.11.0.2');
    const spec = { excludeIps: ['10.11.0.1..10.11.0.4'] };
    fixture.api.patch('Subnet', 'shrinks', { spec });
    await fixture.subnetStatus('shrinks', ({ v4availableIPs }) => v4availableIPs === 2);
    expect((await podOn('shrinks', 'next')).nic.ip_address).toBe('10.11.0.5');
    const { spec: ip } = fixture.api.get('IP', ipName('excluded', 'shrinks'));
    expect(ip?.ipAddress).toBe('10.11.0.2');
    await fixture.kubelet.end(pod);
    await gone(fixture, 'IP', ipName('excluded', 'shrinks'));
    expect((await podOn('shrinks', 'last')).nic.ip_address).toBe('10.11.0.6');
    fixture.schedule(podOf('none', 'shrinks'));
    const about = { kind: 'Pod', name: 'none', reason: NOT_ACQUIRED };
    expect(await eventAbout(fixture, about)).toContain('NoAvailableAddress');
    fixture.api.patch('Subnet', 'shrinks', { spec: { excludeIps: ['10.11.0.1'] } });
    const { ip_address } = await fixture.allocated('default/none', 'shrinks.default.ovn');
    expect(['10.11.0.2', '10.11.0.3', '10.11.0.4']).toContain(ip_address);
  });

  test('that becomes wrong leaves its pods alone, takes no other, and recovers', async () => {
    applyNetwork('breaks', { cidrBlock: '10.12.0.0/24' });
    const { nic } = await podOn('breaks', 'old');
    fixture.api.patch('Subnet', 'breaks', { spec: { gateway: '10.99.0.1' } });
    const object = { kind: 'Subnet', name: 'breaks' };
    await conditionBecomes(fixture, object, { type: 'Validated', status: 'False' });
    fixture.schedule(podOf('new', 'breaks'));
    const about = { kind: 'Pod', name: 'new', reason: 'PodNetworkUpdateFailed' };
    expect(await eventAbout(fixture, about)).toContain('gateway 10.99.0.1 is not in cidr');
    expect(fixture.api.get('IP', ipName('old', 'breaks')).spec?.ipAddress).toBe(nic.ip_address);
    expect(await fixture.node.nbctl('lsp-list', 'breaks')).toContain('old.default');
    fixture.api.patch('Subnet', 'breaks', { spec: { gateway: '10.12.0.1' } });
    await conditionBecomes(fixture, object, { type: 'Ready', status: 'True' });
    const { ip_address } = await fixture.allocated('default/new', 'breaks.default.ovn');
    expect(ip_address).toBe('10.12.0.3');
  });

  test('that grows gives the pods that wait what it has more', async () => {
    applyNetwork('grows', { cidrBlock: '10.13.0.0/30' });
    await podOn('grows', 'grows-1');
    fixture.schedule(podOf('grows-2', 'grows'));
    await eventAbout(fixture, { kind: 'Pod', name: 'grows-2', reason: NOT_ACQUIRED });
    fixture.api.patch('Subnet', 'grows', { spec: { cidrBlock: '10.13.0.0/24' } });
    const { ip_address, cidr } = await fixture.allocated('default/grows-2', 'grows.default.ovn');
    expect([ip_address, cidr]).toEqual(['10.13.0.3', '10.13.0.0/24']);
    const grown = 'networks="10.13.0.1/24"';
    await fixture.node.nbctl('wait-until', 'Logical_Router_Port', 'ovn-cluster-grows', grown);
  });
});

test('a network that goes takes nothing from its pods, and they release all when they end', async () => {
  applyNetwork('leaves', { cidrBlock: '10.14.0.0/24' });
  const { pod } = await podOn('leaves', 'abandoned');
  fixture.api.delete('NetworkAttachmentDefinition', 'default/leaves');
  fixture.schedule(podOf('too-late', 'leaves'));
  const about = { kind: 'Pod', name: 'too-late', reason: 'PodNetworkUpdateFailed' };
  await eventAbout(fixture, { ...about, text: 'default/leaves not found' });
  expect(await fixture.node.nbctl('lsp-list', 'leaves')).toContain('abandoned');
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', ipName('abandoned', 'leaves'));
  expect(await fixture.node.nbctl('lsp-list', 'leaves')).not.toContain('abandoned');
});

test('a pod that takes the name of one that went has its own addresses', async () => {
  applyNetwork('names', { cidrBlock: '10.15.0.0/24' });
  const { pod, nic } = await podOn('names', 'same');
  await fixture.kubelet.end(pod);
  // At once, while what the first one had is still being released.
  const next = fixture.schedule(podOf('same', 'names'));
  const again = await fixture.becomes('Pod', 'default/same', ({ metadata }) => {
    return metadata.uid === next.uid && JSON.stringify(metadata.annotations).includes('routed');
  });
  const prefix = 'names.default.ovn.kubernetes.io';
  const address = again.metadata.annotations?.[`${prefix}/ip_address`];
  const mac = again.metadata.annotations?.[`${prefix}/mac_address`];
  const ip = await fixture.becomes('IP', ipName('same', 'names'), ({ spec, metadata }) => {
    return spec?.ipAddress === address && metadata.deletionTimestamp === undefined;
  });
  expect(ip.spec?.macAddress).toBe(mac);
  const port = await fixture.node.nbctl('lsp-get-addresses', ipName('same', 'names'));
  expect(port.trim()).toBe(`${mac} ${address}`);
  expect(nic.ip_address).toBe('10.15.0.2');
  await fixture.subnetStatus('names', ({ v4usingIPs }) => v4usingIPs === 1);
});

test('an address is released at the latest when the time of a deleted pod is up', async () => {
  applyNetwork('lost', { cidrBlock: '10.26.0.0/24' });
  const spec = { terminationGracePeriodSeconds: 1 };
  fixture.schedule({ ...podOf('lost', 'lost'), spec });
  await fixture.allocated('default/lost', 'lost.default.ovn');
  // Nobody ends it: its node is lost.
  fixture.api.delete('Pod', 'default/lost');
  await gone(fixture, 'IP', ipName('lost', 'lost'));
  expect(fixture.api.get('Pod', 'default/lost').metadata.deletionTimestamp).toBeDefined();
  fixture.api.finishDeletion('default/lost');
});

test('an IPPool that goes leaves pods what they have, and others may have the rest', async () => {
  applyNetwork('pooled', { cidrBlock: '10.17.0.0/29' });
  const ips = ['10.17.0.2', '10.17.0.3'];
  fixture.apply({ kind: 'IPPool', metadata: { name: 'two' }, spec: { subnet: 'pooled', ips } });
  const pool = { 'pooled.default.ovn.kubernetes.io/ip_pool': 'two' };
  expect((await podOn('pooled', 'in-pool', pool)).nic.ip_address).toBe('10.17.0.2');
  expect((await podOn('pooled', 'beside-1')).nic.ip_address).toBe('10.17.0.4');
  expect((await podOn('pooled', 'beside-2')).nic.ip_address).toBe('10.17.0.5');
  expect((await podOn('pooled', 'beside-3')).nic.ip_address).toBe('10.17.0.6');
  fixture.schedule(podOf('waits', 'pooled'));
  const about = { kind: 'Pod', name: 'waits', reason: NOT_ACQUIRED };
  expect(await eventAbout(fixture, about)).toContain('NoAvailableAddress');
  fixture.api.delete('IPPool', 'two');
  const { ip_address } = await fixture.allocated('default/waits', 'pooled.default.ovn');
  expect(ip_address).toBe('10.17.0.3');
  await gone(fixture, 'IPPool', 'two');
  expect(fixture.api.get('IP', ipName('in-pool', 'pooled')).spec?.ipAddress).toBe('10.17.0.2');
});

describe('an underlay Subnet', () => {
  const vlan = { kind: 'Vlan', metadata: { name: 'v9' }, spec: { id: 9, provider: 'physical' } };

  test('its pods are told of the VLAN, and of no router', async () => {
    const spec = { defaultInterface: 'eth1', excludeNodes: ['node1'] };
    fixture.apply(vlan, { kind: 'ProviderNetwork', metadata: { name: 'physical' }, spec });
    applyNetwork('under', { cidrBlock: '10.18.0.0/24', vlan: 'v9' });
    const { nic } = await podOn('under', 'on-vlan');
    expect(nic).toMatchObject({ vlan_id: '9', provider_network: 'physical', routed: 'true' });
    expect(nic).not.toHaveProperty('logical_router');
    const localnet = ['Logical_Switch_Port', 'localnet.under', 'tag', 'options:network_name'];
    expect((await fixture.node.nbctl('get', ...localnet)).split('\n')).toContain('9');
    expect(await fixture.node.nbctl('lsp-list', 'under')).not.toContain('under-ovn-cluster');
  });

  test('without addresses gives its pods a MAC only', async () => {
    applyNetwork('mac-only', { vlan: 'v9' });
    const { pod, nic } = await podOn('mac-only', 'dhcp');
    const { mac_address = '', ip_address } = nic;
    expect(ip_address ?? '').toBe('');
    const port = await fixture.node.nbctl('lsp-get-addresses', ipName('dhcp', 'mac-only'));
    expect(port.trim()).toBe(mac_address);
    expect(fixture.api.get('IP', ipName('dhcp', 'mac-only')).spec).toMatchObject({
      ...{ ipAddress: '', v4IpAddress: '', macAddress: mac_address },
    });
    expect(fixture.api.get('Subnet', 'mac-only').spec).toMatchObject({ protocol: 'Mac' });
    await fixture.kubelet.end(pod);
    await gone(fixture, 'IP', ipName('dhcp', 'mac-only'));
  });
});

test('pods of one name in two namespaces have NICs of their own', async () => {
  fixture.apply({ kind: 'Namespace', metadata: { name: 'elsewhere' } });
  const spec = { cidrBlock: '10.19.0.0/24', provider: 'shared.default' };
  fixture.apply(macvlanNetwork('shared'), subnet('shared', spec));
  for (const namespace of ['default', 'elsewhere']) {
    const { metadata, ...pod } = podOf('twin', 'default/shared');
    fixture.schedule({ ...pod, metadata: { ...metadata, namespace } });
  }
  const addresses = ['default/twin', 'elsewhere/twin'].map(async (key) => {
    return (await fixture.allocated(key, 'shared.default')).ip_address;
  });
  expect(await Promise.all(addresses)).toEqual(['10.19.0.2', '10.19.0.3']);
  const names = fixture.api.list('IP').map(({ metadata }) => metadata.name);
  expect(names).toContain('twin.default.shared.default');
  expect(names).toContain('twin.elsewhere.shared.default');
});
