/**
 * How addresses in a Subnet's spec are spelled. Kube-OVN's definition takes them with blanks around the
 * commas of a list, and in upper case; both halves of Kube-OVN read them in one spelling only. So they
 * are read in that one, and written back in it. Pure.
 */

import { rawFields } from '../../../../common/fields.ts';

type RawSpec = Readonly<Record<string, unknown>>;

/** Texts, with commas between several addresses. `cidr` is the user's alone and stays as it is. */
const TEXTS = ['cidrBlock', 'gateway', 'externalEgressGateway', 'u2oInterconnectionIP'] as const;
const LISTS = ['excludeIps', 'vips', 'allowSubnets'] as const;

/** The spec with all its addresses in the one spelling; what is no text stays for others to refuse. */
export function spelledOut(spec: unknown): unknown {
  const raw = rawFields(spec);
  const changes = { ...respelledFields(raw), ...respelled('cidr', raw) };
  return Object.keys(changes).length === 0 ? spec : { ...raw, ...changes };
}

/** The fields that are written in another spelling, as they are to be written. */
export function respelledFields(spec: RawSpec): RawSpec {
  return Object.assign({}, ...[...TEXTS, ...LISTS].map((name) => respelled(name, spec)));
}

function respelled(name: string, spec: RawSpec): RawSpec {
  const written = Object.hasOwn(spec, name) ? spec[name] : undefined;
  const plain = Array.isArray(written) ? written.map(plainValue) : plainValue(written);
  const isSame = Array.isArray(plain)
    ? plain.every((text, index) => text === (written as readonly unknown[])[index])
    : plain === written;
  return isSame ? {} : { [name]: plain };
}

function plainValue(value: unknown): unknown {
  return typeof value === 'string' ? plainText(value) : value;
}

/** In lower case, without blanks at the ends, around commas and around the dots of a range. */
export function plainText(text: string): string {
  return trimmedParts(trimmedParts(text, ','), '..').toLowerCase();
}

function trimmedParts(text: string, separator: string): string {
  return text
    .split(separator)
    .map((part) => part.trim())
    .join(separator);
}
