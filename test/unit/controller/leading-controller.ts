/**
 * A controller that lives in this process and dies as a killed one does: from one moment on nothing
 * of it reaches the API server, and it never learns what became of what it had sent. It is wired as
 * main.ts does it; who leads is not decided here.
 */
import { KubeConfig } from '@kubernetes/client-node';
import { KeyedLock } from '../../../src/common/concurrency/keyed-lock.ts';
import { KubernetesApi } from '../../../src/common/kubernetes/api.ts';
import { EventRecorder } from '../../../src/common/kubernetes/events.ts';
import { ObjectEvents } from '../../../src/common/reconcile/object-events.ts';
import { bootstrap } from '../../../src/controller/bootstrap.ts';
import { AgentPods } from '../../../src/controller/cluster/agent-pods.ts';
import { createCluster } from '../../../src/controller/cluster/cluster.ts';
import { IpIndex } from '../../../src/controller/cluster/ip-index.ts';
import { Machines } from '../../../src/controller/cluster/machines.ts';
import { PodIndex } from '../../../src/controller/cluster/pod-index.ts';
import { parseFlags } from '../../../src/controller/config/flags.ts';
import { Addresses } from '../../../src/controller/ipam/addresses.ts';
import { Allocator } from '../../../src/controller/ipam/allocator/allocator.ts';
import { Leader } from '../../../src/controller/leader.ts';
import { LeadershipError } from '../../../src/controller/leadership/error.ts';
import { LeaderWrites } from '../../../src/controller/leadership/leader-writes.ts';
import { CONTROLLER, type FakeApiServer } from '../../lab/kubernetes/api.ts';
import { TcpLine } from '../../lab/tcp-line.ts';
import { RecordingLog } from '../daemon/recording-log.ts';

const EVENT_LIMITS = { waiting: 1000, atOnce: 4, remembered: 1000 };
const KILLED = new LeadershipError('lost', 'killed', 'nothing');

export class LeadingController implements AsyncDisposable {
  readonly log = new RecordingLog();
  readonly #line: TcpLine;
  readonly #term = new AbortController();
  readonly #stack = new AsyncDisposableStack();

  private constructor(line: TcpLine) {
    this.#line = line;
    this.#stack.use(line);
  }

  /** One that has begun to read the objects; resolves early, it may be killed at once. */
  static async begin(server: FakeApiServer): Promise<LeadingController> {
    const controller = new LeadingController(await TcpLine.start(server.url));
    void controller.#lead(server).catch((error: unknown) => {
      if (!controller.isOver) throw error;
    });
    return controller;
  }

  get isOver(): boolean {
    return this.#term.signal.aborted;
  }

  /** Kills it: at once, whatever it is about. */
  kill(): void {
    this.#line.cut();
    this.#term.abort(KILLED);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#stack.disposeAsync();
  }

  async #lead(server: FakeApiServer): Promise<void> {
    const { signal } = this.#term;
    const config = new KubeConfig();
    config.loadFromString(server.kubeconfig(CONTROLLER).replaceAll(server.url, this.#line.url));
    const options = parseFlags(['--non-primary-cni-mode=true'], {});
    const { settings } = options;
    const { log } = this;
    const cluster = createCluster({ config, settings, log });
    const machines = new Machines(cluster, settings);
    const podIndex = new PodIndex(cluster, settings, machines);
    const agentPods = new AgentPods(cluster.pods, settings);
    const ipIndex = new IpIndex(cluster.ips, settings);
    cluster.start();
    this.#stack.defer(() => cluster.stop());
    await cluster.synced;
    signal.throwIfAborted();
    const api = new KubernetesApi(config);
    this.#stack.defer(() => api.destroy());
    const reporter = { component: 'c', reportingComponent: 'c', reportingInstance: 'c' };
    const events = new EventRecorder({ api, reporter, limits: EVENT_LIMITS, log });
    const writes = new LeaderWrites(api, {
      lost: signal,
      throwIfLost: () => signal.throwIfAborted(),
      release: async () => undefined,
    });
    await bootstrap(options, cluster, writes);
    const allocator = new Allocator();
    const addresses = new Addresses({ cluster, ipIndex, machines, allocator, settings, log });
    const ownerLock = new KeyedLock();
    const said = new ObjectEvents(events);
    const indexes = { cluster, podIndex, agentPods, ipIndex, machines };
    const context = { ...indexes, settings, addresses, ownerLock, writes, events: said, log };
    const leader = new Leader(context);
    leader.start();
    this.#stack.defer(() => leader.stop());
  }
}
