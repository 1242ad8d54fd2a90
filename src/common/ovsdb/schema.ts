/**
 * What a database's schema (RFC 7047, section 3.2) says of the columns that are wanted.
 */
import type { ColumnType } from './column.ts';
import { excerpt, OvsdbError } from './error.ts';
import type { Columns, LiveTable } from './table.ts';

/** The columns to follow of each table, and those that it lacks. */
export interface Available {
  readonly wanted: readonly string[];
  readonly lacking: ReadonlySet<string>;
}

/**
 * @param schema the answer to `get_schema`
 * @throws OvsdbError `schema` where a table, or a column that may not lack, is not there, or has
 *   another type; `protocol` for what is no schema
 */
export function availableColumns(schema: unknown, table: LiveTable<Columns>): Available {
  const { name, columns } = table;
  const found = fieldOf(fieldOf(schema, 'tables'), name);
  if (found === undefined) throw lacks(schema, `table ${name}`);
  const types = fieldOf(found, 'columns');
  const wanted: string[] = [];
  const lacking = new Set<string>();
  for (const [column, { type, mayLack }] of Object.entries(columns)) {
    const described = fieldOf(types, column);
    if (described === undefined && !mayLack) throw lacks(schema, `column ${column} of ${name}`);
    if (described === undefined) lacking.add(column);
    else wanted.push(column);
    if (described !== undefined) check(`column ${column} of ${name}`, described, type, schema);
  }
  return { wanted, lacking };
}

function check(what: string, described: unknown, wanted: ColumnType, schema: unknown): void {
  const found = typeText(typeOf(fieldOf(described, 'type')));
  const expected = typeText(wanted);
  if (found === expected) return;
  const { name, version } = identityOf(schema);
  throw new OvsdbError(
    'schema',
    `database ${name} (schema ${version}): ${what} is ${found}, and ${expected} was expected`,
  );
}

function typeText({ atom, shape, value }: { atom: string; shape: string; value?: string }): string {
  return value === undefined || value === atom
    ? `${shape} ${atom}`
    : `${shape} ${atom} to ${value}`;
}

/** RFC 7047, section 3.2, `<type>`: an atomic type, or an object with `key`, `value`, `min`, `max`. */
function typeOf(type: unknown): {
  readonly atom: string;
  readonly shape: string;
  readonly value?: string;
} {
  if (typeof type === 'string') return { atom: type, shape: 'one' };
  const atom = baseOf(fieldOf(type, 'key'));
  if (fieldOf(type, 'value') !== undefined) {
    return { atom, shape: 'map', value: baseOf(fieldOf(type, 'value')) };
  }
  const max = fieldOf(type, 'max') ?? 1;
  if (max !== 1) return { atom, shape: 'set' };
  return { atom, shape: fieldOf(type, 'min') === 0 ? 'optional' : 'one' };
}

function baseOf(base: unknown): string {
  return String(typeof base === 'string' ? base : fieldOf(base, 'type'));
}

function lacks(schema: unknown, what: string): OvsdbError {
  const { name, version } = identityOf(schema);
  return new OvsdbError(
    'schema',
    `database ${name} (schema ${version}) has no ${what}: is it the database that was meant, and of a version that is supported?`,
  );
}

function identityOf(schema: unknown): { readonly name: string; readonly version: string } {
  const text = (field: unknown) => excerpt(field ?? 'unknown', 60);
  return { name: text(fieldOf(schema, 'name')), version: text(fieldOf(schema, 'version')) };
}

/** A member of an object; undefined for anything else. */
function fieldOf(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) {
    return undefined;
  }
  return (object as Readonly<Record<string, unknown>>)[name];
}
