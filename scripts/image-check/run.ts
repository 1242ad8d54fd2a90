/** Runs the pods of the charts and of deploy/ on one lab node, one installation after the other. */
import { join } from 'node:path';
import { CHARTS, type Chart, chartOf } from '../../test/lab/chart-pods.ts';
import { Cluster, type SubnetPlan } from '../../test/lab/cluster.ts';
import { command } from '../../test/lab/command.ts';
import { CONTROLLER, DAEMON, FakeApiServer } from '../../test/lab/kubernetes/api.ts';
import { InCluster } from '../../test/lab/kubernetes/in-cluster.ts';
import { OVS_DIRECTORY, OvnNode } from '../../test/lab/ovn-node.ts';
import { rendered, whyNotRendered } from '../../test/process/deploy/rendered.ts';
import { readArchive } from '../image/oci-archive.ts';
import { Containerd } from './containerd.ts';
import { checkController } from './controller.ts';
import { checkDaemon } from './daemon.ts';
import { podOf } from './deployed.ts';
import type { Outcomes } from './outcomes.ts';
import type { PodSurroundings } from './pods.ts';
import { checkPrograms } from './programs.ts';

/** What the charts' values name as the address of OVN's databases, and of the node. */
const NODE_ADDRESS = '10.0.0.1';
const NB_PORT = 6641;

/** One way to install the programs. */
interface Installation extends Chart {
  readonly title: string;
}

export interface Lab {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly cluster: Cluster;
  readonly attachnet: SubnetPlan;
  readonly containerd: Containerd;
  readonly image: string;
  readonly outcomes: Outcomes;
}

export async function checkPods(
  archive: string,
  folder: string,
  outcomes: Outcomes,
): Promise<void> {
  const node = await OvnNode.start();
  await command('mount', ['--make-rshared', '/run']);
  await command('ip', ['address', 'add', `${NODE_ADDRESS}/32`, 'dev', 'lo']);
  await command('ovs-appctl', [
    ...['-t', `${OVS_DIRECTORY}/nb.ctl`],
    ...['ovsdb-server/add-remote', `ptcp:${NB_PORT}:${NODE_ADDRESS}`],
  ]);
  await using api = await FakeApiServer.start();
  await using containerd = await Containerd.start(join(folder, 'containerd'));
  const cluster = new Cluster(api, node, node.chassis);
  await cluster.prepare();
  const attachnet = await cluster.createSubnet({
    name: 'attachnet',
    provider: 'attachnet.default.ovn',
    cidrBlock: '172.17.0.0/16,fd00:172:17::/64',
    gateway: '172.17.0.1,fd00:172:17::1',
  });
  const image = await containerd.import(archive);
  const { Entrypoint = [] } = readArchive(archive).config.config;
  const lab = { node, api, cluster, attachnet, containerd, image, outcomes };
  await checkPrograms(lab);
  for (const installation of installations()) {
    const around = {
      nodeName: node.chassis,
      nodeAddress: NODE_ADDRESS,
      hostFolder: join(folder, installation.title.replaceAll(/\W+/g, '-')),
      entrypoint: Entrypoint,
    };
    await checkInstallation(lab, installation, around);
  }
  await node.stop();
}

function installations(): Installation[] {
  const charts = CHARTS.flatMap((name) =>
    [true, false].map((isPrimary) => {
      const mode = isPrimary ? 'primary' : 'non-primary';
      return { title: `chart ${name}, ${mode}`, ...chartOf(name, isPrimary) };
    }),
  );
  if (whyNotRendered !== undefined) {
    console.log(`deploy/ is left out: it ${whyNotRendered}`);
    return charts;
  }
  return [...charts, ...['primary', 'non-primary'].map(ofDeploy)];
}

/** Of our own manifests. */
function ofDeploy(mode: string): Installation {
  const objects = rendered(`overlays/${mode}`);
  return {
    title: `deploy/overlays/${mode}`,
    daemonset: podOf(objects, 'DaemonSet', 'kube-ovn-cni'),
    controller: podOf(objects, 'Deployment', 'kube-ovn-controller'),
    daemonAccount: DAEMON,
    controllerAccount: CONTROLLER,
  };
}

async function checkInstallation(
  lab: Lab,
  installation: Installation,
  around: Omit<PodSurroundings, 'podName' | 'environment'>,
): Promise<void> {
  const { title, daemonset, controller, daemonAccount, controllerAccount } = installation;
  console.log(`\n${title}`);
  {
    await using inCluster = await InCluster.start(lab.api, daemonAccount);
    const environment = inCluster.environment;
    await checkDaemon(lab, daemonset, { ...around, podName: 'kube-ovn-cni-x', environment });
  }
  await using inCluster = await InCluster.start(lab.api, controllerAccount);
  const environment = inCluster.environment;
  // The variable of a Service, and what the ConfigMap ovn-databases may say.
  const northbound = { OVN_CENTRAL_SERVICE_HOST: NODE_ADDRESS, OVN_DB_IPS: NODE_ADDRESS };
  await checkController(lab, controller, {
    ...around,
    podName: 'kube-ovn-controller-x',
    environment: { ...northbound, ...environment },
  });
}
