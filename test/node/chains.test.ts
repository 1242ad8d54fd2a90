/**
 * Networks of Debian's own plugins as their documentation shows them (cni.dev, "Plugins"), with
 * addresses of ours, and lists in which they follow a Kube-OVN NIC.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan, SubnetPlan } from '../lab/cluster.ts';
import { command, outcomeOf } from '../lab/command.ts';
import { addList, checkList, deleteList, type NetworkList } from '../lab/network-list.ts';
import { type CniResult, cni, createSandbox, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import { TcpEcho } from '../lab/tcp-echo.ts';
import { type Fixture, ovnConfig } from './fixture.ts';
import { delegated, dualPod, ETH0_DEFAULT_4, startIpamNode, succeeded } from './ipam-fixture.ts';
import {
  attachmentRow,
  canPing,
  type census,
  expectNode,
  pings,
  sysctl as sysctlOf,
  census as take,
} from './observe.ts';

/** Its gateway is not the first address, which a pod has. */
const LAST: SubnetPlan = {
  name: 'last',
  provider: 'last.default',
  cidrBlock: '172.19.0.0/24,fd00:172:19::/64',
  gateway: '172.19.0.254,fd00:172:19::fe',
};

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startIpamNode();
  await fixture.cluster.createSubnet(LAST);
});
afterAll(() => fixture[Symbol.asyncDispose]());

let hosts = 0;
/** A pod with the next addresses of LAST, and an eth0 of another plugin unless it is `bare`. */
async function podOfLast(isBare = false) {
  hosts += 1;
  const ip = `172.19.0.${hosts},fd00:172:19::${hosts.toString(16)}`;
  const nic = { provider: LAST.provider, subnet: LAST, ip };
  if (isBare) {
    const pod = fixture.cluster.createPod(fixture.next().name);
    await fixture.cluster.allocate(pod, nic);
    return { sandbox: await createSandbox(pod), addresses: ip.split(',') };
  }
  const { pod, sandbox } = await dualPod(fixture);
  await fixture.cluster.allocate(pod, nic);
  return { sandbox, addresses: ip.split(',') };
}

function listOf(...plugins: NetworkList['plugins']): NetworkList {
  return { cniVersion: '1.0.0', name: 'net', plugins };
}

/**
 * ADD, what `look` wants to see, CHECK and DEL; the interface is gone afterwards.
 * @param options.unchecked types of plugins whose CHECK finds fault with its own work, whoever
 *   gives the addresses
 */
async function live(
  list: NetworkList,
  sandbox: Sandbox,
  look: (result: CniResult) => Promise<void>,
  options: { ifName?: string; args?: object; unchecked?: readonly string[] } = {},
): Promise<void> {
  const { ifName = 'net1', unchecked = [] } = options;
  const args = { ...options.args };
  const result = succeeded(await addList(list, sandbox, ifName, args));
  await look(result);
  const checked = list.plugins.filter(({ type }) => !unchecked.includes(type));
  if (checked.length > 0) {
    succeeded(await checkList({ ...list, plugins: checked }, sandbox, ifName, result, args));
  }
  succeeded(await deleteList(list, sandbox, ifName, result, args));
  expect(await podLink(sandbox, ifName)).toBeUndefined();
}

/** Debian's 1.1.1 compares its rules with what iptables makes of them. */
const PORTMAP_CHECK = { unchecked: ['portmap'] };
/** It looks for the route of its network in the main table, from where sbr takes it. */
const MACVLAN_CHECK = { unchecked: ['macvlan'] };

const gatewaysOf = ({ ips = [] }: CniResult) => ips.map(({ gateway }) => gateway);

