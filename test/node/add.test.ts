import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import { cni, createSandbox, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { attachmentRow, canPing, mustAdd, mustDelete, rowsOf, sysctl } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet(PRIMARY);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const GATEWAY4 = '172.17.0.1';
const GATEWAY6 = 'fd00:172:17::1';

/** A pod with eth0 on the cluster's own network. */
function primaryPod(ip = (v4: string) => v4.replace('172.17', '10.16')) {
  return fixture.pod({
    nic: (nic) => ({ ...nic, provider: 'ovn', subnet: PRIMARY, ip: ip(nic.ip) }),
  });
}

/** A pod whose NIC has other addresses; `v6` stands for one that follows from its IPv4 address. */
function podWith(change: (nic: NicPlan, v6: string) => NicPlan) {
  return fixture.pod({ nic: (nic) => change(nic, `fd00:172:17::2:${nic.ip.split('.')[3]}`) });
}

test('an ADD makes an interface that reaches its gateway, and a DEL takes it away', async () => {
  const { sandbox, nic } = await fixture.pod();
  const result = await mustAdd(sandbox, 'net1', ovnConfig());
  expect(result.ips).toEqual([{ interface: 0, address: `${nic.ip}/16`, gateway: GATEWAY4 }]);
  expect(await canPing(sandbox, GATEWAY4)).toBe(true);
  const broadcast = await inSandbox(sandbox, 'ip', '-4', 'address', 'show', 'dev', 'net1');
  expect(broadcast).toContain(`inet ${nic.ip}/16 brd 172.17.255.255 `);
  expect(result).not.toHaveProperty('dns');

  await mustDelete(sandbox, 'net1', ovnConfig());
  expect(await inSandbox(sandbox, 'ip', '-br', 'link')).not.toContain('net1');
});

test('eth0 of the primary network has the default route', async () => {
  const { sandbox, nic, pod } = await primaryPod();
  const result = await mustAdd(sandbox, 'eth0', PRIMARY_CONFIG);
  expect(result.ips).toEqual([
    { version: '4', interface: 0, address: `${nic.ip}/16`, gateway: '10.16.0.1' },
  ]);
  expect(result.routes).toEqual([{ dst: '10.16.0.0/16' }, { dst: '0.0.0.0/0', gw: '10.16.0.1' }]);
  expect(await podRoutes(sandbox, 4)).toEqual(['default via 10.16.0.1 dev eth0']);
  expect(await podAddresses(sandbox, 'eth0')).toEqual([`${nic.ip}/16`]);
  const link = await podLink(sandbox, 'eth0');
  expect(link).toMatchObject({
    address: nic.mac,
    operstate: 'UP',
    linkinfo: { info_kind: 'veth' },
  });
  const row = await attachmentRow(fixture.node, sandbox, 'eth0');
  expect(row.external_ids['iface-id']).toBe(`${pod.name}.default`);
  expect(row.name).toBe(`${sandbox.containerId.slice(0, 12)}_h`);
  // Through OVN's router, by the default route.
  expect(await canPing(sandbox, GATEWAY4)).toBe(true);
});

test.each([
  'n',
  'eth1',
  'net10',
  'pod37a8eec1ce1',
  'eth0.100',
  'very_long_name',
  'abcdefghijklmno',
])('an interface may be called %s', async (ifName) => {
  const { sandbox, nic } = await fixture.pod();
  const result = await mustAdd(sandbox, ifName, ovnConfig());
  const { name, mac_in_use: mac } = await attachmentRow(fixture.node, sandbox, ifName);
  expect(result.interfaces).toEqual([
    { name: ifName, mac: nic.mac, sandbox: sandbox.netns },
    { name, mac },
  ]);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(15);
  expect(name).toMatch(/_h$/);
  expect(await canPing(sandbox, GATEWAY4, ifName)).toBe(true);

  await mustDelete(sandbox, ifName, ovnConfig());
  expect(await podLink(sandbox, ifName)).toBeUndefined();
});

test("KubeVirt's interface names lose their prefix and last digits in the host's name", async () => {
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'pod37a8eec1ce1', ovnConfig());
  const { name } = await attachmentRow(fixture.node, sandbox, 'pod37a8eec1ce1');
  expect(name).toBe(`${sandbox.containerId.slice(0, 5)}_37a8eec_h`);
});

