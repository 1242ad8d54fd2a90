/**
 * Metrics of the daemon: its calls and their stages, what it removes without a call, and what waits.
 * Names are Kube-OVN's where it has them; what does not begin with `kube_ovn` is.
 *
 * Labels are the node's name, verbs, stages and codes: no pods, and nothing that a pod's author writes.
 */

import {
  type Count,
  type Distribution,
  type Metrics,
  SECONDS,
  single,
} from '../../common/metrics/metrics.ts';
import { addQueueMetrics } from '../../common/metrics/queue-metrics.ts';
import { addWatchMetrics, type Followed } from '../../common/metrics/watch-metrics.ts';
import type { Outage } from '../../common/outage.ts';
import type { WorkQueueFigures, WorkQueueObserver } from '../../common/reconcile/queue-figures.ts';
import type { Queues } from '../../common/reconcile/queues.ts';
import {
  type CallSeen,
  type Observers,
  REMOVAL_PROOFS,
  type RemovalProof,
} from '../call/observers.ts';
import { STAGES, type Stage, stagesNow } from '../call/stage.ts';
import type { Interfaces } from '../ovs/port.ts';
import type { OvsTable } from '../ovs/table.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import type { RecordedDels } from '../verbs/recorded-dels.ts';
import { addSystemMetrics } from './system-metrics.ts';

/** Kube-OVN's counts of what an ADD waited for, and our stages that are these waits. */
const WAITS = [
  {
    name: 'cni_wait_address_seconds_total',
    help: 'How long ADDs that have ended waited for the controller to give an address; seconds.',
    stages: ['get-pod', 'wait-address', 'confirm-address'],
  },
  {
    name: 'cni_wait_route_seconds_total',
    help: 'How long ADDs that have ended waited for the controller to annotate routing; seconds.',
    stages: ['wait-route'],
  },
  {
    name: 'cni_wait_connectivity_seconds_total',
    help: 'How long ADDs that have ended waited for gateways to answer; seconds.',
    stages: ['check-gateway'],
  },
] as const satisfies readonly { name: string; help: string; stages: readonly Stage[] }[];

/** What is read when somebody asks. */
export interface Watched {
  readonly pods: Followed;
  readonly subnets: Followed;
  readonly ips: Followed;
  readonly node: Followed;
  readonly interfaces: Pick<Interfaces, 'isLive' | 'rows'>;
  readonly bridges: Pick<OvsTable<unknown>, 'isLive'>;
  readonly recordedDels: Pick<RecordedDels, 'counts'>;
  readonly queue: Pick<AttachmentQueue, 'addCount'>;
  readonly ipOutage: Pick<Outage, 'reason'>;
  /** Work queues. */
  readonly queues: Pick<Queues, 'figures'>;
}

/** The daemon's metrics, with Kube-OVN's names where it has one (docs/metrics.md). */
export class DaemonMetrics implements Observers {
  readonly #metrics: Metrics;
  readonly #nodeName: string;
  readonly #latency: Distribution<'node_name' | 'method' | 'status_code'>;
  readonly #stages: Distribution<'verb' | 'stage'>;
  readonly #failures: Count<'verb' | 'stage' | 'code'>;
  readonly #waits: readonly { stages: readonly Stage[]; count: Count<'node_name'> }[];
  readonly #removals: Count<'proof'>;
  readonly #queueObserver: (name: string) => WorkQueueObserver;
  #watched: Watched | undefined;

