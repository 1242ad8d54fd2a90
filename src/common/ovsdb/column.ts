/**
 * The types of columns: how a value is read, what it is where nothing was sent, and how a difference
 * is applied to it.
 *
 * `monitor_cond` leaves columns out of a new row that have their default, and sends differences of
 * those that changed (ovsdb-server(7), section 4.1.14): of a set the members that came or went; of a
 * map the keys that came or changed, with their new values, and those that went, with the old ones;
 * of anything else the new value.
 */
import {
  type Atom,
  booleanAtom,
  entriesOf,
  mapOf,
  membersOf,
  numberAtom,
  optionalOf,
  setOf,
  textAtom,
  uuidAtom,
  uuidText,
  type Value,
} from './value.ts';

/** A map of strings to strings, such as `external_ids`. */
export type StringMap = Readonly<Record<string, string>>;

/** One type of column, and how its values go between JSON (RFC 7047, section 5.1) and TypeScript's `T`. */
export interface Column<T> {
  /** The type that the schema must say (RFC 7047, section 3.2, `<type>`). */
  readonly type: ColumnType;
  /** Whether the schema of an older version may lack it: then each row has the default. */
  readonly mayLack: boolean;
  /** The default. */
  empty(): T;
  /** @throws OvsdbError `protocol` for a value of another type */
  read(value: unknown): T;
  /** @throws OvsdbError likewise */
  withDifference(before: T, difference: unknown): T;
  /** A value as operations of a transaction have it. */
  write(value: T): Value;
}

/** A type as a schema says it (RFC 7047, section 3.2, `<type>`). */
export interface ColumnType {
  readonly atom: 'string' | 'integer' | 'boolean' | 'uuid';
  readonly shape: 'one' | 'optional' | 'set' | 'map';
  /** Of a map, the type of its values where that is another one than its keys'. */
  readonly value?: 'uuid';
}

const NO_MEMBERS: readonly string[] = [];
const NO_ENTRIES: StringMap = {};

function one<T extends Atom>(
  atom: ColumnType['atom'],
  empty: T,
  read: (value: unknown) => T,
): Column<T> {
  return {
    type: { atom, shape: 'one' },
    mayLack: false,
    empty: () => empty,
    read,
    withDifference: (_, difference) => read(difference),
    write: (value) => value,
  };
}

function optional<T>(
  atom: ColumnType['atom'],
  readAtom: (value: unknown) => T,
  atomOf: (value: T) => Atom,
): Column<T | undefined> {
  const read = (value: unknown) => {
    const [member] = membersOf(value);
    return member === undefined ? undefined : readAtom(member);
  };
  return {
    type: { atom, shape: 'optional' },
    mayLack: false,
    empty: () => undefined,
    read,
    withDifference: (_, difference) => read(difference),
    write: (value) => optionalOf(value === undefined ? undefined : atomOf(value)),
  };
}

function set(
  atom: ColumnType['atom'],
  readAtom: (value: unknown) => string,
  atomOf: (value: string) => Atom,
): Column<readonly string[]> {
  const read = (value: unknown) => {
    const members = membersOf(value);
    return members.length === 0 ? NO_MEMBERS : members.map(readAtom);
  };
  return {
    type: { atom, shape: 'set' },
    mayLack: false,
    empty: () => NO_MEMBERS,
    read,
    withDifference(before, difference) {
      const members = new Set(before);
      for (const member of read(difference)) if (!members.delete(member)) members.add(member);
      return [...members];
    },
    write: (members) => setOf(members.map(atomOf)),
  };
}

/** Changed in place, so that one member that comes does not cost a copy of all. */
function many(
  atom: ColumnType['atom'],
  readAtom: (value: unknown) => string,
  atomOf: (value: string) => Atom,
): Column<ReadonlySet<string>> {
  const read = (value: unknown) => new Set(membersOf(value).map(readAtom));
  return {
    type: { atom, shape: 'set' },
    mayLack: false,
    empty: () => new Set<string>(),
    read,
    withDifference(before, difference) {
      const members = before as Set<string>;
      for (const member of read(difference)) if (!members.delete(member)) members.add(member);
      return members;
    },
    write: (members) => setOf([...members].map(atomOf)),
  };
}

/** The keys of a map are text here, whatever they are in the database. */
function map(
  type: ColumnType,
  readKey: (key: unknown) => string,
  readValue: (value: unknown) => string,
  write: (value: StringMap) => Value,
): Column<StringMap> {
  const read = (value: unknown) => {
    const entries = entriesOf(value);
    if (entries.length === 0) return NO_ENTRIES;
    return Object.fromEntries(entries.map(([key, each]) => [readKey(key), readValue(each)]));
  };
  return {
    type,
    mayLack: false,
    empty: () => NO_ENTRIES,
    read,
    withDifference(before, difference) {
      const result = new Map(Object.entries(before));
      for (const [key, value] of Object.entries(read(difference))) {
        if (result.get(key) === value) result.delete(key);
        else result.set(key, value);
      }
      return Object.fromEntries(result);
    },
    write,
  };
}

const asIs = <T extends Atom>(value: T): Atom => value;

/** The types of columns that programs here follow. */
export const column = {
  string: one('string', '', textAtom),
  integer: one('integer', 0, numberAtom),
  boolean: one('boolean', false, booleanAtom),
  optionalString: optional('string', textAtom, asIs),
  optionalInteger: optional('integer', numberAtom, asIs),
  optionalUuid: optional('uuid', uuidText, uuidAtom),
  strings: set('string', textAtom, asIs),
  uuids: set('uuid', uuidText, uuidAtom),
  /** Integers as texts. */
  integers: set('integer', (value) => String(numberAtom(value)), Number),
  /** Sets with very many members. */
  manyStrings: many('string', textAtom, asIs),
  manyUuids: many('uuid', uuidText, uuidAtom),
  map: map({ atom: 'string', shape: 'map' }, textAtom, textAtom, mapOf),
  /** UUIDs by integers. */
  uuidsByNumber: map(
    { atom: 'integer', shape: 'map', value: 'uuid' },
    (key) => String(numberAtom(key)),
    uuidText,
    (rows) => ['map', Object.entries(rows).map(([key, uuid]) => [Number(key), uuidAtom(uuid)])],
  ),
} as const;

/** The same column where an older version of the schema may lack it. */
export function mayLack<T>(type: Column<T>): Column<T> {
  return { ...type, mayLack: true };
}

/** Whether two values of a column are the same; the order of a set's members says nothing. */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  if (Array.isArray(one) || one instanceof Set) {
    const members = new Set(one);
    const others = new Set(other as Iterable<unknown>);
    return members.size === others.size && [...others].every((each) => members.has(each));
  }
  const [entries, others] = [one ?? {}, other ?? {}].map((map) => new Map(Object.entries(map)));
  if (entries === undefined || others === undefined || entries.size !== others.size) return false;
  return [...entries].every(([key, value]) => others.get(key) === value);
}
