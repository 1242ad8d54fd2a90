/**
 * The allocator once more, as plainly as its rules can be written: lists of addresses that are
 * searched from front to back. An operation works on a copy of everything, which is thrown away
 * when it fails.
 *
 * New MAC addresses are random; the model is told which one there was and checks that it could be.
 */

import type { Family } from '../../../../../src/common/address.ts';
import type { AllocationReason } from '../../../../../src/controller/ipam/allocator/error.ts';
import type { Owner } from '../../../../../src/controller/ipam/allocator/owners.ts';

/** A Subnet of one family: all addresses that NICs may have, in order. */
export interface ModelBlock {
  readonly usable: readonly string[];
  readonly gateway: string | undefined;
}

export interface ModelRequest extends Owner {
  readonly subnet: string;
  readonly pool: string;
  /** Undefined for dynamic addresses. */
  readonly entries: readonly (readonly string[])[] | undefined;
  readonly index: number | undefined;
  readonly mac: string | 'dynamic' | undefined;
  readonly family: Family | undefined;
  readonly skip: readonly string[];
  readonly sharing: boolean;
}

export interface ModelHolding extends Owner {
  readonly subnet: string;
  /** IPv4 first. */
  readonly addresses: readonly string[];
  readonly mac: string | undefined;
  readonly reserved: boolean;
}

interface ModelSubnet {
  blocks: Partial<Record<Family, ModelBlock>>;
  excludes: string[];
  /** By name. */
  pools: Record<string, string[]>;
  released: string[];
  gatewayMac: string | undefined;
}

export class Refusal extends Error {
  readonly reason: AllocationReason;

  constructor(reason: AllocationReason) {
    super(reason);
    this.reason = reason;
  }
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

export class Model {
  subnets: Record<string, ModelSubnet> = {};
  holdings: ModelHolding[] = [];

  /** What `operation` answers, or the reason why it fails, in which case it has done nothing. */
  attempt<T>(operation: () => T): { answer: T } | { reason: AllocationReason } {
    const before = structuredClone({ subnets: this.subnets, holdings: this.holdings });
    try {
      return { answer: operation() };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      Object.assign(this, before);
      return { reason: thrown.reason };
    }
  }

  setSubnet(name: string, blocks: ModelSubnet['blocks'], excludes: string[]): void {
    this.subnets[name] ??= { blocks, excludes, pools: {}, released: [], gatewayMac: undefined };
    const subnet = Object.assign(this.subnets[name], { blocks, excludes });
    subnet.released = subnet.released.filter((address) => this.isDrawable(name, address));
  }

  setGatewayMac(name: string, mac: string | undefined): void {
    this.subnet(name).gatewayMac = mac;
  }

  removeSubnet(name: string): void {
    delete this.subnets[name];
    this.holdings = this.holdings.filter(({ subnet }) => subnet !== name);
  }

  setPool(name: string, subnetName: string, addresses: string[]): void {
    const { pools } = this.subnet(subnetName);
    for (const [other, theirs] of Object.entries(pools)) {
      if (other !== name && theirs.some((each) => addresses.includes(each))) {
        throw new Refusal('IPPoolConflict');
      }
    }
    pools[name] = addresses;
  }

  removePool(subnetName: string, name: string): void {
    delete this.subnets[subnetName]?.pools[name];
  }

  /** @param answeredMac the MAC address that there was; where a new one is due, it is checked */
  acquire(request: ModelRequest, reserved: boolean, answeredMac: string | undefined): void {
    const subnet = this.subnet(request.subnet);
    const old = this.holdings.find(({ nic }) => nic === request.nic);
    if (old !== undefined && old.pod !== request.pod) throw new Refusal('AddressConflict');
    const held = old?.subnet === request.subnet ? old : undefined;
    const present = (['IPv4', 'IPv6'] as const).filter((family) => subnet.blocks[family]);
    const families = request.family === undefined ? present : [request.family];
    if (present.length > 0 && families.some((family) => !present.includes(family))) {
      throw new Refusal('InvalidIPFamily');
    }
    const mac = this.macFor(request, held, answeredMac);
    const addresses = this.addressesFor(request, held, present.length === 0 ? [] : families);
    this.replace({
      nic: request.nic,
      pod: request.pod,
      subnet: request.subnet,
      addresses,
      mac,
      reserved: reserved || (old?.reserved ?? false),
    });
  }

