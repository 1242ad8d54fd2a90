/**
 * What pods have had and do not need any more: ports in OVN, IP objects, addresses.
 *
 * A port goes first, then the IP object, and when that has gone the address is free (ips.ts): so no
 * two ports ever have one address, and a crash in between leaves an object to go on from.
 */
import type { Owner as NicOwner } from '../allocator/owners.ts';
import type { Context } from '../context.ts';
import { desiredPort } from '../desired/port.ts';
import { NotDone } from '../failure-log.ts';
import { ownerOf } from '../ip-index.ts';
import { PRIMARY_PROVIDER } from '../networks/primary.ts';
import type { AllocatedNic } from '../objects/allocated-nic.ts';
import { networkEvent } from '../objects/events.ts';
import { type IpObject, isNew, isReserved } from '../objects/ip.ts';
import { comesBack, keepsAddresses } from '../objects/liveness.ts';
import { type Owner, ownerOfPod, type Pod } from '../objects/pod.ts';
import { unpluggedKeys } from '../objects/pod-annotations.ts';
import { checkedValue } from '../objects/problem.ts';
import type { DesiredPort } from '../ovn/desired.ts';
import type { Ports } from './ports.ts';

/** What a running pod has besides the NICs that it wants. */
export interface Surplus {
  /** Ports that stay nevertheless. */
  readonly keptPorts: readonly DesiredPort[];
  /** IP objects of NICs that the pod no longer has. */
  readonly ended: readonly IpObject[];
  /** Annotations of these, to be removed. */
  readonly unplugged: Readonly<Record<string, string | null>>;
}

/** Who a pod that has gone was. */
interface Past {
  readonly owner: string;
  readonly statefulSet: Owner | undefined;
  readonly isVirtualMachine: boolean;
}

export class PodEnds {
  readonly #context: Context;
  readonly #ports: Ports;
  readonly #freed: (subnet: string) => void;
  /** By key of the pod, until its end has been worked on. */
  readonly #past = new Map<string, Past>();

  /** @param freed is called when addresses of a Subnet are free again */
  constructor(context: Context, ports: Ports, freed: (subnet: string) => void) {
    this.#context = context;
    this.#ports = ports;
    this.#freed = freed;
  }

  /** A pod has gone, and its end is asked for. */
  remember(pod: Pod): void {
    this.#past.set(`${pod.namespace}/${pod.name}`, this.#pastOf(pod));
  }

  readonly groupExists = (name: string): boolean => {
    const group = this.#context.cluster.securityGroups.get(name);
    return group !== undefined && !group.meta.deleting;
  };

