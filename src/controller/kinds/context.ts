/**
 * What the work of the leader is made of. A kind takes of it what it names (`Uses`).
 */
import type { KeyedLock } from '../../common/concurrency/keyed-lock.ts';
import type { Logger } from '../../common/log.ts';
import type { ObjectEvents } from '../../common/reconcile/object-events.ts';
import type { WorkQueueObserver } from '../../common/reconcile/queue-figures.ts';
import type { Queues } from '../../common/reconcile/queues.ts';
import type { AgentPods } from '../cluster/agent-pods.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { IpIndex } from '../cluster/ip-index.ts';
import type { Machines } from '../cluster/machines.ts';
import type { PodIndex } from '../cluster/pod-index.ts';
import type { Addresses } from '../ipam/addresses.ts';
import type { Writes } from '../leadership/leader-writes.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { Northbound } from '../ovn/northbound.ts';
import type { Signals } from './signals.ts';
import type { Wakes } from './wakes.ts';

/** What there is when a leader begins. */
export interface Context {
  readonly settings: ClusterSettings;
  readonly cluster: Cluster;
  readonly podIndex: PodIndex;
  readonly agentPods: AgentPods;
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
  readonly writes: Writes;
  readonly events: ObjectEvents;
  readonly log: Logger;
  /** The observer of the runs of a work queue, by its name. */
  readonly observerOf?: (queue: string) => WorkQueueObserver;
}

/** What kinds of objects share besides. */
export interface KindContext extends Context {
  /** Where a kind has its queue made. */
  readonly queues: Pick<Queues, 'create' | 'wake' | 'wakeSome'>;
  readonly signals: Signals;
  readonly wakes: Wakes;
}

/** These members of the context, and these collections of the cluster. */
export type Uses<
  Member extends Exclude<keyof KindContext, 'cluster'>,
  Kinds extends keyof Cluster = never,
> = Pick<KindContext, Member> & { readonly cluster: Pick<Cluster, Kinds> };
