/**
 * Groups of a Subnet's ports by node, which the policies of an underlay Subnet without load balancers name
 * (interconnection-policies.ts): what its pods send to Services goes by the node that they are on. Pure; names
 * and marks are Kube-OVN's.
 */
import type { Family } from '../../common/address.ts';
import { mapOf, uuidAtom } from '../../common/ovsdb/value.ts';
import { claimed } from './claims.ts';
import type { DesiredNodeGroup } from './desired.ts';
import { subnetOfNodeGroup, VENDOR } from './names.ts';
import { type Holder, taken } from './ownership.ts';
import type { PortGroup } from './rows.ts';
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

interface Place {
  readonly subnet: string;
  /** The Vpc of the router whose policies name the groups. */
  readonly vpc: string;
}

/**
 * Makes these groups of a Subnet have these ports; those that are not there (yet) are left out.
 * @throws NorthboundError `taken`
 */
export function planNodeGroups(
  builder: TransactionBuilder,
  state: NbState,
  place: Place,
  groups: readonly DesiredNodeGroup[],
): void {
  for (const { node, ports } of groups) {
    const { row, parent } = ensureGroup(builder, state, place, node);
    const members = ports.flatMap((port) => state.switchPortNamed(port)?.uuid ?? []);
    const missing = members.filter((uuid) => !row?.ports.has(uuid));
    const surplus = [...(row?.ports ?? [])].filter((uuid) => !members.includes(uuid));
    parent.attach('ports', missing.map(uuidAtom));
    parent.detach('ports', surplus.map(uuidAtom));
  }
}

/**
 * Makes the groups of a Subnet be those of these nodes, whatever is in them: a match that names one that is
 * not there is none.
 * @throws NorthboundError `taken`
 */
export function ensureNodeGroups(
  builder: TransactionBuilder,
  state: NbState,
  place: Place,
  nodes: readonly string[],
): void {
  const { subnet } = place;
  const wanted = new Set(nodes.map((node) => nodeGroupName(subnet, node)));
  for (const row of state.nodeGroupsOf(subnet)) {
    if (!wanted.has(row.name)) builder.destroy(TABLE, row);
  }
  const missing = nodes.filter((node) => {
    return state.portGroupNamed(nodeGroupName(subnet, node)) === undefined;
  });
  for (const node of missing) {
    builder.claim(claimed.switch(subnet));
    ensureGroup(builder, state, place, node);
  }
}

function ensureGroup(
  builder: TransactionBuilder,
  state: NbState,
  { subnet, vpc }: Place,
  node: string,
): Holder<PortGroup> {
  const name = nodeGroupName(subnet, node);
  const row = state.portGroupNamed(name);
  if (row !== undefined && subnetOfNodeGroup(row) !== subnet) {
    throw taken({ table: TABLE, name }, `it is no group of Subnet ${subnet} on node ${node}`);
  }
  const ids = { vendor: VENDOR, lr: vpc, ls: subnet, u2o: 'true' };
  const parent = builder.parent(TABLE, row, { name, external_ids: mapOf(ids) });
  if (row !== undefined) correctMap(builder, { table: TABLE, row, column: 'external_ids' }, ids);
  return { row, parent };
}
