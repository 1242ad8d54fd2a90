/**
 * What the daemon's operations work with: the views of the cluster and of OVS, and the tools.
 * Made once, by main.ts; tests make their own.
 */

import type { KeyedLock } from '../common/concurrency/keyed-lock.ts';
import type { Slots } from '../common/concurrency/slots.ts';
import type { KubernetesApi } from '../common/kubernetes/api.ts';
import type { EventRecorder } from '../common/kubernetes/events.ts';
import type { WatchCache } from '../common/kubernetes/watch-cache.ts';
import type { Logger } from '../common/log.ts';
import type { Outage } from '../common/outage.ts';
import type { Observers } from './call/observers.ts';
import type { LimitsFollower } from './limits/limits-follower.ts';
import type { DeletedPods } from './model/deleted-pods.ts';
import type { Ip } from './model/ip.ts';
import type { Node } from './model/node.ts';
import type { Pod } from './model/pod.ts';
import type { Subnet } from './model/subnet.ts';
import type { NicRecords } from './nic/records.ts';
import type { Abilities } from './node/abilities.ts';
import type { PrimaryNetwork } from './node/primary-network.ts';
import type { Tunnels } from './node/tunnels.ts';
import type { Mirror } from './ovs/mirror.ts';
import type { PacketSender } from './ovs/packet-out.ts';
import type { OvsTable } from './ovs/table.ts';
import type { Vsctl } from './ovs/vsctl.ts';
import type { AttachmentQueue } from './ownership/attachment-queue.ts';
import type { Succession } from './ownership/sandbox-ownership.ts';
import type { PodEvents } from './report/pod-events.ts';
import type { Deletions } from './verbs/recorded-dels.ts';

export interface Context {
  readonly nodeName: string;
  readonly api: KubernetesApi;
  /** Pods of this node, by `namespace/name`. */
  readonly pods: WatchCache<Pod>;
  readonly deletedPods: DeletedPods;
  /** By name. */
  readonly subnets: WatchCache<Subnet>;
  /**
   * Those that name this node, by name. None where the daemon's role does not let it follow them.
   */
  readonly ips: WatchCache<Ip>;
  /** What the cluster has recorded of the NICs of `pods`, read one at a time. */
  readonly records: NicRecords;
  /** This node only. */
  readonly node: WatchCache<Node>;
  /** An OVSDB remote. */
  readonly ovsDatabase: string;
  readonly vsctl: Vsctl;
  readonly interfaces: OvsTable;
  readonly bridges: OvsTable;
  readonly mirror: Mirror;
  /** For frames that a NIC's network is to have from its port. */
  readonly packets: PacketSender;
  /** DELs that come before every other call of their attachment. */
  readonly deletions: Deletions;
  /** News about pods, for people. */
  readonly events: EventRecorder;
  /** Those about interfaces that are made and removed. */
  readonly podEvents: PodEvents;
  /** IP objects cannot be written. */
  readonly ipOutage: Outage;
  /** IPv6 parameters of pods' interfaces cannot be set. */
  readonly ipv6Outage: Outage;
  /** Limits of running pods. */
  readonly limits: LimitsFollower;
  readonly queue: AttachmentQueue;
  readonly succession: Succession;
  /** NICs that are made at a time. */
  readonly nicSlots: Slots;
  /** By logical switch port: one is plugged at a time; and by host interface: see nic/remove.ts. */
  readonly portLock: KeyedLock;
  /** Where this node's tunnels end. */
  readonly tunnels: Tunnels;
  /** Whole ADD; ms. */
  readonly addTimeoutMs: number;
  /** Look for other users of an IPv4 address on underlay networks. */
  readonly detectIpv4Conflict: boolean;
  /** What the container gives this daemon. */
  readonly abilities: Abilities;
  /** Whose the pods' primary network is. */
  readonly primary: PrimaryNetwork;
  readonly log: Logger;
  /** Who is told what is done; nobody without it. */
  readonly observers?: Observers;
}