describe('bridge', () => {
  test("with isGateway has the Subnet's gateway, and not the address of its first pod", async () => {
    const { sandbox, addresses } = await podOfLast();
    expect(addresses[0]).toBe('172.19.0.1');
    const config = delegated('bridge', LAST.provider, { bridge: 'cni1', isGateway: true });
    await live(listOf(config), sandbox, async (result) => {
      expect(gatewaysOf(result)).toEqual(LAST.gateway.split(','));
      const bridge = await command('ip', ['-br', 'address', 'show', 'dev', 'cni1']);
      expect(bridge).toContain('172.19.0.254/24');
      expect(bridge).not.toContain('172.19.0.1/');
      for (const gateway of LAST.gateway.split(',')) {
        expect(await pings(sandbox, gateway)).toBe(true);
      }
      expect(await podRoutes(sandbox, 4)).toEqual([ETH0_DEFAULT_4]);
    });
    await command('ip', ['link', 'delete', 'cni1']);
  });

  test('with isDefaultGateway is the default gateway of a dual stack pod', async () => {
    const { sandbox } = await podOfLast(true);
    const more = { bridge: 'cni2', isGateway: true, isDefaultGateway: true, hairpinMode: true };
    const config = delegated('bridge', LAST.provider, more);
    const look = async () => {
      expect(await podRoutes(sandbox, 4)).toEqual(['default via 172.19.0.254 dev eth0']);
      expect(await podRoutes(sandbox, 6)).toEqual(['default via fd00:172:19::fe dev eth0']);
      expect(await pings(sandbox, '172.19.0.254')).toBe(true);
    };
    await live(listOf(config), sandbox, look, { ifName: 'eth0' });
    await command('ip', ['link', 'delete', 'cni2']);
  });
});

describe('ptp', () => {
  test('makes the main interface of two pods, which reach the node and each other', async () => {
    await command('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1']);
    const config = delegated('ptp', LAST.provider, { ipMasq: false, mtu: 1400 });
    const [one, two] = [await podOfLast(true), await podOfLast(true)];
    const result = succeeded(await addList(listOf(config), two.sandbox, 'eth0'));
    const look = async () => {
      expect((await podRoutes(one.sandbox, 4)).sort()).toEqual([
        '172.19.0.0/24 via 172.19.0.254 dev eth0',
        '172.19.0.254 dev eth0',
        'default via 172.19.0.254 dev eth0',
      ]);
      expect(await canPing(one.sandbox, '172.19.0.254')).toBe(true);
      expect(await canPing(one.sandbox, two.addresses[0] ?? '')).toBe(true);
    };
    await live(listOf(config), one.sandbox, look, { ifName: 'eth0' });
    succeeded(await deleteList(listOf(config), two.sandbox, 'eth0', result));
  });

  test('with portmap opens a port of the node for its pod', async () => {
    const { sandbox, addresses } = await podOfLast(true);
    const ptp = delegated('ptp', LAST.provider);
    const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true };
    const portMappings = [{ hostPort: 8080, containerPort: 7777, protocol: 'tcp' }];
    const list = listOf(ptp, portmap);
    const look = async () => {
      // Listens on port 7777; its client is not used.
      using _echo = await TcpEcho.start(sandbox, sandbox, addresses[0] ?? '');
      await command('ip', ['address', 'replace', '192.0.2.1/32', 'dev', 'lo']);
      const socket = connect(8080, '192.0.2.1');
      socket.write('through the node\n');
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toBe('through the node\n');
      socket.destroy();
    };
    await live(list, sandbox, look, { ifName: 'eth0', args: { portMappings }, ...PORTMAP_CHECK });
  });
});

describe('sbr', () => {
  /** Table 100 has the NIC's own default route; the pod's eth0 keeps its own. */
  async function expectSourceRouting(sandbox: Sandbox, address: string, gateway: string) {
    const rules = await inSandbox(sandbox, 'ip', 'rule');
    const table = new RegExp(`from ${address} lookup (\\d+)`).exec(rules)?.[1] ?? 'none';
    const routes = await inSandbox(sandbox, 'ip', 'route', 'show', 'table', table);
    expect(routes).toContain(`default via ${gateway} dev net1`);
    expect((await podRoutes(sandbox, 4)).filter((route) => route.startsWith('default'))).toEqual([
      ETH0_DEFAULT_4,
    ]);
  }

  test('after macvlan routes what comes from the NIC by its gateway', async () => {
    const { sandbox, addresses } = await podOfLast();
    // Table 100, which the plugin takes first, is the fixture's.
    await inSandbox(sandbox, 'ip', 'route', 'flush', 'table', '100');
    const macvlan = delegated('macvlan', LAST.provider, { master: 'eth0', mode: 'bridge' });
    const look = () => expectSourceRouting(sandbox, addresses[0] ?? '', '172.19.0.254');
    await live(listOf(macvlan, { type: 'sbr' }), sandbox, look, MACVLAN_CHECK);
  });

  test('after a Kube-OVN NIC does the same', async () => {
    const { pod, sandbox } = await dualPod(fixture);
    const nic = await allocateAttachnet(pod);
    await inSandbox(sandbox, 'ip', 'route', 'flush', 'table', '100');
    await live(listOf(ovnConfig(), { type: 'sbr' }), sandbox, () =>
      expectSourceRouting(sandbox, nic.ip, '172.17.0.1'),
    );
  });
});

