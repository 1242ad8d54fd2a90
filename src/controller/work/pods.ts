/**
 * The work on a pod: its NICs get their addresses and ports, and the pod is told; or, where it has
 * ended, they are given back (pod-end.ts).
 *
 * Everything is written before the pod is told, so that the node finds what it is told of: ports in
 * OVN and IP objects first, and then all annotations in one patch. Whatever of it was done before
 * a crash is found again by the next leader: an IP object keeps its addresses for the pod.
 */

import { isConflict } from '../../common/kubernetes/api.ts';
import { AllocationError } from '../allocator/error.ts';
import { PodAnnouncements } from '../announcements.ts';
import type { Context } from '../context.ts';
import { desiredPort } from '../desired/port.ts';
import { NotDone } from '../failure-log.ts';
import { podNetworks } from '../networks/pod-networks.ts';
import { isAllocated } from '../networks/wishes.ts';
import { annotationKey } from '../objects/allocated-nic.ts';
import { failureEvent, networkEvent } from '../objects/events.ts';
import { type IpHolder, type IpObject, ipPatch, newIp, projectIp } from '../objects/ip.ts';
import { isAlive, releasedAtMs } from '../objects/liveness.ts';
import {
  DEFAULT_NETWORK_ANNOTATION,
  NETWORKS_ANNOTATION,
  ownerOfPod,
  type Pod,
  podType,
  workloadOf,
} from '../objects/pod.ts';
import { type AnnotatedNic, annotationsPatch } from '../objects/pod-annotations.ts';
import { tell } from '../objects/problem.ts';
import { NorthboundError } from '../ovn/error.ts';
import { acquireAll } from './allocation.ts';
import { hasAll, isWish } from './ips.ts';
import type { PodEnds } from './pod-end.ts';
import type { Ports } from './ports.ts';

export class PodWork {
  readonly #context: Context;
  readonly #ports: Ports;
  readonly #ends: PodEnds;
  readonly #said: PodAnnouncements;

  constructor(context: Context, ports: Ports, ends: PodEnds) {
    this.#context = context;
    this.#ports = ports;
    this.#ends = ends;
    this.#said = new PodAnnouncements(context.events);
  }

  /** When the work on a pod has to be done although nothing of it changes; ms since 1970. */
  dueAtMs(pod: Pod): number | undefined {
    return pod.hostNetwork ? undefined : releasedAtMs(pod);
  }

  /** A pod has gone; its work is asked for besides. */
  gone(pod: Pod): void {
    this.#said.forget(pod);
    this.#ends.remember(pod);
  }

  /** @param key `<namespace>/<name>` */
  async work(key: string): Promise<void> {
    const pod = this.#context.cluster.pods.get(key);
    if (pod?.hostNetwork) return;
    const now = Date.now();
    if (pod === undefined || !isAlive(pod, now) || (releasedAtMs(pod) ?? Infinity) <= now) {
      await this.#ends.end(key, pod);
      return;
    }
    // What it has it keeps until then, and it is too late for more.
    if (pod.end.deletedAtMs !== undefined) return;
    await this.#bring(pod);
  }

