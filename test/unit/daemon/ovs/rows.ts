/** Rows of OVS's database for tests: what is not said of one is its column's default. */
import type { Columns, RowOf } from '../../../../src/common/ovsdb/table.ts';
import { COLUMNS, type RowIn, type TableName } from '../../../../src/daemon/ovs/rows.ts';
import { OvsState } from '../../../../src/daemon/ovs/state.ts';

/** What a test says of a row: sets as arrays, its UUID where that matters. */
export type Said<T extends TableName> = Partial<RowIn<T>>;

export function rowOf<T extends TableName>(table: T, said: Said<T>): RowIn<T> {
  const columns: Columns = COLUMNS[table];
  const defaults = Object.entries(columns).map(([name, column]) => [name, column.empty()]);
  return { uuid: 'a-row', ...Object.fromEntries(defaults), ...said } as RowIn<T>;
}

export const interfaceOf = (said: Said<'Interface'>): RowIn<'Interface'> =>
  rowOf('Interface', said);

/** Rows of tables, as a state that is followed has them. */
export type SaidRows = { readonly [T in TableName]?: readonly Said<T>[] };

/** A state with these rows, as a server would have sent them. */
export function stateOf(rows: SaidRows): OvsState {
  const state = new OvsState();
  for (const [table, all] of Object.entries(rows)) {
    const columns: Columns = COLUMNS[table as TableName];
    (all as readonly RowOf<Columns>[]).forEach((row, index) => {
      const { uuid = `${table}-${index}`, ...values } = row;
      const sent = Object.entries(values).map(([name, value]) => [
        name,
        columns[name]?.write(value),
      ]);
      state.replica.takeRow(table, uuid, { initial: Object.fromEntries(sent) });
    });
  }
  state.replica.begin(false, '00000000-0000-0000-0000-000000000001');
  return state;
}
