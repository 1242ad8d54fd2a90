/**
 * Groups of a Subnet's ports by node, which the policies of an underlay Subnet without load balancers name
 * (interconnection-policies.ts): what its pods send to Services goes by the node that they are on. Pure; names
 * and marks are Kube-OVN's.
 */
import type { Family } from '../../common/address.ts';
import { mapOf, uuidAtom } from '../../common/ovsdb/value.ts';
import type { DesiredNodeGroup } from './desired.ts';
import { subnetOfNodeGroup, VENDOR } from './names.ts';
import { taken } from './ownership.ts';
import type { NbState } from './state.ts';
import { correctMap, type TransactionBuilder } from './transaction-builder.ts';

const TABLE = 'Port_Group';

/** Name of the group of a Subnet's ports on a node. */
function nodeGroupName(subnet: string, node: string): string {
  return `${subnet}.${node}`.replaceAll('-', '.');
}

/** The set of the addresses of that group's ports, as matches name it (ovn-nb(5), "Port_Group"). */
export function nodeGroupSetName(subnet: string, node: string, family: Family): string {
  return `${nodeGroupName(subnet, node)}_${family === 'IPv4' ? 'ip4' : 'ip6'}`;
}

/**
 * Makes the groups of a Subnet be exactly these. Ports that are not there (yet) are left out.
 * @throws NorthboundError `taken`
 */
export function planNodeGroups(
  builder: TransactionBuilder,
  state: NbState,
  { subnet, vpc }: { readonly subnet: string; readonly vpc: string },
  groups: readonly DesiredNodeGroup[],
): void {
  const ids = { vendor: VENDOR, lr: vpc, ls: subnet, u2o: 'true' };
  const wanted = new Set(groups.map(({ node }) => nodeGroupName(subnet, node)));
  for (const row of state.nodeGroupsOf(subnet)) {
    if (!wanted.has(row.name)) builder.destroy(TABLE, row);
  }
  for (const { node, ports } of groups) {
    const name = nodeGroupName(subnet, node);
    const row = state.portGroupNamed(name);
    if (row !== undefined && subnetOfNodeGroup(row) !== subnet) {
      throw taken({ table: TABLE, name }, `it is no group of Subnet ${subnet} on node ${node}`);
    }
    const members = ports.flatMap((port) => state.switchPortNamed(port)?.uuid ?? []);
    const parent = builder.parent(TABLE, row, { name, external_ids: mapOf(ids) });
    const missing = members.filter((uuid) => !row?.ports.has(uuid));
    const surplus = [...(row?.ports ?? [])].filter((uuid) => !members.includes(uuid));
    parent.attach('ports', missing.map(uuidAtom));
    parent.detach('ports', surplus.map(uuidAtom));
    if (row !== undefined) correctMap(builder, { table: TABLE, row, column: 'external_ids' }, ids);
  }
}
