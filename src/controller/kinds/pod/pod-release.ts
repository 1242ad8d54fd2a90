/**
 * Releases what terminated pods had: ports in OVN, IP objects, addresses.
 *
 * A port goes first, then the IP object, and when that has gone the address is free (ip/reconciler.ts):
 * so no two ports ever have one address, and a crash in between leaves an object to go on from.
 */

import type { EventObject } from '../../../common/kubernetes/event-object.ts';
import { below, objectPath } from '../../../common/kubernetes/path.ts';
import { ownerOf } from '../../cluster/ip-index.ts';
import type { Owner as Nic } from '../../ipam/allocator/owners.ts';
import type { Allocation } from '../../ipam/allocator/request.ts';
import { aboutPod } from '../../model/about.ts';
import { projectMeta } from '../../model/meta.ts';
import { providerOf } from '../../model/nic-name.ts';
import { ownerParts, portsKeyOf } from '../../model/owner-key.ts';
import { checkedValue } from '../../model/problem.ts';
import type { Uses } from '../context.ts';
import { type IpObject, isNew, isReserved } from '../ip/object/ip.ts';
import type { StatefulSet } from '../stateful-set/object/stateful-set.ts';
import { currentSet } from './current-set.ts';
import type { AllocatedNic } from './object/allocated-nic.ts';
import { networkEvent } from './object/allocated-nic.ts';
import { comesBack, keepsAddresses } from './object/liveness.ts';
import { ownerOfPod, type Pod, type StatefulSetRef } from './object/pod.ts';
import type { Ports } from './ports.ts';

/** Who a pod that has gone was. */
interface Past {
  readonly owner: string;
  readonly statefulSet: StatefulSetRef | undefined;
  /** What is said of its end is said of it; undefined where the pod was never seen. */
  readonly about: EventObject | undefined;
}

/** What the release of addresses uses. */
export type ReleasesContext = Uses<
  'addresses' | 'events' | 'ipIndex' | 'podIndex' | 'settings' | 'writes',
  'ips' | 'machineInstances' | 'statefulSets' | 'virtualMachines'
>;

/** Releases what pods had that have ended: ports first, then IP objects, then addresses. */
export class PodReleases {
  readonly #context: ReleasesContext;
  readonly #ports: Pick<Ports, 'ensure'>;
  readonly #freed: (held: Allocation) => void;
  /** By key of the pod, as long as something of it is kept. */
  readonly #past = new Map<string, Past>();
  /** UIDs of the IP objects that were asked to be deleted and are still shown, by name. */
  readonly #askedToGo = new Map<string, string>();

  /** @param freed is called with what a NIC had and has no longer */
  constructor(
    context: ReleasesContext,
    ports: Pick<Ports, 'ensure'>,
    freed: (held: Allocation) => void,
  ) {
    this.#context = context;
    this.#ports = ports;
    this.#freed = freed;
  }

  /** A pod has gone, and its end is asked for. */
  remember(pod: Pod): void {
    this.#past.set(`${pod.namespace}/${pod.name}`, this.#pastOf(pod));
  }

  /** Whose addresses a pod's are; of one that has gone, too. */
  ownerOfKey(key: string): string {
    return this.#past.get(key)?.owner ?? key;
  }

  /**
   * Has IP objects deleted; what a user reserved, or wants to be, stays.
   * @returns those that are deleted now
   */
  async releaseIps(ips: readonly IpObject[]): Promise<readonly IpObject[]> {
    const { cluster, writes } = this.#context;
    const going = ips.filter(
      (ip) => !ip.meta.deleting && !isReserved(ip) && !isNew(ip) && !this.#isAskedToGo(ip),
    );
    for (const { meta } of going) this.#askedToGo.set(meta.name, meta.uid);
    await Promise.all(
      going.map(async ({ meta }) => {
        try {
          await writes.remove(below(cluster.ips.path, meta.name), meta.uid);
        } catch (error) {
          this.seenGone(meta.name);
          throw error;
        }
      }),
    );
    return going;
  }

