/**
 * A node whose primary network is another CNI's: what the installation, the daemon, ten pods and the
 * removal change on the host. Nothing but a named list while it is installed, and nothing after.
 */
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXECUTABLES } from '../../src/installer/executables.ts';
import { AgentContainer } from '../lab/agent-container.ts';
import { Cluster, type SubnetPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { type HostSnapshot, hostSnapshot, nodeSettings } from '../lab/host-snapshot.ts';
import { DEBIAN_PLUGINS } from '../lab/image.ts';
import { ImageRoot } from '../lab/image-root.ts';
import { DAEMON, FakeApiServer } from '../lab/kubernetes/api.ts';
import { OvnNode } from '../lab/ovn-node.ts';
import { createSandbox, deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, KUBECONFIG, ovnConfig } from './fixture.ts';
import { CHART_INSTALL, namesIn } from './install-fixture.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  hostName,
  mustAdd,
  mustDelete,
} from './observe.ts';

const PODS = 10;
const SUBNET: SubnetPlan = {
  name: 'attachnet',
  provider: ATTACHNET,
  cidrBlock: '172.17.0.0/16',
  gateway: '172.17.0.1',
};

let node: OvnNode;
let api: FakeApiServer;
let cluster: Cluster;
let image: ImageRoot;
let agent: AgentContainer;
let before: HostSnapshot;
let rowsBefore: Census;
let nodeObject: unknown;
const pods: Sandbox[] = [];

beforeAll(async () => {
  node = await OvnNode.start();
  api = await FakeApiServer.start({});
  cluster = new Cluster(api, node, node.chassis);
  await cluster.prepare();
  await cluster.createSubnet(SUBNET);
  await mkdir('/run/kube');
  await api.writeKubeconfig(KUBECONFIG, DAEMON);
  await mkdir('/run/image');
  image = await ImageRoot.create('/run/image', '0.2.0');
  await mkdir(join(image.root, 'var/log/kube-ovn'));
  await anotherPrimaryNetwork();
  before = await snapshot();
  rowsBefore = await census(node);
  nodeObject = statusOfNode();
});
afterAll(async () => {
  await agent?.stop('SIGKILL');
  await node.stop();
  await api.close();
});

/** Links, routes, rules, filters, sets, settings and files like those of a primary CNI. */
async function anotherPrimaryNetwork(): Promise<void> {
  await writeFile(join(image.confDir, '05-cilium.conflist'), '{"plugins":[{"type":"cilium-cni"}]}');
  await copyFile(join(DEBIAN_PLUGINS, 'bridge'), join(image.binDir, 'cilium-cni'));
  await copyFile(join(DEBIAN_PLUGINS, 'loopback'), join(image.binDir, 'loopback'));
  await symlink('cilium-cni', join(image.binDir, 'macvlan'));
  const commands = [
    'ip link add cilium_host type veth peer name cilium_net',
    'ip link set cilium_host addrgenmode none',
    'ip link set cilium_net addrgenmode none',
    'ip link set cilium_net up',
    'ip address add 10.244.0.1/24 dev cilium_host',
    'ip address add fd00:244::1/64 dev cilium_host nodad',
    'ip link set cilium_host up',
    'ip route add 10.244.1.0/24 via 10.244.0.2 table 2004',
    'ip rule add fwmark 0x200/0xf00 lookup 2004 priority 9',
    'ipset create primary hash:net',
    'ipset add primary 10.244.0.0/16',
    'iptables -P FORWARD DROP',
    'iptables -t nat -A POSTROUTING -m set --match-set primary src -j MASQUERADE',
    'nft add table inet primary',
    'nft add chain inet primary input { type filter hook input priority 0 ; }',
    'nft add rule inet primary input ip saddr 10.99.0.0/16 drop',
    'sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1 net.ipv6.conf.all.accept_ra=2',
  ];
  for (const line of commands) {
    const [file = '', ...args] = line.split(' ');
    await command(file, args);
  }
}

async function snapshot(): Promise<HostSnapshot> {
  return await hostSnapshot([image.binDir, image.confDir]);
}

/** What Kubernetes knows of the node, but for the annotation with OVN's name for it. */
function statusOfNode(): unknown {
  const { status, spec, metadata } = api.get('Node', node.chassis);
  return { status, spec, labels: metadata.labels };
}

