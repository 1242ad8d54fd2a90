import { BlockList, isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../../src/common/address.ts';
import {
  bits,
  cidrText,
  contains,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../../src/common/address.ts';
import { HOSTILE_TEXTS } from '../daemon/support.ts';

const ipv4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join('.'));
/** Zeros are likely, so that there is something to shorten. */
const ipv6 = fc
  .array(fc.oneof(fc.constantFrom(0, 0, 1, 0xfd00), fc.nat(0xffff)), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => groups.map((group) => group.toString(16)).join(':'));

describe('an address', () => {
  it.each([
    ['10.16.0.15', 'IPv4', '10.16.0.15'],
    ['0.0.0.0', 'IPv4', '0.0.0.0'],
    ['255.255.255.255', 'IPv4', '255.255.255.255'],
    ['FD00:10:16::00F', 'IPv6', 'fd00:10:16::f'],
    ['fd00:0:0:0:0:0:0:5', 'IPv6', 'fd00::5'],
    ['::', 'IPv6', '::'],
    ['1:0:0:2:0:0:0:3', 'IPv6', '1:0:0:2::3'],
    ['::ffff:10.1.1.1', 'IPv6', '::ffff:a01:101'],
    ['::10.1.1.1', 'IPv6', '::a01:101'],
    ['64:ff9b::10.1.1.1', 'IPv6', '64:ff9b::a01:101'],
  ])('%s is %s, written %s', (text, family, canonical) => {
    expect(parseAddress(text)).toEqual({ family, text: canonical });
  });

  it.each([
    '',
    '010.1.1.1',
    '10.1.1.010',
    '0x0a.1.1.1',
    '10.1',
    '10',
    '167772161',
    '1.2.3.256',
    '1.2.3.4.5',
    '10.1.1.1/24',
    ' 10.1.1.1',
    '10.1.1.1\n',
    '10.1.1.1,10.1.1.2',
    'fe80::1%eth0',
    'fe80::1%',
    'fd00::1/64',
    '[fd00::1]',
    'fd00:::1',
    'fd00::1::2',
    'fd00:10:16',
    'localhost',
    '１０.1.1.1',
  ])('is not %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('is none of the hostile texts', () => {
    expect(HOSTILE_TEXTS.filter(parseAddress)).toEqual([]);
  });

  it('is written as the URL standard writes it, and reads back as the same', async () => {
    await fc.assert(
      fc.property(ipv6, (text) => {
        const address = parseAddress(text);
        expect(`[${address?.text}]`).toBe(new URL(`http://[${text}]`).hostname);
        expect(parseAddress(address?.text ?? '')).toEqual(address);
      }),
    );
  });

  it('is one word of digits and separators, whatever is given', async () => {
    const unit = fc.constantFrom(...'0123456789abcdefABCDEF.:', ...'%/ \n\0x-"');
    const anyText = fc.oneof(fc.string({ unit, maxLength: 24 }), ipv4, ipv6, fc.string());
    await fc.assert(
      fc.property(anyText, (text) => {
        const address = parseAddress(text);
        if (address !== undefined) expect(address.text).toMatch(/^[0-9a-f.:]{2,39}$/);
      }),
    );
  });
});

