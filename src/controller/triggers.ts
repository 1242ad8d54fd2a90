/**
 * Which change asks for which work.
 *
 * Work looks at how all objects are now, so a change needs no more than the names of the objects that
 * it may matter to. What waits for something else, like a pod for its Subnet, says so by name, and
 * that wakes it (wakes.ts).
 */

import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../common/kubernetes/watch-cache.ts';
import { Timers } from '../common/reconcile/due-timers.ts';
import type { ObjectEvents } from '../common/reconcile/object-events.ts';
import type { WorkQueue } from '../common/reconcile/work-queue.ts';
import { ownerOf } from './cluster/ip-index.ts';
import type { Allocation } from './ipam/allocator/request.ts';
import type { Context } from './kinds/context.ts';
import { type IpObject, isReserved } from './kinds/ip/object/ip.ts';
import { type Nad, nadProblem } from './kinds/nad/object/nad.ts';
import { listsSecurityGroup } from './kinds/pod/desired-port.ts';
import { ownerOfPod, type Pod } from './kinds/pod/object/pod.ts';
import { isUntold } from './kinds/pod/object/pod-annotations.ts';
import type { PodWork } from './kinds/pod/reconciler.ts';
import type { SubnetObject } from './kinds/subnet/object/subnet.ts';
import type { UsageWork } from './kinds/subnet/usage.ts';
import { Wakes } from './kinds/wakes.ts';
import { aboutNad } from './model/about.ts';
import { failureEvent } from './model/events.ts';
import type { Meta } from './model/meta.ts';
import { machineOwner, twinOf } from './model/owner-key.ts';
import { checkedValue, tell } from './model/problem.ts';
import { waitFor } from './model/wait-names.ts';
import { isSameJudgement } from './validation/validate.ts';

/** One for each kind of object. */
export type Queues = Readonly<
  Record<'pods' | 'ips' | 'subnets' | 'usage' | 'vpcs' | 'ipPools' | 'securityGroups', WorkQueue>
>;

export class Triggers {
  readonly #context: Context;
  readonly #queues: Queues;
  readonly #podWork: Pick<PodWork, 'gone' | 'dueAtMs'>;
  readonly #usageWork: Pick<UsageWork, 'isCounted'>;
  readonly #timers: Timers;
  readonly #wakes: Wakes;

  constructor(
    context: Context,
    queues: Queues,
    podWork: Pick<PodWork, 'gone' | 'dueAtMs'>,
    usageWork: Pick<UsageWork, 'isCounted'>,
  ) {
    this.#context = context;
    this.#queues = queues;
    this.#podWork = podWork;
    this.#usageWork = usageWork;
    this.#timers = new Timers((key) => queues.pods.add(key));
    const { pods, ips, vpcs, securityGroups } = queues;
    this.#wakes = new Wakes(context, [pods, ips, vpcs, securityGroups]);
  }

