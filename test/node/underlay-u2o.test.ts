/** NICs on a provider network that OVN's router has an address on, too: u2o interconnection. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SubnetPlan } from '../lab/cluster.ts';
import { command, outcomeOf } from '../lab/command.ts';
import { OVS_DIRECTORY } from '../lab/ovn-node.ts';
import { sendFrame } from '../lab/raw-frame.ts';
import { inSandbox, outcomeInSandbox, type Sandbox } from '../lab/runtime.ts';
import { podRoutes } from '../lab/snapshot.ts';
import { TcpEcho } from '../lab/tcp-echo.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { asSandbox, type Machine, readyCard, Wire } from '../lab/wire.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { census, expectNode, failedAdd, mustAdd, mustDelete, pings, startAdd } from './observe.ts';
import {
  configOn,
  connectCard,
  createUnderlay,
  PHYSNET,
  podOnUnderlay,
} from './underlay-fixture.ts';

const NIC = 'eth1';
const ROUTER_PORT = 'ovn-cluster-wired';
const ROUTER_MAC = '00:00:00:aa:bb:cc';
const ROUTER_IP = '10.92.0.2';

let fixture: Fixture;
let wire: Wire;
let subnet: SubnetPlan;
let outside: Machine;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=2']);
  wire = await Wire.start();
  await wire.card(NIC);
  await readyCard(NIC);
  await connectCard(fixture, NIC);
  const spec = { cidrBlock: '10.92.0.0/16', gateway: '10.92.0.1', u2oInterconnection: true };
  const made = await createUnderlay(fixture, { name: 'wired', octet: 92, vlan: 100, spec });
  subnet = { ...made, cidrBlock: spec.cidrBlock, gateway: spec.gateway };
  await wire.pin(ROUTER_MAC, 100, NIC);
  outside = await wire.machine({ name: 'router', vlan: 100, addresses: ['10.92.0.1/16'] });
});
afterAll(async () => {
  await wire.stop();
  await fixture[Symbol.asyncDispose]();
});

/** What the controller does when it has an address for the router: a port of the router, and the status. */
async function connect(): Promise<void> {
  const { node, api } = fixture;
  await node.nbctl(
    ...['lrp-add', 'ovn-cluster', ROUTER_PORT, ROUTER_MAC, `${ROUTER_IP}/16`],
    ...['--', 'lsp-add', 'wired', `wired-${ROUTER_PORT}`],
    ...['--', 'lsp-set-type', `wired-${ROUTER_PORT}`, 'router'],
    ...['--', 'lsp-set-addresses', `wired-${ROUTER_PORT}`, 'router'],
    ...['--', 'lsp-set-options', `wired-${ROUTER_PORT}`, `router-port=${ROUTER_PORT}`],
  );
  const status = { u2oInterconnectionIP: ROUTER_IP, u2oInterconnectionMAC: ROUTER_MAC };
  api.patch('Subnet', 'wired', { status });
}

function podOn(ip: string) {
  return podOnUnderlay(fixture, subnet, ip, { default_route: 'true' });
}

/** The MAC to which a pod sends what it sends there. */
async function nextHop(sandbox: Sandbox, address: string): Promise<string> {
  const dump = await inSandbox(sandbox, 'ip', '-j', 'neighbour', 'show', 'to', address);
  return JSON.parse(dump)[0]?.lladdr ?? '';
}

test('without an address of the router no NIC is made, and the error says what is missing', async () => {
  const { sandbox } = await podOn('10.92.1.1');
  const before = await census(fixture.node);
  const result = await failedAdd(sandbox, 'net1', configOn(subnet));
  expect(result).toMatchObject({ code: 11 });
  expect(result.msg).toContain(
    "waited 2 s for the address of OVN's router on Subnet wired (status.u2oInterconnectionIP)",
  );
  expect(result.details).toContain('events and conditions of Subnet wired');
  await expectNode(fixture.node, before);
});

