/**
 * Learns at once when somebody else removes or changes rows of ours in the northbound database, so
 * that the objects concerned can be brought back. The replica tells: nothing is asked for.
 *
 * Told are, of rows with `external_ids:vendor=kube-ovn` before or after the change:
 * - the end of a switch, port, router, router port, route, policy, ACL, DHCP options, port group or
 *   address set, whether it was deleted itself or with what held it;
 * - a change of a column in drift-tables.ts, which includes names and marks; and routes and policies
 *   that are put on a router of ours;
 * - both of these also where they happened while there was no connection.
 *
 * Changes by ourselves are among them. Whoever is called compares, and finds nothing to do.
 *
 * Not reported are:
 * - rows that come, since ours do so: a pod that is made tells nothing. What somebody adds under our
 *   mark stays until its object is looked at for another reason;
 * - a port that is moved to another switch or router without ending; that ports are taken out of a
 *   group or put into it, or addresses out of a SecurityGroup's set; a port's DHCP options: drift-tables.ts says why;
 * - columns that no planner compares, as `enabled` or a router port's MAC.
 */
import type { Change } from '../../common/ovsdb/replica.ts';
import { DRIFT_TABLES, type DriftChange, objectsOf, type RowIdentity } from './drift-tables.ts';
import type { TableName } from './rows.ts';
import type { NbState } from './state.ts';

/**
 * Calls back with the objects that the changes of the database concern, each once for all that comes
 * together.
 */
export function onDrift({ replica }: NbState, onChange: (change: DriftChange) => void): void {
  replica.onChange((changes) => {
    for (const change of driftOf(changes)) onChange(change);
  });
}

/** The objects that changes concern, each once. */
function driftOf(changes: readonly Change[]): readonly DriftChange[] {
  const found = new Map<string, DriftChange>();
  for (const change of changes) {
    if (change.kind === 'insert') continue;
    for (const object of driftOfChange(change)) found.set(JSON.stringify(object), object);
  }
  return [...found.values()];
}

function driftOfChange(change: Change): readonly DriftChange[] {
  const table = DRIFT_TABLES[change.table as TableName];
  const row = change.row as unknown as RowIdentity;
  if (change.kind !== 'modify') return table.tellsEnd ? objectsOf(table, row) : [];
  const columns = [...table.columns, ...(table.moreColumns?.(row) ?? [])];
  if (!change.columns.some((name) => columns.includes(name))) return [];
  const before = change.before as unknown as RowIdentity;
  return [...objectsOf(table, before), ...objectsOf(table, row)];
}