  /** @returns ends the subscriptions */
  subscribe(): readonly (() => void)[] {
    const { cluster, events } = this.#context;
    const { vpcs, ipPools } = this.#queues;
    const own = [
      cluster.subnets,
      cluster.vpcs,
      cluster.ipPools,
      cluster.securityGroups,
      cluster.ips,
    ];
    const forget = ({ type, value }: Change<{ readonly meta: Meta }>) => {
      if (type === 'deleted') events.forget(value.meta.uid);
    };
    const rejudge = () => this.#rejudge();
    return [
      () => this.#timers.stop(),
      ...own.map((collection) => collection.onChange(forget)),
      cluster.pods.onChange(({ type, key, value, previous }) => {
        if (type === 'deleted') this.#podWork.gone(value);
        this.podChanged(key);
        this.#ownersChanged(key, [value, previous ?? value]);
      }),
      cluster.ips.onChange((change) => this.#ipChanged(change)),
      cluster.subnets.onChange((change) => this.#subnetChanged(change)),
      cluster.vpcs.onChange(({ type, key, value, previous }) => {
        const isNews = type === 'deleted' || !isDeepStrictEqual(value.checked, previous?.checked);
        if (isNews) {
          rejudge();
          const versions = [value, previous].map(
            (object) => object && checkedValue(object.checked),
          );
          this.#wakes.namespaces(...versions.map((vpc) => vpc?.namespaces));
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
      cluster.nodes.onChange(({ type, key, value, previous }) => {
        if (type === 'deleted' || value.isReady !== previous?.isReady) this.#addDeletedPodsOn(key);
        if (
          type === 'updated' &&
          isDeepStrictEqual(value.internalAddresses, previous?.internalAddresses)
        )
          return;
        rejudge();
        const before = previous ?? value;
        const still = type === 'deleted' ? [] : value.internalAddresses;
        this.#wakes.nodeAddressesFreed(
          before.internalAddresses.filter((one) => !still.some(({ text }) => text === one.text)),
        );
      }),
      cluster.ipPools.onChange(({ type, key, value, previous }) => {
        if (type === 'deleted' || !isSameJudgement(value, previous)) {
          rejudge();
          const versions = [value, previous].map(
            (object) => object && checkedValue(object.checked),
          );
          this.#wakes.namespaces(...versions.map((pool) => pool?.namespaces));
          // What it no longer has is its Subnet's again.
          for (const pool of versions) if (pool !== undefined) this.#wakes.subnet(pool.subnet);
        }
        ipPools.add(key);
      }),
      cluster.nads.onChange(({ type, value }) => {
        if (type === 'deleted') events.forget(value.uid);
        else sayNadProblem(value, events);
        this.#wakes.wake(waitFor.nad(value.namespace, value.name));
      }),
      cluster.virtualMachines.onChange(({ type, value }) => {
        // It keeps its addresses for as long as it is there.
        if (type === 'deleted' || value.deleting) this.#addMachine(value);
      }),
      cluster.machineInstances.onChange(({ type, value, previous }) => {
        // Most changes are of the rest of its status.
        if (type !== 'updated' || !isDeepStrictEqual(value, previous)) this.#addMachine(value);
      }),
      cluster.namespaces.onChange(({ type, value, previous }) => {
        const isNews = type !== 'updated' || !isDeepStrictEqual(value, previous);
        if (isNews) this.#wakes.namespaces([value.name]);
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
      this.#wakes.subnet(name);
    }
    for (const name of ipPools) {
      this.#queues.ipPools.add(name);
      this.#wakes.wake(waitFor.ipPool(name));
      const subnet = addresses.ipPool(name);
      const of = subnet && checkedValue(subnet.checked)?.subnet;
      if (of !== undefined) this.#queues.usage.add(of);
    }
  }

  /** A NIC no longer has this. */
  freed(held: Allocation): void {
    const { subnet } = held;
    this.#queues.usage.add(subnet);
    if (this.#context.cluster.subnets.get(subnet)?.meta.deleting) this.#queues.subnets.add(subnet);
    this.#wakes.freed(held);
  }

  /** What a NIC had whose IP object has gone is let go, or could not be. */
  letGo(subnet: string): void {
    this.#queues.usage.add(subnet);
  }

  /** NICs can be attached to a Subnet. */
  placed(subnet: string): void {
    this.#wakes.wake(waitFor.logicalSwitch(subnet));
  }

  /** All NetworkAttachmentDefinitions are known. */
  nadsSynced(): void {
    this.#wakes.wake(waitFor.nads);
  }

  podChanged(key: string): void {
    const pod = this.#context.cluster.pods.get(key);
    this.#timers.set(key, pod && this.#podWork.dueAtMs(pod));
    // Its sandbox waits for it, if it is ours.
    this.#queues.pods.add(key, { isUrgent: pod !== undefined && isUntold(pod) });
  }

  /**
   * Those who have to do with the addresses of a pod that has changed, and is worked on already. Whose
   * pod is a machine's for no reason but that it says so changes nothing for the machine: many such
   * pods would have each other worked on.
   * @param versions of the pod: owners can be edited, and what was under another one may be nobody's
   */
  #ownersChanged(key: string, versions: readonly Pod[]): void {
    const { podIndex, settings } = this.#context;
    const owners = versions.flatMap((pod) => {
      const owner = ownerOfPod(pod, settings);
      return owner === key || podIndex.mayUse(pod) ? [owner] : [];
    });
    for (const owner of new Set(owners)) {
      this.#wakes.wake(waitFor.owner(owner));
      // The pods of a virtual machine follow each other.
      if (owner !== key) this.addOwner(owner, key);
    }
  }

  /** Most changes are of the status, which we write. */
  #subnetChanged({ type, key, value, previous }: Change<SubnetObject>): void {
    const { subnets, usage, vpcs } = this.#queues;
    const isNews = type === 'deleted' || !isSameJudgement(value, previous);
    if (isNews || !this.#usageWork.isCounted(value)) usage.add(key);
    if (isNews) {
      this.#rejudge();
      subnets.add(key);
      for (const object of [value, previous]) {
        if (object?.claims.isOvn) vpcs.add(object.claims.vpc);
      }
      this.#wakes.subnet(key, value, previous);
    }
    const isLacking = value.defaults !== undefined || value.meta.finalizers.length === 0;
    const isToTell = !isDeepStrictEqual(value.notes, previous?.notes);
    if (isLacking || isToTell || value.meta.deleting) subnets.add(key);
  }

  #ipChanged({ type, key, value, previous }: Change<IpObject>): void {
    const { addresses, settings } = this.#context;
    if (type !== 'deleted') addresses.sawIp(value);
    this.#queues.ips.add(key);
    const subnets = new Set([value.spec.subnet, previous?.spec.subnet ?? '']);
    // What is held for an object that has gone is let go now: both are counted together, after that.
    const held = type === 'deleted' ? addresses.allocator.allocationOf(key)?.subnet : undefined;
    for (const subnet of subnets) {
      if (subnet !== '' && subnet !== held) this.#queues.usage.add(subnet);
    }
    // It may have been made for a pod that went meanwhile.
    const owner = ownerOf(value, settings);
    const isForNobody = type === 'added' && !this.#context.podIndex.isRunning(owner);
    if (isForNobody || (previous !== undefined && isOthers(value, previous))) this.addOwner(owner);
    this.#wakes.wake(waitFor.ip(key));
    const versions = previous === undefined ? [value] : [value, previous];
    if ([...subnets].some((subnet) => addresses.mayChange(subnet, versions))) this.#rejudge();
    if (type !== 'deleted') return;
    // A Subnet or its Vpc may wait for the end of the last one.
    const subnet = this.#context.cluster.subnets.get(value.spec.subnet);
    if (subnet?.meta.deleting) this.#queues.subnets.add(subnet.meta.name);
  }

  /** A machine has changed, or one of its pods may be shown to be one now. */
  #addMachine({ namespace, name }: { readonly namespace: string; readonly name: string }): void {
    const owner = machineOwner(namespace, name);
    this.#wakes.wake(waitFor.owner(owner));
    this.addOwner(owner);
  }

  /** Ports have changed. @param key what their rows say for `pod`: a pod's, or a machine's of that name */
  addPorts(key: string): void {
    this.addOwner(key);
    const { ipIndex, podIndex } = this.#context;
    const twin = twinOf(key);
    if (podIndex.keysOf(twin).length > 1 || ipIndex.ofOwner(twin).size > 0) this.addOwner(twin);
  }

  /** @param except key of a pod that is worked on already */
  addOwner(owner: string, except?: string): void {
    if (owner.startsWith('/')) return;
    for (const key of this.#context.podIndex.keysOf(owner)) {
      if (key !== except) this.#queues.pods.add(key);
    }
  }

  #addSubnetsOf(vpc: string): void {
    for (const { meta, claims } of this.#context.cluster.subnets.values()) {
      if (claims.vpc === vpc) this.#queues.subnets.add(meta.name);
    }
  }

  /** The ports of a VLAN, and what its pods are told of it. */
  #addSubnetsIn(vlan: string): void {
    const { cluster, ipIndex, settings } = this.#context;
    for (const { meta, claims } of cluster.subnets.values()) {
      if (claims.vlan !== vlan) continue;
      this.#queues.subnets.add(meta.name);
      for (const ip of ipIndex.ofSubnet(meta.name).values()) this.addOwner(ownerOf(ip, settings));
    }
  }

  /** Their time may be up since their node is lost. */
  #addDeletedPodsOn(node: string): void {
    for (const { namespace, name, nodeName, end } of this.#context.cluster.pods.values()) {
      const isItsEnd = nodeName === node && end.deletedAtMs !== undefined;
      if (isItsEnd) this.#queues.pods.add(`${namespace}/${name}`);
    }
  }

  /** Those that were scaled away do not come back. */
  #addPodsOfSet(key: string): void {
    const prefix = `${key}-`;
    for (const owner of this.#context.ipIndex.owners()) {
      if (owner.startsWith(prefix)) this.addOwner(owner);
    }
  }

  /** Others may have rules about its members, and pods may list it. */
  #groupCameOrWent(group: string): void {
    const { cluster } = this.#context;
    this.#wakes.wake(waitFor.securityGroup(group));
    for (const { namespace, name, annotations } of cluster.pods.values()) {
      if (listsSecurityGroup(annotations, group)) this.#queues.pods.add(`${namespace}/${name}`);
    }
  }
}

/** True where what the object says is for somebody else, or is kept no longer for who may come. */
function isOthers(ip: IpObject, previous: IpObject): boolean {
  if (isReserved(previous) && !isReserved(ip)) return true;
  return !isDeepStrictEqual(ip.spec, previous.spec);
}

/** Whoever made a network does not look at the pods that cannot have it. */
export function sayNadProblem(nad: Nad, events: ObjectEvents): void {
  const problem = nadProblem(nad);
  if (problem === undefined) events.clear(aboutNad(nad));
  else {
    const event = failureEvent('ValidateNadFailed', 'validateNad', tell([problem]));
    events.warnOnce(aboutNad(nad), event);
  }
}
