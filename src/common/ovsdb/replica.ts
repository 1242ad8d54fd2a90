/**
 * A replica of some columns of some tables of a database, kept up to date by a monitor
 * (RFC 7047, section 4.1.5; ovsdb-server(7), sections 4.1.12 to 4.1.16).
 *
 * The rows of a message take effect together, when it ends. Only the first contents go into the
 * tables as they arrive, since nobody reads those before they are whole. When the contents come again,
 * because the server has forgotten what came since, they are compared with what is there: so whoever
 * follows the changes gets exactly what he has missed.
 */
import { OvsdbError } from './error.ts';
import { availableColumns } from './schema.ts';
import type { Columns, Fields, LiveTable, RowChange, RowOf } from './table.ts';

type Table = LiveTable<Columns>;
type Row = RowOf<Columns>;

/** A change of a row, with the table that it is in. */
export type Change = RowChange<Row> & { readonly table: string };

/** What a message says of a row, when it is to take effect with the others. */
interface Pending {
  readonly table: Table;
  readonly uuid: string;
  /** The row as it is now, differences, or nothing where it is gone. */
  readonly now: { readonly row: Row } | { readonly differences: Fields } | undefined;
}

/** What the server knows of no transaction by: the first contents are all contents. */
const NO_TRANSACTION = '00000000-0000-0000-0000-000000000000';

/** Takes the rows of a monitor's messages, and calls its listeners with what each of them has changed. */
export class Replica {
  readonly #tables: ReadonlyMap<string, Table>;
  #listeners: ((changes: readonly Change[]) => void)[] = [];
  #pending: Pending[] = [];
  /** Rows of contents that come again, which are to take the place of those that are there. */
  #again: Map<Table, Map<string, Row>> | undefined;
  #isWhole = false;
  #lastTransaction = NO_TRANSACTION;
  #followed = '';

  constructor(tables: readonly Table[]) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
  }

  /** Whether all rows have come once. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The last transaction that the rows are of; as `monitor_cond_since` takes it. */
  get lastTransaction(): string {
    return this.#lastTransaction;
  }

  /** Calls back with the changes of each message, when all of them have taken effect. */
  onChange(listener: (changes: readonly Change[]) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * What to ask a monitor for.
   * @param schema of the server that is to be asked
   * @throws OvsdbError `schema`
   */
  monitorRequests(schema: unknown): Readonly<Record<string, unknown>> {
    const requests: Record<string, unknown> = {};
    for (const table of this.#tables.values()) {
      const { wanted, lacking } = availableColumns(schema, table);
      table.lacking = lacking;
      requests[table.name] = [{ columns: wanted }];
    }
    // Rows of other columns are other rows.
    const followed = JSON.stringify(requests);
    if (followed !== this.#followed) this.#lastTransaction = NO_TRANSACTION;
    this.#followed = followed;
    return requests;
  }

  /**
   * A row of a message that has not ended.
   * @param update `<row-update>` or `<row-update2>`
   * @throws OvsdbError `protocol`
   */
  takeRow(tableName: string, uuid: string, update: unknown): void {
    const table = this.#tables.get(tableName);
    if (table === undefined) return;
    const { initial, insert, modify, old, new: now } = objectOf(update);
    if (initial !== undefined) this.#stage(table, table.read(uuid, objectOf(initial)));
    else if (modify !== undefined) {
      this.#pending.push({ table, uuid, now: { differences: objectOf(modify) } });
    } else {
      const whole = insert ?? now;
      const isGone = whole === undefined && (old !== undefined || 'delete' in objectOf(update));
      if (whole === undefined && !isGone)
        throw new OvsdbError('protocol', 'an update of a row says nothing');
      const row = isGone ? undefined : { row: table.read(uuid, objectOf(whole)) };
      this.#pending.push({ table, uuid, now: row });
    }
  }

  /**
   * The answer to the monitor's request has ended.
   * @param found whether its rows are changes since `lastTransaction`, and not all contents
   */
  begin(found: boolean, lastTransaction: string): void {
    if (found) {
      this.#isWhole = true;
      this.commit(lastTransaction);
      return;
    }
    // The older monitor of RFC 7047 sends the first contents as rows that are new.
    const pending = this.#pending;
    this.#pending = [];
    for (const { table, now } of pending) {
      if (now !== undefined && 'row' in now) this.#stage(table, now.row);
    }
    const changes = this.#isWhole ? this.#takeContents() : [];
    this.#again = undefined;
    this.#isWhole = true;
    this.#lastTransaction = lastTransaction;
    this.#notify(changes);
  }

  /** An update has ended: its rows take effect. @throws OvsdbError `protocol` */
  commit(lastTransaction: string): void {
    const pending = this.#pending;
    this.#pending = [];
    // Where one of them is wrong, all contents are asked for again.
    this.#lastTransaction = NO_TRANSACTION;
    const changes = pending.flatMap((each) => this.#apply(each) ?? []);
    this.#lastTransaction = lastTransaction;
    this.#notify(changes);
  }

  /** The connection has ended: what was not whole is nothing. */
  abandon(): void {
    this.#pending = [];
    this.#again = undefined;
    if (this.#isWhole) return;
    for (const table of this.#tables.values()) table.clear();
  }

  #stage(table: Table, row: Row): void {
    if (!this.#isWhole) {
      table.insert(row);
      return;
    }
    this.#again ??= new Map();
    const rows = this.#again.get(table) ?? new Map<string, Row>();
    this.#again.set(table, rows);
    rows.set(row.uuid, row);
  }

  #takeContents(): Change[] {
    return [...this.#tables.values()].flatMap((table) => {
      const fresh = this.#again?.get(table) ?? new Map<string, Row>();
      const gone = [...table.rows.keys()].filter((uuid) => !fresh.has(uuid));
      const pending = [
        ...gone.map((uuid) => ({ table, uuid, now: undefined })),
        ...[...fresh.values()].map((row) => ({ table, uuid: row.uuid, now: { row } })),
      ];
      return pending.flatMap((each) => this.#apply(each) ?? []);
    });
  }

  /** @returns nothing where nothing has changed */
  #apply({ table, uuid, now }: Pending): Change | undefined {
    const row = table.rows.get(uuid);
    if (now === undefined) {
      const gone = table.delete(uuid);
      return gone && { table: table.name, kind: 'delete', row: gone };
    }
    if (row === undefined && 'row' in now) {
      table.insert(now.row);
      return { table: table.name, kind: 'insert', row: now.row };
    }
    if (row === undefined) {
      throw new OvsdbError(
        'protocol',
        `the server changes row ${uuid} of table ${table.name}, which it never sent`,
      );
    }
    const { before, columns } =
      'row' in now ? table.replace(row, now.row) : table.modify(row, now.differences);
    if (columns.length === 0) return undefined;
    return { table: table.name, kind: 'modify', row, before, columns };
  }

  #notify(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const listener of this.#listeners) listener(changes);
  }
}

function objectOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new OvsdbError('protocol', 'an update of a row is no object');
}
