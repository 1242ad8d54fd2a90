import { describe, expect, it } from 'vitest';
import {
  desiredSwitch,
  type SwitchContext,
} from '../../../../../src/controller/kinds/subnet/desired-switch.ts';
import type { DesiredAcl } from '../../../../../src/controller/ovn/desired.ts';
import { cidr } from '../../ovn/support.ts';
import { address, subnetOf, vlanObject } from '../object-support.ts';

/** IEEE 802: of one receiver, and locally administered. */
const NEW_MAC = /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/;

function switchOf(spec: object, around: Partial<SwitchContext> = {}) {
  const subnet = subnetOf({ cidrBlock: '10.1.0.0/24', vpc: 'tenant', ...spec }, 'front');
  return desiredSwitch(subnet, { vlan: undefined, nodes: [], nodeAddresses: [], ...around });
}

const vlanOf = (id: number) => vlanObject('vlan7', { id, provider: 'fabric' });

describe('the switch of a Subnet', () => {
  it('is attached to the router of its Vpc, which has the gateway addresses', () => {
    const { attachment, ...rest } = switchOf({
      cidrBlock: '10.1.0.0/24,fd00:1::/64',
      gateway: '10.1.0.254',
    });
    expect(rest).toEqual({ name: 'front', dhcp: [], acls: [] });
    expect(attachment).toEqual({
      vpc: 'tenant',
      gateways: [
        { address: address('10.1.0.254'), prefixLength: 24 },
        { address: address('fd00:1::1'), prefixLength: 64 },
      ],
      newMac: expect.stringMatching(NEW_MAC),
      routeTable: '',
    });
  });

  it('has a new MAC address each time', () => {
    const macs = Array.from({ length: 200 }, () => switchOf({}).attachment?.newMac ?? '');
    expect(new Set(macs).size).toBe(200);
    for (const mac of macs) expect(mac).toMatch(NEW_MAC);
  });

  it('of an underlay is attached to the network outside, and not to the router', () => {
    const { attachment, localnet } = switchOf({ vlan: 'vlan7' }, { vlan: vlanOf(7) });
    expect(attachment).toBeUndefined();
    expect(localnet).toEqual({ network: 'fabric', tag: 7, cidrs: [cidr('10.1.0.0/24')] });
  });

  it('of a Vlan with the id 0 sends without a tag', () => {
    expect(switchOf({ vlan: 'vlan7' }, { vlan: vlanOf(0) }).localnet).toEqual({
      network: 'fabric',
      cidrs: [cidr('10.1.0.0/24')],
    });
  });

  it('of an underlay with a logical gateway is attached to both', () => {
    const wanted = switchOf({ vlan: 'vlan7', logicalGateway: true }, { vlan: vlanOf(7) });
    expect(wanted.attachment?.vpc).toBe('tenant');
    expect(wanted.localnet?.tag).toBe(7);
  });

  describe('of an underlay with a leg of the router', () => {
    const spec = { vlan: 'vlan7', u2oInterconnection: true, cidrBlock: '10.1.0.0/24,fd00:1::/64' };
    const leg = {
      addresses: [address('10.1.0.9'), address('fd00:1::9')],
      mac: '02:00:00:00:00:77',
    };
    const nodeAddresses = [address('10.1.0.200')];
    const wanted = switchOf(spec, { vlan: vlanOf(7), leg, nodeAddresses });

    it('has that beside the gateway, with its own MAC', () => {
      expect(wanted.attachment).toMatchObject({
        vpc: 'tenant',
        mac: '02:00:00:00:00:77',
        gateways: [
          { address: address('10.1.0.9'), prefixLength: 24 },
          { address: address('fd00:1::9'), prefixLength: 64 },
        ],
      });
      expect(wanted.localnet?.tag).toBe(7);
    });

    it('knows the addresses of all nodes', () => {
      expect(wanted.nodes).toEqual(nodeAddresses);
      expect(switchOf({ vlan: 'vlan7' }, { vlan: vlanOf(7), nodeAddresses })).not.toHaveProperty(
        'nodes',
      );
    });

    it('is attached to the network outside alone as long as the leg has no address', () => {
      const without = switchOf(spec, { vlan: vlanOf(7), nodeAddresses });
      expect(without).not.toHaveProperty('attachment');
      expect(without).not.toHaveProperty('nodes');
      expect(without.localnet?.tag).toBe(7);
    });

    it('has its pods take the leg for their router, by DHCP', () => {
      const dhcp = { enableDHCP: true, ...spec };
      const [ipv4] = switchOf(dhcp, { vlan: vlanOf(7), leg }).dhcp;
      expect(ipv4?.options).toMatchObject({ router: '10.1.0.9', mtu: '1400' });
    });
  });

  it('of an underlay has its pods take the gateway outside, with the MTU of a physical network', () => {
    const [dhcp] = switchOf({ enableDHCP: true, vlan: 'vlan7' }, { vlan: vlanOf(7) }).dhcp;
    expect(dhcp?.options).toMatchObject({ router: '10.1.0.1', mtu: '1500' });
  });

  it('without addresses is attached to no router', () => {
    const subnet = subnetOf({ vlan: 'vlan7', u2oInterconnection: true }, 'front');
    const wanted = desiredSwitch(subnet, { vlan: vlanOf(7), nodes: [], nodeAddresses: [] });
    expect(subnet).toMatchObject({ hasRouterPort: true, blocks: [] });
    expect(wanted).not.toHaveProperty('attachment');
  });
});

