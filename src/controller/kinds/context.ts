/**
 * What every work of the leader may use.
 */
import type { KeyedLock } from '../../common/concurrency/keyed-lock.ts';
import type { Logger } from '../../common/log.ts';
import type { ObjectEvents } from '../../common/reconcile/object-events.ts';
import type { WorkQueueObserver } from '../../common/reconcile/work-queue.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { IpIndex } from '../cluster/ip-index.ts';
import type { Machines } from '../cluster/machines.ts';
import type { PodIndex } from '../cluster/pod-index.ts';
import type { Addresses } from '../ipam/addresses.ts';
import type { LeaderWrites } from '../leadership/leader-writes.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { Northbound } from '../ovn/northbound.ts';

export interface Context {
  readonly settings: ClusterSettings;
  readonly cluster: Cluster;
  readonly podIndex: PodIndex;
  readonly machines: Machines;
  readonly ipIndex: IpIndex;
  readonly addresses: Addresses;
  /**
   * By whose the addresses are (`ownerOfPod`): what is done for a pod, for its end and for its IP
   * objects is done one after another.
   */
  readonly ownerLock: KeyedLock;
  /** Undefined in a cluster without OVN, where all networks are other plugins'. */
  readonly northbound?: Northbound;
  readonly writes: LeaderWrites;
  readonly events: ObjectEvents;
  readonly log: Logger;
  /** Who is told of the runs of a work queue, by its name. */
  readonly observerOf?: (queue: string) => WorkQueueObserver;
}
