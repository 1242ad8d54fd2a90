/** Tables of OVS with given rows, in the place of those that a session feeds. */
import type { RowIn, TableName } from '../../src/daemon/ovs/rows.ts';
import type { OvsTable } from '../../src/daemon/ovs/table.ts';
import { rowOf, type Said } from '../unit/daemon/ovs/rows.ts';

/** Like a row's, and the same for the same place. */
export function uuidOf(index: number): string {
  return `${index.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

export function tableOf<T extends TableName>(
  name: T,
  rows: readonly Said<T>[],
): OvsTable<RowIn<T>> {
  const all = rows.map((row, index) => rowOf(name, { ...row, uuid: uuidOf(index) }));
  const byUuid = new Map(all.map((row) => [row.uuid, row]));
  const table = {
    rows: byUuid,
    isLive: true,
    named: (wanted: string) => all.findLast((row) => (row as { name?: string }).name === wanted),
    until: async (evaluate: () => unknown) => evaluate(),
    synced: async () => {},
    onRow: () => {},
    onLive: () => {},
  };
  return table as unknown as OvsTable<RowIn<T>>;
}