describe("OVN's DHCP server", () => {
  const optionsOf = (spec: object) =>
    switchOf({ enableDHCP: true, ...spec }).dhcp.map(({ options }) => options);
  const plain = {
    lease_time: '3600',
    router: '10.1.0.1',
    server_id: '169.254.0.254',
    mtu: '1400',
  };

  it('is there only where the Subnet wants it', () => {
    expect(switchOf({}).dhcp).toEqual([]);
  });

  it('is there for each family, with what it has to say', () => {
    const { dhcp } = switchOf({ enableDHCP: true, cidrBlock: '10.1.0.0/24,fd00:1::/64' });
    expect(dhcp).toEqual([
      { cidr: cidr('10.1.0.0/24'), options: plain, newMac: expect.stringMatching(NEW_MAC) },
      { cidr: cidr('fd00:1::/64'), options: {}, newMac: expect.stringMatching(NEW_MAC) },
    ]);
    expect(dhcp[0]?.newMac).not.toBe(dhcp[1]?.newMac);
  });

  it('says the MTU of the Subnet', () => {
    expect(optionsOf({ mtu: 8900 })).toEqual([{ ...plain, mtu: '8900' }]);
  });

  it.each([
    ['lease_time=60', { lease_time: '60' }],
    ['router=10.1.0.9, mtu = 1300,', { router: '10.1.0.9', mtu: '1300' }],
    ['dns_server={1.1.1.1, 8.8.8.8},mtu=1300', { dns_server: '{1.1.1.1,8.8.8.8}', mtu: '1300' }],
    ['mtu=1300,dns_server={1.1.1.1;8.8.8.8}', { dns_server: '{1.1.1.1,8.8.8.8}', mtu: '1300' }],
    ['domain_name="a;b",lease_time=', { domain_name: '"a;b"' }],
    ['', {}],
    ['nonsense', {}],
  ])('says the options %j besides', (dhcpV4Options, more) => {
    expect(optionsOf({ dhcpV4Options })).toEqual([{ ...plain, ...more }]);
  });

  it('says to each family its own options', () => {
    const cidrBlock = '10.1.0.0/24,fd00:1::/64';
    const own = { dhcpV4Options: 'lease_time=60', dhcpV6Options: 'dns_server={fd00::53}' };
    expect(optionsOf({ cidrBlock, ...own })).toEqual([
      { ...plain, lease_time: '60' },
      { dns_server: '{fd00::53}' },
    ]);
  });
});

describe('the rules of a Subnet', () => {
  const matches = (acls: readonly DesiredAcl[]) =>
    acls.map(({ priority, match, action }) => [priority, match, action]);
  const within = 'ip4.src == 10.1.0.0/24 && ip4.dst == 10.1.0.0/24';
  const own = { direction: 'to-lport', priority: 1111, match: 'tcp', action: 'drop' };

  it('keep others away from a private one, but for those that it allows and the nodes', () => {
    const spec = { private: true, allowSubnets: ['10.2.0.0/24'] };
    const { acls } = switchOf(spec, { nodes: [cidr('100.64.0.0/16'), cidr('fd00:64::/112')] });
    expect(matches(acls)).toEqual([
      [1000, 'ip', 'drop'],
      [1001, within, 'allow-related'],
      [3000, 'ip4.src == 100.64.0.0/16', 'allow-related'],
      [1001, expect.stringContaining('10.2.0.0/24'), 'allow-related'],
    ]);
  });

  it('are its own, after those that make it private', () => {
    expect(matches(switchOf({ acls: [own] }).acls)).toEqual([[1111, 'tcp', 'drop']]);
    expect(matches(switchOf({ private: true, acls: [own] }).acls).at(-1)).toEqual([
      1111,
      'tcp',
      'drop',
    ]);
  });

  it('let traffic within it pass where it says so', () => {
    const { acls } = switchOf({ acls: [own], allowEWTraffic: true });
    expect(matches(acls).filter(([, match]) => match === within)).toHaveLength(2);
  });
});
