/**
 * The controller: from a pod's creation to its annotations, a thousand pods at once, and a start
 * with ten thousand. The fake API server runs in the bench's own process, on loopback.
 */
import { mkdir } from 'node:fs/promises';
import { KubernetesApi, loadKubeConfig } from '../../src/common/kubernetes/api.ts';
import type { FakeApiServer } from '../../test/lab/kubernetes/api.ts';
import { OvnNode } from '../../test/lab/ovn-node.ts';
import { measureNorthbound } from './controller-northbound.ts';
import {
  ATTACHNET,
  allAllocated,
  allocateAtOnce,
  allocateOneByOne,
  type ControllerStage,
  countPatches,
  cpuMsOf,
  createPod,
  isAllocated,
  KUBECONFIG,
  MACVLAN,
  megabytesOf,
  SINGLE_PODS,
  startStage,
} from './controller-stage.ts';
import { hostileAnnotations, longestDelay } from './loop-delay.ts';
import { median, percentile, round } from './statistics.ts';

/** A deployment that is scaled up. */
const SCALE_UP = 500;
const BURST = 1000;
const OVN_BURST = 200;
const OLD_PODS = 10_000;
/** As many requests at a time as the controller has. */
const REQUESTS_AT_ONCE = 32;

export async function measureController() {
  const node = await OvnNode.start();
  await mkdir('/run/kube', { recursive: true });
  const small = await startStage();
  const macvlan = await allocateOneByOne(small, MACVLAN);
  const cpuBefore = await cpuMsOf(small.controller);
  const ovn = await allocateOneByOne(small, ATTACHNET);
  const cpu = (await cpuMsOf(small.controller)) - cpuBefore;
  const scaleUp = await allocateAtOnce(small, MACVLAN, SCALE_UP);
  const bare = await bareWrites(small, BURST);
  const burst = await allocateAtOnce(small, MACVLAN, BURST);
  const ovnBurst = await allocateAtOnce(small, ATTACHNET, OVN_BURST);
  const delay = await longestDelay(small.controller, () => burstWithHostilePod(small));
  const patches = countPatches(small.api, '/api/v1/namespaces/default/pods/pod-');
  await small.stop();
  const large = await measureStart();
  await node.stop();
  const pods = 2 * SINGLE_PODS + SCALE_UP + 2 * BURST + OVN_BURST;
  return {
    ctl_macvlan_pod_p50_ms: round(median(macvlan)),
    ctl_macvlan_pod_p99_ms: round(percentile(macvlan, 99)),
    ctl_ovn_pod_p50_ms: round(median(ovn)),
    ctl_ovn_pod_p99_ms: round(percentile(ovn, 99)),
    ctl_ovn_pod_cpu_ms: round(cpu / SINGLE_PODS, 1),
    ctl_macvlan_pods_per_s: round(SCALE_UP / scaleUp, 0),
    ctl_burst_s: round(burst),
    ctl_burst_pods_per_s: round(BURST / burst, 0),
    ctl_burst_over_bare: round(burst / bare),
    ctl_loop_delay_max_ms_hostile_burst: delay,
    ctl_patches_per_pod: round(patches / pods, 3),
    ctl_ovn_pods_per_s: round(OVN_BURST / ovnBurst, 0),
    ...large,
    ...(await measureNorthbound()),
  };
}

/** A burst with a pod in it that asks for all that one pod can ask for. */
async function burstWithHostilePod(stage: ControllerStage): Promise<void> {
  const hostile = { name: 'hostile', namespace: 'default' };
  const done = allAllocated(stage.api, MACVLAN, BURST);
  for (let made = 0; made < BURST; made += 1) {
    if (made === BURST / 2) {
      const annotations = hostileAnnotations('default/macvlan');
      const metadata = { ...hostile, annotations };
      stage.api.create({ kind: 'Pod', metadata, spec: { nodeName: 'node1', containers: [] } });
    }
    createPod(stage.api, MACVLAN);
  }
  await done;
}