  constructor(metrics: Metrics, nodeName: string) {
    this.#metrics = metrics;
    this.#nodeName = nodeName;
    this.#latency = metrics.histogram(
      {
        name: 'cni_op_latency_seconds',
        help: 'Duration of CNI calls, from their arrival to their answer; seconds.',
        labels: ['node_name', 'method', 'status_code'],
      },
      SECONDS,
    );
    this.#waits = WAITS.map(({ name, help, stages }) => {
      const count = metrics.counter({ name, help, labels: ['node_name'] });
      count.add({ node_name: nodeName }, 0);
      return { stages, count };
    });
    this.#stages = metrics.histogram(
      {
        name: 'kube_ovn_cni_stage_seconds',
        help: 'How long calls that have ended were in each stage; one that is inside of another counts in both; seconds.',
        labels: ['verb', 'stage'],
      },
      SECONDS,
    );
    this.#failures = metrics.counter({
      name: 'kube_ovn_cni_failures_total',
      help: 'Calls that failed, by the stage in which they did ("none" outside of all) and the code of the CNI error.',
      labels: ['verb', 'stage', 'code'],
    });
    this.#removals = this.#addRemovals();
    this.#addWaiting();
    this.#addOvs();
    addWatchMetrics(metrics, () => {
      const { pods, subnets, ips, node } = this.#watched ?? {};
      return [pods, subnets, ips, node].filter((cache) => cache !== undefined);
    });
    this.#queueObserver = addQueueMetrics(
      metrics,
      () => this.#watched?.queues.figures() ?? new Map<string, WorkQueueFigures>(),
    );
    addSystemMetrics(metrics, nodeName);
  }

  /** What is read from now on when somebody asks. */
  follow(watched: Watched): void {
    this.#watched = watched;
  }

  /** A call has been answered. */
  call({ path, verb, status, ms, stages, failure }: CallSeen): void {
    const node_name = this.#nodeName;
    const labels = { node_name, method: path, status_code: String(status) };
    this.#latency.observe(labels, ms / 1000);
    for (const [stage, stageMs] of stages?.ms ?? []) {
      this.#stages.observe({ verb, stage }, stageMs / 1000);
    }
    for (const wait of verb === 'ADD' ? this.#waits : []) {
      const waitedMs = wait.stages.reduce((sum, stage) => sum + (stages?.ms.get(stage) ?? 0), 0);
      wait.count.add({ node_name }, waitedMs / 1000);
    }
    if (failure === undefined) return;
    const { code, stage = 'none' } = failure;
    this.#failures.add({ verb, stage, code: String(code) });
  }

  /** Interfaces or limits were removed without a DEL. */
  removed(proof: RemovalProof, count: number): void {
    this.#removals.add({ proof }, count);
  }

  /** Called for the runs of a work queue. */
  observerOf(queue: string): WorkQueueObserver {
    return this.#queueObserver(queue);
  }

  #addRemovals(): Count<'proof'> {
    const removals = this.#metrics.counter({
      name: 'kube_ovn_cni_removals_total',
      help: "What was removed without a DEL, by what showed that it is nobody's: the sandbox is gone, the runtime's list of valid attachments lacks it, or no port has these limits.",
      labels: ['proof'],
    });
    for (const proof of REMOVAL_PROOFS) removals.add({ proof }, 0);
    return removals;
  }

  #addWaiting(): void {
    const stageLabel = ['stage'] as const;
    const perStage = (value: (stage: Stage) => number) => () =>
      (Object.keys(STAGES) as Stage[]).map((stage) => ({ labels: { stage }, value: value(stage) }));
    this.#metrics.gauge(
      {
        name: 'kube_ovn_cni_calls_in_stage',
        help: 'Calls that are in a stage now.',
        labels: stageLabel,
      },
      perStage((stage) => stagesNow().get(stage)?.count ?? 0),
    );
    this.#metrics.gauge(
      {
        name: 'kube_ovn_cni_oldest_in_stage_seconds',
        help: 'How long the call has been in a stage that has been in it for longest; seconds.',
        labels: stageLabel,
      },
      perStage((stage) => (stagesNow().get(stage)?.oldestMs ?? 0) / 1000),
    );
    this.#metrics.gauge({ name: 'kube_ovn_cni_adds', help: 'ADDs that run or wait.' }, () =>
      single(this.#watched?.queue.addCount ?? 0),
    );
    this.#metrics.gauge(
      {
        name: 'kube_ovn_cni_recorded_dels',
        help: 'DELs that the executable recorded while no daemon answered: waiting, or set aside since they cannot be done.',
        labels: ['state'],
      },
      () => {
        const { waiting = 0, setAside = 0 } = this.#watched?.recordedDels.counts ?? {};
        return [
          { labels: { state: 'waiting' }, value: waiting },
          { labels: { state: 'set-aside' }, value: setAside },
        ];
      },
    );
    this.#metrics.gauge(
      {
        name: 'kube_ovn_cni_recorded_del_oldest_seconds',
        help: 'Age of the oldest recorded DEL that waits; 0 where none does; seconds.',
      },
      () => single((this.#watched?.recordedDels.counts.oldestMs ?? 0) / 1000),
    );
    this.#metrics.gauge(
      {
        name: 'kube_ovn_cni_ip_objects_failing',
        help: '1 while IP objects cannot be written, so that they do not learn their node; else 0.',
      },
      () => single(Number(this.#watched?.ipOutage.reason !== undefined)),
    );
  }

  #addOvs(): void {
    this.#metrics.gauge(
      {
        name: 'kube_ovn_cni_ovs_followed',
        help: 'Whether changes of a table of Open vSwitch arrive: 0 where ovsdb-server is away.',
        labels: ['table'],
      },
      () => {
        const { interfaces, bridges } = this.#watched ?? {};
        return [
          { labels: { table: 'Interface' }, value: Number(interfaces?.isLive ?? false) },
          { labels: { table: 'Bridge' }, value: Number(bridges?.isLive ?? false) },
        ];
      },
    );
    this.#metrics.gauge(
      { name: 'kube_ovn_cni_ports', help: "Ports of pods on this node's integration bridge." },
      () => single(this.#countPorts()),
    );
  }

  #countPorts(): number {
    let count = 0;
    for (const { external_ids: ids } of this.#watched?.interfaces.rows.values() ?? []) {
      if (ids.vendor === 'kube-ovn') count += 1;
    }
    return count;
  }
}