async function startAgent(): Promise<AgentContainer> {
  const flags = [
    ...CHART_V2_NON_PRIMARY,
    `--kubeconfig=${KUBECONFIG}`,
    `--node-name=${node.chassis}`,
  ];
  const environment = { ENABLE_BIND_LOCAL_IP: 'true', POD_IP: '127.0.0.1', POD_IPS: '127.0.0.1' };
  return await AgentContainer.start(image, { flags, environment });
}

/** Rendered by Kube-OVN's chart v2 with `cni.nonPrimaryCNI`; v1 has one flag more. */
const CHART_V2_NON_PRIMARY = [
  '--enable-mirror=false', '--mirror-iface=mirror0', '--node-switch=join', '--encap-checksum=true',
  '--iface=', '--service-cluster-ip-range=10.96.0.0/12', '--dpdk-tunnel-iface=br-phy',
  '--network-type=geneve', '--default-interface-name=', '--logtostderr=false',
  '--alsologtostderr=true', '--log_file=/var/log/kube-ovn/kube-ovn-cni.log',
  '--log_file_max_size=200', '--enable-metrics=true', '--kubelet-dir=/var/lib/kubelet',
  '--enable-tproxy=false', '--ovs-vsctl-concurrency=100', '--secure-serving=false',
  '--enable-ovn-ipsec=false', '--host-tunnel-src=false', '--non-primary-cni-mode=true',
]; // biome-ignore format: a table

/** What is not the primary network's: links of OVS's and of pods, and with them their settings. */
function withoutOurs(now: HostSnapshot): Partial<HostSnapshot> {
  const known = new Set(before.links.map(({ ifname }) => ifname));
  const isKnown = ({ ifname }: { ifname: string }) => known.has(ifname);
  const isKnownRoute = (line: string) => known.has(/ dev (\S+)/.exec(line)?.[1] ?? 'lo');
  const { files: _, ...rest } = now;
  return {
    ...rest,
    links: now.links.filter(isKnown),
    addresses: now.addresses.filter(isKnown),
    routes: now.routes.filter(isKnownRoute),
    settings: nodeSettings(now),
  };
}

/** Links that were not there before: no other one than those of pods, and so no `mirror0`. */
function ownLinks(now: HostSnapshot): string[] {
  const known = new Set(before.links.map(({ ifname }) => ifname));
  const names = now.links.map(({ ifname }) => ifname);
  return names.filter((name) => !known.has(name)).sort();
}

function newFiles(now: HostSnapshot): string[] {
  return Object.keys(now.files).filter((path) => before.files[path] !== now.files[path]);
}

const INSTALLED = ['ipvlan', 'kube-ovn', 'portmap'];

