/**
 * Pods: which changes have the networks of one worked on, and whom a change of one wakes.
 *
 * What a pod has hangs together with objects of many kinds. Most of these a pod waits for by name; here
 * are those by which something ends, or by which a pod that has all it wants is to be something else.
 */
import type { Change } from '../../../common/kubernetes/watch-cache.ts';
import { Timers } from '../../../common/reconcile/due-timers.ts';
import type { WorkQueue } from '../../../common/reconcile/work-queue.ts';
import { ownerOf } from '../../cluster/ip-index.ts';
import { machineOwner, twinOf } from '../../model/owner-key.ts';
import { waitFor } from '../../model/wait-names.ts';
import type { DriftChange } from '../../ovn/drift-tables.ts';
import type { Uses } from '../context.ts';
import { type IpObject, saysForOthers } from '../ip/object/ip.ts';
import type { Kind, Unsubscribe } from '../kind.ts';
import { cameOrWent, hasVlanChanged, isOther } from '../predicates.ts';
import { listsSecurityGroup } from './desired-port.ts';
import { ownerOfPod, type Pod } from './object/pod.ts';
import { isUnallocated } from './object/pod-annotations.ts';
import type { Ports } from './ports.ts';
import { type PodContext, PodReconciler } from './reconciler.ts';

/** Pods that are worked on at a time: those of OVN networks share transactions of the northbound database. */
const PODS_AT_ONCE = 512;

type Context = PodContext &
  Uses<'queues' | 'signals' | 'wakes', 'nodes' | 'statefulSets' | 'subnets' | 'virtualMachines'> & {
    readonly ports: Ports;
  };

/** The kind Pod. Keys are those of pods, also of pods that have gone and may have left something. */
export class PodKind implements Kind {
  readonly #context: Context;
  readonly #reconciler: PodReconciler;
  readonly #queue: WorkQueue;
  readonly #timers: Timers;

