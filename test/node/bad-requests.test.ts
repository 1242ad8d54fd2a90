/** Wrong configurations and environments: the right CNI error, and nothing left behind. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { cni, inSandbox, outcomeInSandbox } from '../lab/runtime.ts';
import { podAddresses } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { expectRefusal, type Refusal } from './refusal.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A refusal and what leads to it. */
interface Case extends Refusal {
  readonly title: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const CONFIGURATIONS: readonly Case[] = [
  {
    title: 'a provider that is bound to no Subnet',
    config: ovnConfig({ provider: 'nosuch.default.ovn' }),
    code: 7,
    says: ['provider "nosuch.default.ovn"', 'spec.provider', 'logical_switch'],
  },
  {
    title: 'a provider that is none of OVN',
    config: ovnConfig({ provider: 'macvlan.default' }),
    code: 7,
    says: ['provider', '"macvlan.default"', '<name>.<namespace>.ovn'],
  },
  {
    title: 'a provider with odd characters',
    config: ovnConfig({ provider: 'a b;c' }),
    code: 7,
    says: ['provider', '"a b;c"', '<name>.<namespace>.ovn'],
  },
  {
    title: 'no server_socket',
    config: ovnConfig({ server_socket: undefined }),
    code: 7,
    says: ['server_socket', 'absolute path'],
  },
  {
    title: 'no server_socket in the ipam object',
    config: {
      cniVersion: '1.0.0',
      type: 'macvlan',
      server_socket: '/run/wrong-place.sock',
      ipam: { type: 'kube-ovn', provider: 'macvlan.default' },
    },
    executable: 'kube-ovn',
    code: 7,
    says: ['ipam.server_socket', 'absolute path'],
  },
  {
    title: 'a provider of an ipam object that is bound to no Subnet',
    config: {
      cniVersion: '1.0.0',
      type: 'macvlan',
      ipam: { type: 'kube-ovn', server_socket: SOCKET, provider: 'nosuch.default' },
    },
    executable: 'kube-ovn',
    code: 7,
    says: ['provider "nosuch.default"', 'spec.provider', 'logical_switch'],
  },
  {
    title: 'a relative server_socket',
    config: ovnConfig({ server_socket: 'daemon.sock' }),
    code: 7,
    says: ['server_socket', 'absolute path', '"daemon.sock"'],
  },
  {
    title: 'an ipam object of another type',
    config: { cniVersion: '1.0.0', type: 'macvlan', ipam: { type: 'host-local' } },
    executable: 'kube-ovn',
    code: 7,
    says: ['ipam.type', '"kube-ovn"', '"host-local"'],
  },
  {
    title: 'a route of the configuration that is none',
    config: ovnConfig({ routes: [{ dst: '10.0.0.0/33', gw: '172.17.0.1' }] }),
    code: 7,
    says: ['routes[0].dst', '10.0.0.0/33', '<CIDR>'],
  },
  {
    title: 'a route without destination and gateway',
    config: ovnConfig({ routes: [{}] }),
    code: 7,
    says: ['routes[0]', '<CIDR>'],
  },
  {
    title: 'a bandwidth with a unit',
    config: ovnConfig({ runtimeConfig: { bandwidth: { ingressRate: '10M' } } }),
    code: 7,
    says: ['runtimeConfig.bandwidth.ingressRate', 'a whole number of bit/s', '"10M"'],
  },
  {
    title: 'a bandwidth below zero',
    config: ovnConfig({ runtimeConfig: { bandwidth: { egressRate: 1000, egressBurst: -1 } } }),
    code: 7,
    says: ['runtimeConfig.bandwidth.egressBurst', 'a whole number of bits', '-1'],
  },
  {
    title: 'a deviceID',
    config: ovnConfig({ deviceID: '0000:00:1f.6' }),
    code: 2,
    says: ['deviceID', 'without a device'],
  },
  {
    title: 'a vhost-user socket volume',
    config: ovnConfig({ vhost_user_socket_volume_name: 'volume' }),
    code: 2,
    says: ['vhost_user_socket_volume_name', 'without a device'],
  },
];

const ENVIRONMENTS: readonly Case[] = [
  {
    title: 'no K8S_POD_NAME',
    environment: { CNI_ARGS: 'K8S_POD_NAMESPACE=default' },
    code: 7,
    says: ['CNI_ARGS', 'K8S_POD_NAME='],
  },
  {
    title: 'no K8S_POD_NAMESPACE',
    environment: { CNI_ARGS: 'K8S_POD_NAME=a' },
    code: 7,
    says: ['CNI_ARGS', 'K8S_POD_NAMESPACE='],
  },
  { title: 'no CNI_ARGS', environment: { CNI_ARGS: undefined }, code: 7, says: ['CNI_ARGS'] },
  {
    title: 'a pod name that cannot be one',
    environment: { CNI_ARGS: 'K8S_POD_NAME=../a;K8S_POD_NAMESPACE=default' },
    code: 7,
    says: ['K8S_POD_NAME', '"../a"'],
  },
  {
    title: 'an interface name of 16 bytes',
    ifName: 'a123456789012345',
    code: 4,
    says: ['CNI_IFNAME', '15', '"a123456789012345"'],
  },
  {
    title: 'an interface name with a slash',
    ifName: 'a/b',
    code: 4,
    says: ['CNI_IFNAME', '"a/b"'],
  },
  { title: 'an interface name of two dots', ifName: '..', code: 4, says: ['CNI_IFNAME', '".."'] },
  { title: 'no interface name', ifName: '', code: 4, says: ['CNI_IFNAME'] },
  ...['../../etc', 'a b', 'a;b', "a'b", '$(id)', '-a', 'ä', 'a/b'].map((id) => ({
    title: `container id ${JSON.stringify(id)}`,
    environment: { CNI_CONTAINERID: id },
    code: 4,
    says: ['CNI_CONTAINERID', JSON.stringify(id), 'letter'],
  })),
  {
    title: 'no container id',
    environment: { CNI_CONTAINERID: '' },
    code: 4,
    says: ['CNI_CONTAINERID'],
  },
];

const NAMESPACES: readonly (readonly [string, string])[] = [
  ['that does not exist', '/run/netns/nosuch'],
  ['that is a plain file', '/run/netns-file'],
  ['that is a directory', '/run/netns'],
  ['that is a device', '/dev/null'],
  ['that is a namespace of another kind', '/run/other-namespace'],
  ['of the node itself, by process 1', '/proc/1/ns/net'],
  ['of the node itself, by the reader', '/proc/self/ns/net'],
  ['of the node itself, under a name', '/run/netns/of-the-node'],
  ['with a relative path', 'netns'],
  ['with a step upwards', '/run/netns/../netns/nosuch'],
  ['with a space', '/run/netns/a b'],
  ['with a line break', '/run/netns/a\nlink'],
  ['that is missing', ''],
];

const ANNOTATIONS: readonly Case[] = [
  {
    title: 'an address that is none',
    annotations: { ip_address: '172.17.1' },
    code: 7,
    says: ['/ip_address', '"172.17.1"', 'IP address'],
  },
  {
    title: 'an address outside of the CIDR',
    annotations: { ip_address: '172.16.0.9' },
    code: 7,
    says: ['/ip_address', '"172.16.0.9"', '172.17.0.0/16'],
  },
  {
    title: 'an address without a CIDR of its family',
    annotations: { ip_address: 'fd00:1::1', cidr: '172.17.0.0/16' },
    code: 7,
    says: ['/cidr', '"172.17.0.0/16"', 'fd00:1::1'],
  },
  {
    title: 'a CIDR that is none',
    annotations: { cidr: '172.17.0.0' },
    code: 7,
    says: ['/cidr', 'a CIDR'],
  },
  {
    title: 'a gateway that is none',
    annotations: { gateway: 'router' },
    code: 7,
    says: ['/gateway', '"router"', 'IP address'],
  },
  {
    title: 'routes that are no JSON',
    annotations: { routes: '[{"dst"' },
    code: 7,
    says: ['/routes', 'JSON array'],
  },
  {
    title: 'routes that are no array',
    annotations: { routes: '{"gw":"172.17.0.1"}' },
    code: 7,
    says: ['/routes', 'JSON array'],
  },
  {
    title: 'a route with a gateway that is none',
    annotations: { routes: '[{"gw":"172.17.0.1"},{"gw":"nowhere"}]' },
    code: 7,
    says: ['/routes[1].gw', '"nowhere"', 'IP address'],
  },
  {
    title: 'a route whose gateway cannot be reached',
    annotations: { routes: '[{"dst":"10.99.0.0/16","gw":"203.0.113.1"}]' },
    code: 7,
    says: ['10.99.0.0/16 via 203.0.113.1', 'invalid gateway', 'reachable'],
  },
  ...['zz', '00:00:00:00:00', '01:00:5e:00:00:01', '00:00:00:00:00:00'].map((mac) => ({
    title: `MAC ${mac}`,
    annotations: { mac_address: mac },
    code: 7,
    says: ['/mac_address', `"${mac}"`, 'MAC'],
  })),
  ...['ingress_rate', 'egress_rate', 'ingress_burst', 'egress_burst'].flatMap((name) =>
    ['fast', '-1', '1e3', 'NaN'].map((value) => ({
      title: `${name} ${value}`,
      annotations: { [name]: value },
      code: 7,
      says: [`/${name}`, `"${value}"`, 'expected'],
    })),
  ),
  {
    title: 'a NIC type that we do not make',
    annotations: { pod_nic_type: 'internal-port' },
    code: 2,
    says: ['/pod_nic_type', '"internal-port"', 'veth-pair'],
  },
];

test.each([...CONFIGURATIONS, ...ENVIRONMENTS])('$title is error $code', async (wanted) => {
  const { sandbox } = await fixture.pod();
  await expectRefusal(fixture.node, sandbox, wanted);
});

test.each(ANNOTATIONS)('the annotation of $title is error $code', async (wanted) => {
  const { sandbox } = await fixture.pod({
    nic: (nic) => ({ ...nic, more: { ...wanted.annotations } }),
  });
  const says = wanted.says.map((part) =>
    part.startsWith('/') ? `${ATTACHNET}.kubernetes.io${part}` : part,
  );
  await expectRefusal(fixture.node, sandbox, { ...wanted, says });
});

test.each(NAMESPACES)('a network namespace %s is error 4', async (_, path) => {
  await writeFile('/run/netns-file', '');
  await writeFile('/run/other-namespace', '');
  await command('mount', ['--bind', '/proc/self/ns/uts', '/run/other-namespace']);
  await command('touch', ['/run/netns/of-the-node']);
  await command('mount', ['--bind', '/proc/self/ns/net', '/run/netns/of-the-node']);
  try {
    const { sandbox } = await fixture.pod();
    const says = ['CNI_NETNS', ...(path === '' ? [] : [JSON.stringify(path)]), 'expected'];
    const environment = { CNI_NETNS: path };
    await expectRefusal(fixture.node, sandbox, { code: 4, says, environment });
  } finally {
    await command('umount', ['/run/other-namespace', '/run/netns/of-the-node']);
  }
});

test('an interface that is there already is error 4 and survives', async () => {
  const { sandbox } = await fixture.pod();
  for (const words of [
    'link add net1 type veth peer name other',
    'address add 192.0.2.1/24 dev net1',
  ])
    await inSandbox(sandbox, 'ip', ...words.split(' '));
  const wanted = { code: 4, says: ['CNI_IFNAME', '"net1" already exists'] };
  await expectRefusal(fixture.node, sandbox, wanted);
});

test('a second ADD of an interface is error 4, and the first one goes on working', async () => {
  const { sandbox, nic } = await fixture.pod();
  expect((await cni('ADD', sandbox, 'net1', ovnConfig())).exitCode).toBe(0);
  const wanted = { code: 4, says: ['CNI_IFNAME', '"net1" already exists'] };
  await expectRefusal(fixture.node, sandbox, wanted);
  expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
  const ping = await outcomeInSandbox(sandbox, 'ping', '-c1', '-W2', '172.17.0.1');
  expect(ping.exitCode, ping.stdout).toBe(0);
});

test('a DEL without what ADD needs succeeds', async () => {
  const { sandbox } = await fixture.pod();
  for (const config of [
    ovnConfig({ provider: 'nosuch.default.ovn' }),
    ovnConfig({ routes: [{ dst: 'nowhere' }] }),
    ovnConfig({ deviceID: '0000:00:1f.6' }),
    ovnConfig({ runtimeConfig: { bandwidth: { ingressRate: '10M' } } }),
  ]) {
    const { exitCode, stdout } = await cni('DEL', sandbox, 'net1', config);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  }
});
