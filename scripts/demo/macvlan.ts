/** Addresses for macvlan: all that the documentation has under "Provide IPAM for other types of CNI". */
import {
  macvlanMainPod,
  macvlanNetwork,
  macvlanPod,
  macvlanRoutePod,
  macvlanSubnet,
  staticIpPod,
  staticWorkload,
} from '../../test/lab/documented.ts';
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { podLink, podRoutes } from '../../test/lab/snapshot.ts';
import { macvlanMacPod, statefulWorkload } from './manifests.ts';
import { applyAll, removeAll } from './objects.ts';
import { provePings } from './pings.ts';
import {
  addressOf,
  annotationOf,
  bringUp,
  endPods,
  podNamed,
  runPods,
  runWorkload,
  showPods,
} from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';
import { showUsage, usageOf } from './usage.ts';

const STATEFUL_SET = 'default/stateful';

export async function showMacvlan(stage: Stage, report: Report): Promise<void> {
  report.section('Addresses for macvlan: Subnet macvlan with provider macvlan.default');
  applyAll(stage.api, [macvlanNetwork, macvlanSubnet]);
  const before = await usageOf(stage, 'macvlan', 0);
  const pods = [
    ...(await runPods(stage, [[macvlanPod, 'any address'], [staticIpPod, 'a fixed one']], report)),
    ...(await runPods(stage, [[macvlanMacPod, 'a fixed one and a fixed MAC']], report)),
    ...(await runWorkload(stage, staticWorkload, 'a Deployment with an ip_pool', report)),
    ...(await runPods(stage, [[macvlanRoutePod, 'default-route by macvlan']], report)),
    ...(await runPods(stage, [[macvlanMainPod, 'macvlan as default-network']], report)),
  ]; // biome-ignore format: a table
  const stateful = await runWorkload(stage, statefulWorkload, 'a StatefulSet', report);
  await showPods([...pods, ...stateful], report);
  await proveAddresses(stage, pods, report);
  await proveDefaultRoute(podNamed(pods, 'samplepod-route'), report);
  await provePackets(pods, report);
  const recreated = await proveStateful(stage, podNamed(stateful, 'stateful'), report);

  const during = await usageOf(stage, 'macvlan', pods.length + 1);
  stage.api.delete('StatefulSet', STATEFUL_SET);
  stage.api.delete('Deployment', 'default/static-workload');
  await endPods(stage, [...pods, recreated], report);
  const after = await usageOf(stage, 'macvlan', 0);
  showUsage('macvlan', { before, during, after }, report);
  await removeAll(stage.api, 'Subnet', ['macvlan']);
}

async function proveAddresses(stage: Stage, pods: readonly RunningPod[], report: Report) {
  const first = addressOf(podNamed(pods, 'samplepod'));
  report.check('the lowest address that is not excluded comes first', first === '172.17.0.11');
  const fixed = podNamed(pods, 'static-ip');
  const asked = 'macvlan.default.kubernetes.io/mac_address';
  const isKept = annotationOf(stage, fixed, asked) === '00:00:00:53:6B:BB';
  const hasFixed = addressOf(fixed) === '172.17.0.100';
  report.check('static-ip has 172.17.0.100, and its annotations stay', hasFixed && isKept);
  const link = await podLink(podNamed(pods, 'static-mac').sandbox, 'net1');
  const title = 'static-mac has the MAC that the runtime is asked for';
  report.check(title, link?.address === '02:00:00:53:6b:aa');
  const replicas = pods.filter(({ pod }) => pod.name.startsWith('static-workload-'));
  const found = replicas.map((pod) => addressOf(pod)).sort();
  const isOfPool = found.join() === '172.17.0.200,172.17.0.201';
  report.check('the 2 replicas have addresses of their pool', isOfPool, found.join(', '));
}

async function proveDefaultRoute({ sandbox }: RunningPod, report: Report): Promise<void> {
  const routes = await podRoutes(sandbox, 4);
  const defaults = routes.filter((route) => route.startsWith('default'));
  const isMoved = defaults.join() === 'default via 172.17.0.1 dev net1';
  report.check('the default route of samplepod-route is by macvlan', isMoved, defaults.join());
}

async function provePackets(pods: readonly RunningPod[], report: Report): Promise<void> {
  const [sample, route] = [podNamed(pods, 'samplepod'), podNamed(pods, 'samplepod-route')];
  const main = podNamed(pods, 'samplepod-macvlan');
  const gateway = { to: '172.17.0.1', what: "gateway on the node's wire" };
  const echoes = [
    { from: sample, by: 'net1', to: '172.17.0.100', what: 'static-ip' },
    { from: sample, by: 'eth0', to: '10.244.0.1', what: "eth0's gateway" },
    { from: podNamed(pods, 'static-ip'), by: 'net1', ...gateway },
    { from: route, ...gateway },
    { from: main, by: 'eth0', ...gateway },
  ];
  await provePings(echoes, report);
}

/** A pod of a StatefulSet that is deleted comes again, and others do not get its address meanwhile. */
async function proveStateful(stage: Stage, old: RunningPod, report: Report): Promise<RunningPod> {
  const address = addressOf(old);
  await stage.kubelet.end(old.pod);
  const [again] = await stage.workloads.reconcile('StatefulSet', STATEFUL_SET);
  if (again === undefined) throw new Error(`${old.pod.name} does not come again`);
  const pod = await bringUp(stage, again, 'deleted, and made again', report);
  report.check(`${again.name} has its address again`, addressOf(pod) === address, address);
  return pod;
}
