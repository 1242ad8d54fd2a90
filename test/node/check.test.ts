/** CHECKs that must find nothing: right after the ADD, of every kind of NIC. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import { cni, inSandbox } from '../lab/runtime.ts';
import { nodeState, podRoutes, podState } from '../lab/snapshot.ts';
import { type Attached, expectHealthy, healthyNic, ip } from './check-fixture.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { attachmentRow, mustAdd } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet(PRIMARY);
});
afterAll(() => fixture[Symbol.asyncDispose]());

function v6Of(nic: NicPlan): string {
  return `fd00:172:17::3:${nic.ip.split('.')[3]}`;
}

function annotated(name: string, value: string): Record<string, string> {
  return { [`${ATTACHNET}.kubernetes.io/${name}`]: value };
}

describe('right after the ADD nothing differs', () => {
  test.each<[string, (nic: NicPlan) => NicPlan]>([
    ['IPv4', (nic) => nic],
    ['IPv6', (nic) => ({ ...nic, ip: v6Of(nic) })],
    ['dual stack', (nic) => ({ ...nic, ip: `${nic.ip},${v6Of(nic)}` })],
    ['a MAC only', (nic) => ({ ...nic, ip: '' })],
    ['no IPAM', (nic) => ({ ...nic, ip: '', more: { cidr: '172.17.0.0/16' } })],
    ['rates', (nic) => ({ ...nic, more: { ingress_rate: '10', egress_rate: '20' } })],
    [
      'rates with bursts',
      (nic) => ({
        ...nic,
        more: { ingress_rate: '10', ingress_burst: '4', egress_rate: '20', egress_burst: '5' },
      }),
    ],
    ['a rate to the pod', (nic) => ({ ...nic, more: { ingress_rate: '7' } })],
    ['rates of 0', (nic) => ({ ...nic, more: { ingress_rate: '0', egress_rate: '0' } })],
    ['a MAC in capitals', (nic) => ({ ...nic, mac: '00:00:00:00:AB:CD' })],
  ])('in a NIC with %s', async (_, nic) => {
    await healthyNic(fixture, { nic });
  });

  test.each(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])('in version %s', async (cniVersion) => {
    const annotations = annotated('default_route', 'true');
    await healthyNic(fixture, { annotations }, { cniVersion });
  });

  // CHECK came with 0.4.0.
  test.each(['0.4.0', '1.0.0', '1.1.0'])('for the executable in version %s', async (cniVersion) => {
    const annotations = annotated('default_route', 'true');
    const { sandbox, result } = await healthyNic(fixture, { annotations }, { cniVersion });
    const config = ovnConfig({ cniVersion, prevResult: result });
    const { exitCode, stdout } = await cni('CHECK', sandbox, 'net1', config);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    await ip({ sandbox, result }, 'route delete default');
    const failed = await cni('CHECK', sandbox, 'net1', config);
    const said = 'route to 0.0.0.0/0: expected via 172.17.0.1, found none';
    const msg = expect.stringContaining(said);
    expect(failed).toMatchObject({ exitCode: 1, result: { cniVersion, code: 112, msg } });
  });

  test('in eth0 of the primary network, dual stack', async () => {
    const { sandbox } = await fixture.pod({
      nic: (nic) => {
        const v4 = nic.ip.replace('172.17', '10.16');
        return { ...nic, provider: 'ovn', subnet: PRIMARY, ip: `${v4},fd00:10:16::9` };
      },
    });
    const result = await mustAdd(sandbox, 'eth0', PRIMARY_CONFIG);
    await expectHealthy({ sandbox, result, ifName: 'eth0', provider: 'ovn' });
  });

  test('in several NICs of one network, before and after the others', async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    const made: Attached[] = [];
    for (const [index, ifName] of ['net1', 'net2', 'net3'].entries()) {
      const ip = `172.17.3.${index + 1}`;
      const mac = `00:00:00:00:03:0${index + 1}`;
      await fixture.cluster.allocate(pod, { ...nic, ip, mac, ifName });
      const result = await mustAdd(sandbox, ifName, ovnConfig());
      made.push({ sandbox, result, ifName, provider: `${ATTACHNET}.${ifName}` });
      for (const each of made) await expectHealthy(each);
    }
  });

  test('with routes of the configuration and of the annotations', async () => {
    const routes = [{ dst: '10.99.0.7', gw: '172.17.0.2' }, { dst: '10.98.0.0/16' }];
    await healthyNic(
      fixture,
      {
        annotations: annotated(
          'routes',
          JSON.stringify([
            { dst: '192.168.0.101/24', gw: '172.17.0.254' },
            { gw: '172.17.0.254' },
            { dst: 'fd00:99::/48', gw: 'fd00:172:17::1' },
          ]),
        ),
        nic: (nic) => ({ ...nic, ip: `${nic.ip},${v6Of(nic)}` }),
      },
      { routes },
    );
  });

  test('in a virtual machine, whose port has its name', async () => {
    const more = { virtualmachine: 'vm-1' };
    const { sandbox } = await fixture.pod({ nic: (plain) => ({ ...plain, more }) });
    const result = await mustAdd(sandbox, 'net1', ovnConfig());
    await expectHealthy({ sandbox, result });
  });

  test.each(['n', 'pod37a8eec1ce1', 'abcdefghijklmno'])('in one called %s', async (ifName) => {
    const { sandbox } = await fixture.pod();
    const result = await mustAdd(sandbox, ifName, ovnConfig());
    await expectHealthy({ sandbox, result, ifName });
  });

  test('where the runtime does not say the UID', async () => {
    await expectHealthy(await healthyNic(fixture), { pod_uid: '' });
  });

  test('in many pods at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => healthyNic(fixture)));
  });
});

describe('what is there beside the interface is no difference:', () => {
  test('addresses, routes and links of the pod, and limits of other kinds', async () => {
    const attached = await healthyNic(fixture, { nic: (nic) => ({ ...nic, ip: '' }) });
    const { sandbox } = attached;
    for (const words of [
      // As a DHCP client does it.
      'address add 172.17.9.9/16 dev net1',
      'route add default via 172.17.0.1',
      'route add default via 172.17.0.9 metric 50',
      'link add other type veth peer name peer',
    ])
      await inSandbox(sandbox, 'ip', ...words.split(' '));
    const { name } = await attachmentRow(fixture.node, sandbox, 'net1');
    const netem = ['create', 'QoS', 'type=linux-netem', 'other_config:latency=1000'];
    await fixture.node.vsctl(
      '--',
      '--id=@netem',
      ...netem,
      '--',
      'set',
      'Port',
      name,
      'qos=@netem',
    );
    await expectHealthy(attached);
  });

  test('interfaces, addresses and routes of other plugins in the result', async () => {
    const { sandbox, result } = await healthyNic(fixture);
    await inSandbox(sandbox, 'ip', 'address', 'add', '10.1.0.2/24', 'dev', 'lo');
    const more = {
      interfaces: [
        { name: 'vethX', mac: '', mtu: 0, sandbox: '' },
        { name: 'net1', mac: '02:00:00:00:00:99', mtu: 9000, sandbox: '/run/netns/other' },
        { name: 'net1', mac: result.interfaces?.[0]?.mac, mtu: 1400, sandbox: sandbox.netns },
      ],
      ips: [
        { address: '10.9.9.9/24', interface: 0 },
        { address: result.ips?.[0]?.address, interface: 2 },
      ],
      routes: [{ dst: '172.17.0.0/16' }],
    };
    await expectHealthy({ sandbox, result }, { prev_result: more });
  });

  test('routes that a later plugin of the chain moved to a table of its own', async () => {
    const annotations = annotated('default_route', 'true');
    const { sandbox, result } = await healthyNic(fixture, { annotations }, { cniVersion: '1.0.0' });
    const sbr = { cniVersion: '1.0.0', type: 'sbr', prevResult: result };
    const moved = await cni('ADD', sandbox, 'net1', sbr);
    expect(moved.exitCode, moved.stdout).toBe(0);
    expect(await podRoutes(sandbox, 4)).toEqual([]);
    await expectHealthy({ sandbox, result: moved.result ?? result });
  });
});

test('a CHECK changes nothing', async () => {
  const attached = await healthyNic(fixture, {
    nic: (nic) => ({ ...nic, more: { ingress_rate: '10', egress_rate: '20' } }),
  });
  const before = [await nodeState(fixture.node), await podState(attached.sandbox)];
  await expectHealthy(attached);
  expect([await nodeState(fixture.node), await podState(attached.sandbox)]).toEqual(before);
});

test("a CHECK believes what Kube-OVN's daemon made", async () => {
  const attached = await healthyNic(fixture, {
    nic: (nic) => ({ ...nic, more: { ingress_rate: '10' } }),
  });
  const { _uuid } = await attachmentRow(fixture.node, attached.sandbox, 'net1');
  for (const key of ['container_id', 'if_name', 'iface-id-ver'])
    await fixture.node.vsctl('remove', 'Interface', _uuid, 'external_ids', key);
  await expectHealthy(attached);
});

test('on an underlay network nothing differs either', async () => {
  const bridge = 'br-physnet';
  await fixture.node.vsctl('add-br', bridge, '--', 'set', 'Bridge', bridge, 'datapath_type=netdev');
  const mappings = `external-ids:ovn-bridge-mappings=physnet:${bridge}`;
  await fixture.node.vsctl('set', 'open', '.', mappings);
  const subnet = {
    name: 'plain',
    provider: 'plain.default.ovn',
    cidrBlock: '10.90.0.0/16,fd00:10:90::/64',
    gateway: '10.90.0.1,fd00:10:90::1',
  };
  fixture.api.create({
    kind: 'Subnet',
    metadata: { name: 'plain' },
    spec: { ...subnet, vlan: 'vlan0', mtu: 1450, disableGatewayCheck: true },
  });
  await fixture.node.nbctl(
    ...['ls-add', 'plain', '--', 'lsp-add', 'plain', 'localnet.plain'],
    ...['--', 'lsp-set-type', 'localnet.plain', 'localnet'],
    ...['--', 'lsp-set-addresses', 'localnet.plain', 'unknown'],
    ...['--', 'lsp-set-options', 'localnet.plain', 'network_name=physnet'],
  );
  await command('ip', ['link', 'set', bridge, 'up']);
  const { provider } = subnet;
  const { sandbox } = await fixture.pod({
    nic: (nic) => ({
      ...nic,
      provider,
      subnet,
      ip: '10.90.1.1,fd00:10:90::1:1',
      more: { provider_network: 'physnet' },
    }),
  });
  const result = await mustAdd(sandbox, 'net1', ovnConfig({ provider, cniVersion: '1.1.0' }));
  expect(result.interfaces?.[0]?.mtu).toBe(1450);
  await expectHealthy({ sandbox, result, provider });
});
