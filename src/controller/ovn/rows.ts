/**
 * Rows of the northbound database: the columns that we compare, and how ovn-nbctl prints them
 * with `--format=json` (RFC 7047, section 5.1). ovn-nb(5) says what they mean.
 */
import { parseTable } from '../../common/process/output.ts';

export type Ids = Readonly<Record<string, string>>;

interface Row {
  readonly uuid: string;
  /** `external_ids`. */
  readonly ids: Ids;
}

export interface Switch extends Row {
  readonly name: string;
  readonly ports: readonly string[];
  readonly acls: readonly string[];
  /** Rows that only the switch holds, and that we never make. */
  readonly qosRules: readonly string[];
  readonly forwardingGroups: readonly string[];
}

export interface SwitchPort extends Row {
  readonly name: string;
  readonly type: string;
  readonly addresses: readonly string[];
  readonly portSecurity: readonly string[];
  readonly options: Ids;
  readonly tag: string | undefined;
  /** UUIDs of the DHCP options by family. */
  readonly dhcp: { readonly IPv4: string | undefined; readonly IPv6: string | undefined };
}

export interface Router extends Row {
  readonly name: string;
  readonly ports: readonly string[];
  readonly routes: readonly string[];
  readonly policies: readonly string[];
  /** Rows that only the router holds, and that we never make. */
  readonly nat: readonly string[];
  readonly options: Ids;
}

export interface RouterPort extends Row {
  readonly name: string;
  readonly mac: string;
  readonly networks: readonly string[];
  readonly options: Ids;
  /** Of another router: the two are connected without a switch. */
  readonly peer: string | undefined;
  /** Where it leads out of OVN: Kube-OVN's external networks. */
  readonly gatewayChassis: readonly string[];
}

export interface Route extends Row {
  readonly by: 'dst-ip' | 'src-ip';
  readonly prefix: string;
  readonly nexthop: string;
  readonly routeTable: string;
  readonly bfd: string | undefined;
}

export interface Policy extends Row {
  readonly priority: number;
  readonly match: string;
  readonly action: string;
  readonly nexthops: readonly string[];
}

export interface Acl extends Row {
  readonly direction: string;
  readonly priority: number;
  readonly match: string;
  readonly action: string;
  /** 0 where OVN has none. */
  readonly tier: number;
  readonly isLogged: boolean;
  readonly name: string | undefined;
  readonly severity: string | undefined;
}

export interface PortGroup extends Row {
  readonly name: string;
  readonly ports: readonly string[];
  readonly acls: readonly string[];
}