async function allocateAttachnet(pod: Sandbox['pod']): Promise<NicPlan> {
  const { v4, mac } = fixture.next();
  const nic = { provider: 'attachnet.default.ovn', subnet: fixture.attachnet, ip: v4, mac };
  await fixture.cluster.allocate(pod, nic);
  return nic;
}

describe('host-device', () => {
  test('gets its addresses where its configuration names the device as Multus does', async () => {
    const { sandbox, addresses } = await podOfLast();
    await command('ip', ['link', 'add', 'device2', 'type', 'veth', 'peer', 'name', 'device3']);
    // The plugin itself looks at what it knows of these; Debian's finds no such PCI device.
    const ids = { deviceID: '0000:03:00.1', pciBusID: '0000:03:00.1' };
    const asked = delegated('host-device', LAST.provider, ids);
    const answered = succeeded(await cni('ADD', sandbox, 'net1', asked, {}, {}, 'kube-ovn'));
    expect(answered.ips?.map(({ address }) => address.split('/')[0])).toEqual(addresses);
    const { exitCode } = await cni(
      'CHECK',
      sandbox,
      'net1',
      { ...asked, prevResult: answered },
      {},
      {},
      'kube-ovn',
    );
    expect(exitCode).toBe(0);
    const config = delegated('host-device', LAST.provider, { device: 'device2' });
    await live(listOf(config), sandbox, async () => {
      expect((await podAddresses(sandbox, 'net1')).length).toBe(2);
    });
  });
});

test('macvlan gets its addresses with the ids of an RDMA device in its configuration', async () => {
  const { sandbox, addresses } = await podOfLast();
  const ids = { deviceID: '0000:03:00.1', pciBusID: '0000:03:00.1', vf_driver: 'mlx5_core' };
  const more = { master: 'eth0', mode: 'bridge', ...ids };
  await live(listOf(delegated('macvlan', LAST.provider, more)), sandbox, async ({ ips }) => {
    expect(ips?.map(({ address }) => address.split('/')[0])).toEqual(addresses);
  });
});

test('static beside a Kube-OVN NIC has its addresses, and each its own', async () => {
  const { sandbox, nic } = await fixture.pod();
  await live(listOf(ovnConfig()), sandbox, async () => {
    const addresses = [{ address: '192.0.2.7/24', gateway: '192.0.2.1' }];
    const ipam = { type: 'static', addresses };
    const other = listOf({ type: 'macvlan', master: 'eth0', mode: 'bridge', ipam });
    const look = async () => {
      expect(await podAddresses(sandbox, 'net2')).toEqual(['192.0.2.7/24']);
      expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
    };
    await live(other, sandbox, look, { ifName: 'net2' });
  });
});