describe('sandboxes whose container ids begin alike', () => {
  /** Pods whose container ids share the first 20 digits. */
  async function alike(): Promise<{ sandbox: Sandbox; nic: NicPlan }[]> {
    const pods = [await fixture.pod(), await fixture.pod(), await fixture.pod()];
    const common = pods[0]?.sandbox.containerId.slice(0, 20);
    return pods.map(({ sandbox, nic }) => {
      const containerId = `${common}${sandbox.containerId.slice(20)}`;
      return { nic, sandbox: { ...sandbox, containerId } };
    });
  }

  test.each(['eth0', 'net1', 'pod37a8eec1ce1', 'abcdefghijk', 'abcdefghijklmno'])(
    'all get their %s',
    async (ifName) => {
      const pods = await alike();
      for (const { sandbox } of pods) await mustAdd(sandbox, ifName, ovnConfig());
      for (const { sandbox, nic } of pods) {
        expect(await podAddresses(sandbox, ifName)).toEqual([`${nic.ip}/16`]);
        expect(await canPing(sandbox, GATEWAY4)).toBe(true);
      }
    },
  );

  test('all get their interface when they ask at the same time', async () => {
    const pods = await alike();
    const outcomes = await Promise.all(
      pods.map(({ sandbox }) => cni('ADD', sandbox, 'abcdefghijk', ovnConfig())),
    );
    expect(outcomes.map(({ exitCode, stdout }) => (exitCode === 0 ? '' : stdout))).toEqual(
      pods.map(() => ''),
    );
    for (const { sandbox } of pods) expect(await canPing(sandbox, GATEWAY4)).toBe(true);
  });
});

test('a pod may have several interfaces of one network', async () => {
  const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
  const nics = ['net1', 'net2', 'net3'].map((ifName, index) => ({
    ...nic,
    ip: `172.17.2.${index + 1}`,
    mac: `00:00:00:00:02:0${index + 1}`,
    ifName,
  }));
  for (const each of nics) await fixture.cluster.allocate(pod, each);
  // As Kube-OVN's configuration may say it: with the interface's name, and without.
  await mustAdd(sandbox, 'net1', ovnConfig({ provider: `${ATTACHNET}.net1` }));
  await mustAdd(sandbox, 'net2', ovnConfig());
  await mustAdd(sandbox, 'net3', ovnConfig());
  for (const { ifName, ip, mac } of nics) {
    expect(await podAddresses(sandbox, ifName)).toEqual([`${ip}/16`]);
    expect((await podLink(sandbox, ifName))?.address).toBe(mac);
    const row = await attachmentRow(fixture.node, sandbox, ifName);
    expect(row.external_ids['iface-id']).toBe(`${pod.name}.default.${ATTACHNET}.${ifName}`);
    expect(row.external_ids['ovn-installed']).toBe('true');
  }
});

describe('address families', () => {
  test('an IPv4 NIC has no IPv6 at all', async () => {
    const { sandbox, nic } = await fixture.pod();
    await mustAdd(sandbox, 'net1', ovnConfig());
    const link = await podLink(sandbox, 'net1');
    expect(link?.addr_info.map(({ local }) => local)).toEqual([nic.ip]);
  });

  test('an IPv6 NIC can be used at once, and believes no router advertisement', async () => {
    const { sandbox, nic } = await podWith((plain, v6) => ({ ...plain, ip: v6 }));
    await mustAdd(sandbox, 'net1', ovnConfig());
    const [link, isAnswered] = await Promise.all([
      podLink(sandbox, 'net1'),
      canPing(sandbox, GATEWAY6),
    ]);
    expect(isAnswered).toBe(true);
    const global = link?.addr_info.filter(({ scope }) => scope === 'global');
    expect(global).toHaveLength(1);
    expect(global?.[0]).toMatchObject({ local: nic.ip, prefixlen: 64 });
    expect(global?.[0]).not.toHaveProperty('tentative');
    expect(await sysctl(sandbox, 'net.ipv6.conf.net1.accept_ra')).toBe('0');
  });

  test('a dual-stack eth0 has both addresses and both default routes', async () => {
    const { sandbox, nic } = await primaryPod((v4) =>
      [v4.replace('172.17', '10.16'), `fd00:10:16::2:${v4.split('.')[3]}`].join(','),
    );
    const [v4, v6] = nic.ip.split(',');
    const result = await mustAdd(sandbox, 'eth0', { ...PRIMARY_CONFIG, cniVersion: '1.0.0' });
    expect(result.ips).toEqual([
      { interface: 0, address: `${v4}/16`, gateway: '10.16.0.1' },
      { interface: 0, address: `${v6}/64`, gateway: 'fd00:10:16::1' },
    ]);
    expect(await podAddresses(sandbox, 'eth0')).toEqual([`${v4}/16`, `${v6}/64`]);
    expect(await podRoutes(sandbox, 4)).toEqual(['default via 10.16.0.1 dev eth0']);
    expect(await podRoutes(sandbox, 6)).toEqual(['default via fd00:10:16::1 dev eth0']);
    expect(await canPing(sandbox, GATEWAY4)).toBe(true);
    expect(await canPing(sandbox, GATEWAY6)).toBe(true);
  });

  test('IPv6 works where the runtime switched it off in the new namespace', async () => {
    const { sandbox } = await podWith((plain, v6) => ({ ...plain, ip: `${plain.ip},${v6}` }));
    const off = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'];
    await inSandbox(sandbox, 'sysctl', '-q', '-w', ...off);
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await canPing(sandbox, GATEWAY6)).toBe(true);
  });

  test('an IPv4 NIC has an IPv6 link-local address where its network asks for one, and takes no advertisements', async () => {
    const linkLocal = async (more: object) => {
      const { sandbox } = await fixture.pod();
      await mustAdd(sandbox, 'net1', ovnConfig(more));
      expect(await sysctl(sandbox, 'net.ipv6.conf.net1.accept_ra')).toBe('0');
      return inSandbox(sandbox, 'ip', '-6', '-br', 'address', 'show', 'dev', 'net1');
    };
    expect(await linkLocal({})).toBe('');
    expect(await linkLocal({ ipv6_link_local: true })).toContain('fe80::');
  });

  test("the host's end has no IPv6 link-local address", async () => {
    const { sandbox } = await podWith((plain, v6) => ({ ...plain, ip: v6 }));
    await mustAdd(sandbox, 'net1', ovnConfig());
    const { name } = await attachmentRow(fixture.node, sandbox, 'net1');
    const here: Sandbox = { ...sandbox, netns: '/proc/self/ns/net' };
    const link = await podLink(here, name);
    expect(link).toMatchObject({ operstate: 'UP', addr_info: [] });
  });
});

