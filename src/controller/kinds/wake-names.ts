/**
 * Names of what work waits for (NotDone.waitsFor), and which change wakes which of them. Pure.
 *
 * Names of objects are `<Kind>/<name>`. That the two sides agree is all that matters about a name.
 */

import type { Address } from '../../common/address.ts';
import type { AddressRequest, Allocation } from '../ipam/allocator/request.ts';
import { waitFor } from '../model/wait-names.ts';
import type { NicRequest } from '../networks/request.ts';
import type { Subnet } from './subnet/object/subnet.ts';

/** More addresses than that are waited for by the name of all of them. */
const ADDRESS_NAMES_MAX = 64;

/** What NICs wait for that cannot have their addresses. */
export function waitsOfNics(nics: readonly NicRequest[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const nic of nics) for (const name of waitsOfNic(nic)) names.add(name);
  return names;
}

function waitsOfNic({ port, mac, attempts }: NicRequest): readonly string[] {
  return [
    waitFor.ip(port),
    ...attempts.flatMap(({ subnet, addresses }) => [
      waitFor.subnet(subnet.name),
      ...(mac.kind === 'fixed' ? [waitFor.mac(subnet.name, mac.mac)] : []),
      ...waitsOfRequest(subnet, addresses),
    ]),
  ];
}

/** What a request for addresses of a Subnet waits for. */
export function waitsOfRequest(subnet: Subnet, request: AddressRequest): readonly string[] {
  const any = waitFor.addresses(subnet.name);
  if (request.kind === 'dynamic') {
    const { pool } = request;
    return pool === undefined ? [any] : [waitFor.ipPool(pool), waitFor.poolAddresses(pool)];
  }
  const { entries, index } = request;
  const asked = index === undefined ? entries : entries.slice(index, index + 1);
  // Of the other family any address is chosen besides.
  const isPartial = asked.some((entry) => entry.length < subnet.blocks.length);
  if (asked.length > ADDRESS_NAMES_MAX) return [any];
  const own = asked.flatMap((entry) => entry.map((each) => waitFor.address(subnet.name, each)));
  return isPartial ? [any, ...own] : own;
}

/** What tells what is free. */
export interface FreeView {
  /** How many addresses nobody has. */
  freeOf(subnet: string): number;
  freeOfPool(subnet: string, pool: string): number;
  isFree(subnet: string, address: Address): boolean;
  /** Names of the IPPools of a Subnet. */
  poolsOf(subnet: string): readonly string[];
}

/** Something of which there may be less than those who wait for it want. */
export interface Offer {
  readonly name: string;
  /** Of how many of them there is enough now. */
  readonly left: () => number;
}

/** What is free when a NIC no longer has this. */
export function offersOf(
  { nic, subnet, addresses, mac }: Allocation,
  view: FreeView,
): readonly Offer[] {
  const once = (name: string): Offer => ({ name, left: () => Number.POSITIVE_INFINITY });
  return [
    once(waitFor.ip(nic)),
    ...(mac === undefined ? [] : [once(waitFor.mac(subnet, mac))]),
    ...addresses.map((address) => ({
      name: waitFor.address(subnet, address),
      left: () => (view.isFree(subnet, address) ? 1 : 0),
    })),
    ...offersOfSubnet(subnet, view),
  ];
}

/** Addresses of a Subnet and of its IPPools that anyone may have. */
export function offersOfSubnet(subnet: string, view: FreeView): readonly Offer[] {
  return [
    { name: waitFor.addresses(subnet), left: () => view.freeOf(subnet) },
    ...view.poolsOf(subnet).map((pool) => ({
      name: waitFor.poolAddresses(pool),
      left: () => view.freeOfPool(subnet, pool),
    })),
  ];
}
