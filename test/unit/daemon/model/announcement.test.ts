import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../../../src/common/address.ts';
import { announcementFrames } from '../../../../src/daemon/model/announcement.ts';

const MAC = '00:00:00:53:6b:b6';

const address = (text: string) => parseAddress(text) as Address;
const frameOf = (text: string) => announcementFrames(MAC, [address(text)])[0] ?? Buffer.alloc(0);

describe('the announcement of an IPv4 address', () => {
  it('is an ARP request to all, of the address for itself', () => {
    const [to, from] = ['ff'.repeat(6), '000000536bb6'];
    const ip = '0a10000f';
    const arp = `0806${'0001'}0800${'0604'}0001`;
    expect(frameOf('10.16.0.15').toString('hex')).toBe(
      [to, from, arp, from, ip, '00'.repeat(6), ip].join(''),
    );
  });
});

describe('the announcement of an IPv6 address', () => {
  const frame = frameOf('fd00:10:16::f');
  const packet = frame.subarray(14);

  it('goes to all nodes, by the MAC that stands for them', () => {
    expect(frame.toString('hex', 0, 14)).toBe('333300000001000000536bb686dd');
    expect(packet.toString('hex', 24, 40)).toBe('ff020000000000000000000000000001');
  });

  it('comes from the address, over no router', () => {
    expect(packet.toString('hex', 8, 24)).toBe('fd00001000160000000000000000000f');
    // Version 6; 32 bytes of ICMPv6 with hop limit 255.
    expect(packet.toString('hex', 0, 8)).toBe('6000000000203aff');
  });

  it('is a neighbour advertisement that nobody asked for, and that overrides', () => {
    const message = packet.subarray(40);
    expect(message.length).toBe(packet.readUInt16BE(4));
    expect(message.toString('hex', 0, 2)).toBe('8800');
    expect(message.toString('hex', 4, 8)).toBe('20000000');
    expect(message.toString('hex', 8, 24)).toBe('fd00001000160000000000000000000f');
    expect(message.toString('hex', 24)).toBe('0201000000536bb6');
  });

  it.each(['fd00:10:16::f', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::1', 'fd00::'])(
    'has a checksum with which all of %s adds up to nothing',
    (text) => {
      const sent = frameOf(text).subarray(14);
      const pseudo = Buffer.alloc(8);
      pseudo.writeUInt32BE(sent.length - 40, 0);
      pseudo.writeUInt8(58, 7);
      const all = Buffer.concat([sent.subarray(8), pseudo]);
      let sum = 0;
      for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at);
      expect(sum % 0xffff).toBe(0);
      expect(sent.readUInt16BE(42)).not.toBe(0);
    },
  );
});

it('of a dual stack NIC are two frames, and none of one without addresses', () => {
  const both = announcementFrames(MAC, [address('10.16.0.15'), address('fd00:10:16::f')]);
  expect(both.map((frame) => frame.toString('hex', 12, 14))).toEqual(['0806', '86dd']);
  expect(announcementFrames(MAC, [])).toEqual([]);
});
