/**
 * The annotation `ip_pool`: a list of addresses to choose from, or the name of an IPPool. Pure.
 */

import type { Address } from '../../common/address.ts';
import { parseAddress } from '../../common/address.ts';
import { isDnsName } from '../../common/names.ts';
import type { FixedAddresses } from '../ipam/allocator/request.ts';
import { type Checked, say, wrong } from '../model/problem.ts';

/** Addresses that one annotation lists at most. */
export const POOL_ENTRIES_MAX = 4096;

/** What an annotation `ip_pool` asks for. */
export type PoolRequest =
  | { readonly kind: 'named'; readonly name: string }
  /** Each entry is one NIC's: one address, or one of each family. */
  | { readonly kind: 'list'; readonly entries: readonly FixedAddresses[] };

/** @param key of the annotation, for what is said about it */
export function parsePool(text: string, key: string): Checked<PoolRequest> {
  const tokens = splitEntries(text);
  if (tokens.length > POOL_ENTRIES_MAX) {
    const advice = 'put them into an IPPool, and name that';
    return wrong(`${key} lists more than ${POOL_ENTRIES_MAX} addresses`, advice);
  }
  const [only = ''] = tokens;
  if (tokens.length === 1 && !only.includes(',') && parseAddress(only) === undefined) {
    // No name has a slash: a CIDR is meant, or a name is misspelled.
    return isDnsName(only) && !only.includes('..')
      ? { value: { kind: 'named', name: only } }
      : refuse(only, key);
  }
  const entries: FixedAddresses[] = [];
  for (const token of tokens) {
    const parts = token.split(',', 3).map((part) => part.trim());
    const parsed = parts.map(parseAddress);
    const bad = parsed.indexOf(undefined);
    if (bad >= 0) return refuse(parts[bad] ?? '', key);
    const addresses = parsed.filter((address) => address !== undefined);
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
  const separator = text.includes(';') ? ';' : ',';
  const tokens = text.split(separator, POOL_ENTRIES_MAX + 1).map((token) => token.trim());
  if (separator === ';' || tokens.length !== 2) return tokens;
  const addresses = tokens.flatMap((token) => parseAddress(token) ?? []);
  const isPair = addresses.length === 2 && isOneOfEachFamily(addresses);
  return isPair ? [tokens.join(',')] : tokens;
}

/** True where no two addresses are of one family. */
export function isOneOfEachFamily(addresses: readonly Address[]): boolean {
  return new Set(addresses.map(({ family }) => family)).size === addresses.length;
}

function refuse(token: string, key: string) {
  return wrong(
    say`failed to parse IP ${token} in ${key}`,
    'list single addresses, or name an IPPool: CIDRs and ranges go into the spec.ips of an IPPool',
  );
}
