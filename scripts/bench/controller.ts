/**
 * The controller: from a pod's creation to its annotations, a thousand pods at once, and a start
 * with ten thousand. The fake API server runs in the bench's own process, on loopback.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { KubernetesApi, loadKubeConfig } from '../../src/common/kubernetes/api.ts';
import { Controller } from '../../test/lab/controller.ts';
import {
  CONTROLLER,
  KubernetesApiDouble,
  type KubernetesObject,
} from '../../test/lab/kubernetes/api.ts';
import { OvnNode } from '../../test/lab/ovn-node.ts';
import { hostileAnnotations, longestDelay } from './loop-delay.ts';
import { median, percentile, round } from './statistics.ts';

const KUBECONFIG = '/run/kube/controller-config';
const FLAGS = ['--non-primary-cni-mode=true'];
const SINGLE_PODS = 100;
const BURST = 1000;
/** OVN's part of a burst takes some hundred times as long. */
const OVN_BURST = 200;
const OLD_PODS = 10_000;
/** As many requests at a time as the controller has. */
const REQUESTS_AT_ONCE = 32;

/** A kind of network, and what its NICs' annotations are under. */
interface Network {
  readonly nad: string;
  readonly provider: string;
}
const MACVLAN: Network = { nad: 'macvlan', provider: 'macvlan.default' };
const ATTACHNET: Network = { nad: 'attachnet', provider: 'attachnet.default.ovn' };

export async function measureController() {
  const node = await OvnNode.start();
  await mkdir('/run/kube', { recursive: true });
  const small = await startStage();
  const ipam = await allocateOneByOne(small, MACVLAN);
  const ovn = await allocateOneByOne(small, ATTACHNET);
  const bare = await bareWrites(small, BURST);
  const burst = await allocateAtOnce(small, MACVLAN, BURST);
  const ovnBurst = await allocateAtOnce(small, ATTACHNET, OVN_BURST);
  const delay = await longestDelay(small.controller, () => burstWithHostilePod(small));
  const patches = countPatches(small.api, '/api/v1/namespaces/default/pods/pod-');
  await small.stop();
  const large = await measureStart();
  await node.stop();
  return {
    ctl_ipam_p50_ms: round(median(ipam)),
    ctl_ipam_p99_ms: round(percentile(ipam, 99)),
    ctl_ovn_p50_ms: round(median(ovn)),
    ctl_ovn_p99_ms: round(percentile(ovn, 99)),
    ctl_burst_s: round(burst),
    ctl_burst_pods_per_s: round(BURST / burst, 0),
    ctl_burst_over_bare: round(burst / bare),
    ctl_loop_delay_max_ms_hostile_burst: delay,
    ctl_patches_per_pod: round(patches / (2 * SINGLE_PODS + 2 * BURST + OVN_BURST), 3),
    ctl_ovn_burst_pods_per_s: round(OVN_BURST / ovnBurst, 0),
    ...large,
  };
}

interface ControllerStage {
  readonly api: KubernetesApiDouble;
  readonly controller: Controller;
  stop(): Promise<void>;
}

async function startStage(before: (api: KubernetesApiDouble) => void = () => {}) {
  const api = await KubernetesApiDouble.start();
  createNetworks(api);
  before(api);
  await api.writeKubeconfig(KUBECONFIG, CONTROLLER);
  const startedMs = performance.now();
  const controller = await Controller.start({ kubeconfig: KUBECONFIG, flags: FLAGS });
  const stop = async () => {
    await controller.stop();
    await api.close();
  };
  return { api, controller, stop, startedMs } satisfies ControllerStage & { startedMs: number };
}

function createNetworks(api: KubernetesApiDouble): void {
  api.create({ kind: 'Namespace', metadata: { name: 'default' } });
  for (const { nad, provider } of [MACVLAN, ATTACHNET]) {
    const type = nad === 'macvlan' ? { type: 'macvlan', ipam: { type: 'kube-ovn', provider } } : {};
    const config = { cniVersion: '1.0.0', type: 'kube-ovn', provider, ...type };
    api.create({
      kind: 'NetworkAttachmentDefinition',
      metadata: { namespace: 'default', name: nad },
      spec: { config: JSON.stringify(config) },
    });
    const cidrBlock = nad === 'macvlan' ? '10.64.0.0/14' : '10.128.0.0/14';
    api.create({ kind: 'Subnet', metadata: { name: nad }, spec: { provider, cidrBlock } });
  }
}

let podCount = 0;

function createPod(api: KubernetesApiDouble, { nad }: Network): string {
  podCount += 1;
  const name = `pod-${podCount}`;
  api.create({
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      annotations: { 'k8s.v1.cni.cncf.io/networks': `default/${nad}` },
    },
    spec: { nodeName: 'node1', containers: [] },
  });
  return name;
}

function isAllocated({ metadata }: KubernetesObject, { provider }: Network): boolean {
  return metadata.annotations?.[`${provider}.kubernetes.io/allocated`] === 'true';
}

/** @returns ms from each pod's creation to its annotations */
async function allocateOneByOne({ api }: ControllerStage, network: Network): Promise<number[]> {
  const samples: number[] = [];
  for (let count = 0; count < SINGLE_PODS; count += 1) {
    const startedMs = performance.now();
    const name = createPod(api, network);
    await api.until('Pod', `default/${name}`, (pod) => isAllocated(pod, network));
    samples.push(performance.now() - startedMs);
  }
  return samples;
}

/** @returns seconds until all of them have their annotations */
async function allocateAtOnce(
  { api }: ControllerStage,
  network: Network,
  count: number,
): Promise<number> {
  const done = allAllocated(api, network, count);
  const startedMs = performance.now();
  for (let made = 0; made < count; made += 1) createPod(api, network);
  await done;
  return (performance.now() - startedMs) / 1000;
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

/** Resolves when so many pods more than now have their annotations. */
function allAllocated(api: KubernetesApiDouble, network: Network, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen = new Set<string>();
  const known = api.list('Pod').filter((pod) => isAllocated(pod, network));
  const old = new Set(known.map(({ metadata }) => metadata.name));
  const stop = api.onChange('Pod', (pod) => {
    if (pod === undefined || old.has(pod.metadata.name) || !isAllocated(pod, network)) return;
    seen.add(String(pod.metadata.name));
    if (seen.size < count) return;
    stop();
    resolve();
  });
  return promise;
}

/** The requests that as many pods cost, one IP object and one patch each, with nothing thought. */
async function bareWrites({ api: double }: ControllerStage, count: number): Promise<number> {
  const api = new KubernetesApi(loadKubeConfig(KUBECONFIG));
  const signal = new AbortController().signal;
  const names = Array.from({ length: count }, (_, index) => `bare-${index}`);
  for (const name of names) {
    double.create({ kind: 'Pod', metadata: { name, namespace: 'default' }, spec: {} });
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
  const stage = await startStage((api) => {
    for (let index = 0; index < OLD_PODS; index += 1) createOldPod(api, index);
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

function createOldPod(api: KubernetesApiDouble, index: number): void {
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

function countPatches(api: KubernetesApiDouble, prefix: string): number {
  const patches = api.requests.matching({ verb: 'patch' });
  return patches.filter(({ path }) => path.startsWith(prefix)).length;
}

async function megabytesOf({ process }: Controller): Promise<number> {
  const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
  return round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, 1);
}