/** The requests that as many pods cost, one IP object and one patch each, with nothing thought. */
async function bareWrites({ api: server }: ControllerStage, count: number): Promise<number> {
  const api = new KubernetesApi(loadKubeConfig(KUBECONFIG));
  const signal = new AbortController().signal;
  const names = Array.from({ length: count }, (_, index) => `bare-${index}`);
  for (const name of names) {
    server.create({ kind: 'Pod', metadata: { name, namespace: 'default' }, spec: {} });
  }
  const annotations = Object.fromEntries(
    ['ip_address', 'cidr', 'gateway', 'allocated'].map((key) => [
      `bare.default/${key}`,
      '10.0.0.0',
    ]),
  );
  const startedMs = performance.now();
  const waiting = names.values();
  const worker = async () => {
    for (const name of waiting) {
      const ip = { metadata: { name: `${name}.bare` }, spec: { subnet: 'none', podName: name } };
      await api.create('/apis/kubeovn.io/v1/ips', ip, signal);
      const path = `/api/v1/namespaces/default/pods/${name}`;
      await api.mergePatch(path, { metadata: { annotations } }, signal);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  const seconds = (performance.now() - startedMs) / 1000;
  api.destroy();
  return seconds;
}

/** A start in a cluster whose pods all have their addresses. */
async function measureStart() {
  const stage = await startStage({
    before: (api) => {
      for (let index = 0; index < OLD_PODS; index += 1) createOldPod(api, index);
    },
  });
  const { api, controller, startedMs, stop } = stage;
  const followedMs = performance.now() - startedMs;
  const name = createPod(api, MACVLAN);
  await api.until('Pod', `default/${name}`, (pod) => isAllocated(pod, MACVLAN));
  const firstMs = performance.now() - startedMs;
  const memory = await megabytesOf(controller);
  const patches =
    countPatches(api, '/api/v1/namespaces/default/pods/old-') +
    countPatches(api, '/apis/kubeovn.io/v1/ips/old-');
  await stop();
  return {
    ctl_start_followed_s: round(followedMs / 1000),
    ctl_start_first_pod_s: round(firstMs / 1000),
    ctl_start_objects_per_s: round((2 * OLD_PODS) / (followedMs / 1000), 0),
    ctl_start_patches: patches,
    ctl_rss_mb_10000_pods: memory,
  };
}

function createOldPod(api: FakeApiServer, index: number): void {
  const name = `old-${index}`;
  const address = `10.64.${1 + (index >> 8)}.${index & 255}`;
  const { provider, nad } = MACVLAN;
  const values = {
    ip_address: address,
    cidr: '10.64.0.0/14',
    gateway: '10.64.0.1',
    allocated: 'true',
  };
  const written = Object.entries(values).map(([key, value]) => [
    `${provider}.kubernetes.io/${key}`,
    value,
  ]);
  api.create({
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      annotations: {
        'k8s.v1.cni.cncf.io/networks': `default/${nad}`,
        ...Object.fromEntries(written),
      },
    },
    spec: { nodeName: 'node1', containers: [] },
    status: { phase: 'Running' },
  });
  api.create({
    kind: 'IP',
    metadata: {
      name: `${name}.default.${provider}`,
      finalizers: ['kubeovn.io/kube-ovn-controller'],
      labels: {
        'ovn.kubernetes.io/subnet': nad,
        [nad]: '',
        'ovn.kubernetes.io/node-name': 'node1',
        'ovn.kubernetes.io/ip_reserved': 'false',
      },
    },
    spec: {
      podName: name,
      namespace: 'default',
      subnet: nad,
      nodeName: 'node1',
      ipAddress: address,
      v4IpAddress: address,
      v6IpAddress: '',
      macAddress: '',
      podType: '',
      attachIps: [],
      attachMacs: [],
      attachSubnets: [],
      containerID: '',
    },
  });
}
