/**
 * Addresses as numbers, and ranges of them as text.
 */
import ipaddr from 'ipaddr.js';
import type { Address, Cidr, Family } from '../../common/address.ts';
import { bits, parseAddress, parseCidr } from '../../common/address.ts';
import type { NumberRange } from './range-tree.ts';

/** All addresses from `first` to `last`, both included; they are of one family. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/**
 * The range that an entry of IPPool.spec.ips is ("a", "a..b" or a CIDR), or undefined. An entry of
 * Subnet.spec.excludeIps is one of the first two.
 */
export function parseRange(text: string): AddressRange | undefined {
  const cidr = parseCidr(text);
  if (cidr !== undefined) {
    const { first, last } = allOf(cidr);
    return { first: addressOf(cidr.family, first), last: addressOf(cidr.family, last) };
  }
  const [left = '', right = left, ...rest] = text.split('..');
  const first = parseAddress(left);
  const last = parseAddress(right);
  if (first === undefined || first.family !== last?.family || rest.length > 0) return undefined;
  return numberOf(first) <= numberOf(last) ? { first, last } : undefined;
}

/** The address as a number: the first byte is the most significant one. */
export function numberOf({ family, text }: Address): bigint {
  if (family === 'IPv4') {
    return BigInt(text.split('.').reduce((number, byte) => number * 256 + Number(byte), 0));
  }
  const groups = ipaddr.IPv6.parse(text).parts;
  return BigInt(`0x${groups.map((group) => group.toString(16).padStart(4, '0')).join('')}`);
}

/** @throws RangeError where the family has no such address */
export function addressOf(family: Family, number: bigint): Address {
  if (number < 0n || number >> BigInt(bits(family)) > 0n) {
    throw new RangeError(`there is no ${family} address ${number}`);
  }
  if (family === 'IPv4') return { family, text: dotted(Number(number)) };
  return parseAddress(groups(number)) as Address;
}

/** The range as numbers, both ends included. */
export function numbersOf({ first, last }: AddressRange): NumberRange {
  return { first: numberOf(first), last: numberOf(last) };
}

/** All addresses of a network, its own and the broadcast address among them. */
export function allOf(cidr: Cidr): NumberRange {
  const first = numberOf({ family: cidr.family, text: cidr.network });
  return { first, last: first + (1n << BigInt(bits(cidr.family) - cidr.prefixLength)) - 1n };
}

/**
 * The addresses of a network that NICs may have: all but its first and last, for IPv6 as well;
 * both of a /31 or /127.
 */
export function usableOf(cidr: Cidr): NumberRange {
  const { first, last } = allOf(cidr);
  return last - first < 2n ? { first, last } : { first: first + 1n, last: last - 1n };
}

/** "10.0.0.2-10.0.0.9,10.0.0.20", as in the status of a Subnet; empty for none. */
export function rangesText(family: Family, ranges: Iterable<NumberRange>): string {
  return [...ranges]
    .map(({ first, last }) =>
      first === last
        ? addressOf(family, first).text
        : `${addressOf(family, first).text}-${addressOf(family, last).text}`,
    )
    .join(',');
}

/** Those of `ranges` that are of this family, as numbers. */
export function rangesOf(family: Family, ranges: readonly AddressRange[]): NumberRange[] {
  return ranges.filter(({ first }) => first.family === family).map(numbersOf);
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}

function groups(number: bigint): string {
  const digits = number.toString(16).padStart(32, '0');
  return Array.from({ length: 8 }, (_, at) => digits.slice(4 * at, 4 * at + 4)).join(':');
}
