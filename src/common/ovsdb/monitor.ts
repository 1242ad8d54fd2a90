/**
 * Follows the tables of a replica on one connection, by the newest of the three monitors that the
 * server knows: `monitor_cond_since`, which goes on from the last transaction, `monitor_cond`, and
 * the `monitor` of RFC 7047.
 */
import { CallError, type Connection } from './connection.ts';
import { excerpt, OvsdbError } from './error.ts';
import type { Replica } from './replica.ts';

/** The `<json-value>` by which updates of the rows are told from others (RFC 7047, section 4.1.5). */
export const ROWS_MONITOR = 'rows';

/** For servers that say of no transaction what it is called. */
const NO_NAME = '00000000-0000-0000-0000-000000000000';

/**
 * Resolves when all rows have come.
 * @param schema the server's
 * @throws OvsdbError
 */
export async function monitorRows(
  connection: Connection,
  replica: Replica,
  database: string,
  schema: unknown,
): Promise<void> {
  const requests = replica.monitorRequests(schema);
  const params = [database, ROWS_MONITOR, requests];
  const since = [...params, replica.lastTransaction];
  const attempts: readonly (() => Promise<void>)[] = [
    () => connection.call('monitor_cond_since', since, (result) => beginSince(replica, result)),
    () => connection.call('monitor_cond', params, () => replica.begin(false, NO_NAME)),
    () => connection.call('monitor', params, () => replica.begin(false, NO_NAME)),
  ];
  for (const attempt of attempts) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!(error instanceof CallError) || error.error !== 'unknown method') throw error;
    }
  }
  throw new OvsdbError('unreachable', 'it knows no way to follow rows');
}

/** An update of the rows has ended. @param params of `update`, `update2` or `update3` */
export function commitRows(replica: Replica, method: string, params: readonly unknown[]): void {
  const name = method === 'update3' ? params[1] : NO_NAME;
  replica.commit(typeof name === 'string' ? name : NO_NAME);
}

function beginSince(replica: Replica, result: unknown): void {
  if (!Array.isArray(result)) throw wrongAnswer(result);
  const [found, lastTransaction] = result as unknown[];
  if (typeof found !== 'boolean' || typeof lastTransaction !== 'string') throw wrongAnswer(result);
  replica.begin(found, lastTransaction);
}

function wrongAnswer(result: unknown): OvsdbError {
  return new OvsdbError('protocol', `the answer to monitor_cond_since is ${excerpt(result)}`);
}
