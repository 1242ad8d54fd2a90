import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../../../src/common/address.ts';
import {
  addressOf,
  numberOf,
  parseRange,
  rangesText,
  usableOf,
} from '../../../../src/controller/ranges/address-range.ts';
import { RangeSet } from '../../../../src/controller/ranges/range-set.ts';
import { address, ranges } from '../ipam/allocator/support.ts';

describe('an address as a number', () => {
  it.each([
    ['0.0.0.0', 0n],
    ['10.16.0.2', 0x0a100002n],
    ['255.255.255.255', 0xffffffffn],
    ['::', 0n],
    ['fd00::1:a', 0xfd00_0000_0000_0000_0000_0000_0001_000an],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', (1n << 128n) - 1n],
  ])('%s is %s', (text, number) => {
    expect(numberOf(address(text))).toBe(number);
    expect(addressOf(address(text).family, number)).toEqual(address(text));
  });

  it('comes back as the same address', async () => {
    await fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (number) => {
        expect(numberOf(addressOf('IPv6', number))).toBe(number);
        expect(numberOf(addressOf('IPv4', number >> 96n))).toBe(number >> 96n);
      }),
    );
  });

  it.each([
    ['IPv4', 1n << 32n],
    ['IPv4', -1n],
    ['IPv6', 1n << 128n],
    ['IPv6', -1n],
  ] as const)('of %s is not %s', (family, number) => {
    expect(() => addressOf(family, number)).toThrow(RangeError);
  });
});

describe('the addresses that NICs of a network may have', () => {
  it.each([
    ['10.0.0.0/29', '10.0.0.1-10.0.0.6'],
    ['10.0.0.0/30', '10.0.0.1-10.0.0.2'],
    ['10.0.0.0/31', '10.0.0.0-10.0.0.1'],
    ['10.0.0.0/8', '10.0.0.1-10.255.255.254'],
    ['fd00::/125', 'fd00::1-fd00::6'],
    ['fd00::/127', 'fd00::-fd00::1'],
    ['fd00::/64', 'fd00::1-fd00::ffff:ffff:ffff:fffe'],
  ])('of %s are %s', (text, usable) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(text);
    expect(rangesText(cidr.family, [usableOf(cidr)])).toBe(usable);
  });
});

describe('an entry of excludeIps or of an IPPool', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['10.0.0.7..10.0.0.9', '10.0.0.7-10.0.0.9'],
    ['10.0.0.7..10.0.0.7', '10.0.0.7'],
    ['10.0.0.9/30', '10.0.0.8-10.0.0.11'],
    ['10.0.0.9/32', '10.0.0.9'],
    ['FD00::A..fd00::f', 'fd00::a-fd00::f'],
    ['fd00::/126', 'fd00::-fd00::3'],
  ])('%s is %s', (text, expected) => {
    const range = parseRange(text);
    if (range === undefined) throw new Error('not a range');
    const numbers = { first: numberOf(range.first), last: numberOf(range.last) };
    expect(rangesText(range.first.family, [numbers])).toBe(expected);
  });

  it.each([
    '',
    '10.0.0',
    '10.0.0.9..10.0.0.7',
    '10.0.0.7..fd00::1',
    '10.0.0.7..',
    '..10.0.0.7',
    '10.0.0.7..10.0.0.8..10.0.0.9',
    '10.0.0.7...10.0.0.9',
    '10.0.0.7-10.0.0.9',
    '10.0.0.0/33',
    '10.0.0.0/30..10.0.0.9',
    ' 10.0.0.7',
  ])('is not %j', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});

describe('the text of a set of addresses', () => {
  it('is what Kube-OVN writes into a status', () => {
    const listed = ranges('10.0.0.20,10.0.0.2..10.0.0.9,10.0.0.10').map(({ first, last }) => ({
      first: numberOf(first),
      last: numberOf(last),
    }));
    expect(rangesText('IPv4', RangeSet.of(...listed))).toBe('10.0.0.2-10.0.0.10,10.0.0.20');
    expect(rangesText('IPv4', RangeSet.empty)).toBe('');
  });
});
