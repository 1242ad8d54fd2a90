/**
 * Metrics of the controller: who leads, its work queues, and how much of each Subnet is used. Names are
 * Kube-OVN's where it has them; what does not begin with `kube_ovn` is.
 *
 * There is nothing of single addresses or pods (`subnet_ip_assign_info` in Kube-OVN), and no ranges of
 * addresses as labels (`subnet_ipam_info`): these would be as many series as a cluster has pods, and new
 * ones with each pod. The status of Subnets and the IP objects say it.
 */
import type { Metrics, Sample } from '../common/metrics/metrics.ts';
import { single } from '../common/metrics/metrics.ts';
import { addQueueMetrics } from '../common/metrics/queue-metrics.ts';
import { addWatchMetrics } from '../common/metrics/watch-metrics.ts';
import type { WorkQueueFigures, WorkQueueObserver } from '../common/reconcile/queue-figures.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Allocator } from './ipam/allocator/allocator.ts';
import { FAMILIES } from './ipam/allocator/holdings.ts';
import type { Subnet, SubnetObject } from './kinds/subnet/object/subnet.ts';
import { checkedValue } from './model/problem.ts';

/** What a controller that leads works with. */
export interface Leading {
  readonly cluster: Cluster;
  readonly allocator: Allocator;
  /** By the name of the queue. */
  queueFigures(): ReadonlyMap<string, WorkQueueFigures>;
}

/**
 * Adds the controller's families. Before a controller leads, those of queues, watches and addresses have no
 * series.
 */
export class ControllerMetrics {
  readonly #metrics: Metrics;
  #leading: Leading | undefined;
  #isLeader: () => boolean = () => false;
  readonly #observer: (name: string) => WorkQueueObserver;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    metrics.gauge(
      { name: 'kube_ovn_controller_leader', help: '1 where this controller leads, else 0.' },
      () => single(Number(this.#isLeader())),
    );
    addWatchMetrics(metrics, () => this.#leading?.cluster.all ?? []);
    this.#observer = addQueueMetrics(
      metrics,
      () => this.#leading?.queueFigures() ?? new Map<string, WorkQueueFigures>(),
    );
    this.#addSubnets();
    this.#addAllocator();
  }

  /** @param isLeader asked when somebody asks for the metrics */
  leads(isLeader: () => boolean): void {
    this.#isLeader = isLeader;
  }

  /** Has the metrics of queues, watches and addresses read off this from now on. */
  follow(leading: Leading): void {
    this.#leading = leading;
  }

  /** Called for the runs of a work queue. */
  observerOf(name: string): WorkQueueObserver {
    return this.#observer(name);
  }

  /** As Kube-OVN has them: of Subnets that are valid, off their status. */
  #addSubnets(): void {
    const labels = ['subnet_name', 'protocol', 'subnet_cidr'] as const;
    const read = (value: (subnet: Subnet, object: SubnetObject) => number) => () =>
      [...(this.#leading?.cluster.subnets.values() ?? [])].flatMap((object) => {
        const subnet = checkedValue(object.checked);
        if (subnet === undefined || subnet.cidrBlock === '') return [];
        const { name: subnet_name, protocol, cidrBlock: subnet_cidr } = subnet;
        const value_ = value(subnet, object);
        return [{ labels: { subnet_name, protocol, subnet_cidr }, value: value_ }];
      });
    this.#metrics.gauge(
      {
        name: 'subnet_available_ip_count',
        help: 'Addresses of a Subnet that nobody has; of two families the smaller number.',
        labels,
      },
      read((subnet, { status }) =>
        Math.min(
          ...versionsOf(subnet).map((version) => count(status.usage, `${version}availableIPs`)),
        ),
      ),
    );
    this.#metrics.gauge(
      { name: 'subnet_used_ip_count', help: 'Addresses of a Subnet that are used.', labels },
      read((subnet, { status }) => count(status.usage, `${versionsOf(subnet)[0]}usingIPs`)),
    );
  }

  /** What the allocator knows, also before it is written to the status of Subnets. */
  #addAllocator(): void {
    this.#metrics.gauge(
      {
        name: 'kube_ovn_controller_subnet_addresses',
        help: 'Addresses of a Subnet by family, as the allocator has them: used, or available to a NIC that names no IPPool and no address.',
        labels: ['subnet_name', 'family', 'state'],
      },
      () => this.#subnetAddresses(),
    );
    this.#metrics.gauge(
      {
        name: 'kube_ovn_controller_ippool_available_addresses',
        help: 'Addresses of an IPPool that nobody has, of the family that has more of them.',
        labels: ['ippool_name', 'subnet_name'],
      },
      () => this.#poolAddresses(),
    );
  }

  *#subnetAddresses(): Iterable<Sample<'subnet_name' | 'family' | 'state'>> {
    const { cluster, allocator } = this.#leading ?? {};
    for (const { meta } of cluster?.subnets.values() ?? []) {
      const counts = allocator?.counts(meta.name);
      for (const family of FAMILIES) {
        const { used, available } = counts?.[family] ?? {};
        if (used === undefined || available === undefined) continue;
        const labels = { subnet_name: meta.name, family };
        yield { labels: { ...labels, state: 'used' }, value: Number(used) };
        yield { labels: { ...labels, state: 'available' }, value: Number(available) };
      }
    }
  }

  *#poolAddresses(): Iterable<Sample<'ippool_name' | 'subnet_name'>> {
    const { cluster, allocator } = this.#leading ?? {};
    for (const { checked, meta } of cluster?.ipPools.values() ?? []) {
      const pool = checkedValue(checked);
      if (pool === undefined || allocator === undefined) continue;
      const available = allocator.availableCount(pool.subnet, meta.name);
      const labels = { ippool_name: meta.name, subnet_name: pool.subnet };
      yield { labels, value: Number(available) };
    }
  }
}

/** Families as the fields of the status name them. */
function versionsOf({ protocol }: Pick<Subnet, 'protocol'>): readonly string[] {
  if (protocol === 'IPv6') return ['v6'];
  return protocol === 'Dual' ? ['v4', 'v6'] : ['v4'];
}

function count(usage: SubnetObject['status']['usage'], field: string): number {
  return Number(usage[field] ?? 0);
}
