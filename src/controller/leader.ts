/**
 * The leader at work: which object's change asks for which work.
 *
 * Each kind of object has a queue of its own (work-queue.ts). Work looks at how all objects are now,
 * so a change needs no more than the names of the objects that it may matter to. What waits for
 * something else, like a pod for its Subnet, is tried again when that has changed.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../common/kubernetes/watch-cache.ts';
import type { Context } from './context.ts';
import { listsSecurityGroup } from './desired/port.ts';
import { NotDone } from './failure-log.ts';
import { ownerOf } from './ip-index.ts';
import { isSameJudgement } from './judgement.ts';
import type { IpObject } from './objects/ip.ts';
import type { Meta } from './objects/meta.ts';
import { ownerOfPod } from './objects/pod.ts';
import { checkedValue } from './objects/problem.ts';
import type { SubnetObject } from './objects/subnet.ts';
import type { DriftChange } from './ovn/drift-tables.ts';
import { NorthboundError } from './ovn/error.ts';
import { DENY_ALL_GROUP, isGroupName, portGroupName } from './ovn/names.ts';
import type { NbState } from './ovn/state.ts';
import { Timers } from './timers.ts';
import { IpPoolWork } from './work/ip-pools.ts';
import { IpWork } from './work/ips.ts';
import { PodEnds } from './work/pod-end.ts';
import { PodWork } from './work/pods.ts';
import { Ports } from './work/ports.ts';
import { SecurityGroupWork } from './work/security-groups.ts';
import { SubnetWork } from './work/subnets.ts';
import { UsageWork } from './work/usage.ts';
import { VpcWork } from './work/vpcs.ts';
import { WorkQueue } from './work-queue.ts';

/** Pods that are worked on at a time: so many can share one look at the northbound database. */
const PODS_AT_ONCE = 512;
/** Other objects. */
const OBJECTS_AT_ONCE = 64;

export class Leader {
  readonly #ports: Ports;
  readonly #context: Context;
  readonly #podWork: PodWork;
  readonly #timers: Timers;
  readonly #queues: Readonly<
    Record<'pods' | 'ips' | 'subnets' | 'usage' | 'vpcs' | 'ipPools' | 'securityGroups', WorkQueue>
  >;
  #subscriptions: readonly (() => void)[] = [];

