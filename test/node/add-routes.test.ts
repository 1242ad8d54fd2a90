import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import { inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podLink, podRoutes } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { attachmentRow, canPing, mustAdd } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet(PRIMARY);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Annotations of attachnet that every NIC of the pod shares. */
function attachnet(name: string, value: unknown): Record<string, string> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { [`${ATTACHNET}.kubernetes.io/${name}`]: text };
}

function onPrimary(nic: NicPlan): NicPlan {
  return { ...nic, provider: 'ovn', subnet: PRIMARY, ip: nic.ip.replace('172.17', '10.16') };
}

function dualStack(nic: NicPlan): NicPlan {
  return { ...nic, ip: `${nic.ip},fd00:172:17::2:${nic.ip.split('.')[3]}` };
}

/** The routes that a NIC has beside the one of its own network, in any order. */
async function expectRoutes(sandbox: Sandbox, family: 4 | 6, routes: readonly string[]) {
  expect((await podRoutes(sandbox, family)).sort()).toEqual([...routes].sort());
}

describe('routes', () => {
  test('an attached NIC has no default route by itself, and its gateway in the result asks for none', async () => {
    const { sandbox } = await fixture.pod();
    const result = await mustAdd(sandbox, 'net1', ovnConfig());
    await expectRoutes(sandbox, 4, []);
    expect(result.ips?.[0]?.gateway).toBe('172.17.0.1');
    expect(result.routes).toEqual([{ dst: '172.17.0.0/16' }]);
  });

  test('come from the network configuration', async () => {
    const { sandbox } = await fixture.pod();
    const routes = [
      { dst: '19.10.0.0/16', gw: '172.17.0.1' },
      { dst: '10.99.0.7', gw: '172.17.0.2' },
    ];
    const result = await mustAdd(sandbox, 'net1', ovnConfig({ routes }));
    await expectRoutes(sandbox, 4, [
      '19.10.0.0/16 via 172.17.0.1 dev net1',
      '10.99.0.7 via 172.17.0.2 dev net1',
    ]);
    expect(result.routes).toEqual([
      { dst: '172.17.0.0/16' },
      { dst: '19.10.0.0/16', gw: '172.17.0.1' },
      { dst: '10.99.0.7/32', gw: '172.17.0.2' },
    ]);
  });

  test("come from the pod's annotation, host bits cut off, and are in the result", async () => {
    const { sandbox } = await fixture.pod({
      annotations: attachnet('routes', [
        { dst: '192.168.0.101/24', gw: '172.17.0.254' },
        { gw: '172.17.0.254' },
      ]),
    });
    const result = await mustAdd(sandbox, 'net1', ovnConfig());
    await expectRoutes(sandbox, 4, [
      '192.168.0.0/24 via 172.17.0.254 dev net1',
      'default via 172.17.0.254 dev net1',
    ]);
    expect(result.routes).toEqual([
      { dst: '172.17.0.0/16' },
      { dst: '192.168.0.0/24', gw: '172.17.0.254' },
      { dst: '0.0.0.0/0', gw: '172.17.0.254' },
    ]);
  });

  test('of the annotation win over those of the configuration', async () => {
    const { sandbox } = await fixture.pod({
      annotations: attachnet('routes', [{ dst: '10.50.0.0/16', gw: '172.17.0.3' }]),
    });
    const routes = [
      { dst: '10.50.0.0/16', gw: '172.17.0.2' },
      { dst: '10.51.0.0/16', gw: '172.17.0.2' },
    ];
    await mustAdd(sandbox, 'net1', ovnConfig({ routes }));
    await expectRoutes(sandbox, 4, [
      '10.50.0.0/16 via 172.17.0.3 dev net1',
      '10.51.0.0/16 via 172.17.0.2 dev net1',
    ]);
  });

  test('without a destination replace the default route of eth0', async () => {
    const { sandbox } = await fixture.pod({
      nic: onPrimary,
      annotations: { 'ovn.kubernetes.io/routes': '[{"gw": "10.16.0.254"}]' },
    });
    const result = await mustAdd(sandbox, 'eth0', PRIMARY_CONFIG);
    await expectRoutes(sandbox, 4, ['default via 10.16.0.254 dev eth0']);
    expect(result.routes).toEqual([
      { dst: '10.16.0.0/16' },
      { dst: '0.0.0.0/0', gw: '10.16.0.254' },
    ]);
  });

  test('are of both families', async () => {
    const { sandbox } = await fixture.pod({
      nic: dualStack,
      annotations: attachnet('routes', [
        { dst: 'fd00:99::/48', gw: 'fd00:172:17::1' },
        { gw: 'fd00:172:17::fe' },
        { dst: '10.60.0.0/16', gw: '172.17.0.1' },
      ]),
    });
    await mustAdd(sandbox, 'net1', ovnConfig());
    await expectRoutes(sandbox, 4, ['10.60.0.0/16 via 172.17.0.1 dev net1']);
    await expectRoutes(sandbox, 6, [
      'fd00:99::/48 via fd00:172:17::1 dev net1',
      'default via fd00:172:17::fe dev net1',
    ]);
  });
});

