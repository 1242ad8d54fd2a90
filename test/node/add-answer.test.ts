import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tcpThroughput } from '../lab/iperf3.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import { inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { attachmentRow, canPing, mustAdd } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet(PRIMARY);
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('the result', () => {
  /** A dual-stack net1 with the default route: a result with all there can be in it. */
  async function added(cniVersion: string) {
    const { sandbox, nic } = await fixture.pod({
      nic: (plain) => ({ ...plain, ip: `${plain.ip},fd00:172:17::2:${plain.ip.split('.')[3]}` }),
      annotations: { [`${ATTACHNET}.kubernetes.io/default_route`]: 'true' },
    });
    const result = await mustAdd(sandbox, 'net1', ovnConfig({ cniVersion }));
    const [v4, v6] = nic.ip.split(',');
    const { name, mac_in_use: mac } = await attachmentRow(fixture.node, sandbox, 'net1');
    return { result, sandbox, nic, host: { name, mac }, v4: `${v4}/16`, v6: `${v6}/64` };
  }
  const routes = [
    { dst: '172.17.0.0/16' },
    { dst: 'fd00:172:17::/64' },
    { dst: '0.0.0.0/0', gw: '172.17.0.1' },
    { dst: '::/0', gw: 'fd00:172:17::1' },
  ];

  test.each(['0.1.0', '0.2.0'])('in version %s has one address of each family', async (version) => {
    const { result, v4, v6 } = await added(version);
    expect(result).toEqual({
      cniVersion: version,
      ip4: { ip: v4, gateway: '172.17.0.1', routes: [routes[0], routes[2]] },
      ip6: { ip: v6, gateway: 'fd00:172:17::1', routes: [routes[1], routes[3]] },
    });
  });

  test.each(['0.3.0', '0.3.1', '0.4.0'])(
    'in version %s says the family of addresses',
    async (version) => {
      const { result, sandbox, nic, host, v4, v6 } = await added(version);
      expect(result).toEqual({
        cniVersion: version,
        interfaces: [{ name: 'net1', mac: nic.mac, sandbox: sandbox.netns }, host],
        ips: [
          { version: '4', interface: 0, address: v4, gateway: '172.17.0.1' },
          { version: '6', interface: 0, address: v6, gateway: 'fd00:172:17::1' },
        ],
        routes,
      });
    },
  );

  test.each(['1.0.0', '1.1.0'])(
    'in version %s does not, and 1.1.0 has the MTU',
    async (version) => {
      const { result, sandbox, nic, host, v4, v6 } = await added(version);
      const mtu = version === '1.1.0' ? { mtu: 1400 } : {};
      expect(result).toEqual({
        cniVersion: version,
        interfaces: [{ name: 'net1', mac: nic.mac, sandbox: sandbox.netns, ...mtu }, host],
        ips: [
          { interface: 0, address: v4, gateway: '172.17.0.1' },
          { interface: 0, address: v6, gateway: 'fd00:172:17::1' },
        ],
        routes,
      });
    },
  );

  test('has the DNS of the network configuration', async () => {
    const { sandbox } = await fixture.pod();
    const dns = { nameservers: ['10.96.0.10'], search: ['svc.cluster.local'] };
    expect((await mustAdd(sandbox, 'net1', ovnConfig({ dns }))).dns).toEqual(dns);
  });
});

describe('external_ids of the Interface row', () => {
  test('of an attached NIC are what Kube-OVN writes, and our key', async () => {
    const { pod, sandbox, nic } = await fixture.pod({
      nic: (plain) => ({ ...plain, ip: `${plain.ip},fd00:172:17::2:${plain.ip.split('.')[3]}` }),
    });
    await mustAdd(sandbox, 'net1', ovnConfig());
    const row = await attachmentRow(fixture.node, sandbox, 'net1');
    const { 'ovn-installed-ts': _installedAt, ...ids } = row.external_ids;
    expect(ids).toEqual({
      'iface-id': `${pod.name}.default.${ATTACHNET}`,
      'iface-id-ver': pod.uid,
      vendor: 'kube-ovn',
      pod_name: pod.name,
      pod_namespace: 'default',
      pod_netns: sandbox.netns,
      ip: nic.ip,
      container_id: sandbox.containerId,
      if_name: 'net1',
      provider: ATTACHNET,
      network: 'net',
      'ovn-installed': 'true',
    });
    expect(row.name).toBe(`${sandbox.containerId.slice(0, 8)}_net1_h`);
  });

  test('name the KubeVirt VM instead of its pod, and the node network of the Subnet', async () => {
    fixture.api.patch('Node', fixture.node.chassis, {
      metadata: {
        annotations: { 'ovn.kubernetes.io/node_networks': '{"storage": "127.0.0.1"}' },
      },
    });
    const subnet = await fixture.cluster.createSubnet({
      name: 'storage',
      provider: 'storage.default.ovn',
      cidrBlock: '10.80.0.0/16',
      gateway: '10.80.0.1',
      spec: { nodeNetwork: 'storage' },
    });
    const storage = { provider: 'storage.default.ovn', subnet, ip: '10.80.0.9' };
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, ...storage, more: { virtualmachine: 'vm1' } }),
    });
    await mustAdd(sandbox, 'net1', ovnConfig({ provider: 'storage.default.ovn' }));
    const { external_ids } = await attachmentRow(fixture.node, sandbox, 'net1');
    expect(external_ids).toMatchObject({
      'iface-id': 'vm1.default.storage.default.ovn',
      pod_name: 'vm1',
      'encap-ip': '127.0.0.1',
    });
  });
});

