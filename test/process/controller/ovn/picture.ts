/**
 * The northbound database as people think of it: rows by their names, each within the row that
 * holds it, without UUIDs. It shares no code with what it checks.
 */
import type { NbDatabase } from './database.ts';

/** Columns of several values, which are printed as one where they have one. */
const SETS = ['addresses', 'port_security', 'networks', 'nexthops'];

type Row = Readonly<Record<string, unknown>>;
type Tables = Readonly<Record<string, ReadonlyMap<string, Row>>>;

export type Picture = Readonly<Record<string, unknown>>;

const TABLES = [
  ...['Logical_Switch', 'Logical_Switch_Port', 'Logical_Router', 'Logical_Router_Port'],
  ...['Logical_Router_Static_Route', 'Logical_Router_Policy', 'ACL', 'Port_Group'],
  ...['Address_Set', 'DHCP_Options', 'QoS', 'NAT'],
];
const ROOTS = ['Logical_Switch', 'Logical_Router', 'Port_Group', 'Address_Set', 'DHCP_Options'];
/** Columns that hold rows, with what stands for a row there. */
const CHILDREN: Readonly<Record<string, string>> = {
  ...{ ports: 'Port', acls: 'ACL', qos_rules: 'QoS', nat: 'NAT' },
  ...{ static_routes: 'Logical_Router_Static_Route', policies: 'Logical_Router_Policy' },
};

/** Everything that is in the database. */
export async function pictureOf(database: NbDatabase): Promise<Picture> {
  const tables = await readTables(database);
  const roots = ROOTS.map((table) => {
    const rows = [...(tables[table]?.values() ?? [])].map((row) => drawn(tables, table, row));
    return [table, rows.sort(byText)] as const;
  });
  return Object.fromEntries(roots);
}

/** What is in the picture without rows that have no mark, and without columns that are empty. */
export function isMarked(row: unknown): boolean {
  return ((row as Row).external_ids as Record<string, string> | undefined)?.vendor === 'kube-ovn';
}

/** All rows of one kind, wherever they are held. */
export async function rowsOf(database: NbDatabase, table: string): Promise<Row[]> {
  const tables = await readTables(database);
  return [...(tables[table]?.values() ?? [])].map((row) => drawn(tables, table, row)).sort(byText);
}

/** The one row of a name. */
export async function rowNamed(database: NbDatabase, table: string, name: string): Promise<Row> {
  const found = (await rowsOf(database, table)).filter((row) => row.name === name);
  if (found.length !== 1) throw new Error(`${found.length} rows ${name} in ${table}`);
  return found[0] as Row;
}

async function readTables(database: NbDatabase): Promise<Tables> {
  const output = await database.by(
    '--format=json',
    ...TABLES.flatMap((table) => ['--', 'list', table]),
  );
  const lines = output.split('\n');
  return Object.fromEntries(TABLES.map((table, index) => [table, rows(lines[index] ?? '')]));
}

function rows(line: string): Map<string, Row> {
  const { headings, data } = JSON.parse(line) as { headings: string[]; data: unknown[][] };
  const all = data.map((values) =>
    Object.fromEntries(headings.map((heading, index) => [heading, plain(values[index])])),
  );
  return new Map(all.map(({ _uuid, ...row }) => [String(_uuid), row]));
}

/** RFC 7047, section 5.1; sets in order. */
function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const [kind, content] = value;
  if (kind === 'map') return Object.fromEntries(content);
  return kind === 'uuid' ? content : content.map(plain).sort();
}

/** Columns that are empty or zero are left out; a group's ports are names, other rows are drawn where they are held. */
function drawn(tables: Tables, table: string, row: Row): Row {
  const columns = Object.entries(row)
    .filter(([, value]) => ![0, '', false].includes(value as string) && !isEmpty(value))
    .map(([column, value]) => [column, drawnColumn(tables, table, column, value)]);
  return Object.fromEntries(columns);
}

function drawnColumn(tables: Tables, table: string, column: string, value: unknown): unknown {
  if (SETS.includes(column)) return [value].flat();
  if (/^dhcpv[46]_options$/.test(column)) return tables.DHCP_Options?.get(String(value))?.cidr;
  const child = CHILDREN[column];
  if (child === undefined) return value;
  const kind =
    child === 'Port' ? `${table === 'Port_Group' ? 'Logical_Switch' : table}_Port` : child;
  const held = [value].flat().map((uuid) => tables[kind]?.get(String(uuid)) ?? {});
  if (table === 'Port_Group' && column === 'ports') return held.map(({ name }) => name).sort();
  return held.map((each) => drawn(tables, kind, each)).sort(byText);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && Object.keys(value ?? {}).length === 0;
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}