describe('default_route', () => {
  test('"true" gives net1 the default route, and the result its gateways', async () => {
    const { sandbox } = await fixture.pod({
      nic: dualStack,
      annotations: attachnet('default_route', 'true'),
    });
    const result = await mustAdd(sandbox, 'net1', ovnConfig());
    await expectRoutes(sandbox, 4, ['default via 172.17.0.1 dev net1']);
    await expectRoutes(sandbox, 6, ['default via fd00:172:17::1 dev net1']);
    const gateways = result.ips?.map(({ gateway }) => gateway);
    expect(gateways).toEqual(['172.17.0.1', 'fd00:172:17::1']);
  });

  test('"false" takes it from eth0, so that net1 of the same pod can have it', async () => {
    const { pod, sandbox, nic } = await fixture.pod({
      nic: onPrimary,
      annotations: {
        'ovn.kubernetes.io/default_route': 'false',
        ...attachnet('default_route', 'true'),
      },
    });
    // Without a default route nothing waits for routing.
    fixture.cluster.annotate(pod, { 'ovn.kubernetes.io/routed': null });
    const { v4, mac } = fixture.next();
    const net1: NicPlan = {
      ...nic,
      provider: ATTACHNET,
      subnet: fixture.attachnet,
      ip: v4,
      mac,
    };
    await fixture.cluster.allocate(pod, net1);
    const result = await mustAdd(sandbox, 'eth0', PRIMARY_CONFIG);
    expect(result.ips?.[0]?.gateway).toBe('10.16.0.1');
    await expectRoutes(sandbox, 4, []);
    await mustAdd(sandbox, 'net1', ovnConfig());
    await expectRoutes(sandbox, 4, ['default via 172.17.0.1 dev net1']);
    expect(await canPing(sandbox, '10.16.0.1', 'eth0')).toBe(true);
  });

  describe('with a network twice', () => {
    /** A pod with net1 and net2 of attachnet, as Kube-OVN's controller annotates it. */
    async function twice(annotations: Record<string, string>) {
      const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
      for (const ifName of ['net1', 'net2']) {
        const { v4, mac } = fixture.next();
        await fixture.cluster.allocate(pod, { ...nic, ip: v4, mac, ifName });
        fixture.cluster.annotate(pod, { [`${ATTACHNET}.${ifName}.kubernetes.io/routed`]: 'true' });
      }
      fixture.cluster.annotate(pod, {
        [`${ATTACHNET}.kubernetes.io/routed`]: null,
        ...annotations,
      });
      for (const ifName of ['net1', 'net2']) await mustAdd(sandbox, ifName, ovnConfig());
      return sandbox;
    }

    test("the network's key gives it to the first NIC", async () => {
      const sandbox = await twice(attachnet('default_route', 'true'));
      await expectRoutes(sandbox, 4, ['default via 172.17.0.1 dev net1']);
    });

    test("a NIC's own key gives it to that one", async () => {
      const own = { [`${ATTACHNET}.net2.kubernetes.io/default_route`]: 'true' };
      for (const annotations of [own, { ...own, ...attachnet('default_route', 'true') }]) {
        const sandbox = await twice(annotations);
        await expectRoutes(sandbox, 4, ['default via 172.17.0.1 dev net2']);
      }
    });

    test("a NIC's own routes are instead of the network's", async () => {
      const routes = (dst: string) => JSON.stringify([{ dst, gw: '172.17.0.1' }]);
      const sandbox = await twice({
        ...attachnet('routes', routes('10.98.0.0/16')),
        [`${ATTACHNET}.net2.kubernetes.io/routes`]: routes('10.99.0.0/16'),
      });
      await expectRoutes(sandbox, 4, [
        '10.98.0.0/16 via 172.17.0.1 dev net1',
        '10.99.0.0/16 via 172.17.0.1 dev net2',
      ]);
    });
  });

  test("is the Subnet's gateway where u2oInterconnection is without effect, for want of a Vlan", async () => {
    const subnet = await fixture.cluster.createSubnet({
      name: 'u2o',
      provider: 'u2o.default.ovn',
      cidrBlock: '10.70.0.0/16',
      gateway: '10.70.0.1',
      spec: { u2oInterconnection: true, disableGatewayCheck: true },
    });
    fixture.api.patch('Subnet', 'u2o', { status: { u2oInterconnectionIP: '10.70.0.7' } });
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, provider: 'u2o.default.ovn', subnet, ip: '10.70.0.20' }),
      annotations: { 'u2o.default.ovn.kubernetes.io/default_route': 'true' },
    });
    const result = await mustAdd(sandbox, 'net1', ovnConfig({ provider: 'u2o.default.ovn' }));
    await expectRoutes(sandbox, 4, ['default via 10.70.0.1 dev net1']);
    expect(result.routes).toEqual([{ dst: '10.70.0.0/16' }, { dst: '0.0.0.0/0', gw: '10.70.0.1' }]);
  });
});