describe('a CIDR', () => {
  it.each([
    ['10.16.0.0/16', '10.16.0.0/16'],
    ['192.168.0.101/24', '192.168.0.0/24'],
    ['10.16.5.9/32', '10.16.5.9/32'],
    ['10.16.5.9/0', '0.0.0.0/0'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['FD00:10:16::5/64', 'fd00:10:16::/64'],
    ['fd00::1/128', 'fd00::1/128'],
    ['ffff::1/0', '::/0'],
    ['fd00::ffff/121', 'fd00::ff80/121'],
  ])('%s is the network %s', (text, network) => {
    const cidr = parseCidr(text);
    expect(cidr && cidrText(cidr)).toBe(network);
  });

  it.each([
    '',
    '/',
    '10.16.0.0',
    '10.16.0.0/',
    '/16',
    '10.16.0.0/33',
    '10.16.0.0/-1',
    '10.16.0.0/+8',
    '10.16.0.0/1e1',
    '10.16.0.0/0x8',
    '10.16.0.0/8.0',
    '10.16.0.0/16/16',
    '10.16.0.0/16 ',
    '10.16.0.0/16\n',
    '10.16.0.0/255.255.0.0',
    '010.16.0.0/16',
    '10.16/16',
    'fd00::/129',
    'fe80::%eth0/64',
    'fd00::/9999',
  ])('is not %j', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('is none of the hostile texts, nor behind an address', () => {
    expect(HOSTILE_TEXTS.filter(parseCidr)).toEqual([]);
    expect(HOSTILE_TEXTS.filter((text) => parseCidr(`10.0.0.0/${text}`))).toEqual([]);
    expect(HOSTILE_TEXTS.filter((text) => parseCidr(`${text}/8`))).toEqual([]);
  });
});

/** The same question to Node's own implementation. */
function nodeContains(network: string, length: number, address: string): boolean {
  const list = new BlockList();
  const family = (text: string) => (isIPv6(text) ? 'ipv6' : 'ipv4');
  list.addSubnet(network, length, family(network));
  return list.check(address, family(address));
}

describe('containment', () => {
  it.each([
    [ipv4, 32],
    [ipv6, 128],
  ] as const)(
    'is as net.BlockList sees it, near the edges of a network too (%#)',
    async (any, width) => {
      await fc.assert(
        fc.property(any, fc.nat(width), any, fc.nat(width - 1), (base, length, other, flipped) => {
          const cidr = parseCidr(`${base}/${length}`);
          const address = parseAddress(other);
          const neighbour = parseAddress(flipBit(base, flipped));
          if (!cidr || !address || !neighbour) throw new Error('the generators are wrong');
          expect(contains(cidr, address)).toBe(nodeContains(base, length, other));
          expect(contains(cidr, neighbour)).toBe(flipped >= length);
          expect(contains(cidr, { family: cidr.family, text: cidr.network })).toBe(true);
        }),
      );
    },
  );

  it('never holds across families', async () => {
    await fc.assert(
      fc.property(ipv4, ipv6, (four, six) => {
        const pairs = [
          ['0.0.0.0/0', six],
          ['::/0', four],
          [`${four}/32`, `::ffff:${four}`],
        ] as const;
        for (const [network, text] of pairs) {
          const cidr = parseCidr(network);
          const address = parseAddress(text);
          expect(cidr && address && contains(cidr, address)).toBe(false);
        }
      }),
    );
  });

  it('knows the width of both families', () => {
    expect((['IPv4', 'IPv6'] satisfies Family[]).map(bits)).toEqual([32, 128]);
  });
});

/** The address with one bit changed; bit 0 is the first. */
function flipBit(text: string, bit: number): string {
  const isSix = text.includes(':');
  const [separator, radix, width] = isSix ? [':', 16, 16] : ['.', 10, 8];
  const groups = text.split(separator).map((group) => Number.parseInt(group, radix));
  const index = Math.floor(bit / width);
  groups[index] = (groups[index] ?? 0) ^ (1 << (width - 1 - (bit % width)));
  return groups.map((group) => group.toString(radix)).join(separator);
}

describe('a MAC', () => {
  it.each([
    ['00:00:00:53:6b:b6', '00:00:00:53:6b:b6'],
    ['00:00:00:53:6B:B6', '00:00:00:53:6b:b6'],
    ['FE:FF:FF:FF:FF:FF', 'fe:ff:ff:ff:ff:ff'],
  ])('%s is kept as %s', (text, mac) => {
    expect(parseMac(text)).toBe(mac);
  });

  it.each([
    '',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:01',
    '33:33:00:00:00:01',
    '00:00:00:53:6b',
    '00:00:00:53:6b:b6:00',
    '00-00-00-53-6b-b6',
    '0:0:0:53:6b:b6',
    '00:00:00:53:6b:g6',
    ' 00:00:00:53:6b:b6',
    '00:00:00:53:6b:b6\n',
    '00000053 6bb6',
  ])('is not %j', (text) => {
    expect(parseMac(text)).toBeUndefined();
  });

  it('is none of the hostile texts', () => {
    expect(HOSTILE_TEXTS.filter(parseMac)).toEqual([]);
  });
});
