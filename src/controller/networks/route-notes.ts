/**
 * What is odd in the routes that a pod asks for, although the node can make them, and those that it
 * cannot make at all. Pure; the node's daemon decides by rules of its own, and refuses what is wrong.
 */
import { bits, cidrText, parseAddress, parseCidr } from '../../common/address.ts';
import { rawFields } from '../../common/fields.ts';
import type { Subnet } from '../kinds/subnet/object/subnet.ts';
import { say } from '../model/problem.ts';

/** More routes than any pod needs; the rest is not looked at. */
const ROUTES_MAX = 256;
/** A longer annotation is not parsed: deeply nested, it held the event loop. */
const ROUTES_CHARS_MAX = 128 * 1024;

/**
 * @param text the annotation
 * @param subnet of the NIC
 * @returns what is to be known, each as the end of a sentence about the annotation
 */
export function routeNotes(text: string, { blocks }: Pick<Subnet, 'blocks'>): readonly string[] {
  if (text.length > ROUTES_CHARS_MAX) {
    return [`has ${text.length} characters, and more than ${ROUTES_CHARS_MAX} are not checked`];
  }
  const list = parseList(text);
  if (list === undefined) {
    return ['is wrong, and the node refuses the NIC: write a JSON array of {"dst", "gw"}'];
  }
  const own = new Set(blocks.map(({ cidr }) => cidrText(cidr)));
  const gateways = new Map<string, string>();
  const notes: string[] = [];
  for (const { destination, gateway } of list) {
    if (destination === '') continue;
    const before = gateways.get(destination);
    if (before !== undefined && before !== gateway) {
      notes.push(
        say`has several routes to ${destination}: that via ${before} has no effect, since the last one counts; keep the one via ${gateway}, or choose`,
      );
    }
    gateways.set(destination, gateway);
    if (own.has(destination)) {
      notes.push(
        say`has a route to ${destination}, which is the NIC's own network: with it neighbours are reached through ${gateway} at best, and not directly; remove it`,
      );
    }
  }
  return [...new Set(notes)];
}

interface SaidRoute {
  /** Canonical text of a CIDR; empty where it is none. */
  readonly destination: string;
  readonly gateway: string;
}

function parseList(text: string): readonly SaidRoute[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  return list.slice(0, ROUTES_MAX).map((value: unknown) => {
    const { dst, gw } = rawFields(value);
    const gateway = typeof gw === 'string' ? gw : '';
    return { destination: destinationOf(typeof dst === 'string' ? dst : '', gateway), gateway };
  });
}

/** As the node's daemon reads it: without a destination it is a default route, without a mask one host. */
function destinationOf(text: string, gateway: string): string {
  const host = parseAddress(text === '' ? gateway : text);
  if (text === '') return host === undefined ? '' : host.family === 'IPv4' ? '0.0.0.0/0' : '::/0';
  const cidr = parseCidr(host === undefined ? text : `${host.text}/${bits(host.family)}`);
  return cidr === undefined ? '' : cidrText(cidr);
}
