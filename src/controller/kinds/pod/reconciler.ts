/**
 * The work on a pod: its NICs get their addresses and ports, which are published in its annotations;
 * or, where the pod has ended, they are released (pod-release.ts).
 *
 * Everything is written before it is published, so that the node finds what the annotations say: ports
 * in OVN and IP objects first, and then all annotations in one patch. Whatever of it was done before
 * a crash is found again by the next leader: an IP object keeps its addresses for the pod.
 */

import { allOf } from '../../../common/concurrency/together.ts';
import { isConflict } from '../../../common/kubernetes/api.ts';
import { below } from '../../../common/kubernetes/path.ts';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import type { Objects } from '../../cluster/collection.ts';
import { AllocationError } from '../../ipam/allocator/error.ts';
import { aboutPod } from '../../model/about.ts';
import { failureEvent } from '../../model/events.ts';
import { lackOf, withLack } from '../../model/lack.ts';
import { checkedValue, describeProblems } from '../../model/problem.ts';
import { waitFor } from '../../model/wait-names.ts';
import { podNetworks } from '../../networks/pod-networks.ts';
import type { NicRequest } from '../../networks/request.ts';
import { isPublished } from '../../networks/requested-addresses.ts';
import { trackedView } from '../../networks/tracked-view.ts';
import type { DesiredPort } from '../../ovn/desired.ts';
import { NorthboundError } from '../../ovn/error.ts';
import type { Uses } from '../context.ts';
import {
  hasAll,
  type IpHolder,
  type IpObject,
  ipPatch,
  isReservationRequest,
  newIp,
  projectIp,
} from '../ip/object/ip.ts';
import { patchObject } from '../patch-object.ts';
import { waitsOfNics } from '../wake-names.ts';
import { acquireAll } from './acquire.ts';
import { currentSet } from './current-set.ts';
import { desiredPort } from './desired-port.ts';
import { missingGroupEvents } from './missing-groups.ts';
import { addressesText, networkEvent } from './object/allocated-nic.ts';
import { isAlive, isEndedByNode, type NodeView, releasedAtMs } from './object/liveness.ts';
import {
  DEFAULT_NETWORK_ANNOTATION,
  holderUid,
  NETWORKS_ANNOTATION,
  ownerOfPod,
  type Pod,
  workloadOf,
} from './object/pod.ts';
import type { AnnotatedNic } from './object/pod-annotations.ts';
import { type PodReleases, portsOfOwner } from './pod-release.ts';
import type { Ports } from './ports.ts';
import { publishAnnotations } from './publish-annotations.ts';
import { PublishedNics } from './published-nics.ts';
import { surplusOf, tooManyNics } from './surplus.ts';
import { unsupportedEvents } from './unsupported.ts';

/** What the work on pods uses. */
export type PodContext = Uses<
  | 'addresses'
  | 'events'
  | 'ipIndex'
  | 'log'
  | 'machines'
  | 'ownerLock'
  | 'podIndex'
  | 'settings'
  | 'writes',
  | 'ips'
  | 'machineInstances'
  | 'nads'
  | 'nodes'
  | 'pods'
  | 'securityGroups'
  | 'statefulSets'
  | 'vlans'
> & {
  readonly ports: Pick<Ports, 'ensure' | 'checkPossible'>;
  readonly releases: PodReleases;
};

/** Does the work on a pod by its key; whoever owns the addresses is locked meanwhile. */
export class PodReconciler {
  readonly #context: PodContext;
  readonly #published: PublishedNics;

  constructor(context: PodContext) {
    this.#context = context;
    this.#published = new PublishedNics(context);
  }

  /** When the work on a pod has to be done although nothing of it changes; ms since 1970. */
  dueAtMs(pod: Pod): number | undefined {
    return pod.hostNetwork ? undefined : releasedAtMs(pod);
  }

  /** A pod has gone; its work is asked for besides. */
  gone(pod: Pod): void {
    this.#context.events.forget(pod.uid);
    if (!pod.hostNetwork) this.#context.releases.remember(pod);
  }

