/**
 * The demo's pods: applied as they stand, and at once brought up as kubelet and Multus do it. Each
 * ADD waits until the controller has given its interface an address.
 */
import type { WorkloadManifest } from '../../test/lab/documented.ts';
import { apply } from '../../test/lab/kubectl.ts';
import type { PodInterface, RunningPod } from '../../test/lab/kubelet.ts';
import { keyOf, type NewObject } from '../../test/lab/kubernetes/object.ts';
import { podAddresses, podLink, podRoutes } from '../../test/lab/snapshot.ts';
import { bindPod, identityOf, type PodIdentity } from '../../test/lab/workloads.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

/** A pod's manifest, and what the pod shows. */
export type Exhibit = readonly [manifest: NewObject, shows: string];

/** Applies pods one after another, and brings each up. @throws Error where an ADD failed */
export async function runPods(
  stage: Stage,
  exhibits: readonly Exhibit[],
  report: Report,
): Promise<RunningPod[]> {
  const pods: RunningPod[] = [];
  for (const [manifest, shows] of exhibits) {
    pods.push(await bringUp(stage, schedulePod(stage, manifest), shows, report));
  }
  return pods;
}

/** Applies a workload, and brings up the pods that are made for it. */
export async function runWorkload(
  stage: Stage,
  manifest: WorkloadManifest,
  shows: string,
  report: Report,
): Promise<RunningPod[]> {
  const made = await stage.workloads.apply(manifest);
  const pods: RunningPod[] = [];
  for (const pod of made) pods.push(await bringUp(stage, pod, shows, report));
  return pods;
}

/** Applies a pod, and puts it on the node; nothing of it runs. */
export function schedulePod({ api, node }: Stage, manifest: NewObject): PodIdentity {
  const pod = identityOf(apply(api, manifest));
  bindPod(api, pod, node.chassis);
  return pod;
}

/** Brings up a pod that is on the node. */
export async function bringUp(
  { kubelet }: Stage,
  pod: PodIdentity,
  shows: string,
  report: Report,
): Promise<RunningPod> {
  const running = await kubelet.start(pod);
  const adds = running.interfaces.map(({ request, ms }) => `${request.ifName} ${ms.toFixed(0)} ms`);
  report.check(`${pod.name}: ${shows}`, true, `ADD of ${adds.join(', ')}`);
  return running;
}

/** Takes pods down in the reverse order, with the DELs of their interfaces. */
export async function endPods(
  { kubelet }: Stage,
  pods: readonly RunningPod[],
  report: Report,
): Promise<void> {
  const startedMs = performance.now();
  let count = 0;
  for (const { pod, interfaces } of [...pods].reverse()) {
    await kubelet.end(pod);
    count += interfaces.length;
  }
  const ms = (performance.now() - startedMs).toFixed(0);
  report.check('pods deleted', true, `${pods.length}, by ${count} DELs, in ${ms} ms`);
}

/** The pod of that name, or the first one of that workload. */
export function podNamed(pods: readonly RunningPod[], name: string): RunningPod {
  const found =
    pods.find(({ pod }) => pod.name === name) ??
    pods.find(({ pod }) => pod.name.startsWith(`${name}-`));
  if (found === undefined) throw new Error(`no pod ${name}`);
  return found;
}

/** The first address of an interface of a pod, as its ADD said. */
export function addressOf({ interfaces }: RunningPod, ifName = 'net1'): string {
  const found = interfaces.find(({ request }) => request.ifName === ifName);
  return found?.result.ips?.[0]?.address.split('/')[0] ?? 'none';
}

/** How many NICs of a network in namespace default pods have. */
export function nicsOf(pods: readonly RunningPod[], network: string): number {
  const requests = pods.flatMap(({ interfaces }) => interfaces.map(({ request }) => request));
  return requests.filter((request) => request.network === `default/${network}`).length;
}

/** An annotation that a pod has now. */
export function annotationOf({ api }: Stage, { pod }: RunningPod, key: string): string | undefined {
  return api.get('Pod', keyOf(pod)).metadata.annotations?.[key];
}

/** Shows pods' interfaces as the kernel has them. */
export async function showPods(pods: readonly RunningPod[], report: Report): Promise<void> {
  const rows = pods.flatMap((pod) =>
    pod.interfaces
      .filter(({ request }) => request.network !== 'other')
      .map((each) => describe(pod, each)),
  );
  console.log();
  const headings = ['pod', 'interface', 'network', 'MAC', 'addresses', 'routes'];
  report.table(headings, await Promise.all(rows));
  console.log();
}

async function describe(
  { pod, sandbox }: RunningPod,
  { request: { ifName, network } }: PodInterface,
): Promise<string[]> {
  const link = await podLink(sandbox, ifName);
  const routes = [...(await podRoutes(sandbox, 4)), ...(await podRoutes(sandbox, 6))];
  const own = routes.filter((route) => route.endsWith(` dev ${ifName}`));
  return [
    pod.name,
    ifName,
    network,
    link?.address ?? '-',
    (await podAddresses(sandbox, ifName)).join(' '),
    own.map((route) => route.replace(` dev ${ifName}`, '')).join(', ') || '-',
  ];
}
