/**
 * A live copy of some columns of one table of the Open_vSwitch database, fed by a long-running
 * `ovsdb-client monitor` (RFC 7047, section 4.1.6). It never asks: rows arrive.
 *
 * When ovsdb-server goes away the client exits; the copy is kept, a new client is started with
 * a growing pause, and its first message replaces the copy.
 */

import { Condition } from '../../common/concurrency/condition.ts';
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { startLineMonitor } from '../../common/process/line-monitor.ts';
import { parseTable } from '../../common/process/output.ts';
import type { Wait } from '../call/waiting.ts';

/** A value of a column: OVSDB's maps as objects, sets of one as the value, empty sets as null. */
export type Value = string | number | boolean | null | readonly Value[] | { [key: string]: string };
export type Row = Readonly<Record<string, Value>>;

/** The wait for `synced`. */
export const OVS_ROWS: Wait = {
  what: "OVS's rows",
  lookAt: 'whether ovsdb-server runs and br-int exists on this node',
  stage: 'configure-nic',
};

const RESTART_PAUSE_MIN_MS = 100;
const RESTART_PAUSE_MAX_MS = 5000;

export class OvsTable {
  readonly #args: readonly string[];
  readonly #outage: Outage;
  readonly #condition = new Condition();
  #onRow: (row: Row) => void = () => {};
  #rows = new Map<string, Row>();
  /** UUIDs by the column `name`, which every table here has and which is unique in it. */
  #uuids = new Map<Value | undefined, string>();
  #stopMonitor: (() => void) | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = RESTART_PAUSE_MIN_MS;
  #isSynced = false;
  #isLive = false;

  /**
   * @param options.database an OVSDB remote, like `unix:/run/openvswitch/db.sock`
   * @param options.columns `name` among them
   */
  constructor(options: {
    database: string;
    table: string;
    columns: readonly string[];
    log: Logger;
  }) {
    const { database, table, columns, log } = options;
    this.#outage = new Outage(log, {
      fields: { table },
      lost: "rows of OVS may be out of date: lost touch with OVS's database, trying again",
      back: "rows of OVS are up to date again: back in touch with OVS's database",
    });
    this.#args = ['--format=json', 'monitor', database, 'Open_vSwitch', table, columns.join(',')];
  }

  /** Rows by UUID. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  /** The row of that name, with its UUID. */
  named(name: string): readonly [uuid: string, row: Row] | undefined {
    const uuid = this.#uuids.get(name);
    const row = uuid === undefined ? undefined : this.#rows.get(uuid);
    return uuid === undefined || row === undefined ? undefined : [uuid, row];
  }

  /** Calls back with each row that came or changed, from now on; there is one listener. */
  onRow(listener: (row: Row) => void): void {
    this.#onRow = listener;
  }

  start(): void {
    let isFirst = true;
    this.#stopMonitor = startLineMonitor('ovsdb-client', this.#args, {
      line: (line) => {
        this.#receive(line, isFirst);
        this.#pauseMs = RESTART_PAUSE_MIN_MS;
        isFirst = false;
        this.#outage.end(performance.now());
      },
      end: (reason) => {
        this.#isLive = false;
        this.#outage.begin(reason);
        this.#startAgain();
      },
    });
  }

  stop(): void {
    clearTimeout(this.#restart);
    this.#stopMonitor?.();
  }

  /**
   * Evaluates now and after every change until there is a result.
   * @throws what `evaluate` throws; `signal.reason` when aborted
   */
  until<T>(evaluate: () => T | undefined, signal: AbortSignal): Promise<T> {
    return this.#condition.until(evaluate, signal);
  }

  /**
   * True while changes arrive: the whole table came and the client runs. An ovsdb-server that
   * hangs does not end its client.
   */
  get isLive(): boolean {
    return this.#isLive;
  }

  /**
   * Resolves once the whole table arrived. A table without rows says nothing: it is not synced
   * before it has one.
   */
  async synced(signal: AbortSignal): Promise<void> {
    await this.until(() => this.#isSynced || undefined, signal);
  }

  #receive(line: string, isFirst: boolean): void {
    const update = parseTable('ovsdb-client', line);
    const columns = update.headings.slice(2);
    if (isFirst) {
      this.#rows = new Map();
      this.#uuids = new Map();
    }
    let uuid = '';
    for (const [row, action, ...values] of update.data) {
      // A change is two rows, `old` then `new`, and only the first has the UUID.
      uuid = row === '' ? uuid : String(row);
      if (action === 'delete') this.#remove(uuid);
      else if (action !== 'old') this.#put(uuid, toRow(columns, values));
    }
    this.#isSynced = true;
    this.#isLive = true;
    this.#condition.check();
  }

  #put(uuid: string, row: Row): void {
    this.#rows.set(uuid, row);
    this.#uuids.set(row.name, uuid);
    this.#onRow(row);
  }

  #remove(uuid: string): void {
    const name = this.#rows.get(uuid)?.name;
    this.#rows.delete(uuid);
    // A row of the same name may have come in the same change.
    if (this.#uuids.get(name) === uuid) this.#uuids.delete(name);
  }

  #startAgain(): void {
    this.#restart = setTimeout(() => this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, RESTART_PAUSE_MAX_MS);
  }
}

export function toRow(columns: readonly string[], values: readonly unknown[]): Row {
  const row: Record<string, Value> = {};
  columns.forEach((column, index) => {
    row[column] = toValue(values[index]);
  });
  return row;
}

/** RFC 7047, section 5.1: `["map", [[k, v], …]]`, `["set", [v, …]]`, `["uuid", u]`, or an atom. */
export function toValue(value: unknown): Value {
  if (!Array.isArray(value)) return value as Value;
  const [kind, content] = value as [string, unknown];
  if (kind === 'map') {
    const entries = content as [string | number, unknown][];
    return Object.fromEntries(entries.map(([key, member]) => [key, String(toValue(member))]));
  }
  if (kind === 'uuid') return content as string;
  const members = (content as unknown[]).map(toValue);
  return members.length === 0 ? null : members;
}
