/**
 * Who has which IP and MAC addresses, in all Subnets. Pure: no I/O, no clock, no Kubernetes; the
 * state is in memory and is built anew by `adopt` when a controller starts.
 *
 * Invariants, whatever is called in whatever order:
 * - an address has one owner, unless another pod's NIC asked to share it and might;
 * - a NIC has addresses of one Subnet, at most one per family, and at most one MAC address;
 * - what a NIC has changes only by a call for that NIC, or when its Subnet is gone;
 * - a call that throws has changed nothing.
 */

import type { Address, Family } from '../../../common/address.ts';
import { ownerName } from '../../model/owner-key.ts';
import { numberOf } from '../../ranges/address-range.ts';
import type { Usage } from '../../ranges/usage.ts';
import { planAdoption } from './adoption.ts';
import { AllocationError, ownerText } from './error.ts';
import type { Holding } from './holdings.ts';
import { addressesOf, FAMILIES, Holdings } from './holdings.ts';
import { pooledRandomBytes, type RandomBytes } from './macs.ts';
import type { Owner } from './owners.ts';
import { plan } from './plan.ts';
import type {
  AcquireRequest,
  Adoption,
  AdoptRequest,
  Allocation,
  PoolSpec,
  SubnetSpec,
} from './request.ts';
import type { AddressCounts } from './subnet-addresses.ts';
import { checkBlocks, SubnetStore } from './subnet-store.ts';

/**
 * Which NIC has which addresses and MAC, of all Subnets. It does no I/O. An address has two owners only
 * where the request lets them share it.
 */
export class Allocator {
  readonly #subnets = new Map<string, SubnetStore>();
  readonly #holdings = new Holdings();
  readonly #randomBytes: RandomBytes;

  /** @param options.randomBytes where new MAC addresses come from */
  constructor(options: { readonly randomBytes?: RandomBytes } = {}) {
    this.#randomBytes = options.randomBytes ?? pooledRandomBytes();
  }

  /**
   * A Subnet is there, or says something else than it did. Owners keep what they have.
   * @returns what they have and nobody may have now: it is out of range, or the gateway's
   * @throws AllocationError CIDRInvalid
   */
  setSubnet(spec: SubnetSpec): readonly AllocationError[] {
    checkBlocks(spec);
    const subnet = this.#subnets.get(spec.name) ?? new SubnetStore(spec.name, this.#randomBytes);
    this.#subnets.set(spec.name, subnet);
    subnet.configure(spec);
    return FAMILIES.flatMap((family) => subnet.addresses[family].misplaced());
  }

  /**
   * The gateway of a Subnet has this MAC address, or one that is not known. Owners keep theirs.
   * @returns what is wrong, where a NIC has the same
   * @throws AllocationError NoSubnet
   */
  setGatewayMac(subnet: string, mac: string | undefined): AllocationError | undefined {
    return this.#subnet(subnet).macs.setGatewayMac(mac);
  }

  /**
   * A Subnet is gone, and with it its IPPools and all that NICs have of it.
   * @returns what they had
   */
  removeSubnet(name: string): readonly Allocation[] {
    const lost = this.#holdings.inSubnet(name);
    for (const { owner } of lost) this.#holdings.delete(owner);
    this.#subnets.delete(name);
    return lost.map(allocationOf);
  }

  /**
   * An IPPool is there, or says something else than it did: its addresses are allocated only to who
   * names it. It may have addresses that the Subnet does not have, or not yet.
   * @throws AllocationError NoSubnet, IPPoolConflict
   */
  setPool(spec: PoolSpec): void {
    this.#subnet(spec.subnet).setPool(spec);
  }

  /** An IPPool is gone; its addresses are allocated to who names none. */
  removePool(subnet: string, name: string): void {
    this.#subnets.get(subnet)?.removePool(name);
  }

  /**
   * A NIC gets what it asks for, and the same again for the same request; or nothing at all: what
   * it had before is released only when everything that it is to have instead has been found.
   * @throws AllocationError NoSubnet, AddressOutOfRange, AddressConflict, NoAvailableAddress,
   * InvalidIPFamily
   */
  acquire(request: AcquireRequest): Allocation {
    return this.#acquire(request, this.#holdings.of(request.nic)?.reserved ?? false);
  }

  /**
   * As `acquire`, for a NIC that a user's IP object promises it to. Its pod need not be there yet,
   * and `release` leaves it what it has.
   */
  reserve(request: AcquireRequest): Allocation {
    return this.#acquire(request, true);
  }

  /** The promise to a NIC is over: what it has goes when it is released. */
  unreserve(owner: Owner): void {
    const held = this.#holdings.ofOwner(owner);
    if (held !== undefined) this.#holdings.set({ ...held, reserved: false });
  }

  /**
   * A NIC is known to have this, from before this controller started or from another one. It keeps
   * that and nothing else, wherever it lies: no restart takes an address from a living pod. But
   * what is someone else's it does not get.
   * @throws AllocationError NoSubnet
   */
  adopt(request: AdoptRequest): Adoption {
    const subnet = this.#subnet(request.subnet);
    const stranger = this.#strangerAt(request);
    if (stranger !== undefined) {
      return { allocation: undefined, refused: [stranger], misplaced: [] };
    }
    const { numbers, mac, refused } = planAdoption(subnet, request);
    const isNothing = mac === undefined && Object.keys(numbers).length === 0;
    if (isNothing && refused.length > 0) return { allocation: undefined, refused, misplaced: [] };
    const wasReserved = this.#holdings.of(request.nic)?.reserved ?? false;
    const reserved = wasReserved || (request.reserved ?? false);
    const { nic, pod } = request;
    const after = { owner: { nic, pod }, subnet: request.subnet, numbers, mac, reserved };
    this.#hold(after);
    const misplaced = subnet.misplacements(numbers, mac);
    return { allocation: allocationOf(after), refused, misplaced };
  }

