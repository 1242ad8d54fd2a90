/** A controller before a fake API server, and pods that it gives addresses to. */
import { readFile } from 'node:fs/promises';
import { Controller } from '../../test/lab/controller.ts';
import { CONTROLLER, FakeApiServer, type KubernetesObject } from '../../test/lab/kubernetes/api.ts';
import { NB_DATABASE } from '../../test/lab/ovn-node.ts';
import { round } from './statistics.ts';

export const KUBECONFIG = '/run/kube/controller-config';
const FLAGS = ['--non-primary-cni-mode=true'];

/** Of lone pods. */
export const SINGLE_PODS = 100;
/** Of `USER_HZ`, which is 100 on all of Linux's common architectures. */
const MS_PER_TICK = 10;

/** A kind of network, and what its NICs' annotations are under. */
export interface Network {
  readonly nad: string;
  readonly provider: string;
}
export const MACVLAN: Network = { nad: 'macvlan', provider: 'macvlan.default' };
export const ATTACHNET: Network = { nad: 'attachnet', provider: 'attachnet.default.ovn' };

export interface ControllerStage {
  readonly api: FakeApiServer;
  readonly controller: Controller;
  stop(): Promise<void>;
}

/**
 * @param options.before makes what is there when the controller starts
 * @param options.northbound an OVSDB remote
 */
export async function startStage({
  before = () => {},
  northbound = NB_DATABASE,
}: {
  readonly before?: (api: FakeApiServer) => void;
  readonly northbound?: string;
} = {}) {
  const api = await FakeApiServer.start();
  createNetworks(api);
  before(api);
  await api.writeKubeconfig(KUBECONFIG, CONTROLLER);
  const startedMs = performance.now();
  const controller = await startController(northbound);
  const stop = async () => {
    await controller.stop();
    await api.close();
  };
  return { api, controller, stop, startedMs } satisfies ControllerStage & { startedMs: number };
}

export function startController(northbound: string): Promise<Controller> {
  return Controller.start({ kubeconfig: KUBECONFIG, flags: FLAGS, northbound });
}

export function createNetworks(api: FakeApiServer): void {
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

export function createPod(api: FakeApiServer, { nad }: Network): string {
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

export function isAllocated({ metadata }: KubernetesObject, { provider }: Network): boolean {
  return metadata.annotations?.[`${provider}.kubernetes.io/allocated`] === 'true';
}

/** @returns ms from each pod's creation to its annotations */
export async function allocateOneByOne(
  { api }: Pick<ControllerStage, 'api'>,
  network: Network,
  pods = SINGLE_PODS,
): Promise<number[]> {
  const samples: number[] = [];
  for (let count = 0; count < pods; count += 1) {
    const startedMs = performance.now();
    const name = createPod(api, network);
    await api.until('Pod', `default/${name}`, (pod) => isAllocated(pod, network));
    samples.push(performance.now() - startedMs);
  }
  return samples;
}

/** @returns seconds until all of them have their annotations */
export async function allocateAtOnce(
  { api }: Pick<ControllerStage, 'api'>,
  network: Network,
  count: number,
): Promise<number> {
  const done = allAllocated(api, network, count);
  const startedMs = performance.now();
  for (let made = 0; made < count; made += 1) createPod(api, network);
  await done;
  return (performance.now() - startedMs) / 1000;
}

/** Resolves when so many pods more than now have their annotations. */
export function allAllocated(api: FakeApiServer, network: Network, count: number): Promise<void> {
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

export function countPatches(api: FakeApiServer, prefix: string): number {
  const patches = api.requests.matching({ verb: 'patch' });
  return patches.filter(({ path }) => path.startsWith(prefix)).length;
}

/** Its resident set. */
export async function megabytesOf({ process }: Controller): Promise<number> {
  const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
  return round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, 1);
}

/** What it has used of processors since it was started; ms. */
export async function cpuMsOf({ process }: Controller): Promise<number> {
  const stat = await readFile(`/proc/${process.pid}/stat`, 'utf8');
  // The name of the program, in brackets, may have spaces in it (proc_pid_stat(5)).
  const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(user) + Number(system)) * MS_PER_TICK;
}
