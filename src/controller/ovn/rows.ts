/**
 * Rows of the northbound database: the tables that are followed, and of each the columns that we
 * compare. ovn-nb(5) says what they mean; rows have the schema's own names.
 */
import { column, mayLack, type StringMap } from '../../common/ovsdb/column.ts';
import type { RowOf } from '../../common/ovsdb/table.ts';

/** `external_ids` and other maps of a row. */
export type Ids = StringMap;

/** The columns of each table, with their types; a replica holds no others. */
export const COLUMNS = {
  Logical_Switch: {
    name: column.string,
    external_ids: column.map,
    ports: column.manyUuids,
    acls: column.uuids,
    // Rows that only the switch holds, and that we never make.
    qos_rules: column.uuids,
    forwarding_groups: column.uuids,
  },
  Logical_Switch_Port: {
    name: column.string,
    external_ids: column.map,
    type: column.string,
    addresses: column.strings,
    port_security: column.strings,
    options: column.map,
    tag: column.optionalInteger,
    dhcpv4_options: column.optionalUuid,
    dhcpv6_options: column.optionalUuid,
  },
  Logical_Router: {
    name: column.string,
    external_ids: column.map,
    ports: column.manyUuids,
    static_routes: column.uuids,
    policies: column.uuids,
    // Rows that only the router holds, and that we never make.
    nat: column.uuids,
    options: column.map,
  },
  Logical_Router_Port: {
    name: column.string,
    external_ids: column.map,
    mac: column.string,
    networks: column.strings,
    options: column.map,
    // A port of another router: the two are connected without a switch.
    peer: column.optionalString,
    // Where it leads out of OVN: Kube-OVN's external networks.
    gateway_chassis: column.uuids,
  },
  Logical_Router_Static_Route: {
    external_ids: column.map,
    policy: column.optionalString,
    ip_prefix: column.string,
    nexthop: column.string,
    route_table: column.string,
    bfd: column.optionalUuid,
  },
  Logical_Router_Policy: {
    external_ids: column.map,
    priority: column.integer,
    match: column.string,
    action: column.string,
    // The one hop of older versions stands in a column of its own.
    nexthop: column.optionalString,
    nexthops: column.strings,
  },
  ACL: {
    external_ids: column.map,
    direction: column.string,
    priority: column.integer,
    match: column.string,
    action: column.string,
    // OVN has tiers since 23.06.
    tier: mayLack(column.integer),
    log: column.boolean,
    name: column.optionalString,
    severity: column.optionalString,
  },
  Port_Group: {
    name: column.string,
    external_ids: column.map,
    ports: column.manyUuids,
    acls: column.uuids,
  },
  Address_Set: {
    name: column.string,
    external_ids: column.map,
    addresses: column.manyStrings,
  },
  DHCP_Options: {
    external_ids: column.map,
    cidr: column.string,
    options: column.map,
  },
} as const;

/** A table that is followed. */
export type TableName = keyof typeof COLUMNS;
/** A row of a table, with the values of now. */
export type RowIn<T extends TableName> = RowOf<(typeof COLUMNS)[T]>;

export type Switch = RowIn<'Logical_Switch'>;
export type SwitchPort = RowIn<'Logical_Switch_Port'>;
export type Router = RowIn<'Logical_Router'>;
export type RouterPort = RowIn<'Logical_Router_Port'>;
export type Route = RowIn<'Logical_Router_Static_Route'>;
export type Policy = RowIn<'Logical_Router_Policy'>;
export type Acl = RowIn<'ACL'>;
export type PortGroup = RowIn<'Port_Group'>;
export type AddressSet = RowIn<'Address_Set'>;
export type DhcpOptions = RowIn<'DHCP_Options'>;