  /**
   * A NIC is gone. What is reserved for it stays its own.
   * @returns what it had and has no longer
   */
  release(owner: Owner): Allocation | undefined {
    const held = this.#holdings.ofOwner(owner);
    if (held === undefined || held.reserved) return undefined;
    this.#subnet(held.subnet).release(held, undefined);
    this.#holdings.delete(held.owner);
    return allocationOf(held);
  }

  /** What a NIC has. */
  allocationOf(nic: string): Allocation | undefined {
    const held = this.#holdings.of(nic);
    return held && allocationOf(held);
  }

  /** What the NICs of a pod have. */
  allocationsOf(pod: string): readonly Allocation[] {
    return this.#holdings.ofPod(pod).map(allocationOf);
  }

  /** Who has an address of a Subnet; more than one only where they share it. */
  ownersOf(subnet: string, address: Address): readonly Owner[] {
    const addresses = this.#subnets.get(subnet)?.addresses[address.family];
    return addresses?.ownersOf(numberOf(address)) ?? [];
  }

  /** Who has a MAC address in a Subnet; more than one only where they share it. */
  ownersOfMac(subnet: string, mac: string): readonly Owner[] {
    return this.#subnets.get(subnet)?.macs.ownersOf(mac) ?? [];
  }

  /** Why this address of a Subnet could not be allocated dynamically even if nobody had it; undefined where it could. */
  dynamicProblem(subnet: string, address: Address): AllocationError | undefined {
    const addresses = this.#subnets.get(subnet)?.addresses[address.family];
    return addresses?.dynamicProblem(numberOf(address));
  }

  /** How much of a Subnet is used, or undefined where there is no such Subnet. */
  usage(subnet: string): Usage | undefined {
    return this.#subnets.get(subnet)?.usage();
  }

  /** How many addresses of a Subnet are used and left, of each family that it has. Quick. */
  counts(subnet: string): Partial<Record<Family, AddressCounts>> | undefined {
    return this.#subnets.get(subnet)?.counts();
  }

  /** How many addresses nobody has, of the family that has more of them: of a Subnet or an IPPool of it. */
  availableCount(subnet: string, pool?: string): bigint {
    const counts = FAMILIES.map(
      (family) => this.#subnets.get(subnet)?.addresses[family].availableCount(pool) ?? 0n,
    );
    return counts.reduce((most, count) => (count > most ? count : most), 0n);
  }

  /** How much of an IPPool is used, or undefined where there is no such Subnet or IPPool. */
  poolUsage(subnet: string, pool: string): Usage | undefined {
    return this.#subnets.get(subnet)?.poolUsage(pool);
  }

  #acquire(request: AcquireRequest, reserved: boolean): Allocation {
    const subnet = this.#subnet(request.subnet);
    const stranger = this.#strangerAt(request);
    if (stranger !== undefined) throw stranger;
    const before = this.#holdings.of(request.nic);
    const held = before?.subnet === request.subnet ? before : undefined;
    const { numbers, mac, dynamic } = plan(subnet, request, held);
    const { nic, pod } = request;
    const after = { owner: { nic, pod }, subnet: request.subnet, numbers, mac, reserved };
    this.#hold(after, dynamic);
    return allocationOf(after);
  }

  /** Takes what is new before it releases what was, so that nothing of it is allocated again. */
  #hold(after: Holding, dynamic: ReadonlySet<Family> = new Set()): void {
    const before = this.#holdings.of(after.owner.nic);
    this.#subnet(after.subnet).take(after, before, dynamic);
    if (before !== undefined) this.#subnet(before.subnet).release(before, after);
    this.#holdings.set(after);
  }

  /**
   * Names of ports are joined with dots, and pods' names have dots: NIC "c.d.ovn" of pod "a" in
   * namespace "b" and NIC "d.ovn" of pod "a.b" in namespace "c" would have one name. So would a
   * pod and a virtual machine of one name.
   */
  #strangerAt(request: Owner & { readonly subnet: string }): AllocationError | undefined {
    const held = this.#holdings.of(request.nic);
    if (held === undefined || held.owner.pod === request.pod) return undefined;
    return new AllocationError({
      reason: 'AddressConflict',
      what: `${ownerName(request.pod)} cannot have a NIC of this name: there is ${ownerText(held.owner)}`,
      details: 'rename one of the two, or remove the one that has the name',
      subnet: request.subnet,
      owners: [held.owner],
    });
  }

  #subnet(name: string): SubnetStore {
    const subnet = this.#subnets.get(name);
    if (subnet !== undefined) return subnet;
    throw new AllocationError({
      reason: 'NoSubnet',
      what: `there is no subnet ${name}`,
      details: 'create the Subnet, or name another one',
      subnet: name,
    });
  }
}

function allocationOf({ owner, subnet, numbers, mac, reserved }: Holding): Allocation {
  return { ...owner, subnet, addresses: addressesOf(numbers), mac, reserved };
}
