/**
 * One logical switch port, whatever it is for: made, moved or corrected. Pure.
 *
 * A port that is on another switch is moved as it is, in the same transaction: it stays in its
 * groups, and keeps what an operator has set on it besides.
 */
import type { Family } from '../../common/address.ts';
import type { Row } from '../../common/ovsdb/operation.ts';
import { mapOf, optionalOf, setOf, uuidAtom } from '../../common/ovsdb/value.ts';
import { claimed } from './claims.ts';
import { DHCP_COLUMN } from './dhcp-plan.ts';
import { NorthboundError } from './error.ts';
import { isOurs, localnetPortName, VENDOR } from './names.ts';
import { ownRow, taken } from './ownership.ts';
import type { Switch, SwitchPort } from './rows.ts';
import { LISTED_PREFIX, type NbState } from './state.ts';
import {
  correctMap,
  isSameSet,
  type Parent,
  rowAtom,
  type TransactionBuilder,
} from './transaction-builder.ts';

const TABLE = 'Logical_Switch_Port';
const LOCALNET_PREFIX = localnetPortName('');
const FAMILIES = ['IPv4', 'IPv6'] as const;

/** All columns of a port that we set; what is empty or absent is to be empty in the row. */
export interface WantedPort {
  readonly name: string;
  /** Empty for a pod's. */
  readonly type: '' | 'router' | 'localnet';
  readonly addresses: readonly string[];
  readonly portSecurity: readonly string[];
  readonly options: Readonly<Record<string, string>>;
  readonly tag?: number;
  /** Besides `vendor`. */
  readonly ids: Readonly<Record<string, string>>;
  /** UUIDs of the DHCP options. */
  readonly dhcp: Readonly<Partial<Record<Family, string>>>;
}

/** The switch that the port is to be on. */
export interface Place {
  /** None where this transaction makes it. */
  readonly uuid: string | undefined;
  readonly parent: Parent;
}

/** Keys of `external_ids` of a localnet port with the Subnet's CIDRs. */
export const LOCALNET_CIDR = { IPv4: 'ipv4_network', IPv6: 'ipv6_network' } as const;

/** Keys of `external_ids` that go when they are not wanted; others are not ours. */
const MANAGED_IDS = [
  ...['security_groups', 'vips', 'attach-vips'],
  ...Object.values<string>(LOCALNET_CIDR),
];

/**
 * Makes the port be on the switch as wanted.
 * @returns its UUID, or what it is called in this transaction
 * @throws NorthboundError `taken`
 */
export function placePort(
  builder: TransactionBuilder,
  state: NbState,
  wanted: WantedPort,
  place: Place,
): string {
  const found = ownRow([state.switchPortNamed(wanted.name)], { table: TABLE, name: wanted.name });
  if (found === undefined) {
    refuseReservedName(wanted);
    const created = builder.create(TABLE, newColumns(wanted));
    place.parent.attach('ports', [rowAtom(created)]);
    return created;
  }
  refuseOthersPort(state, found, wanted);
  const isPlace = (holder: Switch) => holder.uuid === place.uuid || isTwin(state, holder, place);
  const holders = state.switchesOf(found.uuid);
  for (const holder of holders.filter((each) => !isPlace(each))) {
    builder.share(claimed.switch(holder.name));
    builder.assume(TABLE, found, 'name', 'external_ids');
    builder.remove('Logical_Switch', holder, 'ports', [uuidAtom(found.uuid)]);
  }
  if (!holders.some(isPlace)) {
    builder.assume(TABLE, found, 'name', 'external_ids');
    place.parent.attach('ports', [uuidAtom(found.uuid)]);
  }
  correctPort(builder, found, wanted);
  return found.uuid;
}

/** Copies of a switch are about to become one: a port on any of them is in its place. */
function isTwin(state: NbState, holder: Switch, { uuid = '' }: Place): boolean {
  return isOurs(holder) && holder.name === state.switches.get(uuid)?.name;
}

/**
 * Takes a port off its switch, which ends it. Where there are copies of the switch, each of them may
 * be holding the port by the time the transaction gets here.
 */
