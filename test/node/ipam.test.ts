/** Addresses for Debian's own plugins: macvlan, bridge, host-device, and chains of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SubnetPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { play } from '../lab/multus.ts';
import { cni, createSandbox, inSandbox, outcomeInSandbox } from '../lab/runtime.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import { type Fixture, ovnConfig } from './fixture.ts';
import {
  DUAL,
  delegated,
  dualPod,
  ETH0_DEFAULT_4,
  ETH0_DEFAULT_6,
  macvlanConfig,
  macvlanSubnet,
  samplePod,
  startIpamNode,
  succeeded,
} from './ipam-fixture.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startIpamNode();
});
afterAll(() => fixture[Symbol.asyncDispose]());

test("the documentation's macvlan pod gets its address and reaches its neighbour", async () => {
  const networks = { [NETWORKS]: 'default/macvlan' };
  const one = await samplePod(fixture, networks, { ip: '172.17.0.11' });
  const two = await samplePod(fixture, networks, { ip: '172.17.0.12' });
  const result = succeeded(await play('ADD', one.sandbox, one.request));
  succeeded(await play('ADD', two.sandbox, two.request));

  expect(result.cniVersion).toBe('0.3.0');
  expect(result.ips).toEqual([
    { version: '4', address: '172.17.0.11/16', interface: 0, gateway: '172.17.0.1' },
  ]);
  expect(await podAddresses(one.sandbox, 'net1')).toEqual(['172.17.0.11/16']);
  expect((await podLink(one.sandbox, 'net1'))?.linkinfo?.info_kind).toBe('macvlan');
  expect(await podRoutes(one.sandbox, 4)).toEqual([]);
  const ping = await outcomeInSandbox(one.sandbox, 'ping', '-c1', '-W2', '172.17.0.12');
  expect(ping.exitCode, ping.stdout).toBe(0);

  succeeded(await play('DEL', one.sandbox, one.request));
  expect(await podLink(one.sandbox, 'net1')).toBeUndefined();
  succeeded(await play('DEL', two.sandbox, two.request));
});

test("the documentation's pod with a fixed address gets that address", async () => {
  const { sandbox, request } = await samplePod(
    fixture,
    {
      [NETWORKS]: 'default/macvlan',
      'ovn.kubernetes.io/ip_address': '10.16.0.15',
      'ovn.kubernetes.io/mac_address': '00:00:00:53:6B:B6',
      'macvlan.default.kubernetes.io/ip_address': '172.17.0.100',
      'macvlan.default.kubernetes.io/mac_address': '00:00:00:53:6B:BB',
    },
    { ip: '172.17.0.100', mac: '00:00:00:53:6B:BB' },
  );
  succeeded(await play('ADD', sandbox, request));
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.100/16']);
  succeeded(await play('DEL', sandbox, request));
});

test('a MAC that the networks annotation asks for does not disturb the addresses', async () => {
  const networks = JSON.stringify([{ name: 'macvlan', mac: '00:00:00:53:6B:BB' }]);
  const { sandbox, request } = await samplePod(
    fixture,
    { [NETWORKS]: networks },
    { ip: '172.17.0.101' },
  );
  succeeded(await play('ADD', sandbox, request));
  expect((await podLink(sandbox, 'net1'))?.address).toBe('00:00:00:53:6b:bb');
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.101/16']);
  succeeded(await play('DEL', sandbox, request));
});

test('a Subnet of provider ovn gives the address where the logical_switch annotation names it', async () => {
  const subnet: SubnetPlan = { ...macvlanSubnet, name: 'named', provider: 'ovn' };
  fixture.api.create({
    kind: 'Subnet',
    metadata: { name: 'named' },
    spec: { protocol: 'IPv4', provider: 'ovn', cidrBlock: '172.17.0.0/16', gateway: '172.17.0.1' },
  });
  const config = macvlanConfig('named.default');
  const unnamed = fixture.cluster.createPod(fixture.next().name);
  const refused = await cni('ADD', await createSandbox(unnamed), 'net1', config);
  expect(refused.result?.msg).toContain('"named.default" is not bound to any Subnet');

  const key = 'named.default.kubernetes.io/logical_switch';
  const pod = fixture.cluster.createPod(fixture.next().name, { [key]: 'named' });
  const nic = { provider: 'named.default', subnet, ip: '172.17.0.13' };
  await fixture.cluster.allocate(pod, nic);
  const sandbox = await createSandbox(pod);
  succeeded(await cni('ADD', sandbox, 'net1', config));
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.13/16']);
  succeeded(await cni('DEL', sandbox, 'net1', config));
});

test('a dual stack pod has both addresses, also where IPv6 was switched off', async () => {
  const one = await dualPod(fixture);
  const two = await dualPod(fixture);
  await inSandbox(one.sandbox, 'sysctl', '-q', '-w', 'net.ipv6.conf.default.disable_ipv6=1');
  const result = succeeded(await cni('ADD', one.sandbox, 'net1', macvlanConfig(DUAL)));
  succeeded(await cni('ADD', two.sandbox, 'net1', macvlanConfig(DUAL)));
  expect(result.ips?.map(({ address }) => address)).toEqual(one.addresses);
  expect(await podAddresses(one.sandbox, 'net1')).toEqual(one.addresses);
  for (const target of two.ip.split(',')) {
    const ping = await outcomeInSandbox(one.sandbox, 'ping', '-c1', '-W2', target);
    expect(ping.exitCode, ping.stdout).toBe(0);
  }
});

test('the result records its node in the IP object, as for any NIC', async () => {
  const { sandbox, pod } = await dualPod(fixture);
  const name = `${pod.name}.default.${DUAL}`;
  succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(DUAL)));
  await expect.poll(() => fixture.api.get('IP', name).spec).toMatchObject({ nodeName: 'node1' });
});

test('routes of the configuration and of the annotation end up in the pod beside its default routes', async () => {
  const annotated = [{ dst: '10.99.0.0/16', gw: '172.18.0.253' }];
  const { sandbox } = await dualPod(fixture, {
    [`${DUAL}.kubernetes.io/routes`]: JSON.stringify(annotated),
  });
  const routes = [
    { dst: '192.168.0.101/24', gw: '172.18.0.254' },
    { dst: 'fd00:99::/64', gw: 'fd00:172:18::fe' },
  ];
  const result = succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(DUAL, { routes })));
  expect(result.routes).toEqual([
    { dst: '192.168.0.0/24', gw: '172.18.0.254' },
    { dst: 'fd00:99::/64', gw: 'fd00:172:18::fe' },
    { dst: '10.99.0.0/16', gw: '172.18.0.253' },
  ]);
  expect(await podRoutes(sandbox, 4)).toEqual([
    ETH0_DEFAULT_4,
    '10.99.0.0/16 via 172.18.0.253 dev net1',
    '192.168.0.0/24 via 172.18.0.254 dev net1',
  ]);
  expect(await podRoutes(sandbox, 6)).toEqual([
    'fd00:99::/64 via fd00:172:18::fe dev net1',
    ETH0_DEFAULT_6,
  ]);
});

const NEW_4 = { gw: '172.18.0.254' };
const NEW_6 = { dst: '::/0', gw: 'fd00:172:18::fe' };
const NET1_DEFAULT_4 = 'default via 172.18.0.254 dev net1';
const NET1_DEFAULT_6 = 'default via fd00:172:18::fe dev net1';

test.each([
  { family: 'IPv4', routes: [NEW_4], v4: [NET1_DEFAULT_4], v6: [ETH0_DEFAULT_6] },
  { family: 'IPv6', routes: [NEW_6], v4: [ETH0_DEFAULT_4], v6: [NET1_DEFAULT_6] },
  { family: 'both families', routes: [NEW_4, NEW_6], v4: [NET1_DEFAULT_4], v6: [NET1_DEFAULT_6] },
])('a default route of $family takes the place of exactly that in the pod', async (wanted) => {
  const { sandbox } = await dualPod(fixture);
  const config = macvlanConfig(DUAL, { routes: wanted.routes });
  succeeded(await cni('ADD', sandbox, 'net1', config));
  expect(await podRoutes(sandbox, 4)).toEqual(wanted.v4);
  expect(await podRoutes(sandbox, 6)).toEqual(wanted.v6);
  const policy = await inSandbox(sandbox, 'ip', 'route', 'show', 'table', '100');
  expect(policy).toContain('default via 10.16.0.7 dev eth0');
});

test('an annotated default route takes the place of all of its family, on whatever interface', async () => {
  const { sandbox } = await dualPod(fixture, {
    [`${DUAL}.kubernetes.io/routes`]: JSON.stringify([NEW_4]),
  });
  const second = 'route add default via 10.16.0.3 dev eth0 metric 50';
  await inSandbox(sandbox, 'ip', ...second.split(' '));
  await inSandbox(sandbox, 'ip', 'route', 'add', 'default', 'dev', 'eth0-peer', 'metric', '60');
  succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(DUAL)));
  expect(await podRoutes(sandbox, 4)).toEqual([NET1_DEFAULT_4]);
});

test('a NIC that default_route makes the default one takes over from the other NIC', async () => {
  const { sandbox } = await dualPod(fixture, { [`${DUAL}.kubernetes.io/default_route`]: 'true' });
  const result = succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(DUAL)));
  expect(result.ips?.map(({ gateway }) => gateway)).toEqual(['172.18.0.1', 'fd00:172:18::1']);
  expect(await podRoutes(sandbox, 4)).toEqual(['default via 172.18.0.1 dev net1']);
  expect(await podRoutes(sandbox, 6)).toEqual(['default via fd00:172:18::1 dev net1']);
});

test('macvlan as the main NIC gets the default routes of its Subnet', async () => {
  const { pod, addresses } = await dualPod(fixture);
  const sandbox = await createSandbox(pod);
  succeeded(await cni('ADD', sandbox, 'eth0', macvlanConfig(DUAL)));
  expect((await podAddresses(sandbox, 'eth0')).sort()).toEqual([...addresses].sort());
  expect(await podRoutes(sandbox, 4)).toEqual(['default via 172.18.0.1 dev eth0']);
  expect(await podRoutes(sandbox, 6)).toEqual(['default via fd00:172:18::1 dev eth0']);
});

test('bridge takes the addresses, and makes their gateway its own', async () => {
  const { sandbox, addresses } = await dualPod(fixture);
  const dns = { nameservers: ['10.96.0.10'], domain: 'lab', search: ['a.lab'], options: ['x'] };
  const config = delegated('bridge', DUAL, { bridge: 'cni0', isGateway: true, dns });
  const result = succeeded(await cni('ADD', sandbox, 'net1', config));
  expect(result.dns).toEqual(dns);
  expect(await podAddresses(sandbox, 'net1')).toEqual(addresses);
  const ping = await outcomeInSandbox(sandbox, 'ping', '-c1', '-W2', '172.18.0.1');
  expect(ping.exitCode, ping.stdout).toBe(0);
  expect(await podRoutes(sandbox, 4)).toEqual([ETH0_DEFAULT_4]);

  succeeded(await cni('DEL', sandbox, 'net1', config));
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
});

test('host-device moves its device into the pod with the addresses, and back on DEL', async () => {
  await command('ip', ['link', 'add', 'device0', 'type', 'veth', 'peer', 'name', 'device1']);
  const { sandbox, addresses } = await dualPod(fixture);
  const config = delegated('host-device', DUAL, { device: 'device0' });
  succeeded(await cni('ADD', sandbox, 'net1', config));
  expect((await podAddresses(sandbox, 'net1')).sort()).toEqual([...addresses].sort());
  succeeded(await cni('DEL', sandbox, 'net1', config));
  const back = JSON.parse(await command('ip', ['-j', 'address', 'show', 'dev', 'device0']));
  expect(back[0].addr_info.filter(({ scope }: { scope: string }) => scope === 'global')).toEqual(
    [],
  );
});

test.each(['0.3.1', '0.4.0', '1.0.0'])(
  'a chain of macvlan and tuning in version %s passes our addresses on',
  async (cniVersion) => {
    const { sandbox, addresses } = await dualPod(fixture);
    const first = { ...macvlanConfig(DUAL), cniVersion };
    const prevResult = succeeded(await cni('ADD', sandbox, 'net1', first));
    const second = { cniVersion, type: 'tuning', mtu: 1300, prevResult };
    const result = succeeded(await cni('ADD', sandbox, 'net1', second));
    expect(result.ips?.map(({ address }) => address)).toEqual(addresses);
    expect(await podLink(sandbox, 'net1')).toMatchObject({ mtu: 1300 });
    succeeded(await cni('DEL', sandbox, 'net1', second));
    succeeded(await cni('DEL', sandbox, 'net1', { ...first, prevResult: result }));
    expect(await podLink(sandbox, 'net1')).toBeUndefined();
  },
);

test.each(['0.3.1', '0.4.0', '1.0.0'])(
  'tuning after a Kube-OVN NIC in version %s reads our result',
  async (cniVersion) => {
    const { sandbox, nic } = await fixture.pod();
    const first = ovnConfig({ cniVersion });
    const prevResult = succeeded(await cni('ADD', sandbox, 'net1', first));
    const second = { cniVersion, type: 'tuning', mtu: 1300, prevResult };
    const result = succeeded(await cni('ADD', sandbox, 'net1', second));
    expect(result.interfaces?.[0]).toMatchObject({ name: 'net1', mac: nic.mac });
    expect(result.ips?.[0]).toMatchObject({ address: `${nic.ip}/16`, interface: 0 });
    expect(await podLink(sandbox, 'net1')).toMatchObject({ mtu: 1300 });
    succeeded(await cni('DEL', sandbox, 'net1', { ...first, prevResult: result }));
    expect(await podLink(sandbox, 'net1')).toBeUndefined();
  },
);