  /** @param key `<namespace>/<name>` */
  async reconcile(key: string): Promise<void> {
    const { cluster, ownerLock, settings } = this.#context;
    const known = cluster.pods.get(key);
    const isOwn = known !== undefined && !known.hostNetwork;
    const owner = isOwn ? ownerOfPod(known, settings) : this.#context.releases.ownerOfKey(key);
    await ownerLock.run(owner, async () => {
      const pod = cluster.pods.get(key);
      // One in the network of its node has nothing: what is held is an earlier pod's of its name.
      if (pod === undefined || pod.hostNetwork) await this.#context.releases.end(key, undefined);
      else if (!needsAddresses(pod, cluster.nodes)) await this.#context.releases.end(key, pod);
      // One that is being deleted keeps what it has, and it is too late for more.
      else if (pod.end.deletedAtMs === undefined) await this.#ensure(pod);
    });
    if (owner !== key) await this.#endOwnName(key);
  }

  /** A machine's pod may have been another's once, or its own: owners can be edited. */
  async #endOwnName(key: string): Promise<void> {
    const { ownerLock, podIndex } = this.#context;
    if (podIndex.isRunning(key) || portsOfOwner(key, this.#context).size === 0) return;
    await ownerLock.run(key, () => this.#context.releases.endOwner(key));
  }

  async #ensure(pod: Pod): Promise<void> {
    const { events } = this.#context;
    const nics = await this.#acquire(pod);
    const fresh = nics.filter(({ provider }) => !isPublished(pod, provider));
    const surplus = surplusOf(pod, nics, this.#context);
    const desired = this.#desiredPorts(pod, nics);
    // Neither needs the other, and what is published needs both.
    const [isWritten] = await allOf([
      this.#ensurePorts(pod, nics, { desired, kept: surplus.kept }),
      ...nics.map((nic) => this.#ensureIp(pod, nic)),
    ]);
    await this.#context.releases.releaseIps(surplus.ended);
    for (const nic of surplus.unrecorded) {
      this.#context.releases.free({ nic, pod: ownerOfPod(pod, this.#context.settings) });
    }
    const wasPublished = await publishAnnotations(this.#context, pod, {
      nics,
      removed: surplus.unplugged,
    });
    if (wasPublished && fresh.length > 0) {
      events.record(aboutPod(pod), networkEvent('PodNetworkAllocated', fresh));
      this.#logAllocation(pod, fresh);
    } else if (wasPublished && isWritten) {
      events.record(aboutPod(pod), networkEvent('PodNetworkUpdated', nics));
    }
    for (const event of unsupportedEvents(pod, nics)) events.infoOnce(aboutPod(pod), event);
    const { annotations } = this.#speakerOf(pod);
    const missing = missingGroupEvents(nics, annotations, (name) => this.#groupExists(name));
    if (missing.length === 0) events.clear(aboutPod(pod));
    for (const event of missing) events.warnOnce(aboutPod(pod), event);
  }

  /** One line for each pod, whose event is gone an hour later. */
  #logAllocation(pod: Pod, nics: readonly AnnotatedNic[]): void {
    const { namespace, name } = pod;
    const given = nics.map(({ provider, subnet, addresses, mac }) => ({
      provider,
      subnet: subnet.name,
      ip: addressesText(addresses),
      ...(mac === undefined ? {} : { mac }),
    }));
    this.#context.log.info({ namespace, pod: name, nics: given }, 'addresses are allocated');
  }

  #groupExists(name: string): boolean {
    const group = this.#context.cluster.securityGroups.get(name);
    return group !== undefined && !group.meta.deleting;
  }

  async #acquire(pod: Pod): Promise<readonly AnnotatedNic[]> {
    const { addresses, cluster, machines, events, settings } = this.#context;
    if (!cluster.nads.isSynced && selectsNetworks(pod)) {
      throw this.#lacking(pod, 'its networks cannot be looked up', cluster.nads, [waitFor.nads]);
    }
    const { view, lookups } = trackedView(addresses.view, pod.namespace);
    const networks = podNetworks(this.#published.onItsSubnets(pod), view);
    if ('problems' in networks) {
      for (const event of networks.events) events.warnOnce(aboutPod(pod), event);
      throw new NotDone(describeProblems(networks.problems), { waitsFor: lookups });
    }
    for (const event of networks.events) events.infoOnce(aboutPod(pod), event);
    await this.#showMachine(pod, networks.nics);
    this.#checkCount(pod, networks.nics);
    const requests = await this.#published.settled(pod, networks.nics);
    try {
      return acquireAll(requests, {
        allocator: addresses.allocator,
        owner: ownerOfPod(pod, settings),
        mayShare: (provider) => machines.mayShare(pod, provider),
        recorded: (port) => cluster.ips.get(port)?.addresses ?? [],
        nodeAddresses: addresses.ofNodes,
        vlan: (name) => cluster.vlans.get(name),
        subnet: (name) => {
          const object = addresses.subnet(name);
          return object && checkedValue(object.checked);
        },
        freed: (held) => this.#context.releases.freed(held),
      });
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      const { message, details } = error;
      const why = `${message}: ${details}`;
      const event = failureEvent('AcquireAddressFailed', 'acquireAddress', why);
      events.warnOnce(aboutPod(pod), event);
      throw new NotDone(message, { waitsFor: [...lookups, ...waitsOfNics(networks.nics)] });
    }
  }

  /**
   * What is missing for a pod is the kind of an object, or the right to read it; an event on the pod says so, and
   * all pods are worked on again when that has changed.
   */
  #lacking(
    pod: Pod,
    what: string,
    { availability }: Pick<Objects<unknown>, 'availability'>,
    waitsFor: readonly string[],
  ): NotDone {
    const unknown = { message: what, advice: 'the API server has not answered yet' };
    const text = describeProblems([withLack(unknown, lackOf(availability))]);
    const event = failureEvent('PodNetworkUpdateFailed', 'getPodKubeovnNets', text);
    this.#context.events.warnOnce(aboutPod(pod), event);
    return new NotDone(text, { waitsFor });
  }

