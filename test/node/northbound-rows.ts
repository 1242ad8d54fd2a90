/** The northbound database as text, for tests that want nothing of it changed. */
import type { OvnNode } from '../lab/ovn-node.ts';

const TABLES = [
  ...['Logical_Switch', 'Logical_Switch_Port', 'Logical_Router', 'Logical_Router_Port'],
  ...['Logical_Router_Static_Route', 'Logical_Router_Policy', 'Port_Group', 'Address_Set'],
  ...['ACL', 'DHCP_Options', 'Load_Balancer'],
];

/** What northd and ovn-controller write. */
const NOT_OURS = ['up', 'enabled', 'tag', 'dynamic_addresses', 'status', 'options_hash'];

/** Rows by table and UUID, each with its columns. */
export type NorthboundRows = Readonly<Record<string, Record<string, string>>>;

/** All rows, without the columns that OVN itself writes. */
export async function northboundRows(node: OvnNode): Promise<NorthboundRows> {
  const all: Record<string, Record<string, string>> = {};
  for (const table of TABLES) {
    const { headings, data } = JSON.parse(await node.nbctl('--format=json', 'list', table)) as {
      headings: string[];
      data: unknown[][];
    };
    for (const row of data) {
      const columns = headings.map((heading, index) => [heading, JSON.stringify(row[index])]);
      const own = columns.filter(([heading = '']) => !NOT_OURS.includes(heading));
      const fields = Object.fromEntries(own) as Record<string, string>;
      all[`${table} ${fields._uuid}`] = fields;
    }
  }
  return all;
}
