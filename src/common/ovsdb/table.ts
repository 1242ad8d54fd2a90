/**
 * A replica of some columns of one table. Whoever reads it sees what the last message from the
 * server left; the replica (replica.ts) is the only one that changes it.
 */
import { type Column, isSameValue } from './column.ts';
import { OvsdbError } from './error.ts';
import { IndexBy } from './index-by.ts';

/** Columns by their names in the schema. */
export type Columns = Readonly<Record<string, Column<unknown>>>;

/** A row: an object that stays the same for as long as the row is there, with the values of now. */
export type RowOf<C extends Columns> = { readonly uuid: string } & {
  readonly [Name in keyof C]: C[Name] extends Column<infer T> ? T : never;
};

/** What a message has done to a row. */
export type RowChange<R> =
  | { readonly kind: 'insert' | 'delete'; readonly row: R }
  /** @property before the values that the row had, but for sets with very many members */
  | {
      readonly kind: 'modify';
      readonly row: R;
      readonly before: R;
      readonly columns: readonly string[];
    };

/** Values by column, as they came. */
export type Fields = Readonly<Record<string, unknown>>;

/** How an index follows a table. */
interface Follower<R> {
  added(row: R): void;
  removed(row: R): void;
  changed(before: R, row: R, changes: ReadonlyMap<string, unknown>): void;
  clear(): void;
}

/**
 * One table of a replica: its rows by UUID, and indexes of them. Rows change in place, so that whoever keeps
 * one sees its values of now.
 */
export class LiveTable<C extends Columns> {
  /** Its name in the schema. */
  readonly name: string;
  readonly columns: C;
  readonly #rows = new Map<string, RowOf<C>>();
  readonly #followers: Follower<RowOf<C>>[] = [];
  #lacking: ReadonlySet<string> = new Set();

  constructor(name: string, columns: C) {
    this.name = name;
    this.columns = columns;
  }

  /** Rows by UUID. */
  get rows(): ReadonlyMap<string, RowOf<C>> {
    return this.#rows;
  }

  /** Whether the database has a column; one that it lacks has the default in each row. */
  has(column: keyof C & string): boolean {
    return !this.#lacking.has(column);
  }

  /** @internal Columns that the schema of the server lacks. */
  set lacking(columns: ReadonlySet<string>) {
    this.#lacking = columns;
  }

  /** Finds rows by keys that are made of their values; to be asked for before there are rows. */
  index(keysOf: (row: RowOf<C>) => readonly string[]): (key: string) => readonly RowOf<C>[] {
    const index = new IndexBy<RowOf<C>>();
    const added = (row: RowOf<C>) => {
      for (const key of keysOf(row)) index.add(key, row);
    };
    this.#followers.push({
      added,
      removed: (row) => {
        for (const key of keysOf(row)) index.remove(key, row);
      },
      changed: (before, row) => {
        for (const key of keysOf(before)) index.remove(key, row);
        added(row);
      },
      clear: () => index.clear(),
    });
    return (key) => index.get(key);
  }

  /** Finds rows by the members of a set with very many; likewise. */
  indexOfMembers(name: keyof C & string): (member: string) => readonly RowOf<C>[] {
    const index = new IndexBy<RowOf<C>>();
    const membersOf = (row: RowOf<C>) => row[name] as ReadonlySet<string>;
    this.#followers.push({
      added: (row) => {
        for (const member of membersOf(row)) index.add(member, row);
      },
      removed: (row) => {
        for (const member of membersOf(row)) index.remove(member, row);
      },
      changed: (_, row, changes) => {
        const members = membersOf(row);
        for (const member of (changes.get(name) as readonly string[] | undefined) ?? []) {
          if (members.has(member)) index.add(member, row);
          else index.remove(member, row);
        }
      },
      clear: () => index.clear(),
    });
    return (member) => index.get(member);
  }

  /** @internal A row as the server sends it whole. @throws OvsdbError `protocol` */
  read(uuid: string, fields: Fields): RowOf<C> {
    const row: Record<string, unknown> = { uuid };
    for (const [name, column] of Object.entries(this.columns)) {
      const value = fields[name];
      row[name] =
        value === undefined ? column.empty() : this.#checked(uuid, name, () => column.read(value));
    }
    return row as RowOf<C>;
  }

  /** @internal */
  insert(row: RowOf<C>): void {
    this.#rows.set(row.uuid, row);
    for (const follower of this.#followers) follower.added(row);
  }

  /** @internal @returns the row that was there */
  delete(uuid: string): RowOf<C> | undefined {
    const row = this.#rows.get(uuid);
    if (row === undefined) return undefined;
    this.#rows.delete(uuid);
    for (const follower of this.#followers) follower.removed(row);
    return row;
  }

  /**
   * @internal Applies differences to a row that is there.
   * @returns what the row was, and the columns that changed
   * @throws OvsdbError `protocol`
   */
  modify(row: RowOf<C>, differences: Fields): { before: RowOf<C>; columns: readonly string[] } {
    const before = { ...row };
    const changes = new Map<string, unknown>();
    for (const [name, difference] of Object.entries(differences)) {
      const column = this.columns[name];
      if (column === undefined) continue;
      const { uuid } = row;
      const change = () => column.withDifference(before[name], difference);
      // A set that is changed in place does not say what has changed: its difference does.
      changes.set(
        name,
        this.#checked(uuid, name, () => toggled(column, difference)),
      );
      (row as Record<string, unknown>)[name] = this.#checked(uuid, name, change);
    }
    for (const follower of this.#followers) follower.changed(before, row, changes);
    return { before, columns: [...changes.keys()] };
  }

  /**
   * @internal Gives a row that is there the values of another.
   * @returns as `modify`
   */
  replace(row: RowOf<C>, fresh: RowOf<C>): { before: RowOf<C>; columns: readonly string[] } {
    const before = { ...row };
    const changes = new Map<string, unknown>();
    const [old, now] = [before, fresh] as Record<string, unknown>[];
    for (const name of Object.keys(this.columns)) {
      if (isSameValue(old?.[name], now?.[name])) continue;
      changes.set(name, symmetricDifference(old?.[name], now?.[name]));
      (row as Record<string, unknown>)[name] = now?.[name];
    }
    for (const follower of this.#followers) follower.changed(before, row, changes);
    return { before, columns: [...changes.keys()] };
  }

  /** @internal */
  clear(): void {
    this.#rows.clear();
    for (const follower of this.#followers) follower.clear();
  }

  /** @throws OvsdbError that says which value of which row is wrong */
  #checked<T>(uuid: string, name: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof OvsdbError)) throw error;
      const where = `column ${name} of row ${uuid} of table ${this.name}`;
      throw new OvsdbError(error.reason, `${where}: ${error.message}`);
    }
  }
}

function toggled(column: Column<unknown>, difference: unknown): readonly unknown[] | undefined {
  const value = column.read(difference);
  return value instanceof Set ? [...value] : undefined;
}

/** What one of two sets has and the other has not; undefined for anything else. */
function symmetricDifference(one: unknown, other: unknown): readonly unknown[] | undefined {
  if (!(one instanceof Set) || !(other instanceof Set)) return undefined;
  const gone = [...one].filter((member) => !other.has(member));
  return [...gone, ...[...other].filter((member) => !one.has(member))];
}
