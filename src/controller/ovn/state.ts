/**
 * What the northbound database holds: all rows of the kinds that we plan, from one call of
 * ovn-nbctl, with the ways to find them. Immutable.
 *
 * It is always all of it. ovn-nbctl loads whole tables whatever it is asked for, so that reading
 * what concerns one pod would cost nearly as much; and whoever plans for many at once shares a read.
 */
import { type Address, parseAddress } from '../../common/address.ts';
import { isOurs } from './names.ts';
import type { Nbctl } from './nbctl.ts';
import {
  ACL,
  type Acl,
  ADDRESS_SET,
  type AddressSet,
  DHCP_OPTIONS,
  type DhcpOptions,
  type Kind,
  listCommand,
  POLICY,
  PORT_GROUP,
  type Policy,
  type PortGroup,
  parseListing,
  ROUTE,
  ROUTER,
  ROUTER_PORT,
  type Route,
  type Router,
  type RouterPort,
  SWITCH,
  SWITCH_PORT,
  type Switch,
  type SwitchPort,
} from './rows.ts';

/** Rows of one kind by UUID. */
export type Rows<R> = ReadonlyMap<string, R>;

export interface NbState {
  /** Whether ACLs have tiers: OVN 23.06 or newer. */
  readonly hasTiers: boolean;
  readonly switches: Rows<Switch>;
  readonly switchPorts: Rows<SwitchPort>;
  readonly routers: Rows<Router>;
  readonly routerPorts: Rows<RouterPort>;
  readonly routes: Rows<Route>;
  readonly policies: Rows<Policy>;
  readonly acls: Rows<Acl>;
  readonly portGroups: Rows<PortGroup>;
  readonly addressSets: Rows<AddressSet>;
  readonly dhcpOptions: Rows<DhcpOptions>;
  /** Switches and routers can share a name; nothing else here can. */
  switchesNamed(name: string): readonly Switch[];
  routersNamed(name: string): readonly Router[];
  switchPortNamed(name: string): SwitchPort | undefined;
  routerPortNamed(name: string): RouterPort | undefined;
  portGroupNamed(name: string): PortGroup | undefined;
  addressSetNamed(name: string): AddressSet | undefined;
  /** The switches that a port is on, by the port's UUID: one, unless somebody has blundered. */
  switchesOf(port: string): readonly Switch[];
  routersOf(port: string): readonly Router[];
  /** The groups that a port is in, by the port's UUID. */
  groupsOf(port: string): readonly PortGroup[];
  /** Our ports of a pod, by `<namespace>/<name>`. */
  portsOfPod(pod: string): readonly SwitchPort[];
  /** Our ports of pods that list a SecurityGroup. */
  portsListing(group: string): readonly SwitchPort[];
  /** Our ports of pods that may send from an address, by its canonical text. */
  portsSendingFrom(address: string): readonly SwitchPort[];
}

/** The keys that say which SecurityGroups a port's pod lists. */
export const LISTED_PREFIX = 'associated_sg_';

const KINDS: readonly Kind<unknown>[] = [
  ...[SWITCH, SWITCH_PORT, ROUTER, ROUTER_PORT, ROUTE],
  ...[POLICY, ACL, PORT_GROUP, ADDRESS_SET, DHCP_OPTIONS],
];

/**
 * Reads everything, in one call: 10,000 ports take some 0.3 s.
 * @throws NorthboundError `unreachable`
 */
export async function readState(nbctl: Nbctl): Promise<NbState> {
  return parseState(await nbctl(KINDS.flatMap(listCommand)));
}

/** @param output what ovn-nbctl printed, one line per kind */
export function parseState(output: string): NbState {
  const lines = output.trimEnd().split('\n');
  const listing = <R extends { readonly uuid: string }>(kind: Kind<R>) =>
    parseListing(kind, lines[KINDS.indexOf(kind)] ?? '');
  const rowsOf = <R extends { readonly uuid: string }>(kind: Kind<R>) => byUuid(listing(kind).rows);
  const acls = listing(ACL);
  return stateOf({
    hasTiers: acls.columns.includes('tier'),
    switches: rowsOf(SWITCH),
    switchPorts: rowsOf(SWITCH_PORT),
    routers: rowsOf(ROUTER),
    routerPorts: rowsOf(ROUTER_PORT),
    routes: rowsOf(ROUTE),
    policies: rowsOf(POLICY),
    acls: byUuid(acls.rows),
    portGroups: rowsOf(PORT_GROUP),
    addressSets: rowsOf(ADDRESS_SET),
    dhcpOptions: rowsOf(DHCP_OPTIONS),
  });
}

