/**
 * What an earlier ADD answered, as CHECK gets it (`prevResult`): checked once, and only the part
 * that is about one attachment.
 */

import { type Address, parseAddress, parseCidr, parseMac } from '../../common/address.ts';
import type { PrevResult } from '../../wire/messages.ts';
import { invalid } from '../call/error.ts';
import type { LiveAttachment } from './attachment.ts';
import { parseRoutes, type Route } from './route.ts';

/** What is compared of an earlier result. */
export interface EarlierResult {
  /** Undefined where the result has no interface of that name in that sandbox. */
  readonly interface: EarlierInterface | undefined;
  /**
   * Those of the interface and those of none in particular; for an IPAM delegate all, since
   * whoever made the interface decides what it is called.
   */
  readonly addresses: readonly InterfaceAddress[];
  /** Of all interfaces: a route does not say whose it is. */
  readonly routes: readonly Route[];
}

/** The attachment's interface, as the result has it. */
export interface EarlierInterface {
  /** Undefined where the result does not say it. */
  readonly mac: string | undefined;
  /** Bytes; undefined where the result does not say it, as none did before CNI 1.1. */
  readonly mtu: number | undefined;
}

/** An address with the length of its prefix on the interface. */
export interface InterfaceAddress {
  readonly address: Address;
  readonly prefixLength: number;
}

/** @throws CniError 7 that names the field */
export function parseEarlierResult(
  { interfaces, ips, routes }: PrevResult,
  { ifName, netns, ipamOnly }: LiveAttachment,
): EarlierResult {
  const own = interfaces.findIndex(({ name, sandbox }) => name === ifName && sandbox === netns);
  const addresses = ips.flatMap((entry, index) => {
    const field = `prevResult.ips[${index}]`;
    const { interface: pointer } = entry;
    if (pointer !== undefined && interfaces[pointer] === undefined) {
      throw invalid(`${field}.interface`, pointer, 'an index of prevResult.interfaces');
    }
    const isOurs = ipamOnly || pointer === undefined || pointer === own;
    return isOurs ? parseInterfaceAddress(entry.address, `${field}.address`) : [];
  });
  const found = interfaces[own];
  return {
    interface: found && parseInterface(found, `prevResult.interfaces[${own}]`),
    addresses,
    routes: parseRoutes(routes, 'prevResult.routes'),
  };
}

function parseInterface(
  { mac: text, mtu }: PrevResult['interfaces'][number],
  field: string,
): EarlierInterface {
  const mac = parseMac(text);
  if (mac === undefined && text !== '') throw invalid(`${field}.mac`, text, 'a MAC address');
  return { mac, mtu: mtu > 0 ? mtu : undefined };
}

function parseInterfaceAddress(text: string, field: string): InterfaceAddress {
  const cidr = parseCidr(text);
  const address = parseAddress(text.split('/')[0] ?? '');
  if (cidr === undefined || address === undefined) {
    throw invalid(field, text, 'an address with its prefix length');
  }
  return { address, prefixLength: cidr.prefixLength };
}
