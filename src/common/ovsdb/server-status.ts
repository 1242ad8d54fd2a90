/**
 * Whether a server can be used for a database: it says so in its database `_Server`
 * (ovsdb-server(5)), and tells when that changes.
 */
import { column } from './column.ts';
import { CallError, type Connection } from './connection.ts';
import { OvsdbError } from './error.ts';
import { Replica } from './replica.ts';
import { LiveTable } from './table.ts';

/** By which its updates are told from others. */
export const STATUS_MONITOR = 'status';
/** The name of its one table. */
export const STATUS_TABLE = 'Database';

/**
 * Follows the row that a server has about one database, and throws where the server is of no use for it: no
 * such database, no contact with its cluster, or not its leader where that is needed.
 */
export class ServerStatus {
  readonly #table = new LiveTable(STATUS_TABLE, {
    name: column.string,
    model: column.string,
    connected: column.boolean,
    leader: column.boolean,
  });
  readonly #replica = new Replica([this.#table]);
  readonly #database: string;
  readonly #needsLeader: boolean;

  /** @param needsLeader whether a member of a cluster that does not lead it is of no use */
  constructor(database: string, needsLeader: boolean) {
    this.#database = database;
    this.#needsLeader = needsLeader;
  }

  /** Asks, once for a connection. A server that has no such database serves no cluster. */
  async follow(connection: Connection): Promise<void> {
    const columns = Object.keys(this.#table.columns);
    const params = ['_Server', STATUS_MONITOR, { [STATUS_TABLE]: [{ columns }] }];
    try {
      await connection.call('monitor_cond', params, () => this.#replica.begin(false, ''));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return;
    }
    this.check();
  }

  /** A row of a message that has not ended; it counts from `commit` on. @throws OvsdbError `protocol` */
  takeRow(uuid: string, update: unknown): void {
    this.#replica.takeRow(STATUS_TABLE, uuid, update);
  }

  /** An update has ended. @throws OvsdbError `unreachable` where the server is of no use any more */
  commit(): void {
    this.#replica.commit('');
    this.check();
  }

  /** @throws OvsdbError `unreachable` that says why the server is of no use */
  check(): void {
    const rows = [...this.#table.rows.values()];
    if (rows.length === 0) return;
    const row = rows.find(({ name }) => name === this.#database);
    const why = row === undefined ? 'it has no database of that name' : this.#whyNot(row);
    if (why !== undefined) throw new OvsdbError('unreachable', why);
  }

  #whyNot({ model, connected, leader }: { model: string; connected: boolean; leader: boolean }) {
    if (model !== 'clustered') return undefined;
    if (!connected) return 'it has no contact with most members of its cluster';
    return leader || !this.#needsLeader ? undefined : 'it does not lead its cluster';
  }
}
