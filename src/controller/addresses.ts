/**
 * Who has which addresses, as far as the objects of the cluster say it: keeps the allocator at what
 * Subnets and IPPools are now, and gives it what pods were given before this process started.
 *
 * It looks at the objects when somebody asks and something has changed since. So nobody draws an
 * address before those that are in use are known: a Subnet that comes, or comes back, is filled
 * before anything is drawn from it.
 */
import type { Logger } from '../common/log.ts';
import type { Allocator } from './allocator/allocator.ts';
import { AllocationError } from './allocator/error.ts';
import type { Adoption, AdoptRequest } from './allocator/request.ts';
import type { Cluster } from './cluster.ts';
import { type IpIndex, ownerOf } from './ip-index.ts';
import { isSameJudgement, judgePools, judgeSubnets } from './judgement.ts';
import { annotatedNics } from './networks/annotated-nics.ts';
import type { NetworkView } from './networks/request.ts';
import { indexSubnets } from './networks/subnet-index.ts';
import { addressesText } from './objects/allocated-nic.ts';
import { isReserved } from './objects/ip.ts';
import type { IpPoolObject } from './objects/ippool.ts';
import { isAlive } from './objects/liveness.ts';
import { ownerOfPod, type Pod } from './objects/pod.ts';
import { checkedValue } from './objects/problem.ts';
import type { ClusterSettings } from './objects/settings.ts';
import type { SubnetObject } from './objects/subnet.ts';

export interface AddressesOptions {
  readonly cluster: Cluster;
  readonly ipIndex: IpIndex;
  readonly allocator: Allocator;
  readonly settings: ClusterSettings;
  readonly log: Logger;
}

/** What has become another thing to those who want addresses. */
export interface Rejudged {
  readonly subnets: readonly string[];
  readonly ipPools: readonly string[];
}

/** Who has an address that several say they have: the lowest. */
const Rank = {
  /** A pod's annotations and its IP object say the same. */
  recorded: 0,
  /** A pod runs with it. */
  running: 1,
  /** An IP object says so: for a pod that comes back, or for one whose annotations came to nothing. */
  kept: 2,
  /** A pod's annotations say so. */
  written: 3,
} as const;
type Rank = (typeof Rank)[keyof typeof Rank];

interface Claim {
  readonly request: AdoptRequest;
  readonly rank: Rank;
}

const NOTHING: Rejudged = { subnets: [], ipPools: [] };

export class Addresses {
  readonly #options: AddressesOptions;
  #isStale = true;
  #subnets: ReadonlyMap<string, SubnetObject> = new Map();
  #ipPools: ReadonlyMap<string, IpPoolObject> = new Map();
  /** Subnets that the allocator has. */
  readonly #known = new Set<string>();
  #view: NetworkView | undefined;

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

  /** The IPPool, with all that is wrong with it. */
  ipPool(name: string): IpPoolObject | undefined {
    this.refresh();
    return this.#ipPools.get(name);
  }

  /** Subnets, IPPools, Vpcs, Vlans or Nodes have changed. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** Brings the allocator up to date. */
  refresh(): Rejudged {
    if (!this.#isStale) return NOTHING;
    this.#isStale = false;
    const { cluster, settings } = this.#options;
    const before = { subnets: this.#subnets, ipPools: this.#ipPools };
    this.#subnets = judgeSubnets([...cluster.subnets.values()], {
      settings,
      vpcs: [...cluster.vpcs.values()],
      nodes: [...cluster.nodes.values()],
      vlan: (name) => cluster.vlans.get(name),
    });
    this.#ipPools = judgePools([...cluster.ipPools.values()], this.#subnets);
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
      // One that has become wrong keeps what it has: its pods run on.
      const subnet = checkedValue(object.checked);
      if (subnet === undefined) continue;
      const { blocks, excludes } = subnet;
      this.#tell(name, () => allocator.setSubnet({ name, blocks, excludes }));
      if (!this.#known.has(name)) added.add(name);
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
      this.#tell(subnet, () => {
        allocator.setPool({ name, subnet, ranges });
        return [];
      });
    }
  }

  /** What pods and IP objects have of these Subnets. */
  #adopt(subnets: ReadonlySet<string>): void {
    const { allocator } = this.#options;
    const claims = [...this.#claimsOfPods(subnets), ...this.#claimsOfIps(subnets)];
    for (const { request } of claims.sort((one, other) => one.rank - other.rank)) {
      const held = allocator.allocationOf(request.nic);
      if (held === undefined) this.#adoptOne(request);
      else if (request.reserved) allocator.adopt({ ...held, reserved: true, sharing: true });
    }
  }

  #claimsOfPods(subnets: ReadonlySet<string>): readonly Claim[] {
    const { cluster, settings } = this.#options;
    const subnetOfPort = (port: string) => cluster.ips.get(port)?.spec.subnet;
    const view = { settings, subnets: indexSubnets(this.#subnets.values()), subnetOfPort };
    const claims: Claim[] = [];
    for (const pod of cluster.pods.values()) {
      if (pod.hostNetwork || !isAlive(pod, Date.now())) continue;
      const sharing = pod.migrating || pod.virtualMachine !== undefined;
      for (const { port, subnet, addresses, mac } of annotatedNics(pod, view)) {
        if (subnet === undefined || !subnets.has(subnet)) continue;
        const request = {
          nic: port,
          pod: ownerOfPod(pod, settings),
          subnet,
          addresses,
          mac,
          sharing,
        };
        claims.push({ request, rank: this.#rankOf(pod, request) });
      }
    }
    return claims;
  }

  /** A pod that does not run may have got its annotations by copying. */
  #rankOf(pod: Pod, { nic, addresses }: AdoptRequest): Rank {
    const ip = this.#options.cluster.ips.get(nic);
    const isRecorded = ip !== undefined && addressesText(ip.addresses) === addressesText(addresses);
    if (isRecorded) return Rank.recorded;
    return pod.end.phase === 'Running' ? Rank.running : Rank.written;
  }

  #claimsOfIps(subnets: ReadonlySet<string>): readonly Claim[] {
    const ips = [...subnets].flatMap((name) => [...this.#options.ipIndex.ofSubnet(name).values()]);
    return ips.map((ip) => {
      const { addresses, spec, meta } = ip;
      const mac = spec.macAddress === '' ? undefined : spec.macAddress;
      const owner = { nic: meta.name, pod: ownerOf(ip) };
      const request = { ...owner, subnet: spec.subnet, addresses, mac, reserved: isReserved(ip) };
      return { request, rank: Rank.kept };
    });
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

  #tell(subnet: string, change: () => readonly AllocationError[]): void {
    const { log } = this.#options;
    try {
      for (const { message, details } of change()) log.warn({ subnet, details }, message);
    } catch (error) {
      // The rules for objects let nothing through that gets here; the others go on.
      if (!(error instanceof AllocationError)) throw error;
      log.error({ subnet, details: error.details }, error.message);
    }
  }

  #makeView(): NetworkView {
    const { cluster, settings } = this.#options;
    return {
      settings,
      subnets: indexSubnets(this.#subnets.values()),
      nad: (namespace, name) => cluster.nads.get(`${namespace}/${name}`),
      ipPool: (name) => this.#ipPools.get(name),
      ipPools: () => this.#ipPools.values(),
      namespace: (name) => cluster.namespaces.get(name),
      vpcs: () => cluster.vpcs.values(),
    };
  }
}

function changedNames<T extends SubnetObject | IpPoolObject>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !isSameJudgement(before.get(name), after.get(name)));
}
