/**
 * Reads JSON that others wrote, key by known key: a `__proto__` or an unknown key has no effect,
 * and of a key that occurs twice the last one counts. A missing field and null are the same, as
 * they are for Kube-OVN's Go code. Every function throws `fail` for a field of another type.
 */
import type { Dns, Route } from '../wire/messages.ts';
import { mismatch } from './error.ts';

/** An object of JSON whose fields nobody has checked. */
export type Json = Record<string, unknown>;

/** Where fields are read, and how an error about one is made. */
export interface Source {
  readonly fields: Json;
  /** What stands before a key in messages: empty, or `ipam.`, `routes[0].`. */
  readonly prefix: string;
  /** Makes the error from details that name the field. */
  readonly fail: (details: string) => Error;
}

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The string under `key`; empty where it is missing. */
export function text(from: Source, key: string): string {
  const found = from.fields[key] ?? '';
  return typeof found === 'string' ? found : wrong(from, key, 'a string', found);
}

/**
 * The whole number under `key`; 0 where it is missing. Those of Go's uint64 that are too large for a
 * double to count exactly become the largest that is not: it is more than there is of anything, too,
 * and of a larger one JSON would say another number than was meant, or one like 1e+21.
 */
export function wholeNumber(from: Source, key: string, expected: string): number {
  const found = from.fields[key] ?? 0;
  return typeof found === 'number' && Number.isInteger(found) && found >= 0
    ? Math.min(found, Number.MAX_SAFE_INTEGER)
    : wrong(from, key, expected, found);
}

/** The object under `key`; empty where it is missing. */
export function object(from: Source, key: string, entry?: unknown): Source {
  const found = entry ?? from.fields[key] ?? {};
  return isObject(found)
    ? { fields: found, prefix: `${from.prefix}${key}.`, fail: from.fail }
    : wrong(from, key, 'an object', found);
}

/** The objects of the array under `key`; none where it is missing. */
export function objects(from: Source, key: string, expected: string): Source[] {
  return list(from, key, expected).map((entry, i) => object(from, `${key}[${i}]`, entry));
}

/** `routes`, with empty strings for what is missing. */
export function routes(from: Source): Required<Route>[] {
  const sources = objects(from, 'routes', 'an array of {dst?, gw?}');
  return sources.map((route) => ({ dst: text(route, 'dst'), gw: text(route, 'gw') }));
}

/** `dns`, less the fields that say nothing. */
export function dns(from: Source): Dns {
  const said = object(from, 'dns');
  const domain = text(said, 'domain');
  const found: Dns = domain === '' ? {} : { domain };
  for (const key of ['nameservers', 'search', 'options'] as const) {
    const entries = strings(said, key);
    if (entries.length > 0) {
      found[key] = entries;
    }
  }
  return found;
}

/** The strings of the array under `key`; none where it is missing. */
export function strings(from: Source, key: string): string[] {
  const entries = list(from, key, 'an array of strings');
  return entries.every((entry) => typeof entry === 'string')
    ? entries
    : wrong(from, key, 'an array of strings', entries);
}

/** True under `key`; false where it is missing. */
export function flag(from: Source, key: string): boolean {
  const found = from.fields[key] ?? false;
  return typeof found === 'boolean' ? found : wrong(from, key, 'true or false', found);
}

/** Throws the source's error for the field `key`. */
export function wrong(from: Source, key: string, expected: string, found: unknown): never {
  throw from.fail(mismatch(from.prefix + key, expected, found));
}

function list(from: Source, key: string, expected: string): unknown[] {
  const found = from.fields[key] ?? [];
  return Array.isArray(found) ? found : wrong(from, key, expected, found);
}
