/**
 * What ovs-vsctl prints for `list` and `find` with `--format=json`: a table per line.
 */
import { type Row, toRow, type Value } from './table.ts';

/** The rows of each table, in the order of the commands. */
export function parseListings(output: string): Row[][] {
  const lines = output.trim().split('\n');
  return lines.map((line) => {
    const { headings, data } = JSON.parse(line) as { headings: string[]; data: unknown[][] };
    return data.map((values) => toRow(headings, values));
  });
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