  constructor(context: Context) {
    this.#context = context;
    this.#reconciler = new PodReconciler(context);
    this.#queue = context.queues.create({
      name: 'pods',
      what: 'the networks of a pod',
      concurrency: PODS_AT_ONCE,
      reconcile: (key) => this.#reconciler.reconcile(key),
    });
    this.#timers = new Timers((key) => this.#queue.add(key));
  }

  subscribe(): readonly Unsubscribe[] {
    const { cluster, signals, wakes } = this.#context;
    return [
      () => this.#timers.stop(),
      cluster.pods.onChange((change) => this.#changed(change)),
      cluster.ips.onChange((change) => this.#ipChanged(change)),
      cluster.securityGroups.onChange((change) => {
        if (cameOrWent(change)) this.#addMembersOf(change.key);
      }),
      cluster.statefulSets.onChange((change) => {
        if (isOther(change)) this.#addPodsOfSet(change.key);
      }),
      cluster.virtualMachines.onChange(({ type, value }) => {
        // It keeps its addresses for as long as it is there.
        if (type === 'deleted' || value.deleting) this.#addMachine(value);
      }),
      cluster.machineInstances.onChange((change) => {
        // Most changes are of the rest of its status.
        if (isOther(change)) this.#addMachine(change.value);
      }),
      cluster.nodes.onChange(({ type, key, value, previous }) => {
        if (type === 'deleted' || value.isReady !== previous?.isReady) this.#addDeletedOn(key);
      }),
      cluster.vlans.onChange((change) => {
        if (hasVlanChanged(change)) this.#addPodsIn(change.key);
      }),
      signals.ownerServed.on((owner) => this.#addOwner(owner)),
      signals.freed.on((held) => wakes.freed(held)),
    ];
  }

  addAll(): void {
    const { cluster, ipIndex } = this.#context;
    for (const { namespace, name } of cluster.pods.values()) this.#add(`${namespace}/${name}`);
    // Of those that have gone, what they had is still there.
    for (const owner of ipIndex.owners()) this.#addOwner(owner);
  }

  /** Those that have ports may have gone. */
  found(): void {
    for (const key of this.#context.ports.keys()) this.#addPorts(key);
  }

  drifted(change: DriftChange): void {
    if (change.kind === 'pod') this.#portsDrifted(change.key);
  }

  /** @param key what rows of ports say for `pod` */
  #portsDrifted(key: string): void {
    const { podIndex, ports } = this.#context;
    const isRunning = [key, twinOf(key)].some((owner) => podIndex.isRunning(owner));
    // A port that went with its pod is reported, too.
    if (!ports.has(key) && !isRunning) return;
    this.#addPorts(key);
  }

  #add(key: string): void {
    const pod = this.#context.cluster.pods.get(key);
    this.#timers.set(key, pod && this.#reconciler.dueAtMs(pod));
    // Its sandbox waits for it, if it is ours.
    this.#queue.add(key, { isUrgent: pod !== undefined && isUnallocated(pod) });
  }

  /** @param except key of a pod that is worked on already */
  #addOwner(owner: string, except?: string): void {
    if (owner.startsWith('/')) return;
    for (const key of this.#context.podIndex.keysOf(owner)) {
      if (key !== except) this.#queue.add(key);
    }
  }

  #changed({ type, key, value, previous }: Change<Pod>): void {
    if (type === 'deleted') this.#reconciler.gone(value);
    this.#add(key);
    this.#addOthersOf(key, [value, previous ?? value]);
  }

  /**
   * Those who have to do with the addresses of a pod that has changed, and is worked on already. Whose
   * pod is a machine's for no reason but that it says so changes nothing for the machine: many such
   * pods would have each other worked on.
   * @param versions of the pod: owners can be edited, and what was under another one may be nobody's
   */
  #addOthersOf(key: string, versions: readonly Pod[]): void {
    const { podIndex, settings, wakes } = this.#context;
    const owners = versions.flatMap((pod) => {
      const owner = ownerOfPod(pod, settings);
      return owner === key || podIndex.mayUse(pod) ? [owner] : [];
    });
    for (const owner of new Set(owners)) {
      wakes.wake(waitFor.owner(owner));
      // The pods of a virtual machine follow each other.
      if (owner !== key) this.#addOwner(owner, key);
    }
  }

  /** It may have been made for a pod that went meanwhile, or be somebody else's now. */
  #ipChanged({ type, value, previous }: Change<IpObject>): void {
    const { podIndex, settings } = this.#context;
    const owner = ownerOf(value, settings);
    const isForNobody = type === 'added' && !podIndex.isRunning(owner);
    const isForOthers = previous !== undefined && saysForOthers(value, previous);
    if (isForNobody || isForOthers) this.#addOwner(owner);
  }

  /** A machine has changed, or one of its pods may be shown to be one now. */
  #addMachine({ namespace, name }: { readonly namespace: string; readonly name: string }): void {
    const owner = machineOwner(namespace, name);
    this.#context.wakes.wake(waitFor.owner(owner));
    this.#addOwner(owner);
  }

  /** Ports have changed. @param key what their rows say for `pod`: a pod's, or a machine's of that name */
  #addPorts(key: string): void {
    this.#addOwner(key);
    const { ipIndex, podIndex } = this.#context;
    const twin = twinOf(key);
    if (podIndex.keysOf(twin).length > 1 || ipIndex.ofOwner(twin).size > 0) this.#addOwner(twin);
  }

  /** Has the pods of a VLAN worked on: what is published to them may change. */
  #addPodsIn(vlan: string): void {
    const { cluster, ipIndex, settings } = this.#context;
    for (const { meta, claims } of cluster.subnets.values()) {
      if (claims.vlan !== vlan) continue;
      for (const ip of ipIndex.ofSubnet(meta.name).values()) this.#addOwner(ownerOf(ip, settings));
    }
  }

  /** Their time may be up since their node is lost. */
  #addDeletedOn(node: string): void {
    for (const { namespace, name, nodeName, end } of this.#context.cluster.pods.values()) {
      const isItsEnd = nodeName === node && end.deletedAtMs !== undefined;
      if (isItsEnd) this.#queue.add(`${namespace}/${name}`);
    }
  }

  /** Those that were scaled away do not come back. */
  #addPodsOfSet(key: string): void {
    const prefix = `${key}-`;
    for (const owner of this.#context.ipIndex.owners()) {
      if (owner.startsWith(prefix)) this.#addOwner(owner);
    }
  }

  #addMembersOf(group: string): void {
    for (const { namespace, name, annotations } of this.#context.cluster.pods.values()) {
      if (listsSecurityGroup(annotations, group)) this.#queue.add(`${namespace}/${name}`);
    }
  }
}