test('an ADD that came before that address goes on with it, and the NIC reaches overlay and wire', async () => {
  await fixture.restartDaemon(['--add-timeout-seconds=30']);
  const { sandbox } = await podOn('10.92.1.2');
  const { exitCode } = await outcomeInSandbox(sandbox, 'ip', 'link', 'show', 'net1');
  expect(exitCode).not.toBe(0);
  const add = await startAdd(sandbox, 'net1', configOn(subnet));
  await connect();
  const { exitCode: added, stdout } = await add.outcome;
  expect(added, stdout).toBe(0);
  expect(await podRoutes(sandbox, 4)).toContain(`default via ${ROUTER_IP} dev net1`);
  const [link] = JSON.parse(await inSandbox(sandbox, 'ip', '-j', 'link', 'show', 'net1'));
  // What it says to pods may go by a tunnel.
  expect(link.mtu).toBe(1400);

  const routed = { 'attachnet.default.ovn.kubernetes.io/default_route': 'true' };
  const overlay = await fixture.pod({ annotations: routed });
  await mustAdd(overlay.sandbox, 'net1', ovnConfig());
  expect(await pings(sandbox, overlay.nic.ip)).toBe(true);
  expect(await nextHop(sandbox, ROUTER_IP)).toBe(ROUTER_MAC);
  const dump = await Tcpdump.start(NIC, 2, 'vlan 100 and icmp and host 10.92.0.1');
  expect(await pings(sandbox, '10.92.0.1')).toBe(true);
  expect(await dump.packets()).toHaveLength(2);
  await mustDelete(overlay.sandbox, 'net1', ovnConfig());
  await mustDelete(sandbox, 'net1', configOn(subnet));
});

const BRIDGE = `br-${PHYSNET}`;
/** For ovs-vswitchd to come back. */
const RECOVERY = { timeout: 60_000, interval: 100 };

/** Lines of the bridge's MAC table about the router. */
async function macTable(): Promise<string[]> {
  const pid = (await readFile(`${OVS_DIRECTORY}/ovs-vswitchd.pid`, 'utf8')).trim();
  const control = `${OVS_DIRECTORY}/ovs-vswitchd.${pid}.ctl`;
  const shown = await command('ovs-appctl', ['-t', control, 'fdb/show', BRIDGE]).catch(() => '');
  return shown.split('\n').filter((line) => line.includes(ROUTER_MAC));
}

/** Those for Services. */
async function flows(match = 'cookie=0x1000/-2'): Promise<string[]> {
  const target = `unix:${OVS_DIRECTORY}/${BRIDGE}.mgmt`;
  const shown = await command('ovs-ofctl', ['dump-flows', target, match]).catch(() => '');
  return shown.split('\n').filter((line) => line.includes('actions='));
}

/** True where a machine on the wire gets an answer of OVN's router. */
async function routerAnswers(withinSeconds: number): Promise<boolean> {
  const ping = ['ping', '-n', '-c', '1', '-w', `${withinSeconds}`, ROUTER_IP];
  return (await outcomeOf('ip', ['netns', 'exec', outside.name, ...ping])).exitCode === 0;
}

/** Another node's OVN speaks on the wire by the MAC that the router has on each of them. */
async function otherNodeSpeaks(): Promise<void> {
  const source = ROUTER_MAC.replaceAll(':', '');
  const frame = Buffer.from(`ffffffffffff${source}88b5${'00'.repeat(46)}`, 'hex');
  await sendFrame(asSandbox(outside), 'eth0', frame);
}

describe("the router's MAC, which each node's OVN has", () => {
  test('is behind the patch port, whoever else speaks by it', async () => {
    const { sandbox } = await podOn('10.92.1.3');
    await mustAdd(sandbox, 'net1', configOn(subnet));
    await expect.poll(macTable).toEqual([expect.stringMatching(/^ +\d+ +100 .* static$/)]);
    await otherNodeSpeaks();
    expect(await routerAnswers(10)).toBe(true);
    await otherNodeSpeaks();
    expect(await routerAnswers(10)).toBe(true);
    expect(await macTable()).toHaveLength(1);
  });

  test('is so again when ovs-vswitchd has come anew', async () => {
    const { node } = fixture;
    await node.killPart('ovs-vswitchd');
    await node.startPart('ovs-vswitchd');
    await expect.poll(macTable, RECOVERY).toEqual([expect.stringContaining('static')]);
  });

  test('follows the id of the Vlan, and is learnt as any other when the interconnection ends', async () => {
    const { api } = fixture;
    api.patch('Vlan', 'vlan100', { spec: { id: 101 } });
    await expect.poll(macTable, RECOVERY).toEqual([expect.stringMatching(/ 101 .* static$/)]);
    api.patch('Vlan', 'vlan100', { spec: { id: 100 } });
    await expect.poll(macTable, RECOVERY).toEqual([expect.stringMatching(/ 100 .* static$/)]);
    api.patch('Subnet', 'wired', { spec: { u2oInterconnection: false } });
    const statics = async () => (await macTable()).filter((line) => line.includes('static'));
    await expect.poll(statics, RECOVERY).toEqual([]);
    await otherNodeSpeaks();
    expect(await routerAnswers(1)).toBe(false);
    api.patch('Subnet', 'wired', { spec: { u2oInterconnection: true } });
    await expect.poll(statics, RECOVERY).toHaveLength(1);
  });
});