  /** What a running pod has besides these NICs. */
  surplus(pod: Pod, nics: readonly AllocatedNic[]): Surplus {
    const owner = ownerOfPod(pod, this.#context.settings);
    const wanted = new Set(nics.map(({ port }) => port));
    const providers = new Map<string, string>();
    for (const port of this.#portsOf(owner)) {
      const provider = providerOf(port, owner);
      if (!wanted.has(port) && provider !== undefined) providers.set(port, provider);
    }
    const keptPorts: DesiredPort[] = [];
    const ended: IpObject[] = [];
    let unplugged = {};
    for (const [port, provider] of providers) {
      // A pod does not lose its eth0 while it runs, whatever mode the controller is in.
      if (provider === PRIMARY_PROVIDER) {
        keptPorts.push(this.#keptPort(port, provider, pod.annotations));
        continue;
      }
      unplugged = { ...unplugged, ...unpluggedKeys(provider) };
      const ip = this.#context.cluster.ips.get(port);
      if (ip === undefined) this.free({ nic: port, pod: owner });
      else ended.push(ip);
    }
    return { keptPorts, ended, unplugged };
  }

  /** Has the IP objects deleted; what a user reserved, or wants to be, stays. */
  async giveBack(ips: readonly IpObject[]): Promise<void> {
    const { cluster, writes } = this.#context;
    const going = ips.filter((ip) => !ip.meta.deleting && !isReserved(ip) && !isNew(ip));
    await Promise.all(
      going.map(({ meta }) => writes.remove(`${cluster.ips.path}/${meta.name}`, meta.uid)),
    );
  }

  /** Lets go of what a NIC holds and no IP object records. */
  free(nic: NicOwner): void {
    const held = this.#context.addresses.allocator.release(nic);
    if (held !== undefined) this.#freed(held.subnet);
  }

  /**
   * Gives back what a pod has had that has ended.
   * @param key `<namespace>/<name>`
   * @param pod where it is still there, as completed pods are
   */
  async end(key: string, pod: Pod | undefined): Promise<void> {
    const past = pod === undefined ? this.#pastOfKey(key) : this.#pastOf(pod);
    const { owner, statefulSet, isVirtualMachine } = past;
    if (this.#context.podIndex.isRunning(owner, pod && key)) return;
    if (isVirtualMachine && (await this.#isVirtualMachine(owner))) return;
    const ips = this.#ipsOf(owner).filter(({ meta }) => !meta.deleting);
    const kept = new Set(ips.filter((ip) => this.#comesBack(ip, statefulSet)));
    const ended = ips.filter((ip) => !kept.has(ip));
    if (kept.size === 0) await this.#ports.bring(owner, []);
    else if (ended.length > 0) await this.#ports.bring(owner, this.#keptPorts([...kept], owner));
    await this.giveBack(ended);
    const { allocator } = this.#context.addresses;
    for (const { nic } of allocator.allocationsOf(owner)) {
      if (this.#context.cluster.ips.get(nic) === undefined) this.free({ nic, pod: owner });
    }
    if (pod !== undefined) this.#announce(pod, ended);
    if (this.#past.get(key) === past) this.#past.delete(key);
  }

  /** A machine that is stopped gets its addresses back when it is started. */
  async #isVirtualMachine(owner: string): Promise<boolean> {
    const [namespace, name] = owner.split('/');
    const path = `/apis/kubevirt.io/v1/namespaces/${namespace}/virtualmachines/${name}`;
    const machine = (await this.#context.writes.read(path)) as
      | { readonly metadata?: { readonly deletionTimestamp?: unknown } }
      | undefined;
    return machine !== undefined && !machine.metadata?.deletionTimestamp;
  }

  /** True where a NIC of a StatefulSet's pod waits for the pod to come back. */
  #comesBack(ip: IpObject, known: Owner | undefined): boolean {
    const { podName, namespace, podType, subnet } = ip.spec;
    if (podType !== 'StatefulSet') return false;
    const { cluster, addresses } = this.#context;
    const name = known?.name ?? podName.replace(/-\d+$/, '');
    const current = cluster.statefulSets.get(`${namespace}/${name}`);
    if (current === undefined) return false;
    // Where the controller was not there to see the pod, the set of that name has made it.
    if (!comesBack(podName, known ?? { name, uid: current.uid }, current)) return false;
    const provider = providerOf(ip.meta.name, ownerOf(ip)) ?? '';
    const object = addresses.subnet(subnet);
    return keepsAddresses(ip.addresses, provider, current, object && checkedValue(object.checked));
  }

  #keptPorts(ips: readonly IpObject[], owner: string): readonly DesiredPort[] {
    return ips.flatMap((ip) => {
      const provider = providerOf(ip.meta.name, owner);
      const isOvn = provider === PRIMARY_PROVIDER || ip.spec.macAddress !== '';
      return provider !== undefined && isOvn ? [this.#keptPort(ip.meta.name, provider, {})] : [];
    });
  }

  #keptPort(
    port: string,
    provider: string,
    annotations: Readonly<Record<string, string>>,
  ): DesiredPort {
    const { addresses } = this.#context;
    const held = addresses.allocator.allocationOf(port);
    const object = held && addresses.subnet(held.subnet);
    const subnet = object && checkedValue(object.checked);
    if (held === undefined || subnet === undefined) {
      throw new NotDone(`port ${port} is to stay, and its Subnet is gone or not valid`);
    }
    const { mac } = held;
    const nic = { provider, port, subnet, addresses: held.addresses, kind: 'ovn' as const };
    return desiredPort(mac === undefined ? nic : { ...nic, mac }, annotations, this.groupExists);
  }

  #announce(pod: Pod, ips: readonly IpObject[]): void {
    const nics = ips.flatMap((ip): AllocatedNic[] => {
      const object = this.#context.addresses.subnet(ip.spec.subnet);
      const subnet = object && checkedValue(object.checked);
      const provider = providerOf(ip.meta.name, ownerOf(ip));
      if (subnet === undefined || provider === undefined) return [];
      const { addresses, spec, meta } = ip;
      return [{ kind: 'ovn', provider, port: meta.name, subnet, addresses, mac: spec.macAddress }];
    });
    if (nics.length === 0) return;
    const { namespace, name, uid } = pod;
    const about = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
    this.#context.events.record(about, networkEvent('PodNetworkReleased', nics));
  }

  #pastOf(pod: Pod): Past {
    const owner = ownerOfPod(pod, this.#context.settings);
    const { namespace, name, statefulSet } = pod;
    return { owner, statefulSet, isVirtualMachine: owner !== `${namespace}/${name}` };
  }

  /** Of pods that went while no controller was there, IP objects tell. */
  #pastOfKey(key: string): Past {
    const isMachine = this.#ipsOf(key).some(({ spec }) => spec.podType === 'VirtualMachine');
    const { keepsVmAddresses } = this.#context.settings;
    const isVirtualMachine = keepsVmAddresses && isMachine;
    return this.#past.get(key) ?? { owner: key, statefulSet: undefined, isVirtualMachine };
  }

  /** Names of all NICs that are held or recorded for an owner. */
  #portsOf(owner: string): ReadonlySet<string> {
    const held = this.#context.addresses.allocator.allocationsOf(owner).map(({ nic }) => nic);
    return new Set([...held, ...this.#ipsOf(owner).map(({ meta }) => meta.name)]);
  }

  /** IP objects of an owner's NICs. Others may name it, too: those of virtual addresses, say. */
  #ipsOf(owner: string): readonly IpObject[] {
    const ips = [...this.#context.ipIndex.ofOwner(owner).values()];
    return ips.filter(({ meta }) => providerOf(meta.name, owner) !== undefined);
  }
}

/** What the annotations of a NIC are under; undefined for a name that is no NIC's of the owner. */
export function providerOf(port: string, owner: string): string | undefined {
  const [namespace = '', workload = ''] = owner.split('/');
  const primary = `${workload}.${namespace}`;
  if (namespace === '' || workload === '') return undefined;
  if (port === primary) return PRIMARY_PROVIDER;
  return port.startsWith(`${primary}.`) ? port.slice(primary.length + 1) : undefined;
}