test('TX checksum offload is off in the pod, and TCP works', async () => {
  const [server, client] = [await fixture.pod(), await fixture.pod()];
  for (const { sandbox } of [server, client]) {
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await inSandbox(sandbox, 'ethtool', '-k', 'net1')).toMatch(/^tx-checksumming: off/m);
  }
  const mbps = await tcpThroughput(client.sandbox, server.sandbox, server.nic.ip, 1);
  expect(mbps).toBeGreaterThan(20);
});

describe('the IP object', () => {
  /** How the object of a pod's NIC looks once the daemon has written it. */
  function recorded(name: string) {
    return fixture.api.until('IP', name, ({ spec }) => spec?.nodeName !== '');
  }

  test('gets the node and its labels after the answer', async () => {
    const { pod, sandbox } = await fixture.pod();
    const name = `${pod.name}.default.${ATTACHNET}`;
    // Nobody answers the write: if it came before the answer, there would be none.
    fixture.api.faults.silence();
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(fixture.api.get('IP', name).spec?.nodeName).toBe('');
    fixture.api.faults.resume();
    const { spec, metadata } = await recorded(name);
    expect(spec?.nodeName).toBe(fixture.node.chassis);
    expect(metadata.labels).toMatchObject({
      'ovn.kubernetes.io/node-name': fixture.node.chassis,
      attachnet: '',
    });
  });

  test('of eth0 is named after the pod', async () => {
    const { pod, sandbox } = await fixture.pod({
      nic: (nic) => ({
        ...nic,
        provider: 'ovn',
        subnet: PRIMARY,
        ip: nic.ip.replace('172.17', '10.16'),
      }),
    });
    await mustAdd(sandbox, 'eth0', PRIMARY_CONFIG);
    const { metadata } = await recorded(`${pod.name}.default`);
    expect(metadata.labels).toMatchObject({ 'ovn-default': '' });
  });
});

describe("a NIC's Subnet", () => {
  /** What tells Subnets apart: their MTU. */
  async function subnet(name: string, provider: string, mtu: number, octet: number) {
    return fixture.cluster.createSubnet({
      name,
      provider,
      cidrBlock: `10.${octet}.0.0/16`,
      gateway: `10.${octet}.0.1`,
      spec: { mtu },
    });
  }

  async function mtuOf(sandbox: Sandbox, provider: string): Promise<number | undefined> {
    const config = ovnConfig({ provider, cniVersion: '1.1.0' });
    return (await mustAdd(sandbox, 'net1', config)).interfaces?.[0]?.mtu;
  }

  test('may be one of provider ovn that its logical_switch annotation names', async () => {
    const plan = await subnet('tenant', 'ovn', 1310, 91);
    const provider = 'tenant-nad.default.ovn';
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, provider, subnet: plan, ip: '10.91.0.5' }),
    });
    expect(await mtuOf(sandbox, provider)).toBe(1310);
    expect(await podAddresses(sandbox, 'net1')).toEqual(['10.91.0.5/16']);
    expect(await canPing(sandbox, '10.91.0.1')).toBe(true);
  });

  test('is the one with its provider where the annotation is missing', async () => {
    const provider = 'plain.default.ovn';
    const plan = await subnet('plain', provider, 1320, 92);
    const { pod, sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, provider, subnet: plan, ip: '10.92.0.5' }),
    });
    fixture.cluster.annotate(pod, { [`${provider}.kubernetes.io/logical_switch`]: null });
    expect(await mtuOf(sandbox, provider)).toBe(1320);
  });

  test('is the one of the annotation where another has its provider', async () => {
    const provider = 'both.default.ovn';
    await subnet('both-a', provider, 1330, 93);
    const plan = await subnet('both-b', 'ovn', 1340, 94);
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, provider, subnet: plan, ip: '10.94.0.5' }),
    });
    expect(await mtuOf(sandbox, provider)).toBe(1340);
  });
});