  adopt(owner: Owner, subnet: string, addresses: string[], mac: string | undefined): void {
    this.subnet(subnet);
    const old = this.holdings.find(({ nic }) => nic === owner.nic);
    if (old !== undefined && old.pod !== owner.pod) return;
    const mine = addresses.filter((each) => isFor(owner, this.ownersOf(subnet, each)));
    const isMine = mac !== undefined && isFor(owner, this.ownersOfMac(subnet, mac));
    if (mine.length === 0 && !isMine && (addresses.length > 0 || mac !== undefined)) return;
    for (const address of mine)
      this.subnet(subnet).released = without(this.subnet(subnet).released, address);
    this.replace({
      ...owner,
      subnet,
      addresses: mine,
      mac: isMine ? mac : undefined,
      reserved: old?.reserved ?? false,
    });
  }

  unreserve(owner: Owner): void {
    this.holdings = this.holdings.map((holding) =>
      holding.nic === owner.nic && holding.pod === owner.pod
        ? { ...holding, reserved: false }
        : holding,
    );
  }

  release(owner: Owner): void {
    const held = this.holdings.find(({ nic }) => nic === owner.nic);
    if (held === undefined || held.pod !== owner.pod || held.reserved) return;
    this.holdings = this.holdings.filter((holding) => holding !== held);
    for (const address of held.addresses) this.gaveBack(held.subnet, address);
  }

  ownersOf(subnet: string, address: string): Owner[] {
    return this.holdings.filter(
      (held) => held.subnet === subnet && held.addresses.includes(address),
    );
  }

  ownersOfMac(subnet: string, mac: string): Owner[] {
    return this.holdings.filter((held) => held.subnet === subnet && held.mac === mac);
  }

  /** Drawn for whoever names this pool, or none where it is empty. */
  available(subnetName: string, family: Family, poolName?: string): string[] {
    const usable = this.subnet(subnetName).blocks[family]?.usable ?? [];
    return usable.filter(
      (address) =>
        this.isDrawable(subnetName, address) &&
        (poolName === undefined || this.poolOf(subnetName, address) === poolName),
    );
  }

  poolOf(subnetName: string, address: string): string {
    const pools = Object.entries(this.subnet(subnetName).pools);
    return pools.find(([, addresses]) => addresses.includes(address))?.[0] ?? '';
  }

  subnet(name: string): ModelSubnet {
    const subnet = this.subnets[name];
    if (subnet === undefined) throw new Refusal('NoSubnet');
    return subnet;
  }

  private macFor(
    request: ModelRequest,
    held: ModelHolding | undefined,
    answered: string | undefined,
  ): string | undefined {
    const { gatewayMac } = this.subnet(request.subnet);
    if (request.mac === undefined) return undefined;
    if (request.mac !== 'dynamic') {
      if (request.mac === gatewayMac) throw new Refusal('AddressConflict');
      this.checkOwners(this.ownersOfMac(request.subnet, request.mac), request);
      return request.mac;
    }
    if (held?.mac !== undefined && held.mac !== gatewayMac) return held.mac;
    if (answered === undefined) return undefined;
    const isFree = this.ownersOfMac(request.subnet, answered).length === 0;
    if (!isFree || answered === gatewayMac) throw new Error(`${answered} is not free`);
    return answered;
  }

  private addressesFor(
    request: ModelRequest,
    held: ModelHolding | undefined,
    families: readonly Family[],
  ): string[] {
    if (request.entries === undefined) return this.entryFor([], request, held, families);
    const { entries, index } = request;
    const listed = index === undefined ? entries : entries.slice(index, index + 1);
    const kept = listed.filter((entry) => entry.every((each) => held?.addresses.includes(each)));
    let refusal = new Refusal('NoAvailableAddress');
    for (const entry of [...kept, ...listed]) {
      const attempt = this.attempt(() => this.entryFor(entry, request, held, families));
      if ('answer' in attempt) return attempt.answer;
      refusal = new Refusal(attempt.reason);
    }
    throw refusal;
  }

