/**
 * What every test of the controller on a real node starts with: OVS, OVN, a fake API server, the
 * built controller and daemon, and a network card for macvlan. Kubelet, Multus, scheduler and the
 * controllers of workloads are played. One per test file, as in fixture.ts.
 */
import { mkdir } from 'node:fs/promises';
import { abortable, startDeadline } from '../../src/common/concurrency/deadline.ts';
import { Controller } from '../lab/controller.ts';
import { Daemon } from '../lab/daemon.ts';
import { apply } from '../lab/kubectl.ts';
import { Kubelet, type RunningPod } from '../lab/kubelet.ts';
import {
  CONTROLLER,
  DAEMON,
  FakeApiServer,
  type KubernetesObject,
  type NewObject,
} from '../lab/kubernetes/api.ts';
import { keyOf } from '../lab/kubernetes/object.ts';
import type { Account } from '../lab/kubernetes/rbac.ts';
import { type Request, requestsOf } from '../lab/multus.ts';
import { makeNetworkCard } from '../lab/network-card.ts';
import { OvnNode } from '../lab/ovn-node.ts';
import type { NetworkConfig } from '../lab/runtime.ts';
import { bindPod, identityOf, type PodIdentity, Workloads } from '../lab/workloads.ts';
import { KUBECONFIG, mirrorIsThere } from './fixture.ts';

const CONTROLLER_KUBECONFIG = '/run/kube/controller-config';
/** Far above what anything takes here that comes at all. */
const WAIT_MS = 60_000;
const LOG_LINES = 20;

/** Another one leads soon after a controller was killed, and none loses it for a busy machine. */
const SHORT_LEASE = [
  '--leader-elect-lease-duration=12s',
  '--leader-elect-renew-deadline=10s',
  '--leader-elect-retry-period=500ms',
];

export interface ControllerFixtureOptions {
  /** Of the controller, behind those for a short Lease; `[]` is for primary mode. */
  readonly flags?: readonly string[];
  /** As whom the controller asks; as deploy/base installs it without one. */
  readonly account?: Account;
  /** Of the daemon. */
  readonly daemonFlags?: readonly string[];
  /** Undefined where the controller has no OVN. */
  readonly northbound?: string | undefined;
  /** eth0's configuration; without it pods have an eth0 only by annotation. */
  readonly primary?: NetworkConfig;
  /** False for a node without a network card for macvlan. */
  readonly hasCard?: boolean;
  /** What is there before the controller starts. */
  readonly before?: (parts: { api: FakeApiServer; node: OvnNode }) => void | Promise<void>;
}

export class ControllerFixture implements AsyncDisposable {
  readonly node: OvnNode;
  readonly api: FakeApiServer;
  readonly daemon: Daemon;
  readonly kubelet: Kubelet;
  readonly workloads: Workloads;
  controller: Controller;
  readonly #options: ControllerFixtureOptions;

  private constructor(
    parts: Pick<ControllerFixture, 'node' | 'api' | 'daemon' | 'controller'>,
    options: ControllerFixtureOptions,
  ) {
    this.node = parts.node;
    this.api = parts.api;
    this.daemon = parts.daemon;
    this.controller = parts.controller;
    this.kubelet = new Kubelet(this.api, options.primary);
    const end = (pod: PodIdentity) => this.kubelet.end(pod);
    this.workloads = new Workloads(this.api, { nodeName: this.node.chassis, end });
    this.#options = options;
  }

  static async start(options: ControllerFixtureOptions = {}): Promise<ControllerFixture> {
    const node = await OvnNode.start();
    const api = await FakeApiServer.start();
    api.create({
      kind: 'Node',
      metadata: { name: node.chassis },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
    });
    for (const name of ['default', 'kube-system']) {
      api.create({ kind: 'Namespace', metadata: { name } });
    }
    await mkdir('/run/kube', { recursive: true });
    await api.writeKubeconfig(KUBECONFIG, DAEMON);
    await api.writeKubeconfig(CONTROLLER_KUBECONFIG, options.account ?? CONTROLLER);
    if (options.hasCard !== false) await makeNetworkCard();
    await options.before?.({ api, node });
    const { daemonFlags = ['--add-timeout-seconds=10'] } = options;
    const [controller, daemon] = await Promise.all([
      startController(options),
      Daemon.start({ kubeconfig: KUBECONFIG, nodeName: node.chassis, flags: daemonFlags }),
    ]);
    await mirrorIsThere(node, daemonFlags);
    return new ControllerFixture({ node, api, daemon, controller }, options);
  }

