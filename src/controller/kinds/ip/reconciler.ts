/**
 * The work on an IP object: a user's request for addresses becomes a reservation, one that is deleted is let go, and
 * with one that has gone its addresses are free.
 */

import { below } from '../../../common/kubernetes/path.ts';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import { ownerOf } from '../../cluster/ip-index.ts';
import { AllocationError } from '../../ipam/allocator/error.ts';
import type { Owner } from '../../ipam/allocator/owners.ts';
import type { AcquireRequest, Allocation } from '../../ipam/allocator/request.ts';
import { aboutOwn, aboutPod } from '../../model/about.ts';
import { failureEvent } from '../../model/events.ts';
import { finalizerRemoved } from '../../model/meta.ts';
import { providerOf } from '../../model/nic-name.ts';
import { ownerName } from '../../model/owner-key.ts';
import { checkedValue, describeProblems } from '../../model/problem.ts';
import { waitFor } from '../../model/wait-names.ts';
import { isPublished } from '../../networks/requested-addresses.ts';
import type { Uses } from '../context.ts';
import { patchObject } from '../patch-object.ts';
import { type AllocatedNic, addressesText } from '../pod/object/allocated-nic.ts';
import { isAlive } from '../pod/object/liveness.ts';
import {
  interconnectionName,
  interconnectionOwner,
  isInterconnected,
} from '../subnet/object/interconnection.ts';
import { waitsOfRequest } from '../wake-names.ts';
import {
  hasAll,
  type IpObject,
  isNew,
  type Reservation,
  readReservation,
  reservationPatch,
} from './object/ip.ts';

/** What follows from work on IP objects. */
export interface IpConsequences {
  /** The pods of an owner may go on. */
  readonly ownerServed: (owner: string) => void;
  /** What a NIC of a Subnet had is let go, or could not be, since its IP object has gone. */
  readonly ended: (subnet: string) => void;
}

/** What is let go when an IP object has gone: the pods' kind does it (pod/pod-release.ts). */
interface Releases {
  /** An IP object has gone, or was not deleted. */
  seenGone(name: string): void;
  /** The port and the addresses of a single NIC whose pod does not run. */
  endNic(nic: Owner): Promise<void>;
  /** All that an owner had of whom no pod is known. */
  endOwner(owner: string): Promise<void>;
}

/** What the work on IP objects uses. */
export type IpContext = Uses<
  'addresses' | 'events' | 'machines' | 'ownerLock' | 'podIndex' | 'settings' | 'writes',
  'ips' | 'nodes' | 'pods'
> & {
  readonly releases: Releases;
};

/**
 * The work on one IP object by its name. All of it that concerns an owner's addresses is done while the
 * owner's lock is held.
 */
export class IpReconciler {
  readonly #context: IpContext;
  readonly #consequences: IpConsequences;

  constructor(context: IpContext, consequences: IpConsequences) {
    this.#context = context;
    this.#consequences = consequences;
  }

  /** @throws NotDone where the reservation cannot be made; what the API server or OVN refuses */
  async reconcile(name: string): Promise<void> {
    const ip = this.#context.cluster.ips.get(name);
    if (ip === undefined) await this.#gone(name);
    else if (ip.meta.deleting) await this.#letGo(ip);
    else if (isNew(ip)) {
      await this.#context.ownerLock.run(this.#ownerOf(ip), () => this.#reserve(ip));
    }
  }

  #ownerOf(ip: IpObject): string {
    return ownerOf(ip, this.#context.settings);
  }