  private entryFor(
    entry: readonly string[],
    request: ModelRequest,
    held: ModelHolding | undefined,
    families: readonly Family[],
  ): string[] {
    const asked = entry.map(familyOf);
    if (new Set(asked).size < asked.length) throw new Refusal('InvalidIPFamily');
    if (asked.some((family) => family !== (request.family ?? family))) {
      throw new Refusal('InvalidIPFamily');
    }
    const subnet = this.subnet(request.subnet);
    for (const address of entry) {
      const block = subnet.blocks[familyOf(address)];
      if (!block?.usable.includes(address)) throw new Refusal('AddressOutOfRange');
      if (address === block.gateway) throw new Refusal('AddressConflict');
      this.checkOwners(this.ownersOf(request.subnet, address), request);
    }
    const dynamic = families
      .filter((family) => !asked.includes(family))
      .map((family) => this.allocate(family, request, held));
    const all = [...entry, ...dynamic];
    for (const address of all) subnet.released = without(subnet.released, address);
    return all.sort((a) => (familyOf(a) === 'IPv4' ? -1 : 1));
  }

  private allocate(family: Family, request: ModelRequest, held: ModelHolding | undefined): string {
    const subnet = this.subnet(request.subnet);
    const kept = held?.addresses.find((address) => familyOf(address) === family);
    const block = subnet.blocks[family];
    const isLegal = kept !== undefined && block?.usable.includes(kept) && kept !== block.gateway;
    if (kept !== undefined && isLegal) {
      const isInPool = request.pool === '' || this.poolOf(request.subnet, kept) === request.pool;
      if (held?.reserved || (isInPool && !request.skip.includes(kept))) return kept;
    }
    if (request.pool !== '' && subnet.pools[request.pool] === undefined) {
      throw new Refusal('NoAvailableAddress');
    }
    const available = this.available(request.subnet, family, request.pool);
    const wanted = available.filter((address) => !request.skip.includes(address));
    const isFree = (address: string) => !subnet.released.includes(address);
    const [chosen] = [...wanted.filter(isFree), ...wanted];
    if (chosen === undefined) throw new Refusal('NoAvailableAddress');
    // Without a free one left, all that were released are free.
    if (!available.some(isFree)) {
      subnet.released = subnet.released.filter((address) => !available.includes(address));
    }
    return chosen;
  }

  private checkOwners(owners: readonly Owner[], request: ModelRequest): void {
    if (owners.some(isNic(request.nic))) return;
    const mayShare = request.sharing && owners.every(({ pod }) => pod !== request.pod);
    if (owners.length > 0 && !mayShare) throw new Refusal('AddressConflict');
  }

  private replace(next: ModelHolding): void {
    const old = this.holdings.find(({ nic }) => nic === next.nic);
    this.holdings = [...this.holdings.filter((holding) => holding !== old), next];
    for (const address of old?.addresses ?? []) {
      if (old?.subnet === next.subnet && next.addresses.includes(address)) continue;
      this.gaveBack(old?.subnet ?? '', address);
    }
  }

  private gaveBack(subnet: string, address: string): void {
    if (this.isDrawable(subnet, address)) this.subnet(subnet).released.push(address);
  }

  /** Usable, nobody's, not the gateway's and not excluded. */
  private isDrawable(subnetName: string, address: string): boolean {
    const subnet = this.subnet(subnetName);
    const block = subnet.blocks[familyOf(address)];
    return (
      (block?.usable.includes(address) ?? false) &&
      address !== block?.gateway &&
      !subnet.excludes.includes(address) &&
      this.ownersOf(subnetName, address).length === 0
    );
  }
}

/** Nobody's, or its own already, whoever shares it. */
function isFor(owner: Owner, owners: readonly Owner[]): boolean {
  return owners.length === 0 || owners.some(isNic(owner.nic));
}

function isNic(nic: string) {
  return (owner: Owner) => owner.nic === nic;
}

function without(list: readonly string[], item: string): string[] {
  return list.filter((each) => each !== item);
}
