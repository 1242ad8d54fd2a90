/**
 * The demo's stage: a node, a cluster, the daemon, the node's network card, and the networks of
 * Kube-OVN's documentation.
 */
import { mkdir } from 'node:fs/promises';
import { Cluster, type SubnetPlan } from '../../test/lab/cluster.ts';
import { command } from '../../test/lab/command.ts';
import { Daemon, SOCKET } from '../../test/lab/daemon.ts';
import { KubernetesApiDouble } from '../../test/lab/kubernetes/api.ts';
import { OVS_DIRECTORY, OvnNode } from '../../test/lab/ovn-node.ts';
import { CNI_PATH } from '../../test/lab/runtime.ts';
import type { Report } from './report.ts';

const NODE_NAME = 'node1';

export interface Stage {
  readonly node: OvnNode;
  readonly cluster: Cluster;
  /** Changes when `startDaemon` starts another one. */
  daemon: Daemon;
  readonly subnets: Readonly<Record<'primary' | 'attachnet' | 'macvlan' | 'dual', SubnetPlan>>;
  /** For a shell on the node. */
  readonly environment: NodeJS.ProcessEnv;
  startDaemon(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStage(report: Report): Promise<Stage> {
  report.section('A node');
  const startedMs = performance.now();
  const node = await OvnNode.start(NODE_NAME);
  report.info('ovsdb-server, ovs-vswitchd (userspace datapath), ovn-northd and ovn-controller run');
  const api = await KubernetesApiDouble.start();
  const cluster = new Cluster(api, node, NODE_NAME);
  await cluster.prepare();
  report.info(`a Kubernetes API answers on ${api.url}`);
  await makeNetworkCard();
  const subnets = await makeNetworks(cluster);
  report.info(
    `Subnets: ${Object.values(subnets)
      .map(({ name, cidrBlock }) => `${name} ${cidrBlock}`)
      .join('; ')}`,
  );
  await mkdir('/run/kube', { recursive: true });
  await api.writeKubeconfig('/run/kube/config');
  const startDaemon = () => Daemon.start({ kubeconfig: '/run/kube/config', nodeName: NODE_NAME });
  const daemon = await startDaemon();
  await node.vsctl('wait-until', 'Mirror', 'm0');
  report.info(`kube-ovn-cni listens on ${SOCKET}`);
  report.info(`up after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  const stage: Stage = {
    node,
    cluster,
    daemon,
    subnets,
    environment: { ...process.env, OVS_RUNDIR: OVS_DIRECTORY, OVN_RUNDIR: OVS_DIRECTORY, CNI_PATH },
    startDaemon: async () => {
      stage.daemon = await startDaemon();
    },
    stop: async () => {
      await stage.daemon.stop();
      await node.stop();
      await api.close();
    },
  };
  return stage;
}

/** eth0 of the node, as macvlan's master, on a wire to a router with the macvlan network's gateway. */
async function makeNetworkCard(): Promise<void> {
  await command('ip', ['netns', 'add', 'router']);
  await command('ip', [
    'link',
    'add',
    'eth0',
    'up',
    'type',
    'veth',
    'peer',
    'name',
    'wire',
    'netns',
    'router',
  ]);
  await command('ip', ['-n', 'router', 'address', 'add', '172.17.0.1/16', 'dev', 'wire']);
  await command('ip', ['-n', 'router', 'link', 'set', 'wire', 'up']);
}

async function makeNetworks(cluster: Cluster): Promise<Stage['subnets']> {
  const socket = { server_socket: SOCKET };
  cluster.createNetworkAttachment('default', 'attachnet', {
    cniVersion: '0.3.0',
    type: 'kube-ovn',
    ...socket,
    provider: 'attachnet.default.ovn',
  });
  cluster.createNetworkAttachment('default', 'macvlan', {
    cniVersion: '0.3.0',
    type: 'macvlan',
    master: 'eth0',
    mode: 'bridge',
    ipam: { type: 'kube-ovn', ...socket, provider: 'macvlan.default' },
  });
  cluster.createNetworkAttachment('default', 'dual', {
    cniVersion: '1.0.0',
    type: 'kube-ovn',
    ...socket,
    provider: 'dual.default.ovn',
  });
  const excludeIps = ['172.17.0.0..172.17.0.10'];
  return {
    primary: await cluster.createSubnet({
      name: 'ovn-default',
      provider: 'ovn',
      cidrBlock: '10.16.0.0/16',
      gateway: '10.16.0.1',
    }),
    attachnet: await cluster.createSubnet({
      name: 'attachnet',
      provider: 'attachnet.default.ovn',
      cidrBlock: '172.17.0.0/16',
      gateway: '172.17.0.1',
      spec: { excludeIps },
    }),
    macvlan: await cluster.createSubnet({
      name: 'macvlan',
      provider: 'macvlan.default',
      cidrBlock: '172.17.0.0/16',
      gateway: '172.17.0.1',
      spec: { excludeIps },
    }),
    dual: await cluster.createSubnet({
      name: 'dual',
      provider: 'dual.default.ovn',
      cidrBlock: '10.20.0.0/16,fd00:10:20::/112',
      gateway: '10.20.0.1,fd00:10:20::1',
    }),
  };
}