describe('a static entry that somebody has removed', () => {
  test('is there again with the next change of a Vlan', async () => {
    const { api } = fixture;
    const statics = async () => (await macTable()).filter((line) => line.includes('static'));
    const pid = (await readFile(`${OVS_DIRECTORY}/ovs-vswitchd.pid`, 'utf8')).trim();
    await command('ovs-appctl', [
      '-t',
      `${OVS_DIRECTORY}/ovs-vswitchd.${pid}.ctl`,
      ...['fdb/del', BRIDGE, '100', ROUTER_MAC],
    ]);
    expect(await statics()).toEqual([]);
    api.patch('Vlan', 'vlan100', { metadata: { annotations: { note: 'removed' } } });
    await expect.poll(statics, RECOVERY).toHaveLength(1);
  });
});

describe('a Service with an address of the Subnet', () => {
  const ADDRESS = '10.92.9.9';

  test('is reached from the wire by its address, which nobody there has', async () => {
    const { api, node } = fixture;
    const server = await fixture.pod({
      annotations: { 'attachnet.default.ovn.kubernetes.io/default_route': 'true' },
    });
    await mustAdd(server.sandbox, 'net1', ovnConfig());
    // In the place of a load balancer, which this OVN has not for what comes by a localnet port.
    await node.nbctl('lr-route-add', 'ovn-cluster', `${ADDRESS}/32`, server.nic.ip);
    await inSandbox(server.sandbox, 'ip', 'address', 'add', `${ADDRESS}/32`, 'dev', 'net1');
    api.create({
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'default',
        annotations: { 'ovn.kubernetes.io/service_external_ip_from_subnet': 'wired' },
      },
      spec: { type: 'LoadBalancer', ports: [{ name: 'echo', port: 7777, protocol: 'TCP' }] },
      status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } },
    });
    // Somebody else's flow of the bridge.
    const target = `unix:${OVS_DIRECTORY}/${BRIDGE}.mgmt`;
    await command('ovs-ofctl', ['add-flow', target, 'cookie=0x77,priority=5,actions=NORMAL']);
    api.patch('Subnet', 'wired', { spec: { enableExternalLBAddress: true } });
    await expect.poll(() => flows(), RECOVERY).toHaveLength(1);
    // Frames for it come with a MAC that no port of the bridge has: a router's proxy, for one.
    const neighbour = [
      'neighbour',
      'replace',
      ADDRESS,
      'lladdr',
      '02:00:00:00:00:99',
      'dev',
      'eth0',
    ];
    await outside.run('ip', ...neighbour);
    using echo = await TcpEcho.start(asSandbox(outside), server.sandbox, ADDRESS);
    expect(await echo.echo('here')).toBe('here');
    expect((await flows())[0]).not.toContain('n_packets=0,');
    expect(await flows('cookie=0x77/-1')).toHaveLength(1);
  });

  test('has its flow again when ovs-vswitchd has come anew, and none when it is gone', async () => {
    const { api, node } = fixture;
    await node.killPart('ovs-vswitchd');
    await node.startPart('ovs-vswitchd');
    await expect.poll(() => flows(), RECOVERY).toHaveLength(1);
    api.delete('Service', 'default/web');
    await expect.poll(() => flows(), RECOVERY).toEqual([]);
  });
});
