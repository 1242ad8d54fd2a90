/** Which links and bridges a provider network may take of a node. */
import { describe, expect, it } from 'vitest';
import { fitCard, refuseForeignBridge } from '../../../../../src/daemon/node/provider/fitness.ts';
import { parseLinks } from '../../../../../src/daemon/node/provider/kernel.ts';
import { findBridge, isOwnBridge } from '../../../../../src/daemon/node/provider/ovs-bridge.ts';
import { takeDown } from '../../../../../src/daemon/node/provider/take-down.ts';
import { stateOf } from '../../ovs/rows.ts';
import { RecordingLog } from '../../recording-log.ts';

const OURS = { vendor: 'kube-ovn' };

/** As `ip -j -d address show` has a link. */
const link = (ifname: string, kind = '', more: object = {}) => ({
  ...{ ifindex: 7, ifname, mtu: 1500, flags: ['UP'], link_type: 'ether', addr_info: [] },
  ...(kind === '' ? {} : { linkinfo: { info_kind: kind } }),
  ...more,
});

const links = parseLinks(
  JSON.stringify([
    link('lo', '', { link_type: 'loopback', flags: ['LOOPBACK', 'UP'] }),
    link('eth1'),
    link('eth1.10', 'vlan', { link: 'eth1' }),
    link('veth1', 'veth'),
    link('bond0', 'bond'),
    link('eth2', '', { master: 'bond0' }),
    link('blue', 'vrf'),
    link('eth3', '', { master: 'blue' }),
    link('cni0', 'bridge'),
    link('veth2', 'veth', { master: 'cni0' }),
    link('flannel.1', 'vxlan'),
    link('kube-ipvs0', 'dummy'),
    link('wg0', 'wireguard', { link_type: 'none' }),
    link('genev_sys_6081', 'geneve', { master: 'ovs-system' }),
    link('ovs-netdev', 'tun'),
    link('ovs-system', 'openvswitch'),
    link('eth4', '', { master: 'ovs-system' }),
    link('ovn0', 'tun'),
    link('br-int', 'tun'),
    link('br-net1', 'tun'),
    link('podx_h', 'veth'),
  ]),
);

/** OVS has the integration bridge, and the bridge of provider network net1 with card eth4. */
const state = stateOf({
  Open_vSwitch: [{ external_ids: { 'ovn-bridge-mappings': 'net1:br-net1' } }],
  Bridge: [
    { name: 'br-int', external_ids: OURS, ports: new Set(['br-int', 'ovn0', 'podx_h']) },
    { name: 'br-net1', external_ids: OURS, ports: new Set(['br-net1', 'eth4']) },
    { name: 'br-ex', ports: new Set() },
  ],
  Port: ['br-int', 'ovn0', 'podx_h', 'br-net1', 'eth4'].map((name) => ({
    ...{ uuid: name, name, interfaces: [name], external_ids: OURS },
  })),
  Interface: ['br-int', 'ovn0', 'podx_h', 'br-net1', 'eth4'].map((name) => ({ uuid: name, name })),
});

function refusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the card of a provider network', () => {
  const said = (card: string, bridge = 'br-net2') =>
    refusal(() => fitCard(card, links, { state, bridge }));

  it.each(['eth1', 'eth1.10', 'veth1', 'bond0'])('can be %s', (card) => {
    expect(fitCard(card, links, { state, bridge: 'br-net2' }).name).toBe(card);
  });

  it('can be what is a port of its bridge already', () => {
    expect(said('eth4', 'br-net1')).toBeUndefined();
  });

  it('is no link that does not lead to a physical network: loopback, tunnels, bridges and the like', () => {
    const only = 'name a network card, a bond or a VLAN interface';
    expect(said('lo')).toBe(`nic lo is no Ethernet interface: ${only}`);
    expect(said('wg0')).toBe(`nic wg0 is no Ethernet interface: ${only}`);
    expect(said('cni0')).toBe(`nic cni0 is a bridge: ${only}`);
    expect(said('flannel.1')).toBe(`nic flannel.1 is a tunnel: ${only}`);
    expect(said('genev_sys_6081')).toBe(`nic genev_sys_6081 is a tunnel: ${only}`);
    expect(said('kube-ipvs0')).toBe(`nic kube-ipvs0 is a dummy link: ${only}`);
    expect(said('blue')).toBe(`nic blue is a VRF: ${only}`);
    expect(said('ovs-system')).toBe(`nic ovs-system is a link of OVS itself: ${only}`);
    expect(said('ovs-netdev')).toBe(`nic ovs-netdev is a link of OVS itself: ${only}`);
  });

  it("is nothing of OVS's: no bridge, and no port of another one", () => {
    expect(said('br-int')).toBe('nic br-int is an OVS bridge itself');
    expect(said('br-net1')).toBe('nic br-net1 is an OVS bridge itself');
    expect(said('br-net1', 'br-net1')).toBe('nic br-net1 is an OVS bridge itself');
    expect(said('ovn0')).toBe('nic ovn0 is a port of the OVS bridge br-int');
    expect(said('podx_h')).toBe('nic podx_h is a port of the OVS bridge br-int');
    expect(said('eth4')).toBe('nic eth4 is a port of the OVS bridge br-net1');
  });

  it('is no member of something else', () => {
    expect(said('eth2')).toBe('nic eth2 belongs to bond0: name bond0 instead');
    expect(said('eth3')).toBe('nic eth3 belongs to blue: take it out of there first');
    expect(said('veth2')).toBe('nic veth2 belongs to cni0: take it out of there first');
  });
});

describe('the bridge of a provider network', () => {
  const said = (network: string, bridge: string, mappings = '') =>
    refusal(() =>
      refuseForeignBridge(network, findBridge(state, bridge), { 'ovn-bridge-mappings': mappings }),
    );

  it("can be one that there is not, one of Kube-OVN's, and one that was mapped to the network by hand", () => {
    expect(said('net9', 'br-net9')).toBeUndefined();
    expect(said('net1', 'br-net1')).toBeUndefined();
    expect(said('ex', 'br-ex', 'ex:br-ex')).toBeUndefined();
  });

  it('is none that somebody else has made', () => {
    expect(said('ex', 'br-ex')).toMatch(/^the OVS bridge br-ex is not Kube-OVN's: /);
    expect(said('ex', 'br-ex', 'physnet:br-ex')).toMatch(/^the OVS bridge br-ex is not Kube-OVN's/);
  });

  it("is never OVN's own, whatever that bridge says", async () => {
    const bridge = findBridge(state, 'br-int');
    expect(bridge && isOwnBridge(bridge)).toBe(false);
    const calls: unknown[] = [];
    const parts = {
      ovs: { fresh: async () => state },
      vsctl: async (commands: readonly string[]) => String(calls.push(commands)),
      ...{ log: new RecordingLog(), boot: 'x' },
    };
    await takeDown(parts, 'int');
    expect(calls).toEqual([]);
  });
});