describe('NICs without an address', () => {
  test('a NIC with only a MAC is up, without address and routes', async () => {
    const { sandbox, nic } = await podWith((plain) => ({ ...plain, ip: '' }));
    const result = await mustAdd(sandbox, 'net1', ovnConfig());
    expect(result.ips ?? []).toEqual([]);
    expect(result.interfaces?.[0]).toMatchObject({ name: 'net1', mac: nic.mac });
    expect(await podLink(sandbox, 'net1')).toMatchObject({ address: nic.mac, operstate: 'UP' });
    expect(await podAddresses(sandbox, 'net1')).toEqual([]);
    expect(await podRoutes(sandbox, 4)).toEqual([]);
    const row = await attachmentRow(fixture.node, sandbox, 'net1');
    expect(row.external_ids).toMatchObject({ 'ovn-installed': 'true' });
    expect(row.external_ids).not.toHaveProperty('ip');
  });

  test('eth0 with only a MAC gets no default route and waits for no routing', async () => {
    const { pod, sandbox } = await primaryPod(() => '');
    fixture.cluster.annotate(pod, { 'ovn.kubernetes.io/routed': null });
    await mustAdd(sandbox, 'eth0', PRIMARY_CONFIG);
    expect(await podRoutes(sandbox, 4)).toEqual([]);
  });

  test('a NIC of a network without IPAM is up, without address', async () => {
    const { sandbox, nic } = await podWith((plain) => ({
      ...plain,
      ip: '',
      more: { cidr: '172.17.0.0/16', gateway: GATEWAY4 },
    }));
    const result = await mustAdd(sandbox, 'net1', ovnConfig());
    expect(result.ips ?? []).toEqual([]);
    expect(await podLink(sandbox, 'net1')).toMatchObject({ address: nic.mac, operstate: 'UP' });
    expect(await podAddresses(sandbox, 'net1')).toEqual([]);
  });
});

test("an address annotation with a mask means the address, with the Subnet's mask", async () => {
  const { sandbox, nic } = await podWith((plain) => ({
    ...plain,
    more: { ip_address: `${plain.ip}/24` },
  }));
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
  const row = await attachmentRow(fixture.node, sandbox, 'net1');
  expect(row.external_ids.ip).toBe(nic.ip);
});

test("a newer sandbox takes the logical switch port, and the older one's port stays", async () => {
  const { pod, sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  const newer = await createSandbox(pod);
  await mustAdd(newer, 'net1', ovnConfig());
  const old = await attachmentRow(fixture.node, sandbox, 'net1');
  expect(old.external_ids).not.toHaveProperty('iface-id');
  const ports = await rowsOf(fixture.node, 'Port');
  expect(ports.map(({ name }) => name)).toContain(old.name);
  expect(await canPing(newer, GATEWAY4)).toBe(true);
});
