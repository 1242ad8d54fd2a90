/**
 * IP addresses, CIDRs and MACs as checked values. Whatever has one of these types went through
 * a parser here and is safe on a command line.
 *
 * `net.isIP` gates ipaddr.js, which by itself takes octal and shortened IPv4 ("010.1.1.1",
 * "10.1"), and gets only canonical IPv6: of "::10.1.1.1" it would make "::ffff:10.1.1.1". Zone ids
 * ("fe80::1%eth0") are refused, since no annotation can mean one.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The two address families; the words are those of Kube-OVN's `protocol` fields. */
export type Family = 'IPv4' | 'IPv6';

/** One address without a mask, in canonical text. */
export interface Address {
  readonly family: Family;
  readonly text: string;
}

/** A network: host bits are zero. */
export interface Cidr {
  readonly family: Family;
  /** Network address, in canonical text. */
  readonly network: string;
  readonly prefixLength: number;
}

/** The address that `text` is, or undefined. */
export function parseAddress(text: string): Address | undefined {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 0) return undefined;
  return version === 4 ? { family: 'IPv4', text } : { family: 'IPv6', text: canonical(text) };
}

/** The URL standard writes an IPv6 host as RFC 5952 does, but never with dots. */
function canonical(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** The network that `text` ("a/len") lies in, or undefined; host bits are cut off. */
export function parseCidr(text: string): Cidr | undefined {
  const [left = '', right = '', ...rest] = text.split('/');
  const address = parseAddress(left);
  if (address === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(right))
    return undefined;
  const prefixLength = Number(right);
  if (prefixLength > bits(address.family)) return undefined;
  const network =
    address.family === 'IPv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address.text}/${prefixLength}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address.text}/${prefixLength}`);
  return { family: address.family, network: network.toString(), prefixLength };
}

/** The address as it is in a packet: 4 bytes or 16. */
export function addressBytes(address: Address): Buffer {
  return Buffer.from(ipaddr.parse(address.text).toByteArray());
}

/** Width of an address in bits. */
export function bits(family: Family): 32 | 128 {
  return family === 'IPv4' ? 32 : 128;
}

/** The network as text, as iproute2 and Kubernetes write it: `10.16.0.0/16`. */
export function cidrText(cidr: Cidr): string {
  return `${cidr.network}/${cidr.prefixLength}`;
}

/** True where `address` lies in `cidr`. */
export function contains(cidr: Cidr, address: Address): boolean {
  if (cidr.family !== address.family) return false;
  if (cidr.family === 'IPv4') {
    const shift = 32 - cidr.prefixLength;
    // A shift by 32 is none in JavaScript.
    return shift === 32 || number(address.text) >>> shift === number(cidr.network) >>> shift;
  }
  return ipaddr.parse(address.text).match(ipaddr.parse(cidr.network), cidr.prefixLength);
}

function number(ipv4: string): number {
  return ipv4.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

/** The unicast MAC that `text` is, in lower case, or undefined. */
export function parseMac(text: string): string | undefined {
  const mac = text.toLowerCase();
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return undefined;
  const multicast = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return multicast || mac === '00:00:00:00:00:00' ? undefined : mac;
}
