/**
 * A live copy of some columns of one table of the Open_vSwitch database, fed by a long-running
 * `ovsdb-client monitor` (RFC 7047, section 4.1.6). It never asks: rows arrive.
 *
 * When ovsdb-server goes away the client exits; the copy is kept, a new client is started with
 * a growing pause, and its first message replaces the copy.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Logger, messageOf } from '../error.ts';
import { Waits } from '../process/waits.ts';

/** A value of a column: OVSDB's maps as objects, sets of one as the value, empty sets as null. */
export type Value = string | number | boolean | null | readonly Value[] | { [key: string]: string };
export type Row = Readonly<Record<string, Value>>;

const RESTART_PAUSE_MIN_MS = 100;
const RESTART_PAUSE_MAX_MS = 5000;

export class OvsTable {
  readonly #args: readonly string[];
  readonly #table: string;
  readonly #log: Logger;
  readonly #waits = new Waits();
  #rows = new Map<string, Row>();
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = RESTART_PAUSE_MIN_MS;
  #isStopped = false;
  #isSynced = false;

  /** @param database an OVSDB remote, like `unix:/run/openvswitch/db.sock` */
  constructor(options: {
    database: string;
    table: string;
    columns: readonly string[];
    log: Logger;
  }) {
    const { database, table, columns, log } = options;
    this.#table = table;
    this.#log = log;
    this.#args = ['--format=json', 'monitor', database, 'Open_vSwitch', table, columns.join(',')];
  }

  /** True once the whole table arrived. A table without rows says nothing and is not synced. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Rows by UUID. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  start(): void {
    // It dies with us, also when we are killed: by itself it would notice at the next change.
    const words = ['--pdeathsig', 'KILL', 'ovsdb-client', ...this.#args];
    this.#child = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    let isFirst = true;
    lines.on('line', (line) => {
      this.#pauseMs = RESTART_PAUSE_MIN_MS;
      this.#receive(line, isFirst);
      isFirst = false;
    });
    let stderr = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-500);
    });
    this.#child.on('error', (error) => this.#startAgain(messageOf(error)));
    this.#child.on('close', () => this.#startAgain(stderr.trim()));
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    this.#child?.kill();
  }

  /**
   * Evaluates now and after every change until there is a result.
   * @throws what `evaluate` throws; `signal.reason` when aborted
   */
  until<T>(evaluate: () => T | undefined, signal: AbortSignal): Promise<T> {
    return this.#waits.until(evaluate, signal);
  }

  /** Resolves once the whole table arrived. */
  async synced(signal: AbortSignal): Promise<void> {
    await this.until(() => this.#isSynced || undefined, signal);
  }

  #receive(line: string, isFirst: boolean): void {
    const update = JSON.parse(line) as { headings: string[]; data: unknown[][] };
    const rows = isFirst ? new Map<string, Row>() : this.#rows;
    let uuid = '';
    for (const [row, action, ...values] of update.data) {
      // A change is two rows, `old` then `new`, and only the first has the UUID.
      uuid = row === '' ? uuid : String(row);
      if (action === 'delete') rows.delete(uuid);
      else if (action !== 'old') rows.set(uuid, toRow(update.headings.slice(2), values));
    }
    this.#rows = rows;
    if (isFirst && !this.#isSynced) this.#isSynced = true;
    this.#waits.check();
  }

  #startAgain(reason: string): void {
    if (this.#isStopped || this.#restart !== undefined) return;
    const pauseMs = this.#pauseMs;
    this.#log.warn(
      { table: this.#table, reason, pauseMs },
      'OVS rows: the monitor ended, starting it again',
    );
    this.#pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MAX_MS);
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.start();
    }, pauseMs);
  }
}

function toRow(columns: readonly string[], values: readonly unknown[]): Row {
  const row: Record<string, Value> = {};
  columns.forEach((column, index) => {
    row[column] = toValue(values[index]);
  });
  return row;
}

/** RFC 7047, section 5.1: `["map", [[k, v], …]]`, `["set", [v, …]]`, `["uuid", u]`, or an atom. */
function toValue(value: unknown): Value {
  if (!Array.isArray(value)) return value as Value;
  const [kind, content] = value as [string, unknown];
  if (kind === 'map') return Object.fromEntries(content as [string, string][]);
  if (kind === 'uuid') return content as string;
  const members = (content as unknown[]).map(toValue);
  return members.length === 0 ? null : members;
}