  /** What `kubectl apply` does. */
  apply(...manifests: readonly NewObject[]): void {
    for (const manifest of manifests) apply(this.api, manifest);
  }

  /** Creates a pod, and puts it on the node; nothing of it runs. */
  schedule(manifest: NewObject): PodIdentity {
    const pod = identityOf(apply(this.api, manifest));
    bindPod(this.api, pod, this.node.chassis);
    return pod;
  }

  /** A pod whose NICs all have their addresses, and that runs. */
  async pod(manifest: NewObject): Promise<RunningPod> {
    return await this.run(this.schedule(manifest));
  }

  /** Waits until all NICs of a pod have their addresses, and brings it up. */
  async run(pod: PodIdentity): Promise<RunningPod> {
    const requests = requestsOf(this.api, pod, this.#options.primary);
    for (const provider of providersOf(requests)) await this.allocated(keyOf(pod), provider);
    return await this.kubelet.start(pod);
  }

  /**
   * Waits until a pod has what is allocated for a provider (`<provider>.<interface>` where NICs
   * share a network).
   * @returns the provider's annotations by their names, like `ip_address`
   */
  async allocated(key: string, provider: string): Promise<Record<string, string>> {
    const prefix = `${provider}.kubernetes.io/`;
    const pod = await this.becomes('Pod', key, ({ metadata }) => {
      return metadata.annotations?.[`${prefix}allocated`] === 'true';
    });
    const own = Object.entries(pod.metadata.annotations ?? {}).filter(([name]) => {
      return name.startsWith(prefix);
    });
    return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
  }

  /** Waits for a status of a Subnet. */
  async subnetStatus(
    name: string,
    isWanted: (status: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>> {
    const subnet = await this.becomes('Subnet', name, ({ status = {} }) => isWanted(status));
    return subnet.status ?? {};
  }

  /**
   * Waits until an object is as `isWanted` wants it.
   * @throws Error with all that may say why, where that takes too long
   */
  async becomes(
    kind: string,
    key: string,
    isWanted: (object: KubernetesObject) => boolean,
  ): Promise<KubernetesObject> {
    using deadline = startDeadline(WAIT_MS);
    try {
      return await abortable(this.api.until(kind, key, isWanted), deadline.signal);
    } catch (error) {
      throw new Error(this.#describe(kind, key), { cause: error });
    }
  }

  /** Ends the controller, and starts it again, with other options where they are given. */
  async restartController(
    signal: NodeJS.Signals = 'SIGTERM',
    changes: Pick<ControllerFixtureOptions, 'flags' | 'northbound'> = {},
  ): Promise<void> {
    await this.controller.stop(signal);
    this.controller = await startController({ ...this.#options, ...changes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.stop();
    await this.controller.stop();
    await this.node.stop();
    await this.api.close();
  }

  #describe(kind: string, key: string): string {
    const object = this.api.list(kind).find(({ metadata }) => keyOf(metadata) === key);
    const events = this.api.list('Event').map(({ reason, message }) => `${reason}: ${message}`);
    return [
      `${kind} ${key} does not become what is expected: ${JSON.stringify(object)}`,
      ...events,
      ...this.controller.log.slice(-LOG_LINES),
    ].join('\n');
  }
}

function startController(options: ControllerFixtureOptions): Promise<Controller> {
  const { flags = ['--non-primary-cni-mode=true'] } = options;
  const database = 'northbound' in options ? { northbound: options.northbound } : {};
  return Controller.start({
    kubeconfig: CONTROLLER_KUBECONFIG,
    flags: [...SHORT_LEASE, ...flags],
    ...database,
  });
}

/** Under which providers the NICs have their annotations that ask Kube-OVN for addresses. */
function providersOf(requests: readonly Request[]): string[] {
  return requests.flatMap((request) => {
    const { network, ifName, config, chained = [] } = request;
    const plugins = [config, ...chained];
    const own = plugins.find(({ type }) => type === 'kube-ovn');
    if (own === undefined) return plugins.flatMap(({ ipam }) => delegatedProvider(ipam));
    const provider = String(own.provider ?? 'ovn');
    const isShared = requests.filter((other) => other.network === network).length > 1;
    return isShared ? `${provider}.${ifName}` : provider;
  });
}

function delegatedProvider(ipam: unknown): string[] {
  const { type, provider } = (ipam ?? {}) as { type?: string; provider?: string };
  return type === 'kube-ovn' && provider !== undefined ? [provider] : [];
}
