/**
 * What ovs-vsctl prints for `list` and `find` with `--format=json`: a table per line.
 */
import { parseTables, unreadable } from '../../common/process/output.ts';
import { type Row, toRow, type Value } from './table.ts';

/**
 * The rows of each table, in the order of the commands.
 * @param count how many commands print a table
 * @throws ToolError, `unreadable`, for anything else: nothing may be concluded from it
 */
export function parseListings(output: string, count: number): Row[][] {
  const tables = parseTables('ovs-vsctl', output, count);
  try {
    return tables.map(({ headings, data }) => data.map((values) => toRow(headings, values)));
  } catch {
    // A value that is none of OVSDB's.
    throw unreadable('ovs-vsctl', output);
  }
}

/** A map of OVSDB's; empty for anything else. */
export function textsOf(value: Value | undefined): Readonly<Record<string, string>> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap ? (value as Readonly<Record<string, string>>) : {};
}

/** The members of a set of UUIDs: OVSDB gives one alone as an atom. */
export function uuidsOf(value: Value | undefined): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}
