/**
 * Values as OVSDB writes them in JSON (RFC 7047, section 5.1): what is sent, and how what arrives is
 * taken apart.
 */
import { excerpt, OvsdbError } from './error.ts';

/** An atom. UUIDs of rows that are there, and of those that the same transaction makes, are pairs. */
export type Atom = string | number | boolean | readonly ['uuid' | 'named-uuid', string];

/** A value of a column in JSON: an atom, a set or a map. */
export type Value =
  | Atom
  | readonly ['set', readonly Atom[]]
  | readonly ['map', readonly (readonly [Atom, Atom])[]];

/** The UUID of a row that is there. */
export function uuidAtom(uuid: string): Atom {
  return ['uuid', uuid];
}

/** Members that come twice are sent once: a server refuses what has duplicates (RFC 7047, section 5.1). */
export function setOf(members: readonly Atom[]): Value {
  const distinct = new Map(members.map((member) => [atomKey(member), member]));
  return ['set', [...distinct.values()]];
}

/** Equal for the same atom; of one type, as the members of a set are. */
function atomKey(atom: Atom): string | number | boolean {
  return typeof atom === 'object' ? atom.join(' ') : atom;
}

/** A set with that one member, or an empty one. */
export function optionalOf(member: Atom | undefined): Value {
  return ['set', member === undefined ? [] : [member]];
}

/** A map of strings to strings, as operations have it. */
export function mapOf(entries: Readonly<Record<string, string>>): Value {
  return ['map', Object.entries(entries)];
}

/** The members of a set: one alone may stand there as an atom (RFC 7047, section 5.1, `<set>`). */
export function membersOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value[0] !== 'set') return [value];
  if (!Array.isArray(value[1])) throw wrongValue('a set', value);
  return value[1];
}

/** The keys and values of a map. */
export function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (!Array.isArray(value) || value[0] !== 'map' || !Array.isArray(value[1])) {
    throw wrongValue('a map', value);
  }
  const entries: unknown[] = value[1];
  if (!entries.every(isPair)) throw wrongValue('a map', value);
  return entries;
}

function isPair(entry: unknown): entry is readonly [unknown, unknown] {
  return Array.isArray(entry) && entry.length === 2;
}

/** The string that an atom is. @throws OvsdbError `protocol` for anything else */
export function textAtom(value: unknown): string {
  if (typeof value !== 'string') throw wrongValue('a string', value);
  return value;
}

/** The number that an atom is. @throws OvsdbError `protocol` for anything else */
export function numberAtom(value: unknown): number {
  if (typeof value !== 'number') throw wrongValue('a number', value);
  return value;
}

/** The boolean that an atom is. @throws OvsdbError `protocol` for anything else */
export function booleanAtom(value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongValue('true or false', value);
  return value;
}

/** The text of a UUID. */
export function uuidText(value: unknown): string {
  const isUuid = Array.isArray(value) && value[0] === 'uuid' && typeof value[1] === 'string';
  if (!isUuid) throw wrongValue('a UUID', value);
  return value[1];
}

function wrongValue(what: string, value: unknown): OvsdbError {
  return new OvsdbError('protocol', `expected ${what}, and the server sent ${excerpt(value, 100)}`);
}
