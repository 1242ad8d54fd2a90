/**
 * The rules for a pod's annotations by themselves (Kube-OVN's `ValidatePodNetwork`): those that
 * hold for every network, and those for the primary one, whether or not the pod has a NIC of it; in
 * non-primary mode only where it has. Pure.
 */

import type { Address, Cidr } from '../../common/address.ts';
import { contains, parseAddress, parseCidr, parseMac } from '../../common/address.ts';
import { PRIMARY_PROVIDER } from '../../common/names.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { type Problem, say } from '../model/problem.ts';
import { POOL_ENTRIES_MAX, parsePool } from './pool-syntax.ts';
import { familyOf, withoutMask } from './requested-addresses.ts';

type Annotations = Pod['annotations'];

const RATE_KEY = /\.kubernetes\.io\/(ingress|egress)_(rate|burst)$/;
/** A NIC has one address, and one network, of each of so many families. */
const FAMILIES = 2;
const FAMILY_SUFFIX = '.kubernetes.io/ip_family';

/** What annotations of provider `ovn` are read for, of a pod; the others are another plugin's business. */
export interface PrimaryKeys {
  /** The pod has a NIC of that network: addresses, MAC address and family. */
  readonly addresses: boolean;
  /** The pod has NICs of ours, which have these limits where they have none of their own. */
  readonly limits: boolean;
}

const ALL_KEYS: PrimaryKeys = { addresses: true, limits: true };
const PRIMARY_PREFIX = `${PRIMARY_PROVIDER}.kubernetes.io/`;
const PRIMARY_FAMILY = annotationKey(PRIMARY_PROVIDER, 'ip_family');

/** Everything that is wrong, in the order of the keys. */
export function annotationProblems({ annotations }: Pod, primary = ALL_KEYS): readonly Problem[] {
  const entries = Object.entries(annotations).filter(([, text]) => text !== '');
  const families = entries.filter(([key]) => primary.addresses || key !== PRIMARY_FAMILY);
  const rates = entries.filter(([key]) => primary.limits || !key.startsWith(PRIMARY_PREFIX));
  return [
    ...families.flatMap(([key, text]) => familyProblems(annotations, key, text)),
    ...(primary.addresses ? primaryProblems(annotations) : []),
    ...rates.flatMap(([key, text]) => rateProblems(key, text)),
  ];
}

function familyProblems(annotations: Annotations, key: string, text: string): readonly Problem[] {
  if (!key.endsWith(FAMILY_SUFFIX)) return [];
  const family = familyOf(text);
  if (family === undefined) {
    const message = say`${text} is not a valid ${key}`;
    return [{ message, advice: 'set it to "ipv4" or "ipv6"' }];
  }
  return addressKeys(key.slice(0, -FAMILY_SUFFIX.length))
    .flatMap((addressKey) => firstOf(annotations[addressKey] ?? ''))
    .filter((part) => parseAddress(withoutMask(part))?.family !== family)
    .map((part) => ({
      message: say`${part} does not match ${key} ${text}`,
      advice: 'ask for addresses of that family, or for no family',
    }));
}

/** Where addresses of a provider's NIC are asked for; that of one interface has a key without it. */
function addressKeys(provider: string): readonly string[] {
  const own = annotationKey(provider, 'ip_address');
  const [, network, ifName] = /^(.+)\.ovn\.([^.]+)$/.exec(provider) ?? [];
  if (network === undefined) return [own];
  return [own, `${annotationKey(network, 'ip_address')}.${ifName}`];
}

function primaryProblems(annotations: Annotations): readonly Problem[] {
  const textOf = (name: string) => annotations[annotationKey(PRIMARY_PROVIDER, name)] ?? '';
  const keyOf = (name: string) => annotationKey(PRIMARY_PROVIDER, name);
  const cidrText = textOf('cidr');
  const cidrs = firstOf(cidrText).map(parseCidr);
  const problems: Problem[] = [];
  if (cidrs.includes(undefined) || cidrs.length > FAMILIES) {
    problems.push({
      message: say`invalid cidr ${cidrText}`,
      advice: `remove annotation ${keyOf('cidr')}: it is written for you`,
    });
  }
  const known = cidrs.flatMap((cidr) => cidr ?? []);
  problems.push(...addressProblems(textOf('ip_address'), keyOf('ip_address'), known, cidrText));
  const mac = textOf('mac_address');
  if (mac !== '' && parseMac(mac) === undefined) {
    problems.push({
      message: say`${mac} is not a valid ${keyOf('mac_address')}`,
      advice: 'write a unicast MAC address, like 00:00:00:53:6b:b6',
    });
  }
  return [...problems, ...poolProblems(textOf('ip_pool'), keyOf('ip_pool'), known, cidrText)];
}

function addressProblems(
  text: string,
  key: string,
  cidrs: readonly Cidr[],
  cidrText: string,
): readonly Problem[] {
  return firstOf(text).flatMap((part) => {
    const address = parseAddress(withoutMask(part));
    if (address === undefined) {
      return [
        { message: say`${part} is not a valid ${key}`, advice: 'write an address, or "v4,v6"' },
      ];
    }
    return outside([address], cidrs)
      ? [{ message: say`${part} not in cidr ${cidrText}`, advice: 'take an address of the Subnet' }]
      : [];
  });
}

function poolProblems(
  text: string,
  key: string,
  cidrs: readonly Cidr[],
  cidrText: string,
): readonly Problem[] {
  if (text === '') return [];
  const pool = parsePool(text, key);
  if ('problems' in pool) {
    const [{ advice }] = pool.problems;
    const parts = text.split(/[;,]/, POOL_ENTRIES_MAX + 1).map((part) => part.trim());
    const bad = parts.find((part) => parseAddress(part) === undefined);
    if (bad === undefined && parts.length > POOL_ENTRIES_MAX) return pool.problems;
    return [{ message: say`${bad ?? text} in ${key} is not a valid address`, advice }];
  }
  if (pool.value.kind === 'named') return [];
  const entry = pool.value.entries.find((each) => outside(each, cidrs));
  if (entry === undefined) return [];
  const message = say`${entry.map((address) => address.text).join(',')} not in cidr ${cidrText}`;
  return [{ message, advice: 'list addresses of the Subnet' }];
}

/** True where none of these is in any of the CIDRs, as far as there are CIDRs. */
function outside(addresses: readonly Address[], cidrs: readonly Cidr[]): boolean {
  return (
    cidrs.length > 0 && !addresses.some((address) => cidrs.some((cidr) => contains(cidr, address)))
  );
}

function rateProblems(key: string, text: string): readonly Problem[] {
  // Of thousands of keys few end so, and the pattern is looked for in those alone.
  const mayBe = key.endsWith('_rate') || key.endsWith('_burst');
  if (!mayBe || !RATE_KEY.test(key) || /^\d{1,15}$/.test(text)) return [];
  const message = say`${text} is not a valid ${key}`;
  return [{ message, advice: 'write a whole number of Mbit/s (a rate) or Mbit (a burst)' }];
}

/** The first parts of a list: one more than a NIC can have, which shows that there are too many. */
function firstOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',', FAMILIES + 1).map((part) => part.trim());
}
