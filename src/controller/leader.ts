/**
 * The leader at work: a queue and a work for each kind of object (work-queue.ts, reconcile), what asks
 * for it (triggers.ts), and what is asked for when the leader begins or somebody else has written to
 * the northbound database.
 */

import { WorkQueue, type WorkQueueFigures } from '../common/reconcile/work-queue.ts';
import type { Context } from './kinds/context.ts';
import { IpWork } from './kinds/ip/reconciler.ts';
import { IpPoolWork } from './kinds/ippool/reconciler.ts';
import { PodEnds, portsOfOwner } from './kinds/pod/pod-release.ts';
import { Ports } from './kinds/pod/ports.ts';
import { PodWork } from './kinds/pod/reconciler.ts';
import { SecurityGroupWork } from './kinds/security-group/reconciler.ts';
import { SubnetWork } from './kinds/subnet/reconciler.ts';
import { UsageWork } from './kinds/subnet/usage.ts';
import { VpcWork } from './kinds/vpc/reconciler.ts';
import { twinOf } from './model/owner-key.ts';
import type { DriftChange } from './ovn/drift-tables.ts';
import { DENY_ALL_GROUP, isGroupName, portGroupName } from './ovn/names.ts';
import type { NbState } from './ovn/state.ts';
import { type Queues, sayNadProblem, Triggers } from './triggers.ts';

/** Pods that are worked on at a time: so many can share one look at the northbound database. */
const PODS_AT_ONCE = 512;
/** Other objects. */
const OBJECTS_AT_ONCE = 64;

export class Leader {
  readonly #ports: Ports;
  readonly #context: Context;
  readonly #queues: Queues;
  readonly #triggers: Triggers;
  #subscriptions: readonly (() => void)[] = [];

  constructor(context: Context) {
    this.#context = context;
    const { northbound, log, observerOf } = context;
    this.#ports = new Ports(northbound, (owner) => portsOfOwner(owner, context));
    const ends = new PodEnds(context, this.#ports, (held) => this.#triggers.freed(held));
    const pods = new PodWork(context, this.#ports, ends);
    const ips = new IpWork(context, ends, {
      requestPod: (key) => this.#queues.pods.add(key),
      letGo: (subnet) => this.#triggers.letGo(subnet),
    });
    const subnets = new SubnetWork(context, (subnet) => this.#triggers.placed(subnet));
    const usage = new UsageWork(context);
    const vpcs = new VpcWork(context);
    const ipPools = new IpPoolWork(context);
    const securityGroups = new SecurityGroupWork(context);
    const queue = (
      name: keyof Queues,
      what: string,
      work: { work(key: string): Promise<void> },
      concurrency = OBJECTS_AT_ONCE,
    ) => {
      const observer = observerOf?.(name);
      return new WorkQueue({ work: (key) => work.work(key), concurrency, what, log, observer });
    };
    this.#queues = {
      pods: queue('pods', 'the networks of a pod', pods, PODS_AT_ONCE),
      ips: queue('ips', 'an IP object', ips),
      subnets: queue('subnets', 'a Subnet', subnets),
      // One after another: what changes meanwhile is counted in one go.
      usage: queue('usage', 'the usage of a Subnet', usage, 1),
      vpcs: queue('vpcs', 'a Vpc', vpcs),
      ipPools: queue('ipPools', 'an IPPool', ipPools),
      securityGroups: queue('securityGroups', 'a SecurityGroup', securityGroups),
    };
    this.#triggers = new Triggers(context, this.#queues, pods, usage);
  }

  /** Works on all objects once, and on those that change from then on. */
  start(): void {
    const { cluster } = this.#context;
    this.#subscriptions = [
      ...this.#triggers.subscribe(),
      // What needs objects of that kind can be done now, or has another reason to wait.
      cluster.onAvailability(() => this.#addAll()),
    ];
    // Multus may come later.
    void cluster.nads.synced.then(() => this.#triggers.nadsSynced());
    this.#addAll();
  }

  /** What the queues have to do, by their names. */
  queueFigures(): ReadonlyMap<string, WorkQueueFigures> {
    return new Map(Object.entries(this.#queues).map(([name, queue]) => [name, queue.figures]));
  }

  #addAll(): void {
    const { cluster, ipIndex, addresses, events } = this.#context;
    addresses.invalidate();
    addresses.refresh();
    for (const nad of cluster.nads.values()) sayNadProblem(nad, events);
    const { ips, subnets, usage, vpcs, ipPools, securityGroups } = this.#queues;
    for (const { meta } of cluster.vpcs.values()) vpcs.add(meta.name);
    for (const { meta } of cluster.securityGroups.values()) securityGroups.add(meta.name);
    for (const { meta } of cluster.subnets.values()) {
      subnets.add(meta.name);
      usage.add(meta.name);
    }
    for (const { meta } of cluster.ipPools.values()) ipPools.add(meta.name);
    for (const { meta } of cluster.ips.values()) ips.add(meta.name);
    for (const pod of cluster.pods.values())
      this.#triggers.podChanged(`${pod.namespace}/${pod.name}`);
    // Of those that have gone, what they had is still there.
    for (const owner of ipIndex.owners()) this.#triggers.addOwner(owner);
  }

  /** Begins no more work; resolves when what runs has ended. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    await Promise.all(Object.values(this.#queues).map((queue) => queue.stop()));
  }

  /** What pods have ports, as the northbound database shows it when this leader begins. */
  foundPorts(state: NbState): void {
    this.#ports.begin(state);
    for (const key of this.#ports.keys()) this.#triggers.addPorts(key);
  }

  /** Somebody else has changed rows of ours in the northbound database. */
  drifted(change: DriftChange): void {
    const { cluster } = this.#context;
    const { subnets, vpcs, securityGroups } = this.#queues;
    switch (change.kind) {
      case 'pod':
        // A port that went with its pod is told of, too.
        if (!this.#ports.has(change.key) && !this.#isRunning(change.key)) break;
        this.#ports.forget(change.key);
        this.#triggers.addPorts(change.key);
        break;
      case 'subnet':
        subnets.add(change.name);
        break;
      case 'vpc':
        vpcs.add(change.name);
        break;
      case 'vpcs':
        for (const { meta } of cluster.vpcs.values()) vpcs.add(meta.name);
        break;
      case 'portGroup':
        for (const { meta } of cluster.securityGroups.values()) {
          if (isGroupOf(change.name, meta.name)) securityGroups.add(meta.name);
        }
    }
  }

  /** @param key what rows of ports say for `pod` */
  #isRunning(key: string): boolean {
    const { podIndex } = this.#context;
    return podIndex.isRunning(key) || podIndex.isRunning(twinOf(key));
  }

  /** Nobody knows what has been changed in the northbound database. */
  driftedAnyhow(): void {
    const { cluster } = this.#context;
    for (const key of this.#ports.keys()) this.drifted({ kind: 'pod', key });
    for (const { meta } of cluster.subnets.values()) this.#queues.subnets.add(meta.name);
    this.drifted({ kind: 'vpcs' });
    for (const { meta } of cluster.securityGroups.values())
      this.#queues.securityGroups.add(meta.name);
  }
}

/** True where a port group is that of a SecurityGroup, or of all of them. */
function isGroupOf(portGroup: string, group: string): boolean {
  if (!isGroupName(group)) return false;
  return [group, DENY_ALL_GROUP].some((name) => portGroupName(name) === portGroup);
}
