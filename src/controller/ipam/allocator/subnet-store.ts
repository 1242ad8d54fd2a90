/**
 * One Subnet: its addresses of both families and its MAC addresses.
 */

import type { Family } from '../../../common/address.ts';
import { bits, cidrText } from '../../../common/address.ts';
import { rangesOf } from '../../ranges/address-range.ts';
import { RangeSet } from '../../ranges/range-set.ts';
import type { Usage } from '../../ranges/usage.ts';
import { AllocationError } from './error.ts';
import type { Holding, Numbers } from './holdings.ts';
import { FAMILIES } from './holdings.ts';
import type { RandomBytes } from './macs.ts';
import { SubnetMacs } from './macs.ts';
import type { PoolSpec, SubnetSpec } from './request.ts';
import { type AddressCounts, SubnetAddresses } from './subnet-addresses.ts';

/** All that the allocator knows of one Subnet, changed together for both families and the MAC. */
export class SubnetStore {
  readonly name: string;
  readonly addresses: Readonly<Record<Family, SubnetAddresses>>;
  readonly macs: SubnetMacs;
  /** What it was configured with, as text. */
  #configured = '';

  constructor(name: string, randomBytes: RandomBytes) {
    this.name = name;
    this.addresses = {
      IPv4: new SubnetAddresses(name, 'IPv4'),
      IPv6: new SubnetAddresses(name, 'IPv6'),
    };
    this.macs = new SubnetMacs(name, randomBytes);
  }

  /** The Subnet says this now, with which `checkBlocks` found nothing wrong. */
  configure({ blocks, excludes }: SubnetSpec): void {
    const text = JSON.stringify([blocks, excludes]);
    if (text === this.#configured) return;
    this.#configured = text;
    for (const family of FAMILIES) {
      const block = blocks.find(({ cidr }) => cidr.family === family);
      this.addresses[family].configure(block, excludes);
    }
  }

  /** @throws AllocationError IPPoolConflict */
  setPool({ name, ranges }: PoolSpec): void {
    const sets = FAMILIES.map((family) => ({
      addresses: this.addresses[family],
      set: RangeSet.of(...rangesOf(family, ranges)),
    }));
    for (const { addresses, set } of sets) {
      const problem = addresses.poolProblem(name, set);
      if (problem !== undefined) throw problem;
    }
    for (const { addresses, set } of sets) addresses.setPool(name, set);
  }

  removePool(name: string): void {
    for (const family of FAMILIES) this.addresses[family].removePool(name);
  }

  /** A NIC has `after` from now on: takes what `before` does not have of it. */
  take(after: Holding, before: Holding | undefined, dynamic: ReadonlySet<Family>): void {
    const missing = difference(after, before);
    for (const { family, number } of missing.numbers) {
      const how = dynamic.has(family) ? 'dynamic' : 'named';
      this.addresses[family].take(number, after.owner, how);
    }
    if (missing.mac !== undefined) this.macs.take(missing.mac, after.owner);
  }

  /** A NIC no longer has `before`: releases what `after` does not have of it. */
  release(before: Holding, after: Holding | undefined): void {
    const surplus = difference(before, after);
    for (const { family, number } of surplus.numbers) {
      this.addresses[family].release(number, before.owner);
    }
    if (surplus.mac !== undefined) this.macs.release(surplus.mac, before.owner);
  }

  /** Why nobody may have what is in these hands, for all of it that nobody may have. */
  misplacements(numbers: Numbers, mac: string | undefined): readonly AllocationError[] {
    const ofNumbers = FAMILIES.map((family) => {
      const number = numbers[family];
      return number === undefined ? undefined : this.addresses[family].misplacement(number);
    });
    const ofMac = mac === undefined ? undefined : this.macs.misplacement(mac);
    return [...ofNumbers, ofMac].filter((problem) => problem !== undefined);
  }

  usage(): Usage {
    return { IPv4: this.addresses.IPv4.usage(), IPv6: this.addresses.IPv6.usage() };
  }

  /** How many are used and left, of each family that there is. */
  counts(): Partial<Record<Family, AddressCounts>> {
    const there = FAMILIES.filter((family) => this.addresses[family].exists);
    return Object.fromEntries(there.map((family) => [family, this.addresses[family].counts()]));
  }

  /** Of an IPPool; undefined where the Subnet has none of that name. */
  poolUsage(name: string): Usage | undefined {
    const IPv4 = this.addresses.IPv4.poolUsage(name);
    const IPv6 = this.addresses.IPv6.poolUsage(name);
    return IPv4 && IPv6 && { IPv4, IPv6 };
  }
}

/** @throws AllocationError CIDRInvalid */
export function checkBlocks({ name, blocks }: SubnetSpec): void {
  for (const { cidr } of blocks) {
    const isSecond = blocks.find((block) => block.cidr.family === cidr.family)?.cidr !== cidr;
    if (!isSecond && cidr.prefixLength < bits(cidr.family)) continue;
    const wrong = isSecond ? `a second ${cidr.family} network` : 'a single address';
    throw new AllocationError({
      reason: 'CIDRInvalid',
      what: `${cidrText(cidr)} of subnet ${name} is ${wrong}`,
      details: 'a cidrBlock is one network of each family, of two addresses at least',
      subnet: name,
    });
  }
}

/** What `one` has and `other` has not, in one Subnet. */
function difference(one: Holding, other: Holding | undefined) {
  const rest = other?.subnet === one.subnet ? other : undefined;
  const numbers = FAMILIES.flatMap((family) => {
    const number = one.numbers[family];
    return number === undefined || number === rest?.numbers[family] ? [] : { family, number };
  });
  return { numbers, mac: one.mac === rest?.mac ? undefined : one.mac };
}
