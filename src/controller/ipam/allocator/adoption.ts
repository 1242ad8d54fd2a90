/**
 * Works out what of an earlier allocation a NIC can keep, and changes nothing. What an object of the
 * cluster records may lie anywhere, and only what is someone else's already cannot be kept; of what
 * only the pod says, only what could be allocated dynamically can be kept.
 */
import { numberOf } from '../../ranges/address-range.ts';
import { AllocationError, ownerText } from './error.ts';
import type { Numbers } from './holdings.ts';
import { FAMILIES } from './holdings.ts';
import { canonicalMac } from './macs.ts';
import { neverShared } from './owners.ts';
import type { AdoptRequest } from './request.ts';
import type { SubnetStore } from './subnet-store.ts';

/** What of an earlier allocation the NIC would keep. */
export interface AdoptionPlan {
  readonly numbers: Numbers;
  readonly mac: string | undefined;
  /** Why the NIC does not get the rest. */
  readonly refused: readonly AllocationError[];
}

/**
 * Looks at each address and at the MAC by itself: what is refused keeps nothing else from being adopted. Of
 * several addresses of one family only the first counts.
 */
export function planAdoption(subnet: SubnetStore, request: AdoptRequest): AdoptionPlan {
  const refused: AllocationError[] = [];
  const granted = <T>(value: T, problem: AllocationError | undefined): T | undefined => {
    if (problem === undefined) return value;
    refused.push(problem);
    return undefined;
  };
  const mayShare = request.mayShare ?? neverShared;
  const numbers = FAMILIES.flatMap((family) => {
    const [address, ...more] = request.addresses.filter((each) => each.family === family);
    if (address === undefined) return [];
    if (more.length > 0) refused.push(secondOfFamily(request, more.map(({ text }) => text).join()));
    const number = numberOf(address);
    const addresses = subnet.addresses[family];
    const problem =
      (request.isUnrecorded ? addresses.dynamicProblem(number) : undefined) ??
      addresses.conflict(number, request, mayShare);
    return granted(number, problem) === undefined ? [] : [[family, number] as const];
  });
  const asked = request.mac === undefined ? undefined : canonicalMac(request.mac);
  const mac =
    asked &&
    granted(
      asked,
      (request.isUnrecorded ? subnet.macs.misplacement(asked) : undefined) ??
        subnet.macs.conflict(asked, request, mayShare),
    );
  return { numbers: Object.fromEntries(numbers), mac, refused };
}

function secondOfFamily(request: AdoptRequest, address: string): AllocationError {
  return new AllocationError({
    reason: 'InvalidIPFamily',
    what: `${address} is more than one address of a family for ${ownerText(request)}`,
    details: 'a NIC has one address of each family',
    subnet: request.subnet,
    address,
  });
}