  /** True until the watch shows what became of it: the pod may have other work done meanwhile. */
  #isAskedToGo({ meta }: IpObject): boolean {
    return this.#askedToGo.get(meta.name) === meta.uid;
  }

  /** An IP object has gone, or was not deleted. */
  seenGone(name: string): void {
    this.#askedToGo.delete(name);
  }

  /**
   * Releases what a single NIC has had whose IP object has gone, of a pod that does not run: its port
   * first. Runs while the owner's lock is held.
   */
  async endNic(nic: Nic): Promise<void> {
    const others = [...portsOfOwner(nic.pod, this.#context)].filter((name) => name !== nic.nic);
    await this.#ports.ensure(nic.pod, [], new Set(others));
    if (!this.#context.podIndex.isRunning(nic.pod)) this.free(nic);
  }

  /** Lets go of what a NIC holds and no IP object records. */
  free(nic: Nic): void {
    const held = this.#context.addresses.allocator.release(nic);
    if (held !== undefined) this.freed(held);
  }

  /** A NIC has no longer what it had. */
  freed(held: Allocation): void {
    this.#freed(held);
  }

  /**
   * Releases what a pod has had that has ended. Runs while the owner's lock is held.
   * @param key `<namespace>/<name>`
   * @param pod where it is still there, as completed pods are
   */
  async end(key: string, pod: Pod | undefined): Promise<void> {
    const past = pod === undefined ? this.#pastOfKey(key) : this.#pastOf(pod);
    const isOver = await this.#end(past, pod && key, pod);
    // Of what is kept, it is to be known which StatefulSet it is for.
    if (isOver && this.#past.get(key) === past) this.#past.delete(key);
  }

  /** As `end`, for what is held or recorded under the name of an owner of whom no pod is known. */
  async endOwner(owner: string): Promise<void> {
    const known = this.#past.get(owner);
    const past =
      known?.owner === owner ? known : { owner, statefulSet: undefined, about: undefined };
    await this.#end(past, undefined, undefined);
  }

  /** @returns whether nothing is kept for a pod that comes back */
  async #end(past: Past, endedKey: string | undefined, pod: Pod | undefined): Promise<boolean> {
    const { owner } = past;
    if (await this.#isNeeded(owner, endedKey)) return pod === undefined;
    const ips = ipsOfOwner(owner, this.#context);
    const set = await this.#setOf(ips, past);
    const kept = ips.filter((ip) => !ip.meta.deleting && this.#comesBack(ip, past, set));
    const ended = ips.filter((ip) => !kept.includes(ip));
    await this.#ports.ensure(owner, [], new Set(kept.map(({ meta }) => meta.name)));
    const given = await this.releaseIps(ended);
    this.#freeUnrecorded(owner, endedKey);
    if (past.about !== undefined) this.#announce(past.about, given);
    return kept.length === 0;
  }

  /** A pod of the same name may have come meanwhile: what is held is its own then. */
  #freeUnrecorded(owner: string, endedKey: string | undefined): void {
    const { addresses, cluster, podIndex } = this.#context;
    if (podIndex.isRunning(owner, endedKey)) return;
    for (const { nic } of addresses.allocator.allocationsOf(owner)) {
      if (cluster.ips.get(nic) === undefined) this.free({ nic, pod: owner });
    }
  }

  /** True where another pod has the same addresses, or a stopped virtual machine keeps them. */
  async #isNeeded(owner: string, endedKey: string | undefined): Promise<boolean> {
    if (this.#context.podIndex.isRunning(owner, endedKey)) return true;
    return ownerParts(owner).isMachine && (await this.#isMachine(owner));
  }

  /**
   * A machine that is stopped gets its addresses back when it is started; one that has no more than an
   * instance has ended with it. What the informer caches do not show is asked for before it counts as gone:
   * they may lag behind, and without KubeVirt's definitions or a right to list them they stay empty.
   */
  async #isMachine(owner: string): Promise<boolean> {
    const { namespace, workload } = ownerParts(owner);
    const { machineInstances, virtualMachines } = this.#context.cluster;
    const kinds = [virtualMachines, machineInstances];
    const shown = kinds.map((kind) => kind.get(portsKeyOf(owner)));
    if (shown.some((object) => object !== undefined && !object.deleting)) return true;
    const paths = ['virtualmachines', 'virtualmachineinstances'].map((plural) =>
      objectPath({ group: 'kubevirt.io', version: 'v1', resource: plural }, workload, namespace),
    );
    const read = await Promise.all(paths.map((path) => this.#context.writes.read(path)));
    return read.some((raw) => raw !== undefined && !projectMeta(raw).deleting);
  }

  /** The StatefulSet that an owner's NICs may be kept for: they are all of one pod. */
  async #setOf(ips: readonly IpObject[], past: Past): Promise<StatefulSet | undefined> {
    const ip = ips.find(({ spec }) => spec.podType === 'StatefulSet');
    if (ip === undefined) return undefined;
    const { namespace, podName } = ip.spec;
    const name = past.statefulSet?.name ?? podName.replace(/-\d+$/, '');
    return await currentSet(this.#context, namespace, name);
  }

  /** True where a NIC of a StatefulSet's pod waits for the pod to come back. */
  #comesBack(ip: IpObject, past: Past, current: StatefulSet | undefined): boolean {
    const { podName, podType, subnet } = ip.spec;
    if (podType !== 'StatefulSet') return false;
    const { cluster, addresses } = this.#context;
    const { statefulSets } = cluster;
    // Of sets that may not be read, any may be there.
    if (current === undefined) return !statefulSets.isSynced;
    // Where the controller was not there to see the pod, the set of that name has made it.
    const owner = past.statefulSet ?? { name: current.name, uid: current.uid };
    if (!comesBack(podName, owner, current)) return false;
    const provider = providerOf(ip.meta.name, ownerOf(ip, this.#context.settings)) ?? '';
    const object = addresses.subnet(subnet);
    return keepsAddresses(ip.addresses, provider, current, object && checkedValue(object.checked));
  }

  /** Also of a pod that was deleted by force: who looks for it by name finds what was released. */
  #announce(about: EventObject, ips: readonly IpObject[]): void {
    const nics = ips.flatMap((ip): AllocatedNic[] => {
      const object = this.#context.addresses.subnet(ip.spec.subnet);
      const subnet = object && checkedValue(object.checked);
      const provider = providerOf(ip.meta.name, ownerOf(ip, this.#context.settings));
      if (subnet === undefined || provider === undefined) return [];
      const { addresses, spec, meta } = ip;
      return [{ kind: 'ovn', provider, port: meta.name, subnet, addresses, mac: spec.macAddress }];
    });
    if (nics.length === 0) return;
    this.#context.events.record(about, networkEvent('PodNetworkReleased', nics));
  }

  #pastOf(pod: Pod): Past {
    const owner = ownerOfPod(pod, this.#context.settings);
    return { owner, statefulSet: pod.statefulSet, about: aboutPod(pod) };
  }

  #pastOfKey(key: string): Past {
    return this.#past.get(key) ?? { owner: key, statefulSet: undefined, about: undefined };
  }
}

/** Names of all NICs that are held or recorded for an owner. */
export function portsOfOwner(
  owner: string,
  context: Pick<ReleasesContext, 'addresses' | 'ipIndex'>,
): ReadonlySet<string> {
  const held = context.addresses.allocator.allocationsOf(owner).map(({ nic }) => nic);
  return new Set([...held, ...ipsOfOwner(owner, context).map(({ meta }) => meta.name)]);
}

/** IP objects of an owner's NICs. Others may name it, too: those of virtual addresses, say. */
function ipsOfOwner(
  owner: string,
  { ipIndex }: Pick<ReleasesContext, 'ipIndex'>,
): readonly IpObject[] {
  const ips = [...ipIndex.ofOwner(owner).values()];
  return ips.filter(({ meta }) => providerOf(meta.name, owner) !== undefined);
}
