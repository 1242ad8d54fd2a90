/**
 * What the flags say of the two Subnets that a new cluster begins with. Whether they can be as
 * they are given is for the rules of Subnets to say; here they are read, so that a flag that is
 * wrong is named.
 */
import { type Cidr, cidrText, parseAddress, parseCidr } from '../../common/address.ts';
import { wrongValue } from '../../common/flags/go-flags.ts';
import { overlap } from '../model/reserved-networks.ts';
import { parseRange } from '../ranges/address-range.ts';

/** What the flags say of one Subnet, in canonical text. */
export interface SubnetFlags {
  /** One or two, with a comma between. */
  readonly cidrBlock: string;
  /** Of each family, with a comma between; empty for the first address of each CIDR. */
  readonly gateway: string;
  /** None for the gateways. */
  readonly excludeIps: readonly string[];
}

/** Of two families where there are two. @throws Error that names the flag */
export function readCidrs(flag: string, text: string): readonly Cidr[] {
  const cidrs = text.split(',').flatMap((part) => parseCidr(part.trim()) ?? []);
  const families = new Set(cidrs.map(({ family }) => family));
  if (cidrs.length === text.split(',').length && families.size === cidrs.length) return cidrs;
  throw wrongValue(
    `--${flag}`,
    text,
    'a CIDR, or one of IPv4 and one of IPv6 with a comma between',
  );
}

/** @throws Error that names the flag */
export function readGateways(flag: string, text: string): string {
  if (text === '') return '';
  const gateways = text.split(',').map((part) => parseAddress(part.trim())?.text);
  if (!gateways.includes(undefined)) return gateways.join(',');
  throw wrongValue(`--${flag}`, text, 'an IP address, or one of each family');
}

/** @throws Error that names the flag */
export function readExcludes(flag: string, text: string): readonly string[] {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.every((entry) => !entry.includes('/') && parseRange(entry) !== undefined)) {
    return entries;
  }
  throw wrongValue(`--${flag}`, text, 'IP addresses and ranges "first..last", with commas between');
}

/**
 * No address may be of two of the networks of a cluster.
 * @param byFlag networks that are given by each flag
 * @throws Error that names two flags
 */
export function refuseOverlaps(byFlag: Readonly<Record<string, readonly Cidr[]>>): void {
  const all = Object.entries(byFlag).flatMap(([flag, cidrs]) =>
    cidrs.map((cidr) => ({ flag, cidr })),
  );
  for (const [index, one] of all.entries()) {
    const other = all.slice(index + 1).find(({ cidr }) => overlap(one.cidr, cidr));
    if (other === undefined) continue;
    const text = `--${other.flag}=${cidrText(other.cidr)}`;
    throw new Error(`--${one.flag}=${cidrText(one.cidr)} overlaps with ${text}`);
  }
}