describe('the MTU, on both ends of the veth pair,', () => {
  async function mtus(sandbox: Sandbox): Promise<(number | undefined)[]> {
    const { name } = await attachmentRow(fixture.node, sandbox, 'net1');
    const host = await podLink({ ...sandbox, netns: '/proc/self/ns/net' }, name);
    return [(await podLink(sandbox, 'net1'))?.mtu, host?.mtu];
  }

  test("is the daemon's where the Subnet has none", async () => {
    const { sandbox } = await fixture.pod();
    const result = await mustAdd(sandbox, 'net1', ovnConfig({ cniVersion: '1.1.0' }));
    expect(await mtus(sandbox)).toEqual([1400, 1400]);
    expect(result.interfaces?.[0]?.mtu).toBe(1400);
  });

  test("is the Subnet's where it has one, and packets of that size pass", async () => {
    const subnet = await fixture.cluster.createSubnet({
      name: 'small',
      provider: 'small.default.ovn',
      cidrBlock: '10.71.0.0/16',
      gateway: '10.71.0.1',
      spec: { mtu: 1300 },
    });
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, provider: 'small.default.ovn', subnet, ip: '10.71.0.20' }),
    });
    const config = ovnConfig({ provider: 'small.default.ovn', cniVersion: '1.1.0' });
    const result = await mustAdd(sandbox, 'net1', config);
    expect(await mtus(sandbox)).toEqual([1300, 1300]);
    expect(result.interfaces?.[0]?.mtu).toBe(1300);
    // 20 bytes of IPv4 header and 8 of ICMP.
    const largest = ['ping', '-c', '1', '-W', '1', '-M', 'do', '-s', '1272', '10.71.0.1'];
    expect(await inSandbox(sandbox, 'env', ...largest)).toContain('1 received');
  });
});