describe('beside another primary network', () => {
  test('the installation adds the executables that are missing, and nothing else', async () => {
    const environment = { POD_IPS: '127.0.0.1,::1' };
    const { exitCode, stderr } = await image.run(CHART_INSTALL, { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const now = await snapshot();
    expect({ ...now, files: before.files }).toEqual(before);
    expect(newFiles(now)).toEqual(INSTALLED.map((name) => join(image.binDir, name)));
  });

  test('the daemon and ten pods change nothing of it, with the links of pods and of OVS beside', async () => {
    agent = await startAgent();
    for (let number = 1; number <= PODS; number += 1) {
      const pod = cluster.createPod(`pod-${number}`);
      const mac = `00:00:00:00:01:${number.toString(16).padStart(2, '0')}`;
      const ip = `172.17.1.${number}`;
      await cluster.allocate(pod, { provider: ATTACHNET, subnet: SUBNET, ip, mac });
      const sandbox = await createSandbox(pod);
      pods.push(sandbox);
      await mustAdd(sandbox, 'net1', ovnConfig());
    }
    expect(await canPing(pods[0] as Sandbox, `172.17.1.${PODS}`)).toBe(true);
    const now = await snapshot();
    expect(withoutOurs(now)).toEqual(withoutOurs(before));
    expect(ownLinks(now)).toEqual(pods.map((sandbox) => hostName(sandbox, 'net1')).sort());
    expect(newFiles(now)).toEqual(INSTALLED.map((name) => join(image.binDir, name)));
    expect(statusOfNode()).toEqual(nodeObject);
  });

  test('a daemon that is killed and started again changes nothing either', async () => {
    await agent.stop('SIGKILL');
    agent = await startAgent();
    expect(withoutOurs(await snapshot())).toEqual(withoutOurs(before));
    expect(await canPing(pods[0] as Sandbox, `172.17.1.${PODS}`)).toBe(true);
  });

  test('the removal is refused while the daemon runs, and while pods have interfaces', async () => {
    const running = await image.run(['/kube-ovn/uninstall']);
    expect(running.exitCode).toBe(1);
    expect(running.stderr).toContain(`the daemon still answers on ${SOCKET}: delete its DaemonSet`);
    await agent.stop('SIGKILL');
    const living = await image.run(['/kube-ovn/uninstall']);
    expect(living.exitCode).toBe(1);
    expect(living.stderr).toContain('default/pod-1 net1');
    expect(living.stderr).toContain('delete them first');
    expect(await namesIn(image.binDir)).toEqual([...EXECUTABLES, 'cilium-cni'].sort());
    expect(await canPing(pods[0] as Sandbox, `172.17.1.${PODS}`)).toBe(true);
  });

  test('the SIGTERM of the kubelet reaches the daemon itself, which ends well and takes its socket along', async () => {
    agent = await startAgent();
    const { pid, exitCode } = agent.process;
    expect(exitCode).toBeNull();
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    expect(words.some((word) => word.endsWith('kube-ovn-cni.cjs'))).toBe(true);
    for (const sandbox of pods.slice(1)) {
      await mustDelete(sandbox, 'net1', ovnConfig());
      await deleteSandbox(sandbox);
    }
    await agent.stop('SIGTERM');
    expect(agent.process.exitCode).toBe(0);
    expect(await namesIn('/run/openvswitch')).not.toContain('kube-ovn-daemon.sock');
  });

  test('after the removal the host is as it was before the installation', async () => {
    // The last pod's sandbox goes while no daemon is there: its port is left, and a DEL is recorded.
    const [sandbox] = pods as [Sandbox];
    await mustDelete(sandbox, 'net1', ovnConfig());
    await deleteSandbox(sandbox);
    const { exitCode, stdout, stderr } = await image.run(['/kube-ovn/uninstall']);
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
    expect(await snapshot()).toEqual(before);
    await expectNode(node, rowsBefore);
    expect(statusOfNode()).toEqual(nodeObject);
    const left = await namesIn('/run/openvswitch');
    expect(left.filter((name) => /^(\.[0-9a-f]{8}$|kube-ovn)/.test(name))).toEqual([]);
  });

  test('a second removal finds nothing, and is no error', async () => {
    const { exitCode, stderr } = await image.run(['/kube-ovn/uninstall']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await snapshot()).toEqual(before);
  });
});

describe('the removal of a primary network', () => {
  const conflist = () => join(image.confDir, '01-kube-ovn.conflist');
  const install = () =>
    image.run(CHART_INSTALL, {
      environment: { NON_PRIMARY_CNI_MODE: 'false', POD_IPS: '127.0.0.1' },
    });

  test('takes its configuration along, and what killed runs have left', async () => {
    expect((await install()).exitCode).toBe(0);
    await writeFile(`${conflist()}.tmp.1`, '{');
    await writeFile(join(image.binDir, 'kube-ovn.tmp.1'), 'half');
    expect((await image.run(['/kube-ovn/uninstall'])).exitCode).toBe(0);
    expect((await snapshot()).files).toEqual(before.files);
  });

  test('leaves a configuration that was changed, and executables that are not from us, and names them', async () => {
    expect((await install()).exitCode).toBe(0);
    const changed = '{"name":"kube-ovn","plugins":[{"type":"kube-ovn","mtu":1400}]}';
    await writeFile(conflist(), changed);
    await writeFile(join(image.binDir, 'kube-ovn'), '#!/bin/sh\n');
    const { exitCode, stdout } = await image.run(['/kube-ovn/uninstall']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('01-kube-ovn.conflist stays');
    expect(stdout).toContain('rm /opt/cni/bin/kube-ovn');
    expect(await readFile(conflist(), 'utf8')).toBe(changed);
    for (const path of [conflist(), join(image.binDir, 'kube-ovn')]) await rm(path);
    expect((await snapshot()).files).toEqual(before.files);
  });
});
