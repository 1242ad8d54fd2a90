/**
 * A transaction of the northbound database while it is put together: operations of OVSDB (RFC 7047,
 * section 5.2).
 *
 * Rows that are there are named by UUID, since switches and routers can share a name. Whatever
 * changes or removes a row asserts by `wait` that it is still the one that the plan was made for: with
 * its name, and with the marks of whose it is. So a plan that was made of old rows is refused, and
 * made anew.
 */

import {
  expectNone,
  expectRow,
  type Mutation,
  type Operation,
  type Row,
  type WaitOperation,
  type Where,
  whereUuid,
} from '../../common/ovsdb/operation.ts';
import type { Columns } from '../../common/ovsdb/table.ts';
import { type Atom, mapOf, setOf, uuidAtom, type Value } from '../../common/ovsdb/value.ts';
import type { Claims } from './claims.ts';
import { COLUMNS, type Ids, type TableName } from './rows.ts';

/** What a planner has come to: one transaction, or nothing. */
export interface Plan {
  /** What the transaction asserts; all of it holds before the first operation. */
  readonly waits: readonly WaitOperation[];
  /** None where there is nothing to do. */
  readonly operations: readonly Operation[];
  /** Rows that would go, were it not for what others have attached to them; for people. */
  readonly kept: readonly string[];
  /** What the plan relies on; nothing where there is nothing to do. */
  readonly claims: Claims;
}

/** A row that is there. */
interface Known {
  readonly uuid: string;
}

/**
 * Collects the operations of one plan. Methods that name a row assert that it is still the one that was read.
 */
export interface TransactionBuilder {
  /** @returns what the row is called in columns of other rows of this transaction */
  create(table: TableName, row: Row): string;
  /** A row that others are attached to; made by `done` if there is none. */
  parent(table: TableName, row: Known | undefined, columns: Row): Parent;
  /** Sets whole columns. */
  set(table: TableName, row: Known, columns: Row): void;
  /** The same, where the row is still there, whatever it has become. */
  setIfThere(table: TableName, row: Known, columns: Row): void;
  /** Sets keys of a map; its other keys stay. */
  setKeys(table: TableName, row: Known, column: string, entries: Ids): void;
  removeKeys(table: TableName, row: Known, column: string, keys: readonly string[]): void;
  /** Adds members to a set. */
  add(table: TableName, row: Known, column: string, members: readonly Atom[]): void;
  remove(table: TableName, row: Known, column: string, members: readonly Atom[]): void;
  destroy(table: TableName, row: Known): void;
  /** Asserts that columns of a row are still what they are now. */
  assume(table: TableName, row: Known, ...columns: readonly string[]): void;
  /** Asserts that there is no such row. */
  assumeNone(table: TableName, where: Where): void;
  keep(what: string): void;
  /** The plan is made with no other that relies on this. */
  claim(what: string): void;
  /** The plan relies on this, as others may. */
  share(what: string): void;
  done(): Plan;
}

/** A row to whose sets others are added: one that is there, or one that this transaction makes. */
export interface Parent {
  /** Adds members to a set. */
  attach(column: string, members: readonly Atom[]): void;
  /** Only what is attached to a row that is there can be detached. */
  detach(column: string, members: readonly Atom[]): void;
}

/** What one row that is there is changed to. */
interface RowChange {
  readonly table: TableName;
  readonly uuid: string;
  readonly columns: Record<string, Value>;
  readonly mutations: Mutation[];
}

/** Rows of all plans have names of their own, so that plans can share a transaction. */
let created = 0;

/** Begins an empty transaction. */
export function newTransactionBuilder(): TransactionBuilder {
  return new OperationBuilder();
}

class OperationBuilder implements TransactionBuilder {
  readonly #waits = new Map<string, WaitOperation>();
  readonly #inserts: Operation[] = [];
  readonly #changes = new Map<string, RowChange>();
  readonly #loose: Operation[] = [];
  readonly #deletes: Operation[] = [];
  readonly #kept: string[] = [];
  readonly #claims = new Map<string, 'alone' | 'shared'>();
  readonly #unfinished: (() => void)[] = [];

  create(table: TableName, row: Row): string {
    created += 1;
    const name = `row${created}`;
    this.#inserts.push({ op: 'insert', table, row, 'uuid-name': name });
    return name;
  }

