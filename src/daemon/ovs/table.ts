/**
 * One table of OVS's database as it is followed: its rows, waits for what they are to be, and whether
 * they are up to date. Rows arrive by the session (session.ts); the table never asks.
 */
import { Condition } from '../../common/concurrency/condition.ts';
import type { Wait } from '../call/waiting.ts';

/** The wait for `synced`. */
export const OVS_ROWS: Wait = {
  what: "OVS's rows",
  lookAt: 'whether ovsdb-server runs and br-int exists on this node',
  stage: 'configure-nic',
};

/** Where a table's rows are. */
export interface TableSource<R> {
  readonly rows: ReadonlyMap<string, R>;
  named(name: string): R | undefined;
  /** Whether changes arrive. */
  isLive(): boolean;
}

/** The rows of one table of OVS, by UUID and by name, and waits for a state of them. */
export class OvsTable<R> {
  readonly #source: TableSource<R>;
  readonly #condition = new Condition();
  #onRow: (row: R) => void = () => {};
  #onLive: () => void = () => {};
  #isSynced = false;

  constructor(source: TableSource<R>) {
    this.#source = source;
  }

  /** Rows by UUID. */
  get rows(): ReadonlyMap<string, R> {
    return this.#source.rows;
  }

  /** The row of that name. */
  named(name: string): R | undefined {
    return this.#source.named(name);
  }

  /** Calls back with each row that came or changed, from now on; there is one listener. */
  onRow(listener: (row: R) => void): void {
    this.#onRow = listener;
  }

  /**
   * Calls back each time that the rows are those of the database again, after an outage: rows that have not
   * changed meanwhile are not reported. There is one listener.
   */
  onLive(listener: () => void): void {
    this.#onLive = listener;
  }

  /**
   * Evaluates now and after every change until there is a result.
   * @throws what `evaluate` throws; `signal.reason` when aborted
   */
  until<T>(evaluate: () => T | undefined, signal: AbortSignal): Promise<T> {
    return this.#condition.until(evaluate, signal);
  }

  /**
   * True while changes arrive. An ovsdb-server that hangs is found out when it has said nothing for a
   * while, not even to an echo.
   */
  get isLive(): boolean {
    return this.#source.isLive();
  }

  /**
   * Resolves once the whole table arrived. A table without rows says nothing: it is not synced
   * before it has one.
   */
  async synced(signal: AbortSignal): Promise<void> {
    await this.until(() => this.#isSynced || undefined, signal);
  }

  /** @internal Rows that came or changed with one message; all of them have taken effect. */
  changed(rows: readonly R[]): void {
    this.#isSynced ||= this.#source.isLive() && this.#source.rows.size > 0;
    for (const row of rows) this.#onRow(row);
    this.#condition.check();
  }

  /** @internal The rows have become those of the database; the first contents are no changes. */
  becameLive(): void {
    this.changed([]);
    this.#onLive();
  }
}
