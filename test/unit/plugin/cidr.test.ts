import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { familyOf, parseCidr } from '../../../src/plugin/cidr.ts';

describe('the family of an address', () => {
  it.each([
    ['10.0.0.1', 4],
    ['fd00::1', 6],
    ['::ffff:10.0.0.1', 6],
    ['fe80::1%eth0', 0],
    ['10.0.0.1/8', 0],
    ['10.0.0', 0],
    ['010.0.0.1', 0],
    ['', 0],
  ])('of %j is %i', (address, family) => {
    expect(familyOf(address)).toBe(family);
  });
});

describe('a CIDR', () => {
  it.each([
    ['10.16.5.9/16', '10.16.0.0/16'],
    ['10.16.5.9/32', '10.16.5.9/32'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['255.255.255.255/0', '0.0.0.0/0'],
    ['192.168.10.130/25', '192.168.10.128/25'],
    ['fd00:10:16::5/64', 'fd00:10:16::/64'],
    ['FD00:0:0:0:0:0:0:1/128', 'fd00::1/128'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/0', '::/0'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/33', 'ffff:ffff:8000::/33'],
    ['::1/127', '::/127'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['64:ff9b::10.0.0.1/96', '64:ff9b::/96'],
  ])('%s is the network %s', (text, network) => {
    expect(parseCidr(text)?.network).toBe(network);
  });

  it.each([
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    'fd00::/129',
    'fe80::%eth0/64',
    ' 10.0.0.0/8',
    'localhost/8',
  ])('%j is none', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('keeps the first bits and clears the others, whatever they are', async () => {
    const bits = (groups: number[], width: number) =>
      groups.map((group) => group.toString(2).padStart(width, '0')).join('');
    await fc.assert(
      fc.property(
        fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }),
        fc.nat(32),
        (bytes, length) => {
          const network = parseCidr(`${bytes.join('.')}/${length}`)?.network.split('/')[0] ?? '';
          const expected = bits(bytes, 8).slice(0, length).padEnd(32, '0');
          expect(bits(network.split('.').map(Number), 8)).toBe(expected);
        },
      ),
    );
    await fc.assert(
      fc.property(
        fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }),
        fc.nat(128),
        (groups, length) => {
          const hex = (list: number[]) => list.map((group) => group.toString(16)).join(':');
          const kept = bits(groups, 16).slice(0, length).padEnd(128, '0');
          const masked = groups.map((_, i) => Number.parseInt(kept.slice(i * 16, i * 16 + 16), 2));
          const network = parseCidr(`${hex(groups)}/${length}`)?.network;
          expect(network).toBe(
            parseCidr(`${hex(masked)}/128`)?.network.replace('/128', `/${length}`),
          );
        },
      ),
    );
  });
});
