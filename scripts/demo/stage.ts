/**
 * The demo's stage: a node with a network card, a Kubernetes API, the controller in non-primary
 * mode, the daemon, and those who are played: kubelet, Multus, scheduler, controllers of workloads.
 */
import { mkdir } from 'node:fs/promises';
import { Controller } from '../../test/lab/controller.ts';
import { Daemon, SOCKET } from '../../test/lab/daemon.ts';
import { Kubelet } from '../../test/lab/kubelet.ts';
import { CONTROLLER, DAEMON, FakeApiServer } from '../../test/lab/kubernetes/api.ts';
import { OTHER_PRIMARY_CONFIG } from '../../test/lab/multus.ts';
import { makeNetworkCard } from '../../test/lab/network-card.ts';
import { OVS_DIRECTORY, OvnNode } from '../../test/lab/ovn-node.ts';
import { CNI_PATH } from '../../test/lab/runtime.ts';
import { type PodIdentity, Workloads } from '../../test/lab/workloads.ts';
import { untilObject } from './objects.ts';
import type { Report } from './report.ts';

/** The daemon's. */
export const KUBECONFIG = '/run/kube/config';
const CONTROLLER_KUBECONFIG = '/run/kube/controller-config';
const NODE_NAME = 'node1';
/** Another one leads soon after a controller was killed, and none loses it for a busy machine. */
const CONTROLLER_FLAGS = [
  '--non-primary-cni-mode=true',
  '--leader-elect-lease-duration=12s',
  '--leader-elect-renew-deadline=10s',
  '--leader-elect-retry-period=500ms',
];

export interface Stage {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly kubelet: Kubelet;
  readonly workloads: Workloads;
  /** Changes when `startController` starts another one. */
  controller: Controller;
  /** Changes when `startDaemon` starts another one. */
  daemon: Daemon;
  /** For a shell on the node. */
  readonly environment: NodeJS.ProcessEnv;
  startController(): Promise<void>;
  startDaemon(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStage(report: Report): Promise<Stage> {
  report.section('A node');
  const node = await OvnNode.start(NODE_NAME);
  report.info('ovsdb-server, ovs-vswitchd (userspace datapath), ovn-northd and ovn-controller run');
  const api = await startApi();
  report.info(`a Kubernetes API answers on ${api.url}`);
  await makeNetworkCard();
  const startController = () =>
    Controller.start({ kubeconfig: CONTROLLER_KUBECONFIG, flags: CONTROLLER_FLAGS });
  const startDaemon = () => Daemon.start({ kubeconfig: KUBECONFIG, nodeName: NODE_NAME });
  const [controller, daemon] = await Promise.all([startController(), startDaemon()]);
  await node.vsctl('wait-until', 'Mirror', 'm0');
  await untilObject(api, 'Vpc', 'ovn-cluster', ({ status }) => status?.standby === true);
  report.info('kube-ovn-controller leads, in non-primary mode');
  report.info(`kube-ovn-cni listens on ${SOCKET}`);
  report.info("eth0 of pods is another plugin's: a bridge with 10.244.0.0/24");
  const kubelet = new Kubelet(api, OTHER_PRIMARY_CONFIG);
  const end = (pod: PodIdentity) => kubelet.end(pod);
  const stage: Stage = {
    node,
    api,
    kubelet,
    workloads: new Workloads(api, { nodeName: NODE_NAME, end }),
    controller,
    daemon,
    environment: { ...process.env, OVS_RUNDIR: OVS_DIRECTORY, OVN_RUNDIR: OVS_DIRECTORY, CNI_PATH },
    startController: async () => {
      stage.controller = await startController();
    },
    startDaemon: async () => {
      stage.daemon = await startDaemon();
    },
    stop: async () => {
      await stage.daemon.stop();
      await stage.controller.stop();
      await node.stop();
      await api.close();
    },
  };
  return stage;
}

/** A cluster of one node and two namespaces. */
async function startApi(): Promise<FakeApiServer> {
  const api = await FakeApiServer.start();
  const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] };
  api.create({ kind: 'Node', metadata: { name: NODE_NAME }, status });
  for (const name of ['default', 'kube-system']) {
    api.create({ kind: 'Namespace', metadata: { name } });
  }
  await mkdir('/run/kube', { recursive: true });
  await api.writeKubeconfig(KUBECONFIG, DAEMON);
  await api.writeKubeconfig(CONTROLLER_KUBECONFIG, CONTROLLER);
  return api;
}
