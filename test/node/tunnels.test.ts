/** The end of the node's tunnels: which address the daemon gives OVS, and when it gives it another one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { Fixture } from './fixture.ts';

const SOON = { timeout: 30_000, interval: 100 };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  for (const [name, ...addresses] of [
    ['eth7', '10.7.0.1/24'],
    ['bond0', '10.8.0.1/24', '10.8.0.9/32'],
    ['bond0.100', '10.9.0.1/24'],
  ] as const) {
    await addLink(name, ...addresses);
  }
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** One end of a veth pair, which every kernel has, stands for a network card. */
async function addLink(name: string, ...addresses: readonly string[]): Promise<void> {
  await command('ip', [
    'link',
    'add',
    name,
    'type',
    'veth',
    'peer',
    'name',
    `p-${name}`.slice(0, 15),
  ]);
  await command('ip', ['link', 'set', name, 'up']);
  for (const address of addresses) await command('ip', ['address', 'add', address, 'dev', name]);
}

async function externalId(key: string): Promise<string> {
  const path = ['--if-exists', 'get', 'open', '.', `external_ids:${key}`];
  return (await fixture.node.vsctl(...path)).trim().replaceAll('"', '');
}

async function expectTunnels(ip: string, first = ip, checksum = 'true'): Promise<void> {
  await expect.poll(() => externalId('ovn-encap-ip'), SOON).toBe(ip);
  expect(await externalId('ovn-encap-ip-default')).toBe(first);
  expect(await externalId('ovn-encap-csum')).toBe(checksum);
}

function annotate(annotations: Record<string, string | null>): void {
  fixture.api.patch('Node', fixture.node.chassis, { metadata: { annotations } });
}

test('what OVS has is kept where nobody says anything else', async () => {
  const { daemon } = fixture;
  await daemon.logged("this node's tunnels are set up");
  expect(await externalId('ovn-encap-ip')).toBe('127.0.0.1');
  expect(await externalId('ovn-encap-ip-default')).toBe('');
  expect(await externalId('ovn-encap-csum')).toBe('');
});

test('--iface goes before what OVS has, as a name and as regular expressions', async () => {
  await fixture.restartDaemon(['--iface=eth7', '--encap-checksum=false']);
  await expectTunnels('10.7.0.1', '10.7.0.1', 'false');
  await fixture.restartDaemon(['--iface=nosuch,^bond\\d+$']);
  await expectTunnels('10.8.0.1');
});

test('an address that changes is followed, without a restart and without asking', async () => {
  await command('ip', ['address', 'add', '10.8.1.2/24', 'dev', 'bond0']);
  await command('ip', ['address', 'del', '10.8.0.1/24', 'dev', 'bond0']);
  await expectTunnels('10.8.1.2');
  await command('ip', ['address', 'add', '10.8.0.1/24', 'dev', 'bond0']);
});

test("what OVS loses of it, as where an empty database takes the place of OVS's, is written again", async () => {
  const keys = ['ovn-encap-ip', 'ovn-encap-ip-default', 'ovn-encap-csum'];
  await fixture.node.vsctl('remove', 'open', '.', 'external_ids', ...keys);
  await expectTunnels('10.8.1.2');
});

test("the node's annotation goes before --iface, and is followed when it changes", async () => {
  annotate({ 'ovn.kubernetes.io/tunnel_interface': 'bond0.100' });
  await expectTunnels('10.9.0.1');
  annotate({ 'ovn.kubernetes.io/tunnel_interface': null });
  await expectTunnels('10.8.1.2');
});

test("addresses of the node's networks stand behind the tunnels' own, sorted", async () => {
  const networks = { storage: '10.9.0.1', app: '10.7.0.1', same: '10.8.1.2' };
  annotate({ 'ovn.kubernetes.io/node_networks': JSON.stringify(networks) });
  await expectTunnels('10.8.1.2,10.7.0.1,10.9.0.1', '10.8.1.2');
  annotate({ 'ovn.kubernetes.io/node_networks': null });
  await expectTunnels('10.8.1.2');
});

test('tunnels that work go on where what is asked for is not there, and it is said once', async () => {
  await fixture.restartDaemon(['--iface=^wlan']);
  const { daemon } = fixture;
  await daemon.logged("cannot set up this node's tunnels: --iface=^wlan: this node has no such");
  expect(await externalId('ovn-encap-ip')).toBe('10.8.1.2');
  await addLink('wlan0', '10.10.0.1/24');
  await expectTunnels('10.10.0.1');
  expect(daemon.logLines('no such interface')).toHaveLength(1);
});

test("POD_IP, which Kube-OVN's charts give, goes before what OVS has", async () => {
  await fixture.restartDaemon([], 'SIGTERM', { POD_IP: '10.7.0.1' });
  await expectTunnels('10.7.0.1');
});

test('an address with a prefix of its full length is the tunnels’ only with --host-tunnel-src', async () => {
  await command('ip', ['address', 'flush', 'dev', 'bond0']);
  await command('ip', ['address', 'add', '10.8.0.9/32', 'dev', 'bond0']);
  await fixture.restartDaemon(['--iface=bond0']);
  await fixture.daemon.logged('--host-tunnel-src');
  expect(await externalId('ovn-encap-ip')).toBe('10.7.0.1');
  await fixture.restartDaemon(['--iface=bond0', '--host-tunnel-src']);
  await expectTunnels('10.8.0.9');
});

/** A device of that name that has TX checksum offload, as OVS's in the kernel; and OVS's port. */
async function addTunnel(type: string, device: string): Promise<void> {
  await addLink(device);
  expect(await txChecksum(device)).toBe('on');
  const row = ['--', 'set', 'Interface', `${type}0`, `type=${type}`, 'options:remote_ip=10.7.0.2'];
  await fixture.node.vsctl('add-port', 'br-int', `${type}0`, ...row);
}

async function txChecksum(device: string): Promise<string | undefined> {
  const features = await command('ethtool', ['-k', device]);
  return /^tx-checksumming: (\w+)/m.exec(features)?.[1];
}

test("Geneve's device loses TX checksum offload when OVS makes it, and when it makes it again", async () => {
  const device = 'genev_sys_6081';
  await addTunnel('geneve', device);
  await expect.poll(() => txChecksum(device), SOON).toBe('off');
  await fixture.node.vsctl('del-port', 'br-int', 'geneve0');
  await command('ip', ['link', 'del', device]);
  await addTunnel('geneve', device);
  await expect.poll(() => txChecksum(device), SOON).toBe('off');
});

test('--set-vxlan-tx-off takes it from the device of VXLAN, where that is the type of the tunnels', async () => {
  const device = 'vxlan_sys_4789';
  await fixture.restartDaemon(['--set-vxlan-tx-off']);
  await addTunnel('vxlan', device);
  // Geneve's is done at the same look at OVS's rows.
  await fixture.daemon.logged('TX checksum offload of the tunnel device is off');
  expect(await txChecksum(device)).toBe('on');
  await fixture.restartDaemon(['--set-vxlan-tx-off', '--network-type=vxlan']);
  await expect.poll(() => txChecksum(device), SOON).toBe('off');
});