export interface AddressSet extends Row {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface DhcpOptions extends Row {
  readonly cidr: string;
  readonly options: Ids;
}

/** A row as printed: values by column. */
type Printed = Readonly<Record<string, unknown>>;

/** Which columns a kind of row is read from, and how. */
export interface Kind<R> {
  readonly table: string;
  /** None for all that this version of OVN has. */
  readonly columns: readonly string[];
  readonly parse: (row: Printed) => R;
}

export const SWITCH: Kind<Switch> = {
  table: 'Logical_Switch',
  columns: ['name', 'ports', 'acls', 'qos_rules', 'forwarding_groups'],
  parse: (row) => ({
    ...identity(row),
    name: text(row.name),
    ports: texts(row.ports),
    acls: texts(row.acls),
    qosRules: texts(row.qos_rules),
    forwardingGroups: texts(row.forwarding_groups),
  }),
};

export const SWITCH_PORT: Kind<SwitchPort> = {
  table: 'Logical_Switch_Port',
  columns: [
    ...['name', 'type', 'addresses', 'port_security', 'options', 'tag'],
    ...['dhcpv4_options', 'dhcpv6_options'],
  ],
  parse: (row) => ({
    ...identity(row),
    name: text(row.name),
    type: text(row.type),
    addresses: texts(row.addresses),
    portSecurity: texts(row.port_security),
    options: map(row.options),
    tag: texts(row.tag)[0],
    dhcp: { IPv4: texts(row.dhcpv4_options)[0], IPv6: texts(row.dhcpv6_options)[0] },
  }),
};

export const ROUTER: Kind<Router> = {
  table: 'Logical_Router',
  columns: ['name', 'ports', 'static_routes', 'policies', 'nat', 'options'],
  parse: (row) => ({
    ...identity(row),
    name: text(row.name),
    ports: texts(row.ports),
    routes: texts(row.static_routes),
    policies: texts(row.policies),
    nat: texts(row.nat),
    options: map(row.options),
  }),
};

export const ROUTER_PORT: Kind<RouterPort> = {
  table: 'Logical_Router_Port',
  columns: ['name', 'mac', 'networks', 'options', 'peer', 'gateway_chassis'],
  parse: (row) => ({
    ...identity(row),
    name: text(row.name),
    mac: text(row.mac),
    networks: texts(row.networks),
    options: map(row.options),
    peer: texts(row.peer)[0],
    gatewayChassis: texts(row.gateway_chassis),
  }),
};

export const ROUTE: Kind<Route> = {
  table: 'Logical_Router_Static_Route',
  columns: ['policy', 'ip_prefix', 'nexthop', 'route_table', 'bfd'],
  parse: (row) => ({
    ...identity(row),
    by: texts(row.policy)[0] === 'src-ip' ? 'src-ip' : 'dst-ip',
    prefix: text(row.ip_prefix),
    nexthop: text(row.nexthop),
    routeTable: text(row.route_table),
    bfd: texts(row.bfd)[0],
  }),
};

export const POLICY: Kind<Policy> = {
  table: 'Logical_Router_Policy',
  columns: ['priority', 'match', 'action', 'nexthop', 'nexthops'],
  parse: (row) => ({
    ...identity(row),
    priority: Number(row.priority),
    match: text(row.match),
    action: text(row.action),
    // The one hop of older versions stands in a column of its own.
    nexthops: [...texts(row.nexthops), ...texts(row.nexthop)],
  }),
};

/** OVN has tiers since 23.06: asking an older ovn-nbctl for that column is an error. */
export const ACL: Kind<Acl> = {
  table: 'ACL',
  columns: [],
  parse: (row) => ({
    ...identity(row),
    direction: text(row.direction),
    priority: Number(row.priority),
    match: text(row.match),
    action: text(row.action),
    tier: Number(row.tier ?? 0),
    isLogged: row.log === true,
    name: texts(row.name)[0],
    severity: texts(row.severity)[0],
  }),
};

export const PORT_GROUP: Kind<PortGroup> = {
  table: 'Port_Group',
  columns: ['name', 'ports', 'acls'],
  parse: (row) => ({
    ...identity(row),
    name: text(row.name),
    ports: texts(row.ports),
    acls: texts(row.acls),
  }),
};

export const ADDRESS_SET: Kind<AddressSet> = {
  table: 'Address_Set',
  columns: ['name', 'addresses'],
  parse: (row) => ({
    ...identity(row),
    name: text(row.name),
    addresses: texts(row.addresses),
  }),
};

export const DHCP_OPTIONS: Kind<DhcpOptions> = {
  table: 'DHCP_Options',
  columns: ['cidr', 'options'],
  parse: (row) => ({ ...identity(row), cidr: text(row.cidr), options: map(row.options) }),
};

/** The command that prints all rows of a kind. */
export function listCommand({ table, columns }: Kind<unknown>): string[] {
  const all = columns.length === 0;
  return [
    '--',
    ...(all ? [] : [`--columns=${['_uuid', 'external_ids', ...columns].join(',')}`]),
    ...['list', table],
  ];
}

/** One line of what `listCommand` prints, with the columns that it has. */
export function parseListing<R>(
  kind: Kind<R>,
  line: string,
): { rows: R[]; columns: readonly string[] } {
  const { headings, data } = parseTable('ovn-nbctl', line);
  const rows = data.map((values) =>
    kind.parse(Object.fromEntries(headings.map((heading, index) => [heading, values[index]]))),
  );
  return { rows, columns: headings };
}

function identity(row: Printed): Row {
  return { uuid: text(row._uuid), ids: map(row.external_ids) };
}

/** An atom: a string, a number, or `["uuid", u]`. */
function text(value: unknown): string {
  return String(Array.isArray(value) ? value[1] : value);
}

/** `["set", [atom, …]]`, or the atom itself where there is one. */
function texts(value: unknown): string[] {
  return Array.isArray(value) && value[0] === 'set'
    ? (value[1] as unknown[]).map(text)
    : [text(value)];
}

/** `["map", [[key, value], …]]`. */
function map(value: unknown): Ids {
  const [, entries] = value as [string, [unknown, unknown][]];
  return Object.fromEntries(entries.map(([key, one]) => [text(key), text(one)]));
}
