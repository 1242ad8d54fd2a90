/** u2oInterconnection with controller and daemon: OVN's router has a leg on the wire, and pods reach both sides. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningPod } from '../lab/kubelet.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { PROVIDER_NETWORK, providerNetwork, vlanManifests } from '../lab/nodes-on-wire.ts';
import { podRoutes } from '../lab/snapshot.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { type Machine, readyCard, Wire } from '../lab/wire.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { pings } from './observe.ts';

const MODE = '--non-primary-cni-mode=true';
const CARD = 'eth1';
/** Behind the physical gateway. */
const OUTSIDE = '203.0.113.9';

let fixture: ControllerFixture;
let wire: Wire;
let gateway: Machine;
let wired: RunningPod;
let overlay: RunningPod;
let routerIp: string;
beforeAll(async () => {
  fixture = await ControllerFixture.start({
    flags: [MODE],
    daemonFlags: [MODE, '--add-timeout-seconds=60'],
    primary: OTHER_PRIMARY_CONFIG,
    hasCard: false,
  });
  wire = await Wire.start();
  await wire.card(CARD);
  await readyCard(CARD);
  const addresses = ['10.7.100.1/24', `${OUTSIDE}/32`];
  gateway = await wire.machine({ name: 'gateway', vlan: 100, addresses });
  fixture.apply(providerNetwork, ...vlanManifests(100), ovnNetwork('layer3'));
  fixture.apply(subnet('layer3', { cidrBlock: '10.100.0.0/16', provider: 'layer3.default.ovn' }));
  fixture.api.patch('Subnet', 'vlan100', { spec: { u2oInterconnection: true } });
  await fixture.becomes(
    'ProviderNetwork',
    PROVIDER_NETWORK,
    ({ status }) => status?.ready === true,
  );
  const status = await fixture.subnetStatus('vlan100', ({ u2oInterconnectionMAC }) =>
    Boolean(u2oInterconnectionMAC),
  );
  routerIp = String(status.u2oInterconnectionIP);
  const byDefault = (network: string) => ({
    [`${network}.default.ovn.kubernetes.io/default_route`]: 'true',
  });
  wired = await fixture.pod(podOf('wired', 'vlan100', byDefault('vlan100')));
  overlay = await fixture.pod(podOf('overlay', 'layer3', byDefault('layer3')));
});
afterAll(async () => {
  await wire?.stop();
  await fixture[Symbol.asyncDispose]();
});

function addressOf({ interfaces }: RunningPod): string {
  return interfaces.at(-1)?.result.ips?.[0]?.address.split('/')[0] ?? '';
}

describe('a pod on the wire', () => {
  test("has OVN's router for its gateway", async () => {
    const routes = await podRoutes(wired.sandbox, 4);
    expect(routes).toContain(`default via ${routerIp} dev net1`);
  });

  test('and one of an overlay Subnet reach each other', async () => {
    expect(await pings(wired.sandbox, addressOf(overlay))).toBe(true);
    expect(await pings(overlay.sandbox, addressOf(wired))).toBe(true);
  });

  test('reaches the physical gateway itself', async () => {
    expect(await pings(wired.sandbox, '10.7.100.1')).toBe(true);
  });

  test('reaches what is behind the physical gateway, to which the router sends it on', async () => {
    const [link] = JSON.parse(await gateway.run('ip', '-j', 'link', 'show', 'eth0'));
    // Routers of OVN have a MAC of the node's on a VLAN (ovn-controller(8), ovn-chassis-mac-mappings).
    const externalIds = await fixture.node.vsctl('get', 'Open_vSwitch', '.', 'external_ids');
    const [, mac = ''] = /\bphysnet:([0-9a-f:]{17})/.exec(externalIds) ?? [];
    const frames = `ether src ${mac} and ether dst ${link.address}`;
    const dump = await Tcpdump.start(CARD, 1, `${frames} and vlan 100 and icmp`);
    expect(await pings(wired.sandbox, OUTSIDE)).toBe(true);
    expect((await dump.packets()).join()).toContain(`${addressOf(wired)} > ${OUTSIDE}: ICMP echo`);
  });
});
