/**
 * The annotation `ip_pool`: a list of addresses to choose from, or the name of an IPPool. Pure.
 */

import type { Address } from '../../common/address.ts';
import { parseAddress } from '../../common/address.ts';
import { isDnsName } from '../../common/names.ts';
import type { FixedAddresses } from '../allocator/request.ts';
import { type Checked, say, wrong } from '../objects/problem.ts';

export type PoolWish =
  | { readonly kind: 'named'; readonly name: string }
  /** Each entry is one NIC's: one address, or one of each family. */
  | { readonly kind: 'list'; readonly entries: readonly FixedAddresses[] };

/** @param key of the annotation, for what is said about it */
export function parsePool(text: string, key: string): Checked<PoolWish> {
  const tokens = splitEntries(text);
  const [only = ''] = tokens;
  if (tokens.length === 1 && !only.includes(',') && parseAddress(only) === undefined) {
    // No name has a slash: a CIDR is meant, or a name is misspelled.
    return isDnsName(only) && !only.includes('..')
      ? { value: { kind: 'named', name: only } }
      : refuse(only, key);
  }
  const entries: FixedAddresses[] = [];
  for (const token of tokens) {
    const parts = token.split(',').map((part) => part.trim());
    const addresses = parts.flatMap((part) => parseAddress(part) ?? []);
    const bad = parts.find((part) => parseAddress(part) === undefined);
    if (bad !== undefined) return refuse(bad, key);
    if (!isOneOfEachFamily(addresses)) {
      const advice = 'an entry is one address, or one of each family: "v4,v6"';
      return wrong(say`${token} in ${key} is not one NIC's addresses`, advice);
    }
    entries.push(addresses);
  }
  return { value: { kind: 'list', entries } };
}

/** Without `;`, a comma is between entries, unless there are two and both make one of a NIC's. */
function splitEntries(text: string): readonly string[] {
  if (text.includes(';')) return text.split(';').map((token) => token.trim());
  const tokens = text.split(',').map((token) => token.trim());
  const addresses = tokens.flatMap((token) => parseAddress(token) ?? []);
  const isPair = tokens.length === 2 && addresses.length === 2 && isOneOfEachFamily(addresses);
  return isPair ? [tokens.join(',')] : tokens;
}

export function isOneOfEachFamily(addresses: readonly Address[]): boolean {
  return new Set(addresses.map(({ family }) => family)).size === addresses.length;
}

function refuse(token: string, key: string) {
  return wrong(
    say`failed to parse IP ${token} in ${key}`,
    'list single addresses, or name an IPPool: CIDRs and ranges go into the spec.ips of an IPPool',
  );
}
