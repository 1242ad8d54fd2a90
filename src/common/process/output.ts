/**
 * What tools print, as checked values. A tool may be another version than ours, a wrapper, or one
 * that prints a warning in front: what is not of the form that we know is an error that says which
 * tool printed what, and nothing of it is believed.
 */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { show } from '../text.ts';
import { ToolError } from './tool-error.ts';

/**
 * A tool's output that is one JSON value.
 * @param tool its name, for the error
 * @throws ToolError, `unreadable`
 */
export function parseOutput<S extends TSchema>(tool: string, output: string, schema: S): Static<S> {
  const value = parseJson(tool, output);
  if (Value.Check(schema, value)) return value as Static<S>;
  throw unreadable(tool, output);
}

/** A table as the tools of OVSDB print it with `--format=json`. */
export interface PrintedTable {
  readonly headings: readonly string[];
  /** Rows of as many values as there are headings. */
  readonly data: readonly (readonly unknown[])[];
}

/**
 * One table, a line of what ovs-vsctl or ovsdb-client prints.
 * @throws ToolError, `unreadable`
 */
export function parseTable(tool: string, line: string): PrintedTable {
  const value = parseJson(tool, line);
  if (isTable(value)) return value;
  throw unreadable(tool, line);
}

/**
 * Tables of the commands of one call, one on each line.
 * @param count how many commands print one: a missing table must not look like an empty one
 * @throws ToolError, `unreadable`
 */
export function parseTables(tool: string, output: string, count: number): PrintedTable[] {
  const lines = output.trimEnd().split('\n');
  if (lines.length !== count) throw unreadable(tool, output);
  return lines.map((line) => parseTable(tool, line));
}

/** The error for an output of another form. */
export function unreadable(tool: string, output: string): ToolError {
  const said = `printed what it never prints: ${output === '' ? 'nothing' : show(output)}`;
  return new ToolError(`${tool} ${said}`, `${tool} ${said}`, 0, 'unreadable');
}

function parseJson(tool: string, output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw unreadable(tool, output);
  }
}

/** By hand: of a node with a thousand ports these are long, and schemas take their time. */
function isTable(value: unknown): value is PrintedTable {
  const { headings, data } = (value ?? {}) as Partial<Record<string, unknown>>;
  return (
    Array.isArray(headings) &&
    headings.every((heading) => typeof heading === 'string') &&
    Array.isArray(data) &&
    data.every((row) => Array.isArray(row) && row.length === headings.length)
  );
}
