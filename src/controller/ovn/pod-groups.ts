/**
 * The SecurityGroups of one pod's ports: which groups the ports are in, and which sets have their
 * addresses. Pure. What is missing of the groups themselves is security-group-plan.ts's.
 */
import type { Address, Family } from '../../daemon/net/address.ts';
import type { DesiredPort } from './desired.ts';
import { type Draft, text } from './draft.ts';
import { addressSetRow, deny, groupRow, isSecurityGroup, join } from './group-rows.ts';
import { DENY_ALL_GROUP } from './names.ts';
import type { SwitchPort } from './rows.ts';
import { addressesOf, listedGroups, type NbState } from './state.ts';

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
  draft: Draft,
  state: NbState,
  placed: readonly PlacedPort[],
  gone: readonly SwitchPort[],
): void {
  for (const each of placed) planMembership(draft, state, each);
  const secured = placed.filter(({ port }) => existingGroups(port).length > 0);
  deny(
    draft,
    state,
    secured.map(({ reference }) => reference),
  );
  planAddresses(draft, state, placed, gone);
}

function planMembership(draft: Draft, state: NbState, { port, reference }: PlacedPort): void {
  const groups = existingGroups(port);
  const wanted = groups.length > 0 ? [...groups, DENY_ALL_GROUP] : [];
  const rows = wanted.map((group) => groupRow(state, group));
  for (const row of state.groupsOf(reference).filter(isSecurityGroup)) {
    if (!rows.includes(row)) draft.remove('Port_Group', row.uuid, 'ports', [reference]);
  }
  for (const group of groups) {
    const row = groupRow(state, group);
    if (row !== undefined) join(draft, group, row, [reference]);
  }
}

function planAddresses(
  draft: Draft,
  state: NbState,
  placed: readonly PlacedPort[],
  gone: readonly SwitchPort[],
): void {
  const before = [...gone, ...placed.flatMap(({ port }) => state.switchPortNamed(port.name) ?? [])];
  const groups = new Set([
    ...before.flatMap(listedGroups),
    ...placed.flatMap(({ port }) => existingGroups(port)),
  ]);
  for (const group of groups) {
    const has = placed
      .filter(({ port }) => existingGroups(port).includes(group))
      .flatMap(({ port }) => sentFrom(port));
    const had = before.filter((row) => listedGroups(row).includes(group)).flatMap(addressesOf);
    const isLost = ({ text: address }: Address) =>
      !has.some((each) => each.text === address) && !isOfOthers(state, group, address, before);
    const lost = had.filter(isLost);
    planSet(draft, state, { group, family: 'IPv4', has, lost });
    planSet(draft, state, { group, family: 'IPv6', has, lost });
  }
}

/** Networks of two Vpcs may be the same, and so may addresses of two members. */
function isOfOthers(
  state: NbState,
  group: string,
  address: string,
  own: readonly SwitchPort[],
): boolean {
  const others = state.portsSendingFrom(address).filter((port) => !own.includes(port));
  return others.some((port) => listedGroups(port).includes(group));
}

function planSet(
  draft: Draft,
  state: NbState,
  change: { group: string; family: Family; has: readonly Address[]; lost: readonly Address[] },
): void {
  const { group, family, has, lost } = change;
  const set = addressSetRow(state, group, family);
  if (set === undefined) return;
  const missing = textsOf(has, family).filter((each) => !set.addresses.includes(each));
  const surplus = textsOf(lost, family).filter((each) => set.addresses.includes(each));
  draft.remove('Address_Set', set.uuid, 'addresses', surplus.map(text));
  draft.add('Address_Set', set.uuid, 'addresses', missing.map(text));
}

function existingGroups({ securityGroups }: DesiredPort): string[] {
  return securityGroups.filter(({ exists }) => exists).map(({ name }) => name);
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
