/**
 * What NICs have, found by NIC and by pod.
 */
import type { Address, Family } from '../../../common/address.ts';
import { addressOf } from '../../ranges/address-range.ts';
import type { Owner } from './owners.ts';

/** IPv4 first, as everywhere. */
export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

/** One address per family, as numbers. */
export type Numbers = Readonly<Partial<Record<Family, bigint>>>;

/** What a NIC has; in one Subnet. */
export interface Holding {
  readonly owner: Owner;
  /** Name of the Subnet. */
  readonly subnet: string;
  readonly numbers: Numbers;
  readonly mac: string | undefined;
  /** Whether it stays the NIC's when its pod is gone. */
  readonly reserved: boolean;
}

/** All that NICs have, of all Subnets; each NIC has something in one Subnet at most. */
export class Holdings {
  readonly #byNic = new Map<string, Holding>();
  readonly #nicsByPod = new Map<string, Set<string>>();

  /** What a NIC has, whoever's it is. */
  of(nic: string): Holding | undefined {
    return this.#byNic.get(nic);
  }

  /** What a NIC has, unless it is another pod's. */
  ofOwner({ nic, pod }: Owner): Holding | undefined {
    const holding = this.#byNic.get(nic);
    return holding?.owner.pod === pod ? holding : undefined;
  }

  ofPod(pod: string): readonly Holding[] {
    return [...(this.#nicsByPod.get(pod) ?? [])].flatMap((nic) => this.#byNic.get(nic) ?? []);
  }

  /** What all NICs of a Subnet have: O(NICs of all Subnets). */
  inSubnet(name: string): readonly Holding[] {
    return [...this.#byNic.values()].filter(({ subnet }) => subnet === name);
  }

  /** A NIC has this and nothing else from now on. */
  set(holding: Holding): void {
    const { nic, pod } = holding.owner;
    this.#byNic.set(nic, holding);
    this.#nicsByPod.set(pod, (this.#nicsByPod.get(pod) ?? new Set()).add(nic));
  }

  delete({ nic, pod }: Owner): void {
    this.#byNic.delete(nic);
    const nics = this.#nicsByPod.get(pod);
    nics?.delete(nic);
    if (nics?.size === 0) this.#nicsByPod.delete(pod);
  }
}

/** IPv4 first. */
export function addressesOf(numbers: Numbers): readonly Address[] {
  return FAMILIES.flatMap((family) => {
    const number = numbers[family];
    return number === undefined ? [] : addressOf(family, number);
  });
}
