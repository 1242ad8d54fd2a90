/**
 * Cases M2 and M3 of Kube-OVN's acceptance tests for Multus: interfaces with addresses of one
 * family only, of a Subnet that has both.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../src/common/address.ts';
import type { ControllerFixture } from './controller-fixture.ts';
import {
  type DualNetwork,
  expectRoutes,
  NAMESPACE,
  network,
  PRIMARY,
  podManifest,
  startPrimaryCluster,
} from './controller-multus-fixture.ts';
import {
  expectAnnounced,
  expectAnswers,
  expectNic,
  type Nic,
  northboundRow,
} from './controller-nic.ts';
import { gone } from './controller-observe.ts';

let fixture: ControllerFixture;
let net: DualNetwork;
beforeAll(async () => {
  fixture = await startPrimaryCluster();
  const spec = { enableDHCP: true };
  net = await network(fixture, { name: 'families', kind: 'kube-ovn', octet: 102, spec });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Of a family: where its texts are in pairs, and its names. */
const PLACES = {
  IPv4: { index: 0, option: 'ipv4', column: 'dhcpv4_options', other: 'dhcpv6_options' },
  IPv6: { index: 1, option: 'ipv6', column: 'dhcpv6_options', other: 'dhcpv4_options' },
} as const;

/** Expects that OVN's DHCP server serves a port for this family only. */
async function expectDhcp({ port }: Nic, family: Family): Promise<void> {
  const { index, column, other } = PLACES[family];
  const row = await northboundRow(fixture, 'Logical_Switch_Port', port);
  expect(row?.[other]).toBeNull();
  const options = await northboundRow(fixture, 'DHCP_Options', String(row?.[column]));
  expect(options).toMatchObject({
    cidr: net.cidrs[index],
    external_ids: { vendor: 'kube-ovn', ls: net.subnet, protocol: family },
  });
}

function defaultOfEth0(family: Family): string {
  return `default via ${PRIMARY.gateways[PLACES[family].index]} dev eth0`;
}

test.each([
  ['IPv4', 'IPv6'],
  ['IPv6', 'IPv4'],
] as const)(
  'M2: an interface gets addresses and the default route of %s only',
  async (family, other) => {
    const { index, option } = PLACES[family];
    const keys = `${net.provider}.kubernetes.io`;
    const running = await fixture.pod(
      podManifest('m2', `${NAMESPACE}/families`, {
        [`${keys}/ip_family`]: option,
        [`${keys}/default_route`]: 'true',
      }),
    );
    const { pod, sandbox } = running;
    const nic = await expectNic(fixture, running, net, { families: [family] });
    await expectAnnounced(fixture, pod, [nic]);
    await expectDhcp(nic, family);
    await expectRoutes(sandbox, family, [
      `default via ${net.gateways[index]} dev net1`,
      `${net.cidrs[index]} dev net1`,
    ]);
    await expectRoutes(sandbox, other, [defaultOfEth0(other)]);
    await expectAnswers(sandbox, [net.gateways[index]], 'net1');

    await fixture.kubelet.end(pod);
    await gone(fixture, 'IP', nic.port);
    expect(await northboundRow(fixture, 'Logical_Switch_Port', nic.port)).toBeUndefined();
  },
);

test('M3: two interfaces of one network get addresses of different families', async () => {
  const running = await fixture.pod(
    podManifest(
      'm3',
      [
        { name: 'families', namespace: NAMESPACE, interface: 'net1' },
        { name: 'families', namespace: NAMESPACE, interface: 'net2' },
      ],
      {
        [`${net.provider}.net1.kubernetes.io/ip_family`]: 'ipv4',
        [`${net.provider}.net2.kubernetes.io/ip_family`]: 'ipv6',
      },
    ),
  );
  const { pod, sandbox } = running;
  const nics: Nic[] = [];
  for (const [ifName, family] of [
    ['net1', 'IPv4'],
    ['net2', 'IPv6'],
  ] as const) {
    const provider = `${net.provider}.${ifName}`;
    const nic = await expectNic(fixture, running, net, { ifName, provider, families: [family] });
    const { index } = PLACES[family];
    await expectDhcp(nic, family);
    await expectRoutes(sandbox, family, [
      defaultOfEth0(family),
      `${net.cidrs[index]} dev ${ifName}`,
    ]);
    await expectAnswers(sandbox, [net.gateways[index]], ifName);
    nics.push(nic);
  }
  expect(nics.map(({ port }) => port)).toEqual([
    `m3.${NAMESPACE}.${net.provider}.net1`,
    `m3.${NAMESPACE}.${net.provider}.net2`,
  ]);
  await expectAnnounced(fixture, pod, nics);
});
