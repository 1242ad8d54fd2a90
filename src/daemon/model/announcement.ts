/**
 * The frames by which a NIC tells its network that an address is at its MAC now: neighbours that
 * knew the address at another MAC would go on sending there until they find out (20 to 50 s for
 * Linux). Pure.
 */

import { type Address, addressBytes } from '../../common/address.ts';

/**
 * One frame for each address: for IPv4 an ARP Announcement (RFC 5227, section 2.3: a request whose
 * sender and target address are the same), for IPv6 an unsolicited neighbour advertisement to all
 * nodes (RFC 4861, section 7.2.6).
 * @param mac of the NIC, as `parseMac` returns it
 */
export function announcementFrames(mac: string, addresses: readonly Address[]): Buffer[] {
  const source = Buffer.from(mac.replaceAll(':', ''), 'hex');
  return addresses.map((address) =>
    address.family === 'IPv4' ? arpAnnouncement(source, address) : advertisement(source, address),
  );
}

const BROADCAST = Buffer.alloc(6, 0xff);
const UNKNOWN_MAC = Buffer.alloc(6);
/** EtherType of ARP; then Ethernet (1), IPv4, lengths of their addresses, and "request" (1). */
const ARP_REQUEST = Buffer.from('0806' + '0001' + '0800' + '0604' + '0001', 'hex');

function arpAnnouncement(source: Buffer, address: Address): Buffer {
  const bytes = addressBytes(address);
  const parts = [BROADCAST, source, ARP_REQUEST, source, bytes, UNKNOWN_MAC, bytes];
  return Buffer.concat(parts);
}

/** ff02::1, and the MAC that it is sent to (RFC 2464, section 7). */
const ALL_NODES = Buffer.from('ff020000000000000000000000000001', 'hex');
const ALL_NODES_MAC = Buffer.from('333300000001', 'hex');
/** EtherType of IPv6; then version 6, traffic class and flow label 0. */
const IPV6 = Buffer.from('86dd' + '60000000', 'hex');
const ICMPV6 = 58;
/** Neighbours take no other: it proves that no router has forwarded it (RFC 4861, section 7.1.2). */
const HOP_LIMIT = 255;
/** Type and code of a neighbour advertisement, no checksum yet, flag "override". */
const OVERRIDING_ADVERTISEMENT = Buffer.from('8800' + '0000' + '20000000', 'hex');
/** Option "target link-layer address", one unit of 8 bytes (RFC 4861, section 4.6.1). */
const TARGET_MAC = Buffer.from('0201', 'hex');

function advertisement(source: Buffer, address: Address): Buffer {
  const bytes = addressBytes(address);
  const message = Buffer.concat([OVERRIDING_ADVERTISEMENT, bytes, TARGET_MAC, source]);
  const lengths = Buffer.alloc(4);
  lengths.writeUInt16BE(message.length, 0);
  lengths.writeUInt8(ICMPV6, 2);
  lengths.writeUInt8(HOP_LIMIT, 3);
  message.writeUInt16BE(checksum(bytes, message), 2);
  return Buffer.concat([ALL_NODES_MAC, source, IPV6, lengths, bytes, ALL_NODES, message]);
}

/** ICMPv6's, with the pseudo-header of IPv6 (RFC 4443, section 2.3; RFC 8200, section 8.1). */
function checksum(from: Uint8Array, message: Buffer): number {
  const counted = Buffer.concat([from, ALL_NODES, message]);
  let sum = message.length + ICMPV6;
  for (let at = 0; at < counted.length; at += 2) sum += counted.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