  /** Its pod gets another object where it runs; else nobody has the addresses any more. */
  async #gone(name: string): Promise<void> {
    const { addresses, ownerLock, podIndex } = this.#context;
    this.#context.releases.seenGone(name);
    const { allocator } = addresses;
    const before = allocator.allocationOf(name);
    if (before === undefined) return;
    const { pod: owner, subnet } = before;
    const work = ownerLock.run(owner, async () => {
      const held = allocator.allocationOf(name);
      if (held === undefined || this.#context.cluster.ips.get(name) !== undefined) return;
      if (this.#isOfRouter(held)) return;
      allocator.unreserve(held);
      if (!podIndex.isRunning(held.pod)) await this.#context.releases.endNic(held);
    });
    await work.finally(() => this.#consequences.ended(subnet));
    this.#consequences.ownerServed(owner);
  }

  /**
   * True for the address of a router's leg in a Subnet that is to have one: the router has it, whoever has deleted
   * the record, and the Subnet makes another one (subnet/interconnections.ts).
   */
  #isOfRouter({ nic, pod, subnet: name }: Allocation): boolean {
    const object = this.#context.addresses.subnet(name);
    if (object === undefined || object.meta.deleting || pod !== interconnectionOwner(nic)) {
      return false;
    }
    const subnet = checkedValue(object.checked);
    return subnet !== undefined && isInterconnected(subnet) && interconnectionName(subnet) === nic;
  }

  async #letGo(ip: IpObject): Promise<void> {
    const { cluster, ownerLock, podIndex, writes } = this.#context;
    const owner = this.#ownerOf(ip);
    await ownerLock.run(owner, async () => {
      // Of a pod that has ended, the port goes first.
      const isPods = providerOf(ip.meta.name, owner) !== undefined;
      if (isPods && !podIndex.isRunning(owner)) await this.#context.releases.endOwner(owner);
      const patch = finalizerRemoved(ip.meta);
      if (patch !== undefined) await writes.patch(below(cluster.ips.path, ip.meta.name), patch);
    });
  }

  async #reserve(ip: IpObject): Promise<void> {
    const { addresses, writes, cluster } = this.#context;
    const object = addresses.subnet(ip.spec.subnet);
    const read = readReservation(ip, object && checkedValue(object.checked));
    if (read === undefined) return;
    if ('problems' in read) throw this.#refused(ip, describeProblems(read.problems));
    const nic = this.#acquire(ip, read.value);
    const patch = reservationPatch(ip, nic, read.value.holder);
    await patchObject(writes, cluster.ips, { name: ip.meta.name, patch });
    // It may wait for that.
    this.#consequences.ownerServed(this.#ownerOf(ip));
  }

  #acquire(ip: IpObject, reservation: Reservation): AllocatedNic {
    const { port, subnet, addresses, mac } = reservation;
    const { allocator } = this.#context.addresses;
    const owner = this.#ownerOf(ip);
    const held = allocator.allocationOf(port);
    const hasOthers = held !== undefined && !hasAll(held.addresses, addresses);
    if (hasOthers && this.#isPublished(owner, subnet.provider)) {
      const has = addressesText(held.addresses);
      throw this.#refused(
        ip,
        `${ownerName(owner)} runs with ${has}: delete the pod first, or this IP`,
      );
    }
    const kind = subnet.isOvn ? 'ovn' : 'ipam';
    const request: AcquireRequest = {
      nic: port,
      pod: owner,
      subnet: subnet.name,
      addresses:
        addresses.length === 0 ? { kind: 'dynamic' } : { kind: 'fixed', entries: [addresses] },
      mac:
        mac === undefined ? { kind: kind === 'ovn' ? 'dynamic' : 'none' } : { kind: 'fixed', mac },
    };
    try {
      const { mac: given, addresses: got } = allocator.reserve(request);
      const nic = { kind, provider: subnet.provider, port, subnet, addresses: got } as const;
      return given === undefined ? nic : { ...nic, mac: given };
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      const wanted = waitsOfRequest(subnet, request.addresses);
      const macs = mac === undefined ? [] : [waitFor.mac(subnet.name, mac)];
      const waits = [waitFor.ip(port), ...wanted, ...macs];
      throw this.#refused(ip, `${error.message}: ${error.details}`, waits);
    }
  }

  /** True where it was published to a pod what it has; until then it can have something else. */
  #isPublished(owner: string, provider: string): boolean {
    const { cluster, machines, podIndex } = this.#context;
    return podIndex.keysOf(owner).some((key) => {
      const pod = cluster.pods.get(key);
      if (pod === undefined || !isAlive(pod, Date.now(), cluster.nodes)) return false;
      return machines.problemOf(pod) === undefined && isPublished(pod, provider);
    });
  }

  #refused(ip: IpObject, why: string, more: readonly string[] = []): NotDone {
    const { meta } = ip;
    const owner = this.#ownerOf(ip);
    const event = failureEvent('AcquireAddressFailed', 'reserve', why);
    this.#context.events.warnOnce(aboutOwn('IP', meta), event);
    // Its pod waits for it.
    for (const key of this.#context.podIndex.keysOf(owner)) {
      const pod = this.#context.cluster.pods.get(key);
      if (pod !== undefined) this.#context.events.warnOnce(aboutPod(pod), event);
    }
    const waitsFor = [...more, waitFor.subnet(ip.spec.subnet), waitFor.owner(owner)];
    return new NotDone(why, { waitsFor });
  }
}
