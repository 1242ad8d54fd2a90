/**
 * Who has which addresses, as far as the objects of the cluster say it: keeps the allocator at what
 * Subnets and IPPools are now, and gives it what pods were given before this process started.
 *
 * It looks at the objects when somebody asks and something has changed since. So nobody is given an
 * address before those that are in use are known: a Subnet that comes, or comes back, is filled
 * before anything is allocated from it.
 */
import type { Address } from '../../common/address.ts';
import type { Logger } from '../../common/log.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type IpIndex, ownerOf } from '../cluster/ip-index.ts';
import type { Machines } from '../cluster/machines.ts';
import { type IpObject, isNew, isReserved } from '../kinds/ip/object/ip.ts';
import type { IpPoolObject } from '../kinds/ippool/object/ippool.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import type { SubnetObject } from '../kinds/subnet/object/subnet.ts';
import { lackOf } from '../model/lack.ts';
import { providerOf } from '../model/nic-name.ts';
import { ownerParts } from '../model/owner-key.ts';
import { checkedValue } from '../model/problem.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { NetworkView } from '../networks/request.ts';
import { indexSubnets } from '../networks/subnet-index.ts';
import { permitted } from '../networks/subnet-policy.ts';
import { holdersText } from '../validation/holders.ts';
import { homeVpc, inUseProblems } from '../validation/subnet-in-use.ts';
import { hasSameResult, validatePools, validateSubnets } from '../validation/validate.ts';
import { ValidationMemo } from '../validation/validation-memo.ts';
import type { Allocator } from './allocator/allocator.ts';
import { AllocationError } from './allocator/error.ts';
import type { Adoption, AdoptRequest, Allocation } from './allocator/request.ts';
import { type ClaimsView, claimOfIp, claimsOfPod, claimsOn } from './claims.ts';

/** What says which addresses there are and who has them, and the allocator that is kept at it. */
export interface AddressesOptions {
  readonly cluster: Cluster;
  readonly ipIndex: IpIndex;
  readonly machines: Machines;
  readonly allocator: Allocator;
  readonly settings: ClusterSettings;
  readonly log: Logger;
}

/** What has become another thing to those who want addresses. */
export interface Revalidated {
  readonly subnets: readonly string[];
  readonly ipPools: readonly string[];
}

const NOTHING: Revalidated = { subnets: [], ipPools: [] };

/** The allocator, and the validated Subnets and IPPools by which it is asked. */
export class Addresses {
  readonly #options: AddressesOptions;
  readonly #memo = new ValidationMemo();
  #isStale = true;
  #subnets: ReadonlyMap<string, SubnetObject> = new Map();
  #ipPools: ReadonlyMap<string, IpPoolObject> = new Map();
  /** Subnets that the allocator has. */
  readonly #known = new Set<string>();
  #view: NetworkView | undefined;
  #ofNodes: readonly Address[] | undefined;

  constructor(options: AddressesOptions) {
    this.#options = options;
  }

  /** Who has what, after `refresh`. */
  get allocator(): Allocator {
    this.refresh();
    return this.#options.allocator;
  }