  async #bring(pod: Pod): Promise<void> {
    const { settings } = this.#context;
    const nics = this.#acquire(pod);
    const fresh = nics.filter(
      ({ provider }) => pod.annotations[annotationKey(provider, 'allocated')] !== 'true',
    );
    const { groupExists } = this.#ends;
    const ports = nics
      .filter(({ kind }) => kind === 'ovn')
      .map((nic) => desiredPort(nic, pod.annotations, groupExists));
    const surplus = this.#ends.surplus(pod, nics);
    try {
      await this.#ports.bring(ownerOfPod(pod, settings), [...ports, ...surplus.keptPorts]);
    } catch (error) {
      throw this.#failedPorts(pod, error);
    }
    await Promise.all(nics.map((nic) => this.#bringIp(pod, nic)));
    await this.#ends.giveBack(surplus.ended);
    await this.#tellPod(pod, nics, surplus.unplugged);
    if (fresh.length > 0) this.#said.done(pod, networkEvent('PodNetworkAllocated', fresh));
    this.#said.isWell(pod);
  }

  #acquire(pod: Pod): readonly AnnotatedNic[] {
    const { addresses, cluster, settings } = this.#context;
    if (!cluster.nads.isSynced && selectsNetworks(pod)) {
      throw new NotDone(
        'NetworkAttachmentDefinitions are not known yet: is Multus installed, and may the controller list them?',
      );
    }
    const networks = podNetworks(pod, addresses.view);
    if ('problems' in networks) {
      for (const event of networks.events) this.#said.trouble(pod, event);
      throw new NotDone(tell(networks.problems));
    }
    for (const event of networks.events) this.#said.notice(pod, event);
    try {
      return acquireAll(networks.nics, {
        allocator: addresses.allocator,
        owner: ownerOfPod(pod, settings),
        nodeAddresses: [...cluster.nodes.values()].flatMap((node) => node.internalAddresses),
        vlan: (name) => cluster.vlans.get(name),
      });
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      const { message, details } = error;
      const event = failureEvent(
        'AcquireAddressFailed',
        'acquireAddress',
        `${message}: ${details}`,
      );
      this.#said.trouble(pod, event);
      throw new NotDone(message);
    }
  }

  #failedPorts(pod: Pod, error: unknown): unknown {
    if (!(error instanceof NorthboundError)) return error;
    const { reason, message, details } = error;
    // A Subnet and its first pods often come together.
    if (reason === 'missing') return new NotDone(message, { isTransient: true });
    const event = failureEvent('CreateOVNPortFailed', 'createPort', `${message}: ${details}`);
    this.#said.trouble(pod, event);
    return error;
  }

  /** Makes the IP object of a NIC say what the NIC has. */
  async #bringIp(pod: Pod, nic: AnnotatedNic): Promise<void> {
    const { cluster, writes, settings } = this.#context;
    const { ips } = cluster;
    const holder: IpHolder = {
      workload: workloadOf(pod, settings),
      namespace: pod.namespace,
      nodeName: pod.nodeName,
      podType: podType(pod),
    };
    let ip = ips.get(nic.port);
    if (ip === undefined) {
      try {
        await writes.create(ips.path, newIp(nic, holder));
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      const raw = await writes.read(`${ips.path}/${nic.port}`);
      if (raw === undefined)
        throw new NotDone(`IP ${nic.port} has just gone`, { isTransient: true });
      ip = projectIp(raw);
    }
    this.#checkRecord(pod, nic, ip);
    const patch = ipPatch(ip, nic, holder);
    if (patch === undefined) return;
    ips.wrote(nic.port, await writes.patch(`${ips.path}/${nic.port}`, patch));
  }

  /** @throws NotDone where the IP object is not to be written now, or not to say what `nic` has */
  #checkRecord(pod: Pod, { port, provider, addresses }: AnnotatedNic, ip: IpObject): void {
    const wait = (why: string) => new NotDone(`IP ${port} ${why}`, { isTransient: true });
    if (ip.meta.deleting) throw wait('is being deleted: it is made anew when it has gone');
    const held = this.#context.addresses.allocator.allocationOf(port);
    // A user's object for this NIC came after it had been given others.
    if (!hasAll(held?.addresses ?? [], addresses)) throw wait('reserves other addresses');
    const isOverruled = isAllocated(pod, provider) && !hasAll(addresses, ip.addresses);
    if (!isOverruled && isWish(ip, this.#context.addresses)) {
      throw wait("is a user's: it is to become a reservation first");
    }
  }

  async #tellPod(
    pod: Pod,
    nics: readonly AnnotatedNic[],
    unplugged: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    const { cluster, writes, settings } = this.#context;
    const patch = annotationsPatch(pod, nics, settings, unplugged);
    if (patch === undefined) return;
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
    cluster.pods.wrote(`${pod.namespace}/${pod.name}`, await writes.patch(path, patch));
  }
}

function selectsNetworks({ annotations }: Pod): boolean {
  return [NETWORKS_ANNOTATION, DEFAULT_NETWORK_ANNOTATION].some((key) => annotations[key]);
}
