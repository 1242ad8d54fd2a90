/** NICs on a provider network that OVN's router has an address on, too: u2o interconnection. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SubnetPlan } from '../lab/cluster.ts';
import { inSandbox, outcomeInSandbox, type Sandbox } from '../lab/runtime.ts';
import { podRoutes } from '../lab/snapshot.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { makeProviderBridge, readyCard, Wire } from '../lab/wire.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { census, expectNode, failedAdd, mustAdd, mustDelete, pings, startAdd } from './observe.ts';
import { configOn, createUnderlay, PHYSNET, podOnUnderlay } from './underlay-fixture.ts';

const NIC = 'eth1';
const ROUTER_PORT = 'ovn-cluster-wired';
const ROUTER_MAC = '00:00:00:aa:bb:cc';
const ROUTER_IP = '10.92.0.2';
const MTU_LABEL = `${PHYSNET}.provider-network.kubernetes.io/mtu`;

let fixture: Fixture;
let wire: Wire;
let subnet: SubnetPlan;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=2']);
  const { node, api } = fixture;
  wire = await Wire.start();
  await wire.card(NIC);
  await readyCard(NIC);
  await makeProviderBridge(node, { network: PHYSNET, nic: NIC });
  api.patch('Node', node.chassis, { metadata: { labels: { [MTU_LABEL]: '1500' } } });
  const spec = { cidrBlock: '10.92.0.0/16', gateway: '10.92.0.1', u2oInterconnection: true };
  const made = await createUnderlay(fixture, { name: 'wired', octet: 92, vlan: 100, spec });
  subnet = { ...made, cidrBlock: spec.cidrBlock, gateway: spec.gateway };
  await wire.machine({ name: 'router', vlan: 100, addresses: ['10.92.0.1/16'] });
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
