/**
 * The addresses of a pod's NICs: all of them, or none.
 */

import type { Address } from '../../common/address.ts';
import type { Allocator } from '../allocator/allocator.ts';
import { AllocationError } from '../allocator/error.ts';
import type { Allocation } from '../allocator/request.ts';
import type { NicRequest } from '../networks/request.ts';
import type { AnnotatedNic } from '../objects/pod-annotations.ts';
import type { Subnet } from '../objects/subnet.ts';
import type { VlanObject } from '../objects/vlan.ts';

export interface AllocationContext {
  readonly allocator: Allocator;
  /** Key of who has the addresses. */
  readonly owner: string;
  /** Addresses of nodes, which no pod is to get by chance. */
  readonly nodeAddresses: readonly Address[];
  vlan(name: string): VlanObject | undefined;
  /** A Subnet with which nothing is wrong. */
  subnet(name: string): Subnet | undefined;
  /** A NIC no longer has this, since it has something else now. */
  freed(held: Allocation): void;
}

/**
 * Acquires the addresses of all NICs. Where one cannot have any, the others have what they had
 * before: a pod that cannot start holds nothing.
 * @throws AllocationError of the last attempt for that NIC
 */
export function acquireAll(
  nics: readonly NicRequest[],
  context: AllocationContext,
): readonly AnnotatedNic[] {
  const { allocator, owner } = context;
  const before = nics.map(({ port }) => allocator.allocationOf(port));
  try {
    const acquired = nics.map((nic) => acquire(nic, context));
    for (const had of before) if (had !== undefined && had.pod === owner) tellFreed(had, context);
    return acquired;
  } catch (error) {
    for (const [index, { port }] of nics.entries()) {
      const had = before[index];
      if (had === undefined) allocator.release({ nic: port, pod: owner });
      else if (had.pod === owner) allocator.adopt({ ...had, sharing: true });
    }
    throw error;
  }
}

function tellFreed(had: Allocation, { allocator, freed }: AllocationContext): void {
  const has = allocator.allocationOf(had.nic);
  const isSame = (one: Address) => has?.addresses.some((other) => other.text === one.text) ?? false;
  const isMoved = has?.subnet !== had.subnet;
  const addresses = had.addresses.filter((address) => isMoved || !isSame(address));
  if (addresses.length > 0 || has?.mac !== had.mac) freed({ ...had, addresses });
}

/** What a pod was told that a NIC has, it has, whatever anybody has written since then. */
function acquire(nic: NicRequest, context: AllocationContext): AnnotatedNic {
  const held = context.allocator.allocationOf(nic.port);
  const place = held && context.subnet(held.subnet);
  const isWhole = held !== undefined && held.addresses.length >= toldCount(nic);
  if (nic.isAllocated && held?.pod === context.owner && place !== undefined && isWhole) {
    return annotatedNic(nic, place, held, context);
  }
  let failure: unknown;
  for (const { subnet, addresses } of nic.attempts) {
    try {
      const allocation = context.allocator.acquire({
        nic: nic.port,
        pod: context.owner,
        subnet: subnet.name,
        addresses,
        mac: nic.mac,
        family: nic.family,
        skip: context.nodeAddresses,
        sharing: nic.isShared,
      });
      return annotatedNic(nic, subnet, allocation, context);
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** How many addresses the pod was told. Some may turn out to be another's. */
function toldCount({ attempts }: NicRequest): number {
  const [{ addresses }] = attempts;
  return addresses.kind === 'fixed' ? (addresses.entries[0]?.length ?? 0) : 0;
}

function annotatedNic(
  { kind, provider, port }: NicRequest,
  subnet: Subnet,
  { addresses, mac }: Allocation,
  context: AllocationContext,
): AnnotatedNic {
  const vlan = subnet.vlan === '' ? undefined : context.vlan(subnet.vlan);
  return {
    kind,
    provider,
    port,
    subnet,
    addresses,
    ...(mac === undefined ? {} : { mac }),
    ...(vlan === undefined || kind === 'ipam' ? {} : { vlan }),
    isRouted: kind === 'ovn',
  };
}