describe('after a Kube-OVN NIC', () => {
  let before: Awaited<ReturnType<typeof census>>;
  let sandbox: Sandbox;
  let nic: NicPlan;
  async function setUp() {
    ({ sandbox, nic } = await fixture.pod());
    before = await take(fixture.node);
  }

  const MBIT = 1_000_000;
  const BANDWIDTH = { ingressRate: 8 * MBIT, ingressBurst: 8 * MBIT };

  test('bandwidth finds the end of the veth pair on the node, and shapes it', async () => {
    await setUp();
    const list = listOf(ovnConfig(), { type: 'bandwidth', capabilities: { bandwidth: true } });
    const look = async ({ interfaces = [], ips = [] }: CniResult) => {
      const row = await attachmentRow(fixture.node, sandbox, 'net1');
      const [own, host] = interfaces;
      expect(own).toMatchObject({ name: 'net1', sandbox: sandbox.netns });
      expect(host).toEqual({ name: row.name, mac: row.mac_in_use });
      expect(ips).toMatchObject([{ interface: 0 }]);
      const shaped = await command('tc', ['qdisc', 'show', 'dev', row.name]);
      expect(shaped).toContain('qdisc tbf 1: root');
      // OVS does other work on its bridge, and does not take the limit for its own.
      const { sandbox: other } = await fixture.pod();
      succeeded(await cni('ADD', other, 'net1', ovnConfig()));
      succeeded(await cni('DEL', other, 'net1', ovnConfig()));
      await fixture.node.switchDone();
      expect(await command('tc', ['qdisc', 'show', 'dev', row.name])).toEqual(shaped);
      expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
    };
    await live(list, sandbox, look, { args: { bandwidth: BANDWIDTH } });
  });

  test('tuning changes the interface in the pod', async () => {
    await setUp();
    const sysctl = { 'net.ipv4.conf.net1.arp_filter': '1' };
    const tuning = { type: 'tuning', sysctl, promisc: true };
    await live(listOf(ovnConfig(), tuning), sandbox, async ({ interfaces }) => {
      expect(interfaces).toHaveLength(2);
      expect(await sysctlOf(sandbox, 'net.ipv4.conf.net1.arp_filter')).toBe('1');
      const link = await inSandbox(sandbox, 'ip', 'link', 'show', 'dev', 'net1');
      expect(link).toContain('PROMISC');
    });
  });

  test('portmap makes its rules, which are gone after the DEL', async () => {
    await setUp();
    const portmap = { type: 'portmap', capabilities: { portMappings: true } };
    const portMappings = [{ hostPort: 8081, containerPort: 80, protocol: 'tcp' }];
    const look = async () => {
      const rules = await command('iptables-save', ['-t', 'nat']);
      expect(rules).toContain(`--to-destination ${nic.ip}:80`);
    };
    await live(listOf(ovnConfig(), portmap), sandbox, look, {
      args: { portMappings },
      ...PORTMAP_CHECK,
    });
    expect(await command('iptables-save', ['-t', 'nat'])).not.toContain(nic.ip);
  });

  test('firewall accepts the traffic of the address, until the DEL', async () => {
    await setUp();
    const firewall = { type: 'firewall', backend: 'iptables' };
    await live(listOf(ovnConfig(), firewall), sandbox, async () => {
      expect(await command('iptables-save', ['-t', 'filter'])).toContain(`-s ${nic.ip}/32`);
    });
    expect(await command('iptables-save', ['-t', 'filter'])).not.toContain(nic.ip);
  });

  test('bandwidth, tuning, sbr, portmap and firewall follow one another', async () => {
    await setUp();
    const list = listOf(
      ovnConfig(),
      { type: 'tuning' },
      { type: 'bandwidth', capabilities: { bandwidth: true } },
      { type: 'sbr' },
      { type: 'firewall', backend: 'iptables' },
      { type: 'portmap', capabilities: { portMappings: true } },
    );
    const portMappings = [{ hostPort: 8082, containerPort: 80, protocol: 'tcp' }];
    const args = { bandwidth: BANDWIDTH, portMappings };
    // sbr has moved the NIC's routes: only what comes from its address takes them.
    const look = async () => {
      expect(await canPing(sandbox, '172.17.0.1', nic.ip)).toBe(true);
    };
    await live(list, sandbox, look, { args, ...PORTMAP_CHECK });
    await expectNode(fixture.node, before);
  });

  test('vrf puts the interface into its VRF, where the kernel has them', async (context) => {
    const probe = await outcomeOf('ip', ['link', 'add', 'vrf9', 'type', 'vrf', 'table', '9']);
    if (probe.exitCode !== 0) context.skip(`the kernel has no VRF: ${probe.stderr.trim()}`);
    await command('ip', ['link', 'delete', 'vrf9']);
    await setUp();
    await live(listOf(ovnConfig(), { type: 'vrf', vrfname: 'blue' }), sandbox, async () => {
      const link = JSON.parse(await inSandbox(sandbox, 'ip', '-j', 'link', 'show', 'net1'));
      expect(link[0]).toMatchObject({ master: 'blue' });
    });
  });
});
