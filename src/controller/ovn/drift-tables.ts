/**
 * Changes of which columns are drift, and which object a row belongs to. Pure.
 *
 * Columns are those that the planners compare, but for what changes with each pod of ours and would
 * come back once per pod: `ports` of switches, routers and groups, and `addresses` of sets, and
 * `dhcpv4_options` and `dhcpv6_options`, which change on all ports of a Subnet at once. OVN writes one
 * of them itself, `tag`, but only for ports with `tag_request` (ovn-nb(5)), which ours have not.
 */
import { ownerOfSet } from './interconnection-sets.ts';
import { isOurs, routerPortName, subnetOfNodeGroup } from './names.ts';
import { COLUMNS, type Ids, type TableName } from './rows.ts';

/** What is to be compared with the database again. There may be no object of that name. */
export type DriftChange =
  /** @property key `<namespace>/<name>` */
  | { readonly kind: 'pod'; readonly key: string }
  | { readonly kind: 'subnet' | 'vpc'; readonly name: string }
  /** A route or policy of some Vpc: the row does not say of which. */
  | { readonly kind: 'vpcs' }
  /**
   * The SecurityGroup with a port group of that name (`portGroupName`). That of DENY_ALL_GROUP
   * belongs to all SecurityGroups.
   */
  | { readonly kind: 'portGroup'; readonly name: string };

/** A row, as far as it says whose it is. */
export interface RowIdentity {
  /** A string in tables whose rows have names. */
  readonly name?: string | undefined;
  readonly external_ids: Ids;
}

/** What `addressSetName` adds to the name of the group's port group. */
const SET_SUFFIX = /\.associated\.v[46]$/;

/** What of one table is followed for drift. */
export interface DriftTable {
  /** Changes of these by others are reported. */
  readonly columns: readonly string[];
  /** So are those of these, of some rows. */
  readonly moreColumns?: (row: RowIdentity) => readonly string[];
  /** Whether the removal of a row is reported; otherwise another table reports it, and more exactly. */
  readonly tellsEnd: boolean;
  /** @param row one of ours */
  readonly objects: (row: RowIdentity) => readonly DriftChange[];
}

/** By the table's name. */
export const DRIFT_TABLES: Readonly<Record<TableName, DriftTable>> = {
  Logical_Switch: {
    columns: ['name', 'external_ids'],
    tellsEnd: true,
    objects: ({ name = '' }) => [{ kind: 'subnet', name }],
  },
  Logical_Switch_Port: {
    columns: ['name', 'external_ids', 'type', 'addresses', 'port_security', 'options', 'tag'],
    tellsEnd: true,
    objects: ({ external_ids: ids }) =>
      ids.pod === undefined ? subnetsNamed(ids.ls) : [{ kind: 'pod', key: ids.pod }],
  },
  Logical_Router: {
    columns: ['name', 'external_ids', 'options', 'static_routes', 'policies'],
    tellsEnd: true,
    objects: ({ name = '' }) => [{ kind: 'vpc', name }],
  },
  Logical_Router_Port: {
    columns: ['name', 'external_ids', 'networks', 'options'],
    tellsEnd: true,
    objects: ({ name = '', external_ids: ids }) => {
      const prefix = routerPortName(ids.lr ?? '', '');
      return name.startsWith(prefix) ? subnetsNamed(name.slice(prefix.length)) : [];
    },
  },
  Logical_Router_Static_Route: {
    columns: ['external_ids', 'policy', 'ip_prefix', 'nexthop', 'route_table', 'bfd'],
    tellsEnd: false,
    objects: () => [{ kind: 'vpcs' }],
  },
  Logical_Router_Policy: {
    columns: ['external_ids', 'priority', 'match', 'action', 'nexthop', 'nexthops'],
    tellsEnd: false,
    objects: () => [{ kind: 'vpcs' }],
  },
  DHCP_Options: {
    columns: ['external_ids', 'cidr', 'options'],
    tellsEnd: true,
    objects: ({ external_ids: ids }) => subnetsNamed(ids.ls),
  },
  Port_Group: {
    columns: ['name', 'external_ids'],
    tellsEnd: true,
    objects: (row) => {
      const subnet = subnetOfNodeGroup(row);
      const { name = '' } = row;
      return subnet === undefined ? [{ kind: 'portGroup', name }] : subnetsNamed(subnet);
    },
  },
  Address_Set: {
    columns: ['name', 'external_ids'],
    // Those of SecurityGroups change with pods.
    moreColumns: (row) => (ownerOfSet(row) === undefined ? [] : ['addresses']),
    tellsEnd: true,
    objects: (row) => {
      const { name = '' } = row;
      return [ownerOfSet(row) ?? { kind: 'portGroup', name: name.replace(SET_SUFFIX, '') }];
    },
  },
  ACL: {
    columns: Object.keys(COLUMNS.ACL),
    tellsEnd: true,
    // A switch and a group may have the same name.
    objects: ({ external_ids: { parent } }) =>
      parent === undefined
        ? []
        : [
            { kind: 'subnet', name: parent },
            { kind: 'portGroup', name: parent },
          ],
  },
};

/** The objects of a row that is ours; none otherwise. */
export function objectsOf(table: DriftTable, row: RowIdentity): readonly DriftChange[] {
  return isOurs(row) ? table.objects(row) : [];
}

function subnetsNamed(name: string | undefined): readonly DriftChange[] {
  return name === undefined ? [] : [{ kind: 'subnet', name }];
}
