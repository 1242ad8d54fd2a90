/**
 * Plays the kubelet with Multus for whole pods: a sandbox, an ADD for each interface, default
 * routes, what is then written on the pod, and all of that back again.
 */
import type { FakeApiServer } from './kubernetes/api.ts';
import { keyOf } from './kubernetes/object.ts';
import { play, type Request, requestsOf } from './multus.ts';
import {
  NETWORK_STATUS_ANNOTATION,
  type NetworkStatus,
  networkStatus,
  networkStatusText,
} from './network-status.ts';
import {
  type CniOutcome,
  type CniResult,
  createSandbox,
  deleteSandbox,
  inSandbox,
  type NetworkConfig,
  type Sandbox,
} from './runtime.ts';
import { endPod, existingPod, markPod, type PodIdentity } from './workloads.ts';

/** An interface that its ADD has made. */
export interface PodInterface {
  readonly request: Request;
  readonly result: CniResult;
  /** How long its ADD took. */
  readonly ms: number;
}

export interface RunningPod {
  readonly pod: PodIdentity;
  readonly sandbox: Sandbox;
  /** In the order of their ADDs. */
  readonly interfaces: readonly PodInterface[];
}

export class Kubelet {
  readonly #api: FakeApiServer;
  readonly #primary: NetworkConfig | undefined;
  /** By UID. */
  readonly #running = new Map<string, RunningPod>();

  /** @param primary see requestsOf */
  constructor(api: FakeApiServer, primary?: NetworkConfig) {
    this.#api = api;
    this.#primary = primary;
  }

  /**
   * Brings a pod up, as soon as it is on a node.
   * @throws Error where an ADD failed: then there is an event about it, and no sandbox
   */
  async start(pod: PodIdentity): Promise<RunningPod> {
    await this.#api.until('Pod', keyOf(pod), ({ spec }) => spec?.nodeName !== undefined);
    const sandbox = await createSandbox(pod);
    try {
      const requests = requestsOf(this.#api, pod, this.#primary);
      const interfaces = await addAll(sandbox, requests);
      const running = { pod, sandbox, interfaces };
      this.#running.set(pod.uid, running);
      this.#report(running);
      return running;
    } catch (error) {
      await deleteSandbox(sandbox);
      this.#complain(pod, error as Error);
      throw error;
    }
  }

  /**
   * Deletes a pod: its interfaces in the reverse order, its sandbox, and then the object.
   * @throws Error where a DEL failed
   */
  async end(pod: PodIdentity): Promise<void> {
    markPod(this.#api, pod);
    await this.stop(pod);
    endPod(this.#api, pod);
  }

  /** Takes a pod's interfaces and its sandbox down; what does not run stays so. */
  async stop(pod: PodIdentity): Promise<void> {
    const running = this.#running.get(pod.uid);
    if (running === undefined) return;
    this.#running.delete(pod.uid);
    for (const { request, result } of [...running.interfaces].reverse()) {
      succeed('DEL', request, await play('DEL', running.sandbox, request, result));
    }
    await deleteSandbox(running.sandbox);
  }

  /** Nothing where the pod has gone meanwhile. */
  #report({ pod, interfaces }: RunningPod): void {
    if (existingPod(this.#api, pod) === undefined) return;
    const statuses = interfaces.map(({ request, result }) => networkStatus(request, result));
    const annotations =
      statuses.length === 0 ? {} : { [NETWORK_STATUS_ANNOTATION]: networkStatusText(statuses) };
    const status = { phase: 'Running', ...addressesOf(statuses) };
    this.#api.patch('Pod', keyOf(pod), { metadata: { annotations }, status });
  }

  #complain(pod: PodIdentity, { message }: Error): void {
    this.#api.create({
      kind: 'Event',
      metadata: { generateName: `${pod.name}.`, namespace: pod.namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', ...pod },
      type: 'Warning',
      reason: 'FailedCreatePodSandBox',
      message: `Failed to create pod sandbox: ${message}`,
    });
  }
}

/** Runs the ADDs; where one fails, DELs for it and for those before it. */
async function addAll(sandbox: Sandbox, requests: readonly Request[]): Promise<PodInterface[]> {
  const choosesRoute = requests.some(({ gateways }) => gateways !== undefined);
  const interfaces: PodInterface[] = [];
  for (const [index, request] of requests.entries()) {
    const outcome = await play('ADD', sandbox, request);
    if (outcome.exitCode !== 0) {
      const begun = requests.slice(0, index + 1).reverse();
      for (const other of begun) await play('DEL', sandbox, other);
    }
    const result = succeed('ADD', request, outcome);
    if (choosesRoute) await chooseDefaultRoutes(sandbox, request);
    interfaces.push({ request, result, ms: outcome.ms });
  }
  return interfaces;
}

/**
 * What Multus does after each ADD of a pod with a `default-route`: the interface loses its default
 * routes of both families, and the one with gateways gets those.
 */
async function chooseDefaultRoutes(
  sandbox: Sandbox,
  { ifName, gateways = [] }: Request,
): Promise<void> {
  for (const family of ['-4', '-6']) {
    await inSandbox(sandbox, 'ip', family, 'route', 'flush', 'default', 'dev', ifName);
  }
  for (const gateway of gateways) {
    await inSandbox(sandbox, 'ip', 'route', 'add', 'default', 'via', gateway, 'dev', ifName);
  }
}

/** The result of a call. @throws Error for one that failed, with what the plugin said */
function succeed(verb: string, request: Request, outcome: CniOutcome): CniResult {
  const { exitCode, result, stdout, stderr } = outcome;
  if (exitCode === 0) return result ?? { cniVersion: request.config.cniVersion ?? '' };
  const said = result?.msg === undefined ? `${stdout}${stderr}` : sentenceOf(result);
  const { network, config } = request;
  throw new Error(
    `plugin type="${config.type}" failed (${verb}) for network "${network}": ${said}`,
  );
}

function sentenceOf({ msg, details }: CniResult): string {
  return [msg, details].filter(Boolean).join('; ');
}

/** The pod's own addresses are those of its default network. */
function addressesOf(statuses: readonly NetworkStatus[]): object {
  const ips = statuses.find((status) => status.default)?.ips;
  return ips === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) };
}
