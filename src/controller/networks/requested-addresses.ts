/**
 * What is asked for one NIC: family, addresses, MAC. Pure.
 *
 * Several places can ask for addresses. The one that says most exactly for which NIC goes first:
 * the annotation for network and interface, `ips` of the network's selection, the annotation
 * `ip_address`, the annotation `ip_pool`.
 */

import type { Address, Family } from '../../common/address.ts';
import { contains, parseAddress, parseCidr, parseMac } from '../../common/address.ts';
import type { FixedAddresses, MacRequest } from '../ipam/allocator/request.ts';
import type { NicKind } from '../kinds/pod/object/allocated-nic.ts';
import { type Pod, podIndex } from '../kinds/pod/object/pod.ts';
import type { Subnet } from '../kinds/subnet/object/subnet.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { type Checked, say, wrong } from '../model/problem.ts';
import { usableNamedPool } from './named-pool.ts';
import { isOneOfEachFamily, parsePool } from './pool-syntax.ts';
import type { Asked, Attempt, Candidates, NetworkView, RequestedAddresses } from './request.ts';
import type { Selection } from './selections.ts';

/** Of a list of addresses of one NIC no more is read: that is too many already. */
const SHOWN_ADDRESSES = 4;

/** The NIC for which addresses are asked, and all that the answer depends on. */
export interface NicContext {
  readonly pod: Pod;
  readonly kind: NicKind;
  readonly provider: string;
  /** None for the primary network. */
  readonly selection?: Selection;
  readonly candidates: Candidates;
  /** What is done where nothing asks for addresses. */
  readonly otherwise: () => Checked<RequestedAddresses['attempts']>;
  readonly view: NetworkView;
}

/** What one NIC of a pod is to have, or what is wrong with what is asked for. */
export function readRequestedAddresses(context: NicContext): Checked<RequestedAddresses> {
  const hasAddresses = isPublished(context.pod, context.provider);
  const family = readFamily(context);
  if ('problems' in family) return family;
  const mac = readMac(context, hasAddresses);
  if ('problems' in mac) return mac;
  const attempts = hasAddresses ? readAllocated(context) : readAttempts(context, family.value);
  if ('problems' in attempts) return attempts;
  const asked = hasAddresses ? readAsked(context) : undefined;
  return {
    value: {
      ...(family.value === undefined ? {} : { family: family.value }),
      mac: mac.value,
      attempts: attempts.value,
      isPublished: hasAddresses,
      ...(asked === undefined ? {} : { asked }),
    },
  };
}

/** True once the addresses of this network's NIC were published to the pod, or it says so itself. */
export function isPublished({ annotations }: Pod, provider: string): boolean {
  return annotations[annotationKey(provider, 'allocated')] === 'true';
}

/** A text, and where it is written. */
interface Written {
  readonly text: string;
  readonly where: string;
}

function read({ pod, provider }: NicContext, name: string): Written {
  const key = annotationKey(provider, name);
  return { text: pod.annotations[key] ?? '', where: `annotation ${key}` };
}

/** The annotation for a network and an interface: without `.ovn`, whatever the network's kind. */
function readForInterface({ pod, selection }: NicContext, name: string): Written {
  if (selection === undefined || selection.ifName === '') return { text: '', where: '' };
  const network = `${selection.name}.${selection.namespace}`;
  const key = `${annotationKey(network, name)}.${selection.ifName}`;
  return { text: pod.annotations[key] ?? '', where: `annotation ${key}` };
}

function firstWritten(...places: readonly Written[]): Written {
  return places.find(({ text }) => text !== '') ?? { text: '', where: '' };
}

function readFamily(context: NicContext): Checked<Family | undefined> {
  const { text, where } = read(context, 'ip_family');
  if (text === '') return { value: undefined };
  const family = familyOf(text);
  if (family === undefined) {
    return wrong(say`${text} is not a valid ${where}`, 'set it to "ipv4" or "ipv6"');
  }
  const { name, blocks, protocol } = context.candidates[0];
  if (blocks.length > 0 && !blocks.some((block) => block.family === family)) {
    return wrong(
      say`requested ip family ${family} does not match subnet ${name} protocol ${protocol}`,
      'remove the annotation ip_family, or use a Subnet of that family',
    );
  }
  return { value: family };
}

/** The family that an annotation `ip_family` means. */
export function familyOf(text: string): Family | undefined {
  if (text === 'ipv4') return 'IPv4';
  return text === 'ipv6' ? 'IPv6' : undefined;
}

/**
 * A MAC that is asked for goes for either kind: a macvlan interface has it, too. One that was given
 * before is asked for again.
 */
function readMac(context: NicContext, hasAddresses: boolean): Checked<MacRequest> {
  const { kind } = context;
  const { text, where } = hasAddresses ? read(context, 'mac_address') : writtenMac(context);
  if (text === '') return { value: { kind: kind === 'ovn' ? 'dynamic' : 'none' } };
  const mac = parseMac(text);
  if (mac !== undefined) return { value: { kind: 'fixed', mac } };
  const advice = 'write a unicast MAC address, like 00:00:00:53:6b:b6';
  return wrong(say`${text} is not a valid ${where}`, advice);
}

/** What a NIC was given is asked for again, whatever has changed since then. */
function readAllocated(context: NicContext): Checked<RequestedAddresses['attempts']> {
  const written = read(context, 'ip_address');
  if (written.text === '') return { value: [dynamicFrom(context.candidates[0])] };
  const addresses = parseAddresses(written.text.split(',', SHOWN_ADDRESSES), written.where);
  if ('problems' in addresses) return addresses;
  return { value: [fixedIn(context.candidates, [addresses.value])] };
}

