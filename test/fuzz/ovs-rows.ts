/** A copy of an OVS table with given rows, in the place of one that a monitor feeds. */
import type { OvsTable, Row } from '../../src/daemon/ovs/table.ts';

/** Like a row's, and the same for the same place. */
function uuidOf(index: number): string {
  return `${index.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
}

export function tableOf(rows: readonly Row[]): OvsTable {
  const byUuid = new Map(rows.map((row, index) => [uuidOf(index), row]));
  const table = {
    rows: byUuid,
    isLive: true,
    named: (name: string) => [...byUuid].findLast(([, row]) => row.name === name),
    until: async (evaluate: () => unknown) => evaluate(),
    synced: async () => {},
    onRow: () => {},
  };
  return table as unknown as OvsTable;
}
