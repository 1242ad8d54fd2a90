/**
 * Values by networks: which of them contain a network is found without a look at all. Pure.
 */
import { type Address, bits, type Cidr, type Family } from '../../common/address.ts';
import { numberOf } from './address-range.ts';

/** An index of networks that only grows; several values may have one network. */
export class CidrIndex<T> {
  readonly #valuesMax: number;
  readonly #values = new Map<string | number, T[]>();
  /** Prefix lengths that there are; of two networks with one address in common the shorter has it all. */
  readonly #lengths: Readonly<Record<Family, Set<number>>> = { IPv4: new Set(), IPv6: new Set() };

  /** @param valuesMax values of one network that are kept: the first ones */
  constructor(valuesMax = Number.POSITIVE_INFINITY) {
    this.#valuesMax = valuesMax;
  }

  add(cidr: Cidr, value: T): void {
    const key = keyOf(cidr.family, cidr.prefixLength, numberOfCidr(cidr));
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else if (values.length < this.#valuesMax) values.push(value);
    this.#lengths[cidr.family].add(cidr.prefixLength);
  }

  /** The values of networks that contain all of `cidr`. O(prefix lengths that there are). */
  containing(cidr: Cidr): readonly T[] {
    const number = numberOfCidr(cidr);
    const found: T[] = [];
    for (const length of this.#lengths[cidr.family]) {
      if (length > cidr.prefixLength) continue;
      for (const value of this.#values.get(keyOf(cidr.family, length, number)) ?? []) {
        found.push(value);
      }
    }
    return found;
  }

  /** The values of networks that an address lies in. */
  containingAddress({ family, text }: Address): readonly T[] {
    return this.containing({ family, network: text, prefixLength: bits(family) });
  }
}

/** What is read off a network again and again: thousands are looked up at each change of one. */
const NUMBERS = new WeakMap<Cidr, bigint>();

/** The network address as a number; worked out once for each object. */
export function numberOfCidr(cidr: Cidr): bigint {
  const known = NUMBERS.get(cidr);
  if (known !== undefined) return known;
  const number = numberOf({ family: cidr.family, text: cidr.network });
  NUMBERS.set(cidr, number);
  return number;
}

/** No two networks have the same: a number of an IPv4 network has 38 bits, and is cheap to make. */
export function keyOf(family: Family, length: number, number: bigint): string | number {
  const prefix = number >> BigInt(bits(family) - length);
  return family === 'IPv4' ? length * 2 ** 32 + Number(prefix) : `${length} ${prefix.toString(36)}`;
}
