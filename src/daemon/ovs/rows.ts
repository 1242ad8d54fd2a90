/**
 * Rows of OVS's database: the tables that are followed, and of each the columns that we use.
 * ovs-vswitchd.conf.db(5) says what they mean; rows have the schema's own names.
 */
import { column, mayLack } from '../../common/ovsdb/column.ts';
import type { RowOf } from '../../common/ovsdb/table.ts';

/** The columns of each table, with their types; a replica holds no others. */
export const COLUMNS = {
  Open_vSwitch: {
    external_ids: column.map,
    // OVS has it since 2.10.
    dpdk_initialized: mayLack(column.boolean),
  },
  Bridge: {
    name: column.string,
    datapath_type: column.string,
    external_ids: column.map,
    other_config: column.map,
    ports: column.manyUuids,
    mirrors: column.uuids,
  },
  Port: {
    name: column.string,
    interfaces: column.uuids,
    qos: column.optionalUuid,
    external_ids: column.map,
    tag: column.optionalInteger,
    trunks: column.integers,
    // OVS has protected ports since 2.9.
    protected: mayLack(column.boolean),
  },
  Interface: {
    name: column.string,
    type: column.string,
    external_ids: column.map,
    error: column.optionalString,
    ifindex: column.optionalInteger,
    ofport: column.optionalInteger,
    mac: column.optionalString,
    mac_in_use: column.optionalString,
    mtu: column.optionalInteger,
    ingress_policing_rate: column.integer,
    ingress_policing_burst: column.integer,
  },
  QoS: {
    type: column.string,
    queues: column.uuidsByNumber,
    other_config: column.map,
    external_ids: column.map,
  },
  Queue: {
    other_config: column.map,
    external_ids: column.map,
  },
  Mirror: {
    name: column.string,
    select_all: column.boolean,
    select_dst_port: column.uuids,
    output_port: column.optionalUuid,
  },
} as const;

/** A table that is followed. */
export type TableName = keyof typeof COLUMNS;
/** A row of a table, with the values of now. */
export type RowIn<T extends TableName> = RowOf<(typeof COLUMNS)[T]>;

export type RootRow = RowIn<'Open_vSwitch'>;
export type BridgeRow = RowIn<'Bridge'>;
export type PortRow = RowIn<'Port'>;
export type InterfaceColumns = RowIn<'Interface'>;
export type QosRow = RowIn<'QoS'>;
export type QueueRow = RowIn<'Queue'>;
export type MirrorRow = RowIn<'Mirror'>;