type Tables = {
  [Key in keyof NbState as NbState[Key] extends (key: string) => unknown
    ? never
    : Key]: NbState[Key];
};

interface Named {
  readonly uuid: string;
  readonly name: string;
}

interface Holding {
  readonly uuid: string;
  readonly ports: readonly string[];
}

function stateOf(tables: Tables): NbState {
  const { switches, switchPorts, routers, routerPorts, portGroups, addressSets } = tables;
  const pods = byUuid(
    [...switchPorts.values()].filter((port) => isOurs(port) && port.ids.pod !== undefined),
  );
  const byName = <R extends Named>(rows: Rows<R>) => grouped(rows, ({ name }) => [name]);
  const byPort = <R extends Holding>(rows: Rows<R>) => grouped(rows, ({ ports }) => ports);
  const names = {
    switches: byName(switches),
    routers: byName(routers),
    switchPorts: byName(switchPorts),
    routerPorts: byName(routerPorts),
    portGroups: byName(portGroups),
    addressSets: byName(addressSets),
  };
  return {
    ...tables,
    switchesNamed: names.switches,
    routersNamed: names.routers,
    switchPortNamed: (name) => names.switchPorts(name)[0],
    routerPortNamed: (name) => names.routerPorts(name)[0],
    portGroupNamed: (name) => names.portGroups(name)[0],
    addressSetNamed: (name) => names.addressSets(name)[0],
    switchesOf: byPort(switches),
    routersOf: byPort(routers),
    groupsOf: byPort(portGroups),
    portsOfPod: grouped(pods, ({ ids }) => [ids.pod ?? '']),
    portsListing: grouped(pods, listedGroups),
    portsSendingFrom: grouped(pods, (port) => addressesOf(port).map(({ text }) => text)),
  };
}

function byUuid<R extends { readonly uuid: string }>(rows: readonly R[]): Rows<R> {
  return new Map(rows.map((row) => [row.uuid, row]));
}

/** The SecurityGroups that a port's pod lists. */
export function listedGroups({ ids }: SwitchPort): string[] {
  return Object.entries(ids)
    .filter(([key, value]) => key.startsWith(LISTED_PREFIX) && value === 'true')
    .map(([key]) => key.slice(LISTED_PREFIX.length));
}

/**
 * The addresses that a port may send from. Each string of the columns is a MAC with addresses, or a
 * word that stands for others.
 */
export function addressesOf({ addresses, portSecurity }: SwitchPort): Address[] {
  const strings = portSecurity.length > 0 ? portSecurity : addresses;
  const words = strings.flatMap((each) => each.split(' ').slice(1));
  return words.flatMap((word) => parseAddress(word) ?? []);
}

/** Finds rows by keys of theirs, always in the same order. The index is made when it is needed. */
function grouped<R extends { readonly uuid: string }>(
  rows: Rows<R>,
  keysOf: (row: R) => readonly string[],
): (key: string) => readonly R[] {
  let index: ReadonlyMap<string, readonly R[]> | undefined;
  return (key) => {
    index ??= indexed(rows, keysOf);
    return index.get(key) ?? [];
  };
}

function indexed<R extends { readonly uuid: string }>(
  rows: Rows<R>,
  keysOf: (row: R) => readonly string[],
): ReadonlyMap<string, readonly R[]> {
  const index = new Map<string, R[]>();
  for (const row of rows.values()) {
    for (const key of keysOf(row)) {
      const same = index.get(key);
      if (same === undefined) index.set(key, [row]);
      else same.push(row);
    }
  }
  for (const same of index.values()) same.sort((one, other) => (one.uuid < other.uuid ? -1 : 1));
  return index;
}
