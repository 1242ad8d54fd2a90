/** A card and its bridge that exchange their names: whether they have, and the lines that do it. */
import { describe, expect, it } from 'vitest';
import { parseLinks, parseRoutes } from '../../../../../src/daemon/node/provider/kernel.ts';
import {
  dropAltnameLines,
  hasOwnName,
  refuseVlansOn,
  renameLines,
  restoreLines,
} from '../../../../../src/daemon/node/provider/link-exchange.ts';
import { stateOf } from '../../ovs/rows.ts';

const NAMES = { bridge: 'eth1', card: 'br-net1' };
const V4 = { family: 'inet', local: '192.0.2.10', prefixlen: 24, scope: 'global' };
const V6 = { family: 'inet6', local: '2001:db8::10', prefixlen: 64, scope: 'global' };

/** As `ip -j -d address show` has a link. */
function link(ifname: string, more: object = {}) {
  const plain = { ifindex: 7, ifname, mtu: 1500, flags: ['UP'], link_type: 'ether' };
  return { ...plain, addr_info: [], ...more };
}

function links(...all: object[]) {
  return parseLinks(JSON.stringify(all));
}

/** OVS with a bridge of the card's name, of which it has opened that link. */
function ovs(ifindex?: number) {
  const ports = [{ uuid: 'eth1', name: 'eth1', interfaces: ['eth1'] }];
  const interfaces = [
    { uuid: 'eth1', name: 'eth1', ...(ifindex === undefined ? {} : { ifindex }) },
  ];
  return stateOf({
    Bridge: [{ name: 'eth1', ports: new Set(['eth1']) }],
    Port: ports,
    Interface: interfaces,
  });
}

const tap = { linkinfo: { info_kind: 'tun' } };

describe('a card has its own name', () => {
  it('where nothing was done yet', () => {
    expect(hasOwnName(NAMES, links(link('eth1')), stateOf({}))).toBe(true);
  });

  it('not where OVS has that name for its bridge, whatever kind of link the kernel has', () => {
    const there = links(link('eth1', { ...tap, ifindex: 9 }), link('br-net1'));
    expect(hasOwnName(NAMES, there, ovs(9))).toBe(false);
  });

  it('not where the bridge is away', () => {
    expect(hasOwnName(NAMES, links(link('br-net1')), stateOf({}))).toBe(false);
  });

  it('after a reboot, also while OVS has a row for the bridge', () => {
    expect(hasOwnName(NAMES, links(link('eth1', tap)), ovs())).toBe(true);
    expect(hasOwnName(NAMES, links(link('eth1', tap)), ovs(9))).toBe(true);
  });

  it('and gets no name that another link has', () => {
    const both = links(link('eth1'), link('br-net1'));
    expect(() => hasOwnName(NAMES, both, stateOf({}))).toThrow('eth1 cannot be called br-net1');
  });

  it('or is not there', () => {
    const bridgeOnly = links(link('eth1', { ...tap, ifindex: 9 }));
    expect(() => hasOwnName(NAMES, bridgeOnly, ovs(9))).toThrow('nic eth1 does not exist');
    expect(() => hasOwnName(NAMES, links(), stateOf({}))).toThrow('nic eth1 does not exist');
  });
});

describe('the lines of a rename', () => {
  const addresses = { addr_info: [V4, V6, { ...V6, local: 'fe80::1', scope: 'link' }] };
  const route = { type: '1', dst: 'default', table: '254', protocol: '3', scope: '0' };
  const via = { ...route, gateway: '192.0.2.1', dev: 'eth1' };
  const routes = parseRoutes('inet', JSON.stringify([via]), ['eth1']);
  const pairs = [{ link: 'br-net1', port: 'eth1', config: { addresses: [], routes: [] } }];
  const record = { card: 'br-net1', pairs };

  it('bring back what the kernel drops, with the link down for as few of them as can be', () => {
    const there = links(link('eth1', addresses));
    const names = { from: 'eth1', to: 'br-net1' };
    expect(renameLines(names, record, { links: there, routes })).toEqual([
      'address delete 2001:db8::10/64 dev eth1',
      'link set dev eth1 down',
      'link set dev eth1 name br-net1',
      'link set dev br-net1 up',
      'address add 2001:db8::10/64 dev br-net1 nodad',
      'address change 2001:db8::10/64 dev br-net1',
      'route append 0.0.0.0/0 via 192.0.2.1 dev br-net1 table 254 proto 3 scope 0',
    ]);
  });

  it('restore what is recorded and not there any more', () => {
    const there = links(link('br-net1', { flags: [] }));
    const config = {
      addresses: [{ family: 'inet' as const, local: '192.0.2.10', prefixlen: 24, scope: 'global' }],
      routes: [],
    };
    const recorded = { card: 'br-net1', pairs: [{ link: 'br-net1', port: 'eth1', config }] };
    const state = { links: there, routes: [] };
    const lines = renameLines({ from: 'br-net1', to: 'eth1' }, recorded, state);
    expect(lines.slice(-2)).toEqual(['link set dev eth1 up', 'address add 192.0.2.10/24 dev eth1']);
    const whole = {
      links: links(link('eth1', { addr_info: [V4] })),
      routes: parseRoutes('inet', JSON.stringify([via]), ['eth1']),
    };
    const hops = [{ gateway: '192.0.2.1' }];
    const withRoute = { ...config, routes: routes.map((each) => ({ ...each, hops })) };
    const complete = [{ link: 'br-net1', port: 'eth1', config: withRoute }];
    expect(restoreLines(NAMES, complete, whole)).toEqual([]);
    const renamed = { links: links(link('eth1', { flags: [] })), routes: [] };
    expect(restoreLines(NAMES, recorded.pairs, renamed)).toEqual(lines.slice(-2));
  });

  it('free the new name where the card has it beside its own', () => {
    const there = links(link('eth1', { altnames: ['br-net1', 'enp1s0'] }));
    const lines = renameLines({ from: 'eth1', to: 'br-net1' }, record, {
      links: there,
      routes: [],
    });
    expect(lines).toContain('link property del dev eth1 altname br-net1');
    expect(lines.join()).not.toContain('enp1s0');
  });

  it('free the old one where somebody has kept it', () => {
    const kept = links(link('br-net1', { altnames: ['eth1'] }));
    const line = 'link property del dev br-net1 altname eth1';
    expect(dropAltnameLines('br-net1', 'eth1', kept)).toEqual([line]);
    expect(dropAltnameLines('br-net1', 'eth1', links(link('br-net1')))).toEqual([]);
  });
});

it('a card with VLAN interfaces on it is not renamed', () => {
  const vlan = { link: 'eth1', linkinfo: { info_kind: 'vlan', info_data: { id: 10 } } };
  const there = links(link('eth1'), link('eth1.10', vlan));
  expect(() => refuseVlansOn('eth1', there)).toThrow('eth1 has VLAN interfaces on it');
  expect(() => refuseVlansOn('eth2', there)).not.toThrow();
});