  /** @throws NotDone where a pod claims to be a machine's, and is not shown to be, or not yet */
  async #showMachine(pod: Pod, nics: readonly NicRequest[]): Promise<void> {
    const { cluster, machines, events, settings } = this.#context;
    const problem = machines.problemOf(pod);
    if (problem === undefined || nics.length === 0) return;
    const why = `${problem}: the pod gets no addresses as long as that is so`;
    events.warnOnce(aboutPod(pod), failureEvent('AcquireAddressFailed', 'getVirtualMachine', why));
    if (!cluster.machineInstances.isSynced) throw new NotDone(why);
    await this.#published.takeBack(pod, nics);
    throw new NotDone(why, { waitsFor: [waitFor.owner(ownerOfPod(pod, settings))] });
  }

  /** @throws NotDone where a pod that has many NICs asks for more */
  #checkCount(pod: Pod, nics: readonly NicRequest[]): void {
    const why = tooManyNics(pod, nics, this.#context);
    if (why === undefined) return;
    const event = failureEvent('AcquireAddressFailed', 'acquireAddress', why);
    this.#context.events.warnOnce(aboutPod(pod), event);
    throw new NotDone(why, { waitsFor: [] });
  }

  /** @throws NotDone where it is not known how they are to be; NorthboundError where there cannot be any */
  #desiredPorts(pod: Pod, nics: readonly AnnotatedNic[]): readonly DesiredPort[] {
    const { annotations } = this.#speakerOf(pod);
    const own = nics
      .filter(({ kind }) => kind === 'ovn')
      .map((nic) => desiredPort(nic, annotations, (name) => this.#groupExists(name)));
    const { securityGroups } = this.#context.cluster;
    // Nobody knows whether its groups exist: its ports stay as they are, and no port is made open.
    if (!securityGroups.isSynced && own.some((port) => port.securityGroups.length > 0)) {
      throw this.#lacking(pod, 'its SecurityGroups cannot be looked up', securityGroups, []);
    }
    try {
      this.#context.ports.checkPossible(ownerOfPod(pod, this.#context.settings), own);
    } catch (error) {
      throw this.#failedPorts(pod, nics, error);
    }
    return own;
  }

  /** @returns whether anything was written */
  async #ensurePorts(
    pod: Pod,
    nics: readonly AnnotatedNic[],
    { desired, kept }: { desired: readonly DesiredPort[]; kept: ReadonlySet<string> },
  ): Promise<boolean> {
    const owner = ownerOfPod(pod, this.#context.settings);
    try {
      return await this.#context.ports.ensure(owner, desired, kept);
    } catch (error) {
      throw this.#failedPorts(pod, nics, error);
    }
  }

  /**
   * The pod that says how ports and IP objects are to be. While a virtual machine migrates, there
   * are two: it is the one that it migrates from, as long as that runs.
   */
  #speakerOf(pod: Pod): Pod {
    if (pod.machine === undefined) return pod;
    const { cluster, machines, podIndex, settings } = this.#context;
    const keys = podIndex.keysOf(ownerOfPod(pod, settings));
    const running = keys
      .flatMap((key) => cluster.pods.get(key) ?? [])
      .filter((one) => needsAddresses(one, cluster.nodes) && machines.isShown(one))
      .sort((one, other) => (one.uid < other.uid ? -1 : 1));
    return running.find(({ migrating }) => !migrating) ?? running[0] ?? pod;
  }

  #failedPorts(pod: Pod, nics: readonly AnnotatedNic[], error: unknown): unknown {
    if (!(error instanceof NorthboundError)) return error;
    const { reason, message, details } = error;
    // A Subnet and its first pods often come together.
    if (reason === 'missing') {
      const waitsFor = nics.map(({ subnet }) => waitFor.logicalSwitch(subnet.name));
      return new NotDone(message, { isTransient: true, waitsFor });
    }
    const event = failureEvent('CreateOVNPortFailed', 'createPort', `${message}: ${details}`);
    this.#context.events.warnOnce(aboutPod(pod), event);
    return error;
  }

  /** Makes the IP object of a NIC say what the NIC has. */
  async #ensureIp(pod: Pod, nic: AnnotatedNic): Promise<void> {
    const { cluster, writes, settings } = this.#context;
    const { ips } = cluster;
    const holder: IpHolder = {
      workload: workloadOf(pod, settings),
      namespace: pod.namespace,
      nodeName: this.#speakerOf(pod).nodeName,
      podType: await this.#podType(pod, nic.port),
      uid: holderUid(pod, settings),
    };
    let ip = ips.get(nic.port);
    if (ip === undefined) {
      try {
        await writes.create(ips.path, newIp(nic, holder));
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      const raw = await writes.read(below(ips.path, nic.port));
      if (raw === undefined)
        throw new NotDone(`IP ${nic.port} has just gone`, { isTransient: true });
      ip = projectIp(raw);
    }
    this.#checkRecord(pod, nic, ip);
    const patch = ipPatch(ip, nic, holder, isPublished(pod, nic.provider));
    await patchObject(writes, ips, { name: nic.port, patch });
  }

  /** @throws NotDone where the IP object is not to be written now, or not to say what `nic` has */
  #checkRecord(pod: Pod, { port, provider, addresses }: AnnotatedNic, ip: IpObject): void {
    const wait = (why: string) =>
      new NotDone(`IP ${port} ${why}`, { isTransient: true, waitsFor: [waitFor.ip(port)] });
    if (ip.meta.deleting) throw wait('is being deleted: it is made anew when it has gone');
    const { addresses: known } = this.#context;
    const held = known.allocator.allocationOf(port);
    // A user's object for this NIC came after it had been given others.
    if (!hasAll(held?.addresses ?? [], addresses)) throw wait('reserves other addresses');
    const isOverruled = isPublished(pod, provider) && !hasAll(addresses, ip.addresses);
    const object = known.subnet(ip.spec.subnet);
    if (!isOverruled && isReservationRequest(ip, object && checkedValue(object.checked))) {
      throw wait("is a user's: it is to become a reservation first");
    }
  }

  /**
   * What the IP object says of the pod's kind. A StatefulSet is one that there is: its pods come back,
   * and addresses are kept for them. What the object says already stays.
   */
  async #podType(pod: Pod, port: string): Promise<IpHolder['podType']> {
    const { cluster, machines } = this.#context;
    const { namespace, statefulSet } = pod;
    const recorded = cluster.ips.get(port)?.spec.podType;
    if (statefulSet !== undefined) {
      if (recorded === 'StatefulSet') return 'StatefulSet';
      const current = await currentSet(this.#context, namespace, statefulSet.name);
      return current?.uid === statefulSet.uid ? 'StatefulSet' : '';
    }
    const isKnown = machines.isShown(pod) || recorded === 'VirtualMachine';
    return pod.machine !== undefined && isKnown ? 'VirtualMachine' : '';
  }
}

/** False for a pod that has ended, and for one that should have by now: its node may be lost. */
function needsAddresses(pod: Pod, nodes: NodeView): boolean {
  const now = Date.now();
  if (!isAlive(pod, now, nodes)) return false;
  const releasedAt = releasedAtMs(pod);
  return releasedAt === undefined || now < releasedAt || isEndedByNode(pod, nodes);
}

function selectsNetworks({ annotations }: Pod): boolean {
  return [NETWORKS_ANNOTATION, DEFAULT_NETWORK_ANNOTATION].some((key) => annotations[key]);
}