  parent(table: TableName, row: Known | undefined, columns: Row): Parent {
    if (row !== undefined) {
      return {
        attach: (column, members) => this.add(table, row, column, members),
        detach: (column, members) => this.remove(table, row, column, members),
      };
    }
    const children = new Map<string, readonly Atom[]>();
    this.#unfinished.push(() => {
      const sets = [...children].map(([column, members]) => [column, setOf(members)] as const);
      this.create(table, { ...columns, ...Object.fromEntries(sets) });
    });
    return {
      attach: (column, members) =>
        void children.set(column, [...(children.get(column) ?? []), ...members]),
      detach: () => {},
    };
  }

  set(table: TableName, row: Known, columns: Row): void {
    if (Object.keys(columns).length > 0) Object.assign(this.#change(table, row).columns, columns);
  }

  setIfThere(table: TableName, row: Known, columns: Row): void {
    this.#loose.push({ op: 'update', table, where: whereUuid(row.uuid), row: columns });
  }

  setKeys(table: TableName, row: Known, column: string, entries: Ids): void {
    const keys = Object.keys(entries);
    if (keys.length === 0) return;
    // What is inserted takes no other value's place (RFC 7047, section 5.1, `<mutation>`).
    this.#change(table, row).mutations.push(
      [column, 'delete', setOf(keys)],
      [column, 'insert', mapOf(entries)],
    );
  }

  removeKeys(table: TableName, row: Known, column: string, keys: readonly string[]): void {
    this.#mutate(table, row, column, 'delete', keys);
  }

  add(table: TableName, row: Known, column: string, members: readonly Atom[]): void {
    this.#mutate(table, row, column, 'insert', members);
  }

  remove(table: TableName, row: Known, column: string, members: readonly Atom[]): void {
    this.#mutate(table, row, column, 'delete', members);
  }

  destroy(table: TableName, row: Known): void {
    this.#assumeIdentity(table, row);
    this.#deletes.push({ op: 'delete', table, where: whereUuid(row.uuid) });
  }

  assume(table: TableName, row: Known, ...columns: readonly string[]): void {
    const types: Columns = COLUMNS[table];
    const values = row as unknown as Readonly<Record<string, unknown>>;
    const written = columns.flatMap((name) => {
      const type = types[name];
      return type === undefined ? [] : [[name, type.write(values[name])] as const];
    });
    const wait = expectRow(table, whereUuid(row.uuid), Object.fromEntries(written));
    this.#waits.set(`${row.uuid} ${columns.join(' ')}`, wait);
  }

  assumeNone(table: TableName, where: Where): void {
    this.#waits.set(JSON.stringify([table, where]), expectNone(table, where));
  }

  keep(what: string): void {
    this.#kept.push(what);
  }

  claim(what: string): void {
    this.#claims.set(what, 'alone');
  }

  share(what: string): void {
    if (!this.#claims.has(what)) this.#claims.set(what, 'shared');
  }

  done(): Plan {
    for (const finish of this.#unfinished) finish();
    const changes = [...this.#changes.values()].flatMap(operationsOf);
    const operations = [...this.#inserts, ...changes, ...this.#loose, ...this.#deletes];
    const kept = this.#kept;
    if (operations.length === 0) return { waits: [], operations, kept, claims: new Map() };
    return { waits: [...this.#waits.values()], operations, kept, claims: this.#claims };
  }

  #mutate(
    table: TableName,
    row: Known,
    column: string,
    mutator: 'insert' | 'delete',
    members: readonly Atom[],
  ): void {
    if (members.length === 0) return;
    this.#change(table, row).mutations.push([column, mutator, setOf(members)]);
  }

  #change(table: TableName, row: Known): RowChange {
    const { uuid } = row;
    const known = this.#changes.get(uuid);
    if (known !== undefined) return known;
    this.#assumeIdentity(table, row);
    const change: RowChange = { table, uuid, columns: {}, mutations: [] };
    this.#changes.set(uuid, change);
    return change;
  }

  #assumeIdentity(table: TableName, row: Known): void {
    const columns: Columns = COLUMNS[table];
    const hasName = columns.name?.type.shape === 'one';
    this.assume(table, row, ...(hasName ? ['name'] : []), 'external_ids');
  }
}

function operationsOf({ table, uuid, columns, mutations }: RowChange): Operation[] {
  const where = whereUuid(uuid);
  return [
    ...(Object.keys(columns).length === 0
      ? []
      : [{ op: 'update', table, where, row: columns } as const]),
    ...(mutations.length === 0 ? [] : [{ op: 'mutate', table, where, mutations } as const]),
  ];
}

const UUID = /^[0-9a-f]{8}-/;

/** What refers to a row: one that is there by its UUID, or one of this transaction as `create` called it. */
export function rowAtom(reference: string): Atom {
  return UUID.test(reference) ? uuidAtom(reference) : ['named-uuid', reference];
}

/**
 * Brings keys of a map to their values, and takes away those that are not wanted; whatever else
 * is in the map stays.
 * @param isManaged whether a key that is not wanted is to go
 */
export function correctMap<R extends Known & { readonly [Name in C]: Ids }, C extends string>(
  builder: TransactionBuilder,
  { table, row, column }: { readonly table: TableName; readonly row: R; readonly column: C },
  wanted: Ids,
  isManaged: (key: string) => boolean = () => false,
): void {
  const found: Ids = row[column];
  const wrong = Object.entries(wanted).filter(([key, value]) => found[key] !== value);
  builder.setKeys(table, row, column, Object.fromEntries(wrong));
  const surplus = Object.keys(found).filter((key) => !(key in wanted) && isManaged(key));
  builder.removeKeys(table, row, column, surplus);
}

/** Whether two lists hold the same, each once, in whatever order. */
export function isSameSet(one: Iterable<string>, other: readonly string[]): boolean {
  const members = new Set(one);
  return members.size === new Set(other).size && other.every((value) => members.has(value));
}
