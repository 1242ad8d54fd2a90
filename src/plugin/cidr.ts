/**
 * Addresses and CIDRs as text. Pure. It does without node:net and its `isIP`: loading that module
 * costs bun more than everything else that is done with the daemon's answer.
 */

/** A network as text; `family` is 4 or 6. */
export interface Cidr {
  readonly family: number;
  readonly length: number;
  /** Host bits cleared, IPv6 in RFC 5952 form: `10.1.0.0/16`, `fd00::/64`. */
  readonly network: string;
}

/** 4 or 6 for an address without mask and zone, else 0. */
export function familyOf(address: string): number {
  if (IPV4.test(address)) return 4;
  // The URL standard's parser reads the rest; it would take a zone, and brackets of its own.
  return /^[\da-f:.]*:[\da-f:.]*$/i.test(address) && URL.canParse(`http://[${address}]`) ? 6 : 0;
}

const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

/** From `address/length` with any host bits; undefined for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const family = familyOf(address);
  const length = Number(digits);
  if (family === 0 || length > (family === 4 ? 32 : 128)) {
    return undefined;
  }
  const masked =
    family === 4
      ? mask(address.split('.').map(Number), 8, length).join('.')
      : normalize6(mask(groupsOf(address), 16, length).map(hex).join(':'));
  return { family, length, network: `${masked}/${length}` };
}

/** Clears the bits after `length` in groups of `width` bits. */
function mask(groups: number[], width: number, length: number): number[] {
  const cleared = (i: number) => Math.min(Math.max((i + 1) * width - length, 0), width);
  return groups.map((group, i) => group - (group % 2 ** cleared(i)));
}

function groupsOf(address: string): number[] {
  const halves = normalize6(address).split('::');
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

function hex(group: number): string {
  return group.toString(16);
}

/** The URL standard writes an IPv6 host as RFC 5952 does, but never with dots. */
function normalize6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
