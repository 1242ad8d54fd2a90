/**
 * Cases M6, M7 and M9 of Kube-OVN's acceptance tests for Multus: macvlan makes the interface, and
 * Kube-OVN gives it addresses.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { ROUTER } from '../lab/network-card.ts';
import type { ControllerFixture } from './controller-fixture.ts';
import {
  chosenMac,
  type DualNetwork,
  expectRoutes,
  NAMESPACE,
  network,
  PRIMARY,
  podManifest,
  startPrimaryCluster,
} from './controller-multus-fixture.ts';
import { expectAnnounced, expectAnswers, expectNic } from './controller-nic.ts';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await startPrimaryCluster();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Gives the router at the other end of the network card the gateways of a network. */
async function makeGateways({ gateways: [v4, v6] }: DualNetwork): Promise<void> {
  for (const words of [[`${v4}/16`], [`${v6}/112`, 'nodad']])
    await command('ip', ['-n', ROUTER, 'address', 'add', ...words, 'dev', 'wire']);
}

test('M6: macvlan gets addresses for an interface with a MAC of its own', async () => {
  const net = await network(fixture, { name: 'card', kind: 'macvlan', octet: 106 });
  await makeGateways(net);
  const mac = chosenMac();
  const running = await fixture.pod(
    podManifest('m6', [{ name: 'card', namespace: NAMESPACE, mac }]),
  );
  const { sandbox } = running;
  const nic = await expectNic(fixture, running, net);
  expect(nic.mac).toBe(mac);
  await expectAnnounced(fixture, running.pod, [nic]);
  await expectRoutes(sandbox, 'IPv4', [
    `default via ${PRIMARY.gateways[0]} dev eth0`,
    `${net.cidrs[0]} dev net1`,
  ]);
  await expectRoutes(sandbox, 'IPv6', [
    `default via ${PRIMARY.gateways[1]} dev eth0`,
    `${net.cidrs[1]} dev net1`,
  ]);
  await expectAnswers(sandbox, net.gateways, 'net1');
  await expectAnswers(sandbox, PRIMARY.gateways, 'eth0');
});

test('M7: routes for macvlan are in the pod, and its default route replaces that of eth0', async () => {
  const routes = [
    { gw: '10.107.0.1' },
    { dst: '10.207.0.0/16', gw: '10.107.0.77' },
    { gw: 'fd00:10:107::1' },
    { dst: 'fd00:10:207::/112', gw: 'fd00:10:107::77' },
  ];
  const net = await network(fixture, { name: 'routed', kind: 'macvlan', octet: 107, routes });
  await makeGateways(net);
  const mac = chosenMac();
  const running = await fixture.pod(
    podManifest('m7', [{ name: 'routed', namespace: NAMESPACE, mac }]),
  );
  const nic = await expectNic(fixture, running, net);
  expect(nic.mac).toBe(mac);
  await expectAnnounced(fixture, running.pod, [nic]);
  await expectRoutes(running.sandbox, 'IPv4', [
    `default via ${net.gateways[0]} dev net1`,
    `${net.cidrs[0]} dev net1`,
    '10.207.0.0/16 via 10.107.0.77 dev net1',
  ]);
  await expectRoutes(running.sandbox, 'IPv6', [
    `default via ${net.gateways[1]} dev net1`,
    `${net.cidrs[1]} dev net1`,
    'fd00:10:207::/112 via fd00:10:107::77 dev net1',
  ]);
  await expectAnswers(running.sandbox, net.gateways, 'net1');
});

test('M9: a macvlan interface has the MAC and the addresses that its network is asked for', async () => {
  const net = await network(fixture, { name: 'fixed', kind: 'macvlan', octet: 109 });
  await makeGateways(net);
  const mac = chosenMac();
  const ips = ['10.109.3.7', 'fd00:10:109::307'];
  const running = await fixture.pod(
    podManifest('m9', [{ name: 'fixed', namespace: NAMESPACE, mac, ips }]),
  );
  const nic = await expectNic(fixture, running, net);
  expect(nic).toMatchObject({ mac, addresses: ips });
  await expectAnnounced(fixture, running.pod, [nic]);
  await expectAnswers(running.sandbox, net.gateways, 'net1');
});
