/**
 * The ACLs of a switch or a port group. Pure: what differs is removed and made, and ACLs that are
 * not ours stay.
 */

import { mapOf, uuidAtom } from '../../common/ovsdb/value.ts';
import type { DesiredAcl } from './desired.ts';
import { NorthboundError } from './error.ts';
import { isOurs, VENDOR } from './names.ts';
import type { Acl } from './rows.ts';
import type { NbState } from './state.ts';
import { type Parent, rowAtom, type TransactionBuilder } from './transaction-builder.ts';

/** A switch or port group with the UUIDs of its ACLs, which the plan has made sure of. */
export interface AclHolder {
  readonly name: string;
  readonly acls: readonly string[];
  readonly parent: Parent;
}

/**
 * @returns whether anything is to be done
 * @throws NorthboundError `unsupported` where an ACL passes a packet on to a tier that this OVN
 *   does not have: leaving that ACL out could let through what the next tier refuses
 */
export function planAcls(
  builder: TransactionBuilder,
  state: NbState,
  { name, acls, parent }: AclHolder,
  desired: readonly DesiredAcl[],
): boolean {
  if (!state.hasTiers) refuseTiers(name, desired);
  const missing = new Map(desired.map((acl) => [keyOfDesired(acl, state.hasTiers), acl]));
  const surplus: string[] = [];
  for (const row of rowsOf(state, acls).filter(isOurs)) {
    if (!missing.delete(keyOfRow(row))) surplus.push(row.uuid);
  }
  parent.detach('acls', surplus.map(uuidAtom));
  const created = [...missing.values()].map((acl) =>
    rowAtom(createAcl(builder, acl, name, state.hasTiers)),
  );
  parent.attach('acls', created);
  return created.length > 0 || surplus.length > 0;
}

/** Takes away the ACLs of ours, and tells which others there are. */
export function removeAcls(state: NbState, { acls, parent }: AclHolder): readonly Acl[] {
  const rows = rowsOf(state, acls);
  parent.detach(
    'acls',
    rows.filter(isOurs).map(({ uuid }) => uuidAtom(uuid)),
  );
  return rows.filter((row) => !isOurs(row));
}

function rowsOf(state: NbState, uuids: readonly string[]): Acl[] {
  return uuids.flatMap((uuid) => state.acls.get(uuid) ?? []);
}

/** What makes two ACLs the same. Without tiers, copies for several of them are one. */
function keyOfDesired(acl: DesiredAcl, hasTiers: boolean): string {
  const { direction, priority, match, action, tier, log } = acl;
  const logged = log === undefined ? [] : [log.name, log.severity];
  return JSON.stringify([direction, priority, match, action, hasTiers ? tier : 0, ...logged]);
}

function keyOfRow(acl: Acl): string {
  const { direction, priority, match, action, tier, log, name = '', severity = '' } = acl;
  const logged = log ? [name, severity] : [];
  return JSON.stringify([direction, priority, match, action, tier, ...logged]);
}

function createAcl(
  builder: TransactionBuilder,
  acl: DesiredAcl,
  holder: string,
  hasTiers: boolean,
): string {
  const { direction, priority, match, action, tier, log } = acl;
  return builder.create('ACL', {
    direction,
    priority,
    match,
    action,
    ...(hasTiers ? { tier } : {}),
    ...(log === undefined ? {} : { log: true, name: log.name, severity: log.severity }),
    // By `parent` Kube-OVN's controller finds them.
    external_ids: mapOf({ vendor: VENDOR, parent: holder }),
  });
}

function refuseTiers(holder: string, desired: readonly DesiredAcl[]): void {
  if (!desired.some(({ action }) => action === 'pass')) return;
  throw new NorthboundError(
    'unsupported',
    `an ACL of ${holder} has the action "pass", and this northbound database has no ACL tiers`,
    'expected OVN 23.06 or newer, or rules that say "allow" or "drop"',
  );
}