/** What can be read of what is asked for by name. */
function readAsked(context: NicContext): Asked | undefined {
  const written = writtenAddresses(context);
  const writtenHere = writtenMac(context);
  const addresses =
    written.text === ''
      ? undefined
      : parseAddresses(written.text.split(',', SHOWN_ADDRESSES), written.where);
  const asked = addresses !== undefined && 'value' in addresses ? addresses.value : [];
  const mac = parseMac(writtenHere.text);
  if (asked.length === 0 && mac === undefined) return undefined;
  const places = [
    asked.length > 0 ? written.where : '',
    mac === undefined ? '' : writtenHere.where,
  ];
  const where = [...new Set(places.filter((place) => place !== ''))].join(' and ');
  return { addresses: asked, where, ...(mac === undefined ? {} : { mac }) };
}

/** Where addresses are asked for by name. */
function writtenAddresses(context: NicContext): Written {
  return firstWritten(
    readForInterface(context, 'ip_address'),
    { text: firstOf(context.selection?.ips ?? []).join(','), where: '"ips" of the network' },
    read(context, 'ip_address'),
  );
}

function writtenMac(context: NicContext): Written {
  return firstWritten(
    readForInterface(context, 'mac_address'),
    { text: context.selection?.mac ?? '', where: '"mac" of the network' },
    read(context, 'mac_address'),
  );
}

function readAttempts(
  context: NicContext,
  family: Family | undefined,
): Checked<RequestedAddresses['attempts']> {
  const { candidates, otherwise } = context;
  const { text, where } = writtenAddresses(context);
  if (text !== '') {
    const addresses = parseAddresses(text.split(',', SHOWN_ADDRESSES), where);
    if ('problems' in addresses) return addresses;
    const other = addresses.value.find((address) => family && address.family !== family);
    if (other !== undefined) {
      const familyKey = read(context, 'ip_family').where;
      const advice = 'ask for an address of that family, or for no family';
      return wrong(say`${other.text} does not match ${familyKey} ${family}`, advice);
    }
    return { value: [fixedIn(candidates, [addresses.value])] };
  }
  const pool = read(context, 'ip_pool');
  return pool.text === '' ? otherwise() : readPool(context, pool);
}

function readPool(
  context: NicContext,
  { text, where }: Written,
): Checked<RequestedAddresses['attempts']> {
  const { pod, candidates, view } = context;
  const pool = parsePool(text, where);
  if ('problems' in pool) return pool;
  if (pool.value.kind === 'named') {
    return usableNamedPool(pool.value.name, candidates, pod.namespace, view);
  }
  const { entries } = pool.value;
  if (!pod.statefulSet) return { value: listIn(candidates, entries) };
  const index = podIndex(pod.name);
  if (index === undefined) {
    const advice = 'a pod of a StatefulSet has the address at the number that its name ends with';
    return wrong(say`pod ${pod.name} has no number for ${where}`, advice);
  }
  const { subnet } = fixedIn(candidates, entries.slice(index, index + 1));
  return { value: [{ subnet, addresses: { kind: 'fixed', entries, index } }] };
}

/** Any addresses of a Subnet that no IPPool has. */
export function dynamicFrom(subnet: Subnet): Attempt {
  return { subnet, addresses: { kind: 'dynamic' } };
}

/** These addresses, of the first candidate that has them all, or else of the first candidate. */
function fixedIn(candidates: Candidates, entries: readonly FixedAddresses[]): Attempt {
  const subnet = candidates.find((candidate) => entries.some((entry) => hasAll(candidate, entry)));
  return { subnet: subnet ?? candidates[0], addresses: { kind: 'fixed', entries } };
}

/** Of each candidate the entries that are its own; of the first all where no candidate has any. */
function listIn(
  candidates: Candidates,
  entries: readonly FixedAddresses[],
): RequestedAddresses['attempts'] {
  const [first, ...rest] = candidates.flatMap((subnet): Attempt[] => {
    const own = entries.filter((entry) => hasAll(subnet, entry));
    return own.length === 0 ? [] : [{ subnet, addresses: { kind: 'fixed', entries: own } }];
  });
  if (first !== undefined) return [first, ...rest];
  return [{ subnet: candidates[0], addresses: { kind: 'fixed', entries } }];
}

function hasAll({ blocks }: Subnet, addresses: FixedAddresses): boolean {
  return addresses.every((address) => blocks.some(({ cidr }) => contains(cidr, address)));
}

function firstOf(texts: readonly string[]): readonly string[] {
  return texts.slice(0, SHOWN_ADDRESSES);
}

/** One address, or one of each family; a mask does not matter, since it is the Subnet's. */
function parseAddresses(texts: readonly string[], where: string): Checked<readonly Address[]> {
  const addresses: Address[] = [];
  for (const text of texts.map((part) => part.trim())) {
    const address = parseAddress(withoutMask(text));
    if (address === undefined) {
      return wrong(say`failed to parse IP ${text} in ${where}`, 'write an address, or "v4,v6"');
    }
    addresses.push(address);
  }
  if (!isOneOfEachFamily(addresses)) {
    return wrong(
      say`${texts.join(',')} in ${where} is more than one address of a family`,
      'a NIC has one address, or one of each family; to choose from several, use ip_pool',
    );
  }
  return { value: addresses.sort((one) => (one.family === 'IPv4' ? -1 : 1)) };
}

/** `10.100.0.100/16` means 10.100.0.100. */
export function withoutMask(text: string): string {
  return parseCidr(text) === undefined ? text : (text.split('/')[0] ?? text);
}
