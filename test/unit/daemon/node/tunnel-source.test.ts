import { describe, expect, it } from 'vitest';
import { projectNode } from '../../../../src/daemon/model/node.ts';
import { parseInterfacePatterns } from '../../../../src/daemon/node/interface-patterns.ts';
import type { Link } from '../../../../src/daemon/node/links.ts';
import type { TunnelSettings } from '../../../../src/daemon/node/tunnel-settings.ts';
import { findTunnelEnd } from '../../../../src/daemon/node/tunnel-source.ts';

const SETTINGS: TunnelSettings = {
  mtu: 0,
  networkType: 'geneve',
  userspaceInterface: 'br-phy',
  takesHostAddresses: false,
  disablesVxlanOffload: false,
  checksum: true,
};

function link(ifname: string, ...addresses: string[]): Link {
  const addr_info = addresses.map((text) => {
    const [local = '', prefix] = text.split('/');
    const isIpv6 = local.includes(':');
    const isLocal = local === '127.0.0.1' || local.startsWith('fe80');
    const scope = isLocal ? (isIpv6 ? 'link' : 'host') : 'global';
    return { local, prefixlen: Number(prefix), family: isIpv6 ? 'inet6' : 'inet', scope };
  });
  return { ifname, mtu: 1500, addr_info };
}

const LINKS = [
  link('lo', '127.0.0.1/8', '10.255.0.1/32'),
  link('eth0', '10.0.0.1/24', 'fe80::1/64', 'fd00::1/64'),
  link('eth1', 'fe80::2/64'),
  link('eth2', '10.2.0.100/32', '10.2.0.1/24', '10.2.0.2/24'),
  link('eth3'),
  link('br-phy', '10.3.0.1/24'),
];

interface Given {
  readonly iface?: string;
  readonly settings?: Partial<TunnelSettings>;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly internal?: string;
  readonly current?: string;
  readonly sources?: readonly string[];
}

function find({
  iface,
  settings,
  annotations,
  labels,
  internal,
  current = '',
  sources = [],
}: Given) {
  const addresses = internal === undefined ? [] : [{ type: 'InternalIP', address: internal }];
  return findTunnelEnd({
    settings: {
      ...SETTINGS,
      ...(iface === undefined ? {} : { interfaces: parseInterfacePatterns('--iface', iface) }),
      ...settings,
    },
    node: projectNode({ metadata: { annotations, labels }, status: { addresses } }),
    links: LINKS,
    current,
    routeSources: async () => sources,
    bridgeOf: async (name) => (name === 'eth3' ? 'br-phy' : undefined),
  });
}

const TUNNEL_INTERFACE = 'ovn.kubernetes.io/tunnel_interface';
const USERSPACE = { 'ovn.kubernetes.io/ovs_dp_type': 'userspace' };

describe('where the tunnels end', () => {
  it("is where Kube-OVN's order of sources says first", async () => {
    const all: Given = {
      labels: USERSPACE,
      annotations: { [TUNNEL_INTERFACE]: 'eth2' },
      iface: 'eth0',
      settings: { podAddress: '10.9.0.9' },
      current: '10.2.0.2',
      internal: '10.0.0.7',
    };
    const steps: [Given, string, string][] = [
      [all, '10.3.0.1', '--dpdk-tunnel-iface=br-phy (br-phy)'],
      [{ ...all, labels: {} }, '10.2.0.1', `the node's annotation ${TUNNEL_INTERFACE}=eth2 (eth2)`],
      [{ ...all, labels: {}, annotations: {} }, '10.0.0.1', '--iface=eth0 (eth0)'],
      [{ settings: { podAddress: '10.9.0.9' }, current: '10.2.0.2' }, '10.9.0.9', 'POD_IP'],
      [{ current: '10.2.0.2', internal: '10.0.0.7' }, '10.2.0.2', 'ovn-encap-ip of OVS'],
      [{ current: '10.77.0.1', internal: '10.0.0.7' }, '10.0.0.7', "the node's InternalIP"],
    ];
    for (const [given, address, source] of steps) {
      expect(await find(given)).toMatchObject({ address, source });
    }
  });

  it('is kept as OVS has it only where nobody says anything else', async () => {
    expect((await find({ current: '10.2.0.2' })).isKept).toBe(true);
    expect((await find({ current: '10.0.0.1', iface: 'eth0' })).isKept).toBe(false);
  });

  it('is the first interface of those that are meant which has an address', async () => {
    expect((await find({ iface: 'eth[12]' })).address).toBe('10.2.0.1');
    expect((await find({ iface: 'nosuch,eth.*' })).address).toBe('10.0.0.1');
  });

  it('is no address of one host unless those may be taken, nor a link-local one', async () => {
    expect((await find({ iface: 'eth2' })).address).toBe('10.2.0.1');
    const settings = { takesHostAddresses: true };
    expect((await find({ iface: 'eth2', settings })).address).toBe('10.2.0.100');
    expect((await find({ iface: 'lo', settings })).address).toBe('10.255.0.1');
    await expect(find({ iface: 'lo' })).rejects.toThrow(/--iface=lo: .*--host-tunnel-src/);
    await expect(find({ iface: 'eth1' })).rejects.toThrow(/eth1 has no global address/);
  });

  it('is the address that the host itself sends from, where there are several', async () => {
    expect((await find({ iface: 'eth2', sources: ['10.2.0.2'] })).address).toBe('10.2.0.2');
    expect((await find({ iface: 'eth2', sources: ['10.66.0.1'] })).address).toBe('10.2.0.1');
  });

  it('is on the bridge of an interface that is in one', async () => {
    expect(await find({ iface: 'eth3' })).toMatchObject({ address: '10.3.0.1' });
  });

  it('is an error that names who asked for it where there is none', async () => {
    await expect(find({ iface: 'nosuch' })).rejects.toThrow(/^--iface=nosuch: .*no such interface/);
    await expect(find({ annotations: { [TUNNEL_INTERFACE]: '(' } })).rejects.toThrow(
      /annotation ovn.kubernetes.io\/tunnel_interface/,
    );
    await expect(
      find({ labels: USERSPACE, settings: { userspaceInterface: 'br-x' } }),
    ).rejects.toThrow(/^--dpdk-tunnel-iface=br-x/);
    await expect(find({})).rejects.toThrow(/no InternalIP/);
  });

  it.each([
    ['an expression that is wrong', `\u001b[2J(${'a'.repeat(1000)}`],
    ['one that nothing matches', `\u001b[2J${'a'.repeat(1000)}`],
    ['more than any list', '\u001b[2J'.repeat(50_000)],
  ])('is named in a line of its own, however it is written: %s', async (_, annotation) => {
    const found = find({ annotations: { [TUNNEL_INTERFACE]: annotation } });
    const message = await found.then(String, ({ message }: Error) => message);
    expect(message).toMatch(/^the node's annotation ovn.kubernetes.io\/tunnel_interface=/);
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(1000);
  });
});