  constructor(context: Context) {
    this.#context = context;
    const { northbound, log } = context;
    this.#ports = new Ports(northbound);
    const ends = new PodEnds(context, this.#ports, (subnet) => this.#freed(subnet));
    const pods = new PodWork(context, this.#ports, ends);
    this.#podWork = pods;
    const ips = new IpWork(context, ends, (key) => this.#queues.pods.add(key));
    const subnets = new SubnetWork(context, () => this.#retryPods());
    const usage = new UsageWork(context);
    const vpcs = new VpcWork(context);
    const ipPools = new IpPoolWork(context);
    const securityGroups = new SecurityGroupWork(context);
    const queue = (
      what: string,
      work: { work(key: string): Promise<void> },
      concurrency = OBJECTS_AT_ONCE,
    ) => new WorkQueue({ work: (key) => work.work(key), concurrency, what, log });
    this.#queues = {
      pods: queue('the networks of a pod', pods, PODS_AT_ONCE),
      ips: queue('an IP object', ips),
      subnets: queue('a Subnet', subnets),
      // One after another: what changes meanwhile is counted in one go.
      usage: queue('the usage of a Subnet', usage, 1),
      vpcs: queue('a Vpc', vpcs),
      ipPools: queue('an IPPool', ipPools),
      securityGroups: queue('a SecurityGroup', securityGroups),
    };
    this.#timers = new Timers((key) => this.#queues.pods.add(key));
  }

  /** Works on all objects once, and on those that change from then on. */
  start(): void {
    this.#subscriptions = this.#subscribe();
    const { cluster, ipIndex, addresses } = this.#context;
    addresses.refresh();
    // Multus may come later.
    void cluster.nads.synced.then(() => this.#retryPods());
    const { pods, ips, subnets, usage, vpcs, ipPools, securityGroups } = this.#queues;
    for (const { meta } of cluster.vpcs.values()) vpcs.add(meta.name);
    for (const { meta } of cluster.securityGroups.values()) securityGroups.add(meta.name);
    for (const { meta } of cluster.subnets.values()) {
      subnets.add(meta.name);
      usage.add(meta.name);
    }
    for (const { meta } of cluster.ipPools.values()) ipPools.add(meta.name);
    for (const { meta } of cluster.ips.values()) ips.add(meta.name);
    for (const pod of cluster.pods.values()) this.#podChanged(`${pod.namespace}/${pod.name}`);
    // Of those that have gone, what they had is still there.
    for (const owner of ipIndex.owners()) this.#addOwner(owner);
    for (const pod of cluster.pods.values()) pods.add(`${pod.namespace}/${pod.name}`);
  }

  /** Begins no more work; resolves when what runs has ended. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#timers.stop();
    await Promise.all(Object.values(this.#queues).map((queue) => queue.stop()));
  }

  /** Resolves when nothing is to be done; what waits for something is not waited for. */
  async idle(): Promise<void> {
    for (;;) {
      await Promise.all(Object.values(this.#queues).map((queue) => queue.idle()));
      const figures = Object.values(this.#queues).map((queue) => queue.figures);
      if (figures.every(({ depth, running }) => depth + running === 0)) return;
    }
  }

  /** What pods have ports, as the northbound database shows it when this leader begins. */
  foundPorts(state: NbState): void {
    this.#ports.begin(state);
    for (const owner of this.#ports.keys()) this.#addOwner(owner);
  }

  /** Somebody else has changed rows of ours in the northbound database. */
  drifted(change: DriftChange): void {
    const { cluster } = this.#context;
    const { subnets, vpcs, securityGroups } = this.#queues;
    switch (change.kind) {
      case 'pod':
        // A port that went with its pod is told of, too.
        if (!this.#ports.has(change.key) && !this.#context.podIndex.isRunning(change.key)) break;
        this.#ports.forget(change.key);
        this.#addOwner(change.key);
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

  /** Nobody knows what has been changed in the northbound database. */
  driftedAnyhow(): void {
    const { cluster } = this.#context;
    for (const key of this.#ports.keys()) this.drifted({ kind: 'pod', key });
    for (const { meta } of cluster.subnets.values()) this.#queues.subnets.add(meta.name);
    this.drifted({ kind: 'vpcs' });
    for (const { meta } of cluster.securityGroups.values())
      this.#queues.securityGroups.add(meta.name);
  }

  #subscribe(): readonly (() => void)[] {
    const { cluster, addresses, said, settings } = this.#context;
    const { vpcs, ipPools } = this.#queues;
    const own = [
      cluster.subnets,
      cluster.vpcs,
      cluster.ipPools,
      cluster.securityGroups,
      cluster.ips,
    ];
    const forget = ({ type, value }: Change<{ readonly meta: Meta }>) => {
      if (type === 'deleted') said.forget(value.meta.uid);
    };
    const rejudge = () => this.#rejudge();
    return [
      ...own.map((collection) => collection.onChange(forget)),
      cluster.pods.onChange(({ type, key, value }) => {
        if (type === 'deleted') this.#podWork.gone(value);
        else addresses.sawPod(value);
        this.#podChanged(key);
        // The pods of a virtual machine follow each other.
        if (value.virtualMachine !== undefined) this.#addOwner(ownerOfPod(value, settings));
      }),
      cluster.ips.onChange((change) => this.#ipChanged(change)),
      cluster.subnets.onChange((change) => this.#subnetChanged(change)),
      cluster.vpcs.onChange(({ type, key, value, previous }) => {
        const isNews = type === 'deleted' || !isDeepStrictEqual(value.checked, previous?.checked);
        if (isNews) {
          rejudge();
          this.#retryPods();
        }
        if (isNews || !isDeepStrictEqual(value.meta.finalizers, previous?.meta.finalizers)) {
          vpcs.add(key);
        } else if (value.meta.deleting || !value.status.standby) vpcs.add(key);
        if (value.status.standby !== previous?.status.standby) this.#addSubnetsOf(key);
      }),
      cluster.vlans.onChange(({ key }) => {
        rejudge();
        this.#addSubnetsIn(key);
      }),
      cluster.nodes.onChange(({ value, previous }) => {
        if (isDeepStrictEqual(value.internalAddresses, previous?.internalAddresses)) return;
        rejudge();
        this.#retryPods();
      }),
      cluster.ipPools.onChange(({ type, key, value, previous }) => {
        if (type === 'deleted' || !isSameJudgement(value, previous)) rejudge();
        ipPools.add(key);
      }),
      cluster.nads.onChange(() => this.#retryPods()),
      cluster.namespaces.onChange(({ value, previous }) => {
        if (!isDeepStrictEqual(value, previous)) this.#retryPods();
      }),
      cluster.statefulSets.onChange(({ type, key, value, previous }) => {
        if (type === 'deleted' || !isDeepStrictEqual(value, previous)) this.#addPodsOfSet(key);
      }),
      cluster.securityGroups.onChange(({ type, key, value, previous }) => {
        const isNews = type !== 'updated' || value.meta.deleting !== previous?.meta.deleting;
        this.#queues.securityGroups.add(key);
        if (isNews) this.#groupCameOrWent(key);
      }),
    ];
  }

  /** Subnets and IPPools may be usable that were not, or the other way round. */
  #rejudge(): void {
    const { addresses, settings } = this.#context;
    addresses.invalidate();
    const { subnets, ipPools } = addresses.refresh();
    // Private Subnets let its addresses in, which are the nodes'.
    if (subnets.includes(settings.joinSubnet)) this.#addSubnetsOf(settings.defaultVpc);
    for (const name of subnets) {
      this.#queues.subnets.add(name);
      this.#queues.usage.add(name);
    }
    for (const name of ipPools) {
      this.#queues.ipPools.add(name);
      const subnet = addresses.ipPool(name);
      const of = subnet && checkedValue(subnet.checked)?.subnet;
      if (of !== undefined) this.#queues.usage.add(of);
    }
    if (subnets.length + ipPools.length > 0) this.#retryPods();
  }

  /** Addresses of a Subnet are free again. */
  #freed(subnet: string): void {
    this.#queues.usage.add(subnet);
    if (this.#context.cluster.subnets.get(subnet)?.meta.deleting) this.#queues.subnets.add(subnet);
    this.#retryPods();
  }

  #retryPods(): void {
    this.#queues.pods.retryWaiting(isWaiting);
    this.#queues.ips.retryWaiting(isWaiting);
  }

  #podChanged(key: string): void {
    const pod = this.#context.cluster.pods.get(key);
    this.#timers.set(key, pod && this.#podWork.dueAtMs(pod));
    this.#queues.pods.add(key);
  }

  /** Most changes are of the status, which we write. */
  #subnetChanged({ type, key, value, previous }: Change<SubnetObject>): void {
    const { subnets, usage, vpcs } = this.#queues;
    usage.add(key);
    const isNews = type === 'deleted' || !isSameJudgement(value, previous);
    if (isNews) {
      this.#rejudge();
      subnets.add(key);
      for (const object of [value, previous]) {
        if (object?.claims.isOvn) vpcs.add(object.claims.vpc);
      }
      // A Vpc may have had to wait for a name.
      if (type !== 'updated') vpcs.retryWaiting(isWaiting);
    }
    const isLacking = value.defaults !== undefined || value.meta.finalizers.length === 0;
    if (isLacking || value.meta.deleting) subnets.add(key);
  }

  #ipChanged({ type, key, value, previous }: Change<IpObject>): void {
    const { addresses } = this.#context;
    if (type !== 'deleted') addresses.sawIp(value);
    this.#queues.ips.add(key);
    const subnets = new Set([value.spec.subnet, previous?.spec.subnet ?? '']);
    for (const subnet of subnets) if (subnet !== '') this.#queues.usage.add(subnet);
    // It may have been made for a pod that went meanwhile.
    const owner = ownerOf(value);
    const isForNobody = type === 'added' && !this.#context.podIndex.isRunning(owner);
    const isOthers = type === 'updated' && !isDeepStrictEqual(value.spec, previous?.spec);
    if (isForNobody || isOthers) this.#addOwner(owner);
    if (type !== 'deleted') return;
    // A NIC may wait for the end of the object, and a Subnet or its Vpc for that of the last one.
    this.#retryPods();
    const subnet = this.#context.cluster.subnets.get(value.spec.subnet);
    if (subnet?.meta.deleting) this.#queues.subnets.add(subnet.meta.name);
  }

  #addOwner(owner: string): void {
    if (owner.startsWith('/')) return;
    for (const key of this.#context.podIndex.keysOf(owner)) this.#queues.pods.add(key);
  }

  #addSubnetsOf(vpc: string): void {
    for (const { meta, claims } of this.#context.cluster.subnets.values()) {
      if (claims.vpc === vpc) this.#queues.subnets.add(meta.name);
    }
  }

  /** The ports of a VLAN, and what its pods are told of it. */
  #addSubnetsIn(vlan: string): void {
    const { cluster, ipIndex } = this.#context;
    for (const { meta, claims } of cluster.subnets.values()) {
      if (claims.vlan !== vlan) continue;
      this.#queues.subnets.add(meta.name);
      for (const ip of ipIndex.ofSubnet(meta.name).values()) this.#addOwner(ownerOf(ip));
    }
  }

  /** Those that were scaled away do not come back. */
  #addPodsOfSet(key: string): void {
    const prefix = `${key}-`;
    for (const owner of this.#context.ipIndex.owners()) {
      if (owner.startsWith(prefix)) this.#addOwner(owner);
    }
  }

  /** Others may have rules about its members, and pods may list it. */
  #groupCameOrWent(group: string): void {
    const { cluster } = this.#context;
    this.#queues.securityGroups.retryWaiting(isWaiting);
    for (const { namespace, name, annotations } of cluster.pods.values()) {
      if (listsSecurityGroup(annotations, group)) this.#queues.pods.add(`${namespace}/${name}`);
    }
  }
}

/** True where a port group is that of a SecurityGroup, or of all of them. */
function isGroupOf(portGroup: string, group: string): boolean {
  if (!isGroupName(group)) return false;
  return [group, DENY_ALL_GROUP].some((name) => portGroupName(name) === portGroup);
}

/** True for what may be done now that other objects have changed. */
function isWaiting(_key: string, error: unknown): boolean {
  return (
    error instanceof NotDone || (error instanceof NorthboundError && error.reason !== 'unreachable')
  );
}
