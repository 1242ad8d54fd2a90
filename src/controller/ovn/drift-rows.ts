/**
 * What `ovsdb-client monitor-cond-since` prints of one table, made into the objects that a change
 * concerns.
 *
 * Of an update it prints what is different: a row that ends is a UUID, and one that changes is a UUID
 * with the columns that did. So whose each row is has to be remembered, from the contents that
 * come first.
 */
import {
  type DriftChange,
  type DriftTable,
  IDENTIFYING_IDS,
  objectsOf,
  type RowIdentity,
} from './drift-tables.ts';

/** A table as printed: the words in `headings` are `row`, `action`, and columns. */
interface Printed {
  readonly headings: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** RFC 7047, section 5.1: `["map", [[key, value], …]]`. */
type PrintedMap = readonly ['map', readonly (readonly [string, string])[]];

export interface RowFollower {
  /**
   * Takes a line; nothing else tells the follower of the table.
   * @returns `synced` where the line says that from here on each change is printed; otherwise the
   *   objects that the changes of one transaction concern, each once
   * @throws SyntaxError where the line is cut off
   */
  take(line: string): 'synced' | readonly DriftChange[];
}

export function followRows(table: DriftTable): RowFollower {
  const rows = new Map<string, RowIdentity>();

  /** @returns the objects that the row belongs to and belonged to */
  function takeRow(uuid: string, action: string, columns: ReadonlyMap<string, unknown>) {
    const before = rows.get(uuid);
    if (action === 'delete') {
      rows.delete(uuid);
      return before === undefined || !table.tellsEnd ? [] : objectsOf(table, before);
    }
    const after = changed(before ?? { name: '', ids: {} }, columns);
    rows.set(uuid, after);
    if (action !== 'modify' || before === undefined) return [];
    return [...objectsOf(table, before), ...objectsOf(table, after)];
  }

  return {
    take(line) {
      // Comes first, also of an empty table: "found: false, last_id: <uuid>".
      if (line.startsWith('found:')) return 'synced';
      // Updates stand behind "last_id: <uuid>", on the same line.
      const start = line.indexOf('{');
      if (start === -1) return [];
      const { headings, data } = JSON.parse(line.slice(start)) as Printed;
      const changes = data.flatMap(([uuid, action, ...values]) => {
        const columns = headings.slice(2).map((column, index) => [column, values[index]] as const);
        return takeRow(String(uuid), String(action), new Map(columns));
      });
      return [...new Map(changes.map((change) => [JSON.stringify(change), change])).values()];
    },
  };
}

/** @param columns null where nothing changed, or where a new row has the default */
function changed(row: RowIdentity, columns: ReadonlyMap<string, unknown>): RowIdentity {
  const name = columns.get('name');
  const ids = columns.get('external_ids') as PrintedMap | null | undefined;
  return {
    name: typeof name === 'string' ? name : row.name,
    ids: ids === null || ids === undefined ? row.ids : withDifference(row.ids, ids[1]),
  };
}

/**
 * The difference of two maps has the keys that came or changed, with their new values, and those
 * that went, with the old ones (ovsdb-server(7), "Update2 Notification").
 */
function withDifference(
  ids: RowIdentity['ids'],
  difference: PrintedMap[1],
): Readonly<Record<string, string>> {
  const result: Record<string, string> = { ...ids };
  for (const [key, value] of difference.filter(([each]) => IDENTIFYING_IDS.includes(each))) {
    if (result[key] === value) delete result[key];
    else result[key] = value;
  }
  return result;
}