export function removePort(builder: TransactionBuilder, state: NbState, port: SwitchPort): void {
  const holders = state.switchesOf(port.uuid);
  builder.assume(TABLE, port, 'name', 'external_ids');
  const copies = holders.flatMap(({ name }) => state.switchesNamed(name).filter(isOurs));
  for (const row of new Set([...holders, ...copies])) {
    builder.share(claimed.switch(row.name));
    builder.remove('Logical_Switch', row, 'ports', [uuidAtom(port.uuid)]);
  }
}

/**
 * Names are put together from several parts, and two objects can come to one name: Subnet `a-b` in
 * Vpc `c`, and Subnet `a` in Vpc `b-c`.
 */
function refuseOthersPort(state: NbState, found: SwitchPort, wanted: WantedPort): void {
  const { name } = wanted;
  const { pod, ls = '' } = found.external_ids;
  if (pod !== undefined && pod !== wanted.ids.pod) {
    throw taken({ table: TABLE, name }, `it is the port of pod ${pod}`);
  }
  if (pod !== undefined || !(found.type === 'router' || found.type === 'localnet')) return;
  const isOnOwn = state.switchesOf(found.uuid).some((holder) => holder.name === ls);
  const isSame = found.options['router-port'] === wanted.options['router-port'];
  if (wanted.type === '' || (isOnOwn && ls !== wanted.ids.ls && !isSame)) {
    throw taken({ table: TABLE, name }, `it is the ${found.type} port of Subnet ${ls}`);
  }
}

/**
 * A pod `localnet` of namespace `prod` would take the name that Subnet `prod` needs, which may be made
 * later. A port that is there already stays: its pod is running.
 */
function refuseReservedName({ name, type }: WantedPort): void {
  if (type !== '' || !name.startsWith(LOCALNET_PREFIX)) return;
  const subnet = name.slice(LOCALNET_PREFIX.length);
  throw new NorthboundError(
    'taken',
    `${TABLE} ${name} cannot be a pod's: that is the name of the port of Subnet ${subnet} to its provider network`,
    `rename the pod: its name cannot begin with "${LOCALNET_PREFIX}", nor be "localnet"`,
  );
}

function newColumns(wanted: WantedPort): Row {
  const { name, type, addresses, portSecurity, options, tag, ids, dhcp } = wanted;
  return {
    name,
    ...(type === '' ? {} : { type }),
    addresses: setOf(addresses),
    ...(portSecurity.length === 0 ? {} : { port_security: setOf(portSecurity) }),
    ...(Object.keys(options).length === 0 ? {} : { options: mapOf(options) }),
    ...(tag === undefined ? {} : { tag }),
    ...(dhcp.IPv4 === undefined ? {} : { dhcpv4_options: uuidAtom(dhcp.IPv4) }),
    ...(dhcp.IPv6 === undefined ? {} : { dhcpv6_options: uuidAtom(dhcp.IPv6) }),
    external_ids: mapOf({ vendor: VENDOR, ...ids }),
  };
}

function correctPort(builder: TransactionBuilder, found: SwitchPort, wanted: WantedPort): void {
  const { type, addresses, portSecurity, options, ids, dhcp } = wanted;
  const tag = wanted.type === '' ? found.tag : wanted.tag;
  builder.set(TABLE, found, {
    ...(found.type === type ? {} : { type }),
    ...(isSameSet(found.addresses, addresses) ? {} : { addresses: setOf(addresses) }),
    ...(isSameSet(found.port_security, portSecurity) ? {} : { port_security: setOf(portSecurity) }),
    ...(found.tag === tag ? {} : { tag: optionalOf(tag) }),
    ...correctedDhcp(found, dhcp),
  });
  correctMap(builder, { table: TABLE, row: found, column: 'options' }, options);
  correctMap(
    builder,
    { table: TABLE, row: found, column: 'external_ids' },
    { vendor: VENDOR, ...ids },
    (key) => MANAGED_IDS.includes(key) || key.startsWith(LISTED_PREFIX),
  );
}

function correctedDhcp(found: SwitchPort, wanted: WantedPort['dhcp']): Row {
  const wrong = FAMILIES.filter((family) => found[DHCP_COLUMN[family]] !== wanted[family]);
  const columns = wrong.map((family) => {
    const uuid = wanted[family];
    return [DHCP_COLUMN[family], optionalOf(uuid === undefined ? uuid : uuidAtom(uuid))] as const;
  });
  return Object.fromEntries(columns);
}
