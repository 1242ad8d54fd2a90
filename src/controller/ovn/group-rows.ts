/**
 * Port groups of SecurityGroups, and the one that denies what none of them allows. Pure.
 *
 * That one holds each port whose pod lists a SecurityGroup, whether that exists or not. It is made
 * where it is missing, with the first port that needs it: a port without it is open, and a port that
 * has only it is closed until its own groups are there.
 */
import type { Family } from '../../common/address.ts';
import { mapOf } from '../../common/ovsdb/value.ts';
import { planAcls } from './acl-plan.ts';
import { claimed } from './claims.ts';
import {
  addressSetName,
  DENY_ALL_GROUP,
  isGroupName,
  isOurs,
  portGroupName,
  VENDOR,
} from './names.ts';
import { type Holder, ownRow, taken } from './ownership.ts';
import type { AddressSet, PortGroup } from './rows.ts';
import { denyAllAcls, isForLonePorts } from './security-acls.ts';
import type { NbState } from './state.ts';
import { correctMap, rowAtom, type TransactionBuilder } from './transaction-builder.ts';

/** Whether a port group is a SecurityGroup's, and not one of nodes or network policies. */
export function isSecurityGroup(row: PortGroup): boolean {
  return isOurs(row) && row.external_ids.type === 'security_group';
}

/** The port group of a SecurityGroup, if it has one. */
export function groupRow(state: NbState, group: string): PortGroup | undefined {
  if (!isGroupName(group)) return undefined;
  const row = state.portGroupNamed(portGroupName(group));
  return row !== undefined && isSecurityGroup(row) && isOf(row, group) ? row : undefined;
}

/** The set of its members' addresses, if it has one. */
export function addressSetRow(
  state: NbState,
  group: string,
  family: Family,
): AddressSet | undefined {
  if (!isGroupName(group)) return undefined;
  const row = state.addressSetNamed(addressSetName(group, family));
  return row !== undefined && isOurs(row) && isOf(row, group) ? row : undefined;
}

/** Two SecurityGroups can come to one name: `a-b` and `a.b`. */
function isOf({ external_ids: ids }: PortGroup | AddressSet, group: string): boolean {
  return ids.sg === undefined || ids.sg === group;
}

/**
 * The port group of a SecurityGroup, which is made if there is none.
 * @throws NorthboundError `taken`
 */
export function ensureGroup(
  builder: TransactionBuilder,
  state: NbState,
  group: string,
): Holder<PortGroup> {
  const table = 'Port_Group';
  const name = portGroupName(group);
  const row = ownRow([state.portGroupNamed(name)], { table, name });
  if (row !== undefined && !isOf(row, group)) {
    throw taken({ table, name }, `it is SecurityGroup ${row.external_ids.sg}'s`);
  }
  const ids = { vendor: VENDOR, type: 'security_group', sg: group };
  const parent = builder.parent(table, row, { name, external_ids: mapOf(ids) });
  if (row !== undefined) correctMap(builder, { table, row, column: 'external_ids' }, ids);
  return { row, parent };
}

/**
 * The set of a SecurityGroup's addresses, which is made if there is none.
 * @throws NorthboundError `taken`
 */
export function ensureAddressSet(
  builder: TransactionBuilder,
  state: NbState,
  group: string,
  family: Family,
): Holder<AddressSet> {
  const table = 'Address_Set';
  const name = addressSetName(group, family);
  const row = ownRow([state.addressSetNamed(name)], { table, name });
  if (row !== undefined && !isOf(row, group)) {
    throw taken({ table, name }, `it is SecurityGroup ${row.external_ids.sg}'s`);
  }
  const ids = { vendor: VENDOR, sg: group };
  const parent = builder.parent(table, row, { name, external_ids: mapOf(ids) });
  if (row !== undefined) correctMap(builder, { table, row, column: 'external_ids' }, ids);
  return { row, parent };
}

/**
 * Makes the group that denies all be there, as it should be, with these ports in it. What a port
 * that is in no other group needs is there from the first such port on: a database of Kube-OVN's,
 * which has none, needs no change.
 * @param ports UUIDs, or what `create` returned
 * @param hasLone whether one of these ports is in no other group
 * @throws NorthboundError `taken`
 */
export function deny(
  builder: TransactionBuilder,
  state: NbState,
  ports: readonly string[],
  { hasLone }: { hasLone: boolean } = { hasLone: false },
): void {
  if (ports.length === 0) return;
  const { row, parent } = ensureGroup(builder, state, DENY_ALL_GROUP);
  const name = portGroupName(DENY_ALL_GROUP);
  const acls = row?.acls ?? [];
  const holder = { name, acls, parent };
  if (row !== undefined) builder.assume('Port_Group', row, 'acls');
  const hasLonePorts = hasLone || acls.some((uuid) => isLoneAcl(state, uuid));
  const isChanged = planAcls(builder, state, holder, denyAllAcls({ hasLonePorts }));
  const what = claimed.group(DENY_ALL_GROUP);
  if (isChanged || row === undefined) builder.claim(what);
  else builder.share(what);
  join({ row, parent }, ports);
}

function isLoneAcl(state: NbState, uuid: string): boolean {
  const acl = state.acls.get(uuid);
  return acl !== undefined && isOurs(acl) && isForLonePorts(acl);
}

/**
 * Adds those ports to a group that are not in it.
 * @param ports UUIDs, or what `create` returned
 */
export function join({ row, parent }: Holder<PortGroup>, ports: readonly string[]): void {
  const missing = ports.filter((port) => !row?.ports.has(port));
  parent.attach('ports', missing.map(rowAtom));
}
