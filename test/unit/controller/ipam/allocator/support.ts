/**
 * What the allocator's tests share: Subnets, pools and requests as short as one writes them in an
 * annotation, and the error that an action ends with.
 */
import { expect } from 'vitest';
import type { Address } from '../../../../../src/common/address.ts';
import { parseAddress, parseCidr } from '../../../../../src/common/address.ts';
import type { Allocator } from '../../../../../src/controller/ipam/allocator/allocator.ts';
import { AllocationError } from '../../../../../src/controller/ipam/allocator/error.ts';
import type {
  AcquireRequest,
  AdoptRequest,
  Allocation,
  PoolSpec,
  SubnetSpec,
} from '../../../../../src/controller/ipam/allocator/request.ts';
import type { AddressRange } from '../../../../../src/controller/ranges/address-range.ts';
import { parseRange } from '../../../../../src/controller/ranges/address-range.ts';

/** "10.0.0.2,fd00::2" */
export function addresses(list: string): Address[] {
  return itemsOf(list).map((text) => known(parseAddress(text), text));
}

export function address(text: string): Address {
  return known(parseAddress(text), text);
}

/** "10.0.0.2..10.0.0.4,fd00::2" */
export function ranges(list: string): AddressRange[] {
  return itemsOf(list).map((text) => known(parseRange(text), text));
}

/** @param options lists, of both families */
export function subnet(
  name: string,
  cidrs: string,
  options: { gateway?: string; excludes?: string } = {},
): SubnetSpec {
  const gateways = addresses(options.gateway ?? '');
  const blocks = itemsOf(cidrs).map((text) => {
    const cidr = known(parseCidr(text), text);
    return { cidr, gateway: gateways.find(({ family }) => family === cidr.family) };
  });
  return { name, blocks, excludes: ranges(options.excludes ?? '') };
}

export function pool(name: string, subnetName: string, list: string): PoolSpec {
  return { name, subnet: subnetName, ranges: ranges(list) };
}

/** The pod of a NIC "a" is "default/a". */
export function owner(nic: string) {
  return { nic, pod: `default/${nic}` };
}

type Changes = Partial<AcquireRequest>;

/** Any address, and a new MAC address, of Subnet "net". */
export function dynamic(nic: string, changes: Changes = {}): AcquireRequest {
  const requests = { addresses: { kind: 'dynamic' }, mac: { kind: 'dynamic' } } as const;
  return { ...owner(nic), subnet: 'net', ...requests, ...changes };
}

/** Entries are separated by semicolons. */
export function fixed(nic: string, list: string, changes: Changes = {}): AcquireRequest {
  const entries = list.split(';').map(addresses);
  return dynamic(nic, { addresses: { kind: 'fixed', entries }, ...changes });
}

export function fromPool(nic: string, name: string, changes: Changes = {}): AcquireRequest {
  return dynamic(nic, { addresses: { kind: 'dynamic', pool: name }, ...changes });
}

export function withMac(mac: string): Changes {
  return { mac: { kind: 'fixed', mac } };
}

export function adoption(
  nic: string,
  list: string,
  changes: Partial<AdoptRequest> = {},
): AdoptRequest {
  return { ...owner(nic), subnet: 'net', addresses: addresses(list), ...changes };
}

/** "10.0.0.2,fd00::2" */
export function textOf(allocation: Allocation | undefined): string | undefined {
  return allocation?.addresses.map(({ text }) => text).join();
}

/** The AllocationError that `action` throws; any other outcome fails the test. */
export function errorOf(action: () => unknown): AllocationError {
  let outcome: unknown;
  try {
    outcome = action();
  } catch (thrown) {
    if (thrown instanceof AllocationError) return thrown;
    throw new Error(`expected an AllocationError and got ${thrown}`, { cause: thrown });
  }
  throw new Error(`expected an AllocationError and got ${String(outcome)}`);
}

/** A call ends in an error of this reason and changes nothing that can be seen. */
export function expectRefused(
  allocator: Allocator,
  request: AcquireRequest,
  reason: AllocationError['reason'],
): AllocationError {
  const state = () => ({
    allocation: allocator.allocationOf(request.nic),
    usage: allocator.usage(request.subnet),
  });
  const before = state();
  const error = errorOf(() => allocator.acquire(request));
  expect(error.reason).toBe(reason);
  expect(error.details).not.toBe('');
  expect(state()).toEqual(before);
  return error;
}

function itemsOf(list: string): string[] {
  return list === '' ? [] : list.split(',');
}

function known<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`the test wrote ${text}`);
  return value;
}
