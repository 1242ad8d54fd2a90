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
}

/**
 * Acquires the addresses of all NICs. Where one cannot have any, those that got theirs only now
 * give them back: a pod that cannot start holds nothing.
 * @throws AllocationError of the last attempt for that NIC
 */
export function acquireAll(
  nics: readonly NicRequest[],
  context: AllocationContext,
): readonly AnnotatedNic[] {
  const { allocator, owner } = context;
  const added: string[] = [];
  try {
    return nics.map((nic) => {
      if (allocator.allocationOf(nic.port) === undefined) added.push(nic.port);
      return acquire(nic, context);
    });
  } catch (error) {
    for (const nic of added) allocator.release({ nic, pod: owner });
    throw error;
  }
}

function acquire(nic: NicRequest, context: AllocationContext): AnnotatedNic {
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
