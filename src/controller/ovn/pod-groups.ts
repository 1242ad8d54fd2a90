/**
 * The SecurityGroups of one pod's ports: which groups the ports are in, and which sets have their
 * addresses. Pure. What is missing of the groups themselves is security-group-plan.ts's.
 */
import type { Address, Family } from '../../common/address.ts';
import { uuidAtom } from '../../common/ovsdb/value.ts';
import { claimed } from './claims.ts';
import type { DesiredPort } from './desired.ts';
import { addressSetRow, deny, groupRow, isSecurityGroup, join } from './group-rows.ts';
import { DENY_ALL_GROUP } from './names.ts';
import type { PortGroup, SwitchPort } from './rows.ts';
import { addressesOf, listedGroups, type NbState } from './state.ts';
import type { TransactionBuilder } from './transaction-builder.ts';

/** A port with its UUID, or what it is called in the transaction. */
export interface PlacedPort {
  readonly port: DesiredPort;
  readonly reference: string;
}

/**
 * @param gone ports that the pod has no more
 * @throws NorthboundError `taken` where the group that denies all is somebody else's
 */
export function planPodGroups(
  builder: TransactionBuilder,
  state: NbState,
  placed: readonly PlacedPort[],
  gone: readonly SwitchPort[],
): void {
  for (const each of placed) planMembership(builder, state, each);
  leaveGroups(
    builder,
    state,
    gone.map(({ uuid }) => uuid),
    [],
  );
  // Also where no group of its is there yet, or any more: then nothing allows anything.
  const secured = placed.filter(({ port }) => port.securityGroups.length > 0);
  deny(
    builder,
    state,
    secured.map(({ reference }) => reference),
    { hasLone: secured.some(({ port }) => existingGroups(state, port).length === 0) },
  );
  planAddresses(builder, state, placed, gone);
}

function planMembership(
  builder: TransactionBuilder,
  state: NbState,
  { port, reference }: PlacedPort,
): void {
  const groups = existingGroups(state, port);
  for (const { name } of port.securityGroups) builder.share(claimed.group(name));
  const wanted = port.securityGroups.length > 0 ? [...groups, DENY_ALL_GROUP] : [];
  const rows = wanted.map((group) => groupRow(state, group));
  leaveGroups(builder, state, [reference], rows);
  for (const group of groups) {
    const row = groupRow(state, group);
    if (row === undefined) continue;
    join({ row, parent: builder.parent('Port_Group', row, {}) }, [reference]);
  }
}

/**
 * Takes ports out of all groups but these. Also ports that are about to end: where the same
 * transaction changes a group's ports, ovsdb-server 3.1 leaves in it what it should take out itself.
 */
function leaveGroups(
  builder: TransactionBuilder,
  state: NbState,
  ports: readonly string[],
  kept: readonly (PortGroup | undefined)[],
): void {
  const leaving = new Map<PortGroup, string[]>();
  for (const port of ports) {
    const rows = state.groupsOf(port).filter((row) => isSecurityGroup(row) && !kept.includes(row));
    for (const row of rows) {
      const others = leaving.get(row);
      if (others === undefined) leaving.set(row, [port]);
      else others.push(port);
    }
  }
  for (const [row, uuids] of leaving) {
    builder.share(claimed.group(row.external_ids.sg ?? row.name));
    builder.remove('Port_Group', row, 'ports', uuids.map(uuidAtom));
  }
}

function planAddresses(
  builder: TransactionBuilder,
  state: NbState,
  placed: readonly PlacedPort[],
  gone: readonly SwitchPort[],
): void {
  const before = [...gone, ...placed.flatMap(({ port }) => state.switchPortNamed(port.name) ?? [])];
  const own = new Set(before);
  const groups = new Set([
    ...before.flatMap(listedGroups),
    ...placed.flatMap(({ port }) => existingGroups(state, port)),
  ]);
  for (const group of groups) {
    const has = placed
      .filter(({ port }) => existingGroups(state, port).includes(group))
      .flatMap(({ port }) => sentFrom(port));
    const had = before.filter((row) => listedGroups(row).includes(group)).flatMap(addressesOf);
    const isLost = ({ text: address }: Address) =>
      !has.some((each) => each.text === address) && !isOfOthers(state, group, address, own);
    const lost = had.filter(isLost);
    builder.share(claimed.group(group));
    for (const each of [...has, ...had]) builder.claim(claimed.address(group, each.text));
    planSet(builder, state, { group, family: 'IPv4', has, lost });
    planSet(builder, state, { group, family: 'IPv6', has, lost });
  }
}

/** Networks of two Vpcs may be the same, and so may addresses of two members. */
function isOfOthers(
  state: NbState,
  group: string,
  address: string,
  own: ReadonlySet<SwitchPort>,
): boolean {
  return state.portsListingFrom(group, address).some((port) => !own.has(port));
}

function planSet(
  builder: TransactionBuilder,
  state: NbState,
  change: { group: string; family: Family; has: readonly Address[]; lost: readonly Address[] },
): void {
  const { group, family, has, lost } = change;
  const set = addressSetRow(state, group, family);
  if (set === undefined) return;
  const missing = textsOf(has, family).filter((each) => !set.addresses.has(each));
  const surplus = textsOf(lost, family).filter((each) => set.addresses.has(each));
  builder.remove('Address_Set', set, 'addresses', surplus);
  builder.add('Address_Set', set, 'addresses', missing);
}

/** Where a group has come or gone since the port was asked for, its rows tell, or will. */
function existingGroups(state: NbState, { securityGroups }: DesiredPort): string[] {
  return securityGroups
    .filter(({ name, exists }) => exists || groupRow(state, name) !== undefined)
    .map(({ name }) => name);
}

/** As `addressesOf` a row. */
function sentFrom({ addresses, isSecured, virtualAddresses }: DesiredPort): readonly Address[] {
  return isSecured && addresses.length > 0 ? [...addresses, ...virtualAddresses] : addresses;
}

/** Each address of a family once. */
export function textsOf(addresses: readonly Address[], family: Family): string[] {
  const ofFamily = addresses.filter((each) => each.family === family);
  return [...new Set(ofFamily.map((each) => each.text))];
}