  /** The cluster as networks are decided by, after `refresh`. */
  get view(): NetworkView {
    this.refresh();
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** The Subnet, with all that is wrong with it. */
  subnet(name: string): SubnetObject | undefined {
    this.refresh();
    return this.#subnets.get(name);
  }

  /** All Subnets, likewise. */
  get subnets(): Iterable<SubnetObject> {
    this.refresh();
    return this.#subnets.values();
  }

  /**
   * Addresses of a Subnet are in use, or are not any more: true where it may say now what it could not,
   * or is held back for another reason. All of its IP objects are gone through only where one that
   * matters has come or gone.
   * @param ips what has changed: IP objects as they are, or were before
   */
  mayChange(name: string, ips: readonly IpObject[]): boolean {
    const validated = this.#subnets.get(name);
    const said = this.#options.cluster.subnets.get(name);
    if (validated?.isHeldBack === undefined || said === undefined) return false;
    const home = homeVpc(said, this.#options.cluster.vpcs.values());
    const own = ips.filter(({ spec }) => spec.subnet === name);
    if (inUseProblems(said, own, home).length === 0) return false;
    const problems = inUseProblems(said, this.#options.ipIndex.ofSubnet(name).values(), home);
    const known = 'problems' in validated.checked ? validated.checked.problems : [];
    const messages = new Set(known.map(({ message }) => message));
    return problems.length === 0 || problems.some(({ message }) => !messages.has(message));
  }

  /** The IPPool, with all that is wrong with it. */
  ipPool(name: string): IpPoolObject | undefined {
    this.refresh();
    return this.#ipPools.get(name);
  }

  /** InternalIPs of all nodes: no pod gets one. */
  get ofNodes(): readonly Address[] {
    this.#ofNodes ??= [...this.#options.cluster.nodes.values()].flatMap(
      ({ internalAddresses }) => internalAddresses,
    );
    return this.#ofNodes;
  }

  /** Subnets, IPPools, Vpcs, Vlans or Nodes have changed. */
  invalidate(): void {
    this.#isStale = true;
    this.#ofNodes = undefined;
  }

  /** An IP object has come or changed: what it says is in use, whoever made it. */
  adoptIp(ip: IpObject): void {
    this.refresh();
    const { allocator, settings } = this.#options;
    const isReservationRequest =
      isNew(ip) && providerOf(ip.meta.name, ownerOf(ip, settings)) !== undefined;
    if (!this.#known.has(ip.spec.subnet) || isReservationRequest) return;
    const held = allocator.allocationOf(ip.meta.name);
    if (held === undefined) this.#adoptOne(claimOfIp(ip, this.#options));
    else if (held.reserved && !isReserved(ip)) allocator.unreserve(held);
    else if (!held.reserved && isReserved(ip)) this.#keepReserved(held);
  }

  /**
   * A pod runs, says that NICs were given their addresses, and no IP object says so. It keeps them where
   * nobody else has them, they could have been allocated dynamically, and the pod asks for the NIC.
   * @param ports of the NICs
   * @returns why it does not keep those that it does not keep, by port, as far as there is a reason
   */
  adoptRunning(pod: Pod, ports: ReadonlySet<string>): ReadonlyMap<string, AllocationError> {
    this.refresh();
    const problems = new Map<string, AllocationError>();
    for (const request of claimsOfPod(pod, this.#claimsView())) {
      if (!ports.has(request.nic) || !this.#mayAdopt(request)) continue;
      const [problem] = this.#options.allocator.adopt(request).refused;
      if (problem !== undefined) problems.set(request.nic, problem);
    }
    return problems;
  }

  /** Brings the allocator up to date. */
  refresh(): Revalidated {
    if (!this.#isStale) return NOTHING;
    this.#isStale = false;
    try {
      return this.#validate();
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  #validate(): Revalidated {
    const { cluster, ipIndex, settings } = this.#options;
    const before = { subnets: this.#subnets, ipPools: this.#ipPools };
    const clusterState = {
      settings,
      vpcs: [...cluster.vpcs.values()],
      nodes: [...cluster.nodes.values()],
      vlan: (name: string) => cluster.vlans.get(name),
      lackOf: (kind: 'vlans' | 'vpcs') => lackOf(cluster[kind].availability),
      ipsOf: (name: string) => ipIndex.ofSubnet(name).values(),
    };
    const objects = [...cluster.subnets.values()];
    this.#subnets = validateSubnets(objects, clusterState, before.subnets, this.#memo);
    this.#ipPools = validatePools([...cluster.ipPools.values()], this.#subnets);
    const subnets = changedNames(before.subnets, this.#subnets);
    const ipPools = changedNames(before.ipPools, this.#ipPools);
    if (subnets.length > 0) this.#view = undefined;
    this.#configureSubnets(subnets);
    this.#configurePools(ipPools, before.ipPools);
    return { subnets, ipPools };
  }

  #configureSubnets(names: readonly string[]): void {
    const { allocator } = this.#options;
    const added = new Set<string>();
    for (const name of names) {
      const object = this.#subnets.get(name);
      if (object === undefined) {
        allocator.removeSubnet(name);
        this.#known.delete(name);
        continue;
      }
      // One that has become wrong keeps what it has: its pods run on. Of one that was changed while no
      // controller ran it is known at least who has what, wherever that lies.
      const found = this.#known.has(name) ? undefined : object.said;
      const subnet = checkedValue(object.checked) ?? found;
      if (subnet === undefined) continue;
      const { blocks, excludes } = subnet;
      const isSet = this.#applyChange(name, () => allocator.setSubnet({ name, blocks, excludes }));
      if (!isSet || this.#known.has(name)) continue;
      added.add(name);
      this.#known.add(name);
    }
    if (added.size > 0) this.#adopt(added);
  }

  /** Those that changed give their addresses back first, since one may want another's. */
  #configurePools(names: readonly string[], before: ReadonlyMap<string, IpPoolObject>): void {
    const { allocator } = this.#options;
    for (const name of names) {
      const old = before.get(name);
      const pool = old && checkedValue(old.checked);
      if (pool !== undefined) allocator.removePool(pool.subnet, name);
    }
    for (const object of this.#ipPools.values()) {
      const pool = checkedValue(object.checked);
      if (pool === undefined || object.meta.deleting || !this.#known.has(pool.subnet)) continue;
      const { name, subnet, ranges } = pool;
      this.#applyChange(subnet, () => {
        allocator.setPool({ name, subnet, ranges });
        return [];
      });
    }
  }

  /** What pods and IP objects have of these Subnets. */
  #adopt(subnets: ReadonlySet<string>): void {
    const { allocator } = this.#options;
    for (const request of claimsOn(subnets, this.#claimsView())) {
      const held = allocator.allocationOf(request.nic);
      if (!this.#mayAdopt(request)) continue;
      if (held === undefined) this.#adoptOne(request);
      else if (request.reserved) this.#keepReserved(held);
    }
  }

  #claimsView(): ClaimsView {
    return { ...this.#options, networks: this.view };
  }

  /** What only a pod says for itself gives it no node's address, and no Subnet that is not for it. */
  #mayAdopt({ subnet: name, pod, addresses, isUnrecorded }: AdoptRequest): boolean {
    if (!this.#known.has(name)) return false;
    const object = this.#subnets.get(name);
    const subnet = object && checkedValue(object.checked);
    if (!isUnrecorded || subnet === undefined) return true;
    if (addresses.some(({ text }) => this.ofNodes.some((one) => one.text === text))) return false;
    return 'value' in permitted(subnet, ownerParts(pod).namespace, this.view);
  }

  #keepReserved(held: Allocation): void {
    this.#options.allocator.adopt({ ...held, reserved: true, mayShare: () => true });
  }

  #adoptOne(request: AdoptRequest): void {
    const { allocator, log } = this.#options;
    const { refused, misplaced }: Adoption = allocator.adopt(request);
    for (const { message, details } of refused) {
      log.error({ nic: request.nic, pod: request.pod, details }, `addresses in use: ${message}`);
    }
    for (const { message, details } of misplaced) {
      log.warn({ nic: request.nic, pod: request.pod, details }, `addresses in use: ${message}`);
    }
  }

  /** @returns whether it was done */
  #applyChange(subnet: string, change: () => readonly AllocationError[]): boolean {
    const { log } = this.#options;
    try {
      for (const { message, details } of change()) log.warn({ subnet, details }, message);
      return true;
    } catch (error) {
      // The rules for objects let nothing through that gets here; the others go on.
      if (!(error instanceof AllocationError)) throw error;
      log.error({ subnet, details: error.details }, error.message);
      return false;
    }
  }

  #makeView(): NetworkView {
    const { cluster, ipIndex, settings } = this.#options;
    return {
      settings,
      subnets: indexSubnets(this.#subnets.values()),
      nad: (namespace, name) => cluster.nads.get(`${namespace}/${name}`),
      ipPool: (name) => this.#ipPools.get(name),
      ipPools: () => this.#ipPools.values(),
      lackOfIpPools: () => lackOf(cluster.ipPools.availability),
      namespace: (name) => cluster.namespaces.get(name),
      vpcs: () => cluster.vpcs.values(),
      holdersOf: (subnet) => holdersText(ipIndex.ofSubnet(subnet).values()),
    };
  }
}

function changedNames<T extends SubnetObject | IpPoolObject>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !hasSameResult(before.get(name), after.get(name)));
}
