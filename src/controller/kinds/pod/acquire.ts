/**
 * The addresses of a pod's NICs: all of them, or none.
 */

import type { Address } from '../../../common/address.ts';
import type { Allocator } from '../../ipam/allocator/allocator.ts';
import { AllocationError, ownerText } from '../../ipam/allocator/error.ts';
import type { MayShare } from '../../ipam/allocator/owners.ts';
import type {
  AddressRequest,
  Allocation,
  FixedAddresses,
  MacRequest,
} from '../../ipam/allocator/request.ts';
import type { Attempt, NicRequest } from '../../networks/request.ts';
import type { Subnet } from '../subnet/object/subnet.ts';
import type { VlanObject } from '../vlan/object/vlan.ts';
import type { AnnotatedNic } from './object/pod-annotations.ts';

/** What the addresses of one pod are decided by, and where they come from. */
export interface AllocationContext {
  readonly allocator: Allocator;
  /** Key of who has the addresses. */
  readonly owner: string;
  /** Whose addresses the NIC under these annotations may have, too. */
  mayShare(provider: string): MayShare;
  /** Addresses that the NIC's IP object says; none where there is none. */
  recorded(port: string): readonly Address[];
  /** Addresses of nodes, which no pod is to get. */
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
    for (const had of before) if (had !== undefined && had.pod === owner) reportFreed(had, context);
    return acquired;
  } catch (error) {
    for (const [index, { port }] of nics.entries()) {
      const had = before[index];
      if (had === undefined) allocator.release({ nic: port, pod: owner });
      else if (had.pod === owner) allocator.adopt({ ...had, mayShare: () => true });
    }
    throw error;
  }
}

function reportFreed(had: Allocation, { allocator, freed }: AllocationContext): void {
  const has = allocator.allocationOf(had.nic);
  const isSame = (one: Address) => has?.addresses.some((other) => other.text === one.text) ?? false;
  const isMoved = has?.subnet !== had.subnet;
  const addresses = had.addresses.filter((address) => isMoved || !isSame(address));
  if (addresses.length > 0 || has?.mac !== had.mac) freed({ ...had, addresses });
}

function acquire(nic: NicRequest, context: AllocationContext): AnnotatedNic {
  const held = context.allocator.allocationOf(nic.port);
  if (nic.isPublished && held?.pod === context.owner) return keep(nic, held, context);
  return acquireFirst(nic, nic.attempts, context);
}

/** What a NIC was given it has, whatever anybody has written since then. */
function keep(nic: NicRequest, held: Allocation, context: AllocationContext): AnnotatedNic {
  const subnet = context.subnet(held.subnet);
  if (subnet === undefined) throw withoutSubnet(held);
  const recorded = context.recorded(nic.port);
  if (held.addresses.length >= recorded.length) return annotatedNic(nic, subnet, held, context);
  // Some turned out to be another's.
  const addresses = { kind: 'fixed', entries: [recorded] } as const;
  const mac = held.mac === undefined ? ({ kind: 'none' } as const) : fixedMac(held.mac);
  const { family, ...rest } = nic;
  return acquireFirst({ ...rest, mac }, [{ subnet, addresses }], context);
}

/** @throws AllocationError of the last attempt */
function acquireFirst(
  nic: NicRequest,
  attempts: readonly Attempt[],
  context: AllocationContext,
): AnnotatedNic {
  let failure: unknown;
  for (const { subnet, addresses } of attempts) {
    try {
      const allocation = context.allocator.acquire({
        nic: nic.port,
        pod: context.owner,
        subnet: subnet.name,
        addresses: withoutNodes(addresses, { nic, subnet, context }),
        mac: nic.mac,
        family: nic.family,
        skip: context.nodeAddresses,
        mayShare: context.mayShare(nic.provider),
      });
      return annotatedNic(nic, subnet, allocation, context);
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/**
 * What is asked for by name, less addresses of nodes: a pod does not get one by asking for it either,
 * unless it had it before the node.
 * @throws AllocationError where nothing else is asked for
 */
function withoutNodes(
  addresses: AddressRequest,
  { nic, subnet, context }: { nic: NicRequest; subnet: Subnet; context: AllocationContext },
): AddressRequest {
  if (addresses.kind === 'dynamic') return addresses;
  const had = context.allocator.allocationOf(nic.port)?.addresses ?? [];
  const has = new Set([...had, ...context.recorded(nic.port)].map(({ text }) => text));
  const nodes = new Set(context.nodeAddresses.map(({ text }) => text));
  const nodeIn = (entry: FixedAddresses) =>
    entry.find(({ text }) => nodes.has(text) && !has.has(text));
  const { entries, index } = addresses;
  const chosen = index === undefined ? entries : entries.slice(index, index + 1);
  const left = chosen.filter((entry) => nodeIn(entry) === undefined);
  if (left.length === chosen.length) return addresses;
  if (left.length > 0) return { kind: 'fixed', entries: left };
  const [address] = chosen.flatMap((entry) => nodeIn(entry) ?? []);
  throw new AllocationError({
    reason: 'AddressConflict',
    what: `address ${address?.text} of subnet ${subnet.name} belongs to a node`,
    details: 'ask for another address',
    subnet: subnet.name,
    address: address?.text,
  });
}

function fixedMac(mac: string): MacRequest {
  return { kind: 'fixed', mac };
}

function withoutSubnet({ nic, pod, subnet }: Allocation): AllocationError {
  return new AllocationError({
    reason: 'NoSubnet',
    what: `${ownerText({ nic, pod })} has addresses of subnet ${subnet}, which is not valid now`,
    details: 'correct the Subnet: until then the NIC stays as it is',
    subnet,
  });
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
