/**
 * Which rows of a name are ours, and what to do where a name is taken. Pure.
 */

import type { Row } from '../../common/ovsdb/operation.ts';
import { type Atom, mapOf, uuidAtom } from '../../common/ovsdb/value.ts';
import { claimed } from './claims.ts';
import { NorthboundError } from './error.ts';
import { isOurs, VENDOR } from './names.ts';
import type { Ids, Router, Switch } from './rows.ts';
import type { NbState } from './state.ts';
import type { Parent, TransactionBuilder } from './transaction-builder.ts';

/**
 * Our row of a name, or none.
 * @throws NorthboundError `taken` where only somebody else's row has the name
 */
export function ownRow<R extends { readonly external_ids: Ids }>(
  rows: readonly (R | undefined)[],
  what: { readonly table: string; readonly name: string },
): R | undefined {
  const found = rows.filter((row) => row !== undefined);
  const own = found.find(isOurs);
  if (own === undefined && found.length > 0) {
    throw taken(what, `it lacks external_ids:vendor=${VENDOR}, so it is not ours to change`);
  }
  return own;
}

/**
 * The error about a row that has the name and is not ours, or is another object's. @param why ends the message
 */
export function taken(
  { table, name }: { readonly table: string; readonly name: string },
  why: string,
): NorthboundError {
  return new NorthboundError(
    'taken',
    `${table} ${name} is taken: ${why}`,
    `remove or rename that row, or the object of ours; \`ovn-nbctl find ${table} name=${name}\` shows it`,
  );
}

/** A row with what is attached to it, and the way to attach more. */
export interface Holder<R> {
  readonly row: R | undefined;
  readonly parent: Parent;
}

/**
 * The switch of a Subnet. Nothing in OVN keeps two leaders that overlap from making one each: then
 * all goes to the first one, and the other goes.
 * @throws NorthboundError `taken`
 */
export function ownSwitch(
  builder: TransactionBuilder,
  state: NbState,
  name: string,
): Holder<Switch> {
  const table = 'Logical_Switch';
  builder.claim(claimed.switch(name));
  const first = ownRow(state.switchesNamed(name), { table, name });
  const rows = state.switchesNamed(name).filter(isOurs);
  const parent = builder.parent(table, first, newColumns(name));
  if (first === undefined) {
    builder.assumeNone(table, [['name', '==', name]]);
    return { row: undefined, parent };
  }
  const all = (column: (row: Switch) => Iterable<string>) =>
    rows.flatMap((row) => [...column(row)]);
  const others = rows.slice(1);
  for (const other of others) {
    builder.assume(table, other, 'ports', 'acls', 'qos_rules', 'forwarding_groups');
    parent.attach('ports', atoms(other.ports));
    parent.attach('acls', atoms(other.acls));
    parent.attach('qos_rules', atoms(other.qos_rules));
    parent.attach('forwarding_groups', atoms(other.forwarding_groups));
    builder.destroy(table, other);
  }
  builder.assume(table, first, 'acls');
  return { row: { ...first, acls: all(({ acls }) => acls) }, parent };
}

/**
 * The router of a Vpc, as `ownSwitch`.
 * @param columns of one that is made now
 * @throws NorthboundError `taken`
 */
export function ownRouter(
  builder: TransactionBuilder,
  state: NbState,
  name: string,
  columns: Row,
): Holder<Router> {
  const table = 'Logical_Router';
  builder.claim(claimed.router(name));
  const first = ownRow(state.routersNamed(name), { table, name });
  const rows = state.routersNamed(name).filter(isOurs);
  const parent = builder.parent(table, first, { ...newColumns(name), ...columns });
  if (first === undefined) {
    builder.assumeNone(table, [['name', '==', name]]);
    return { row: undefined, parent };
  }
  const all = (column: (row: Router) => readonly string[]) => rows.flatMap(column);
  const others = rows.slice(1);
  for (const other of others) {
    builder.assume(table, other, 'ports', 'static_routes', 'policies', 'nat');
    parent.attach('ports', atoms(other.ports));
    parent.attach('static_routes', atoms(other.static_routes));
    parent.attach('policies', atoms(other.policies));
    parent.attach('nat', atoms(other.nat));
    builder.destroy(table, other);
  }
  builder.assume(table, first, 'static_routes', 'policies');
  const routes = all(({ static_routes: own }) => own);
  const policies = all(({ policies: own }) => own);
  return { row: { ...first, static_routes: routes, policies }, parent };
}

function newColumns(name: string): Row {
  return { name, external_ids: mapOf({ vendor: VENDOR }) };
}

function atoms(uuids: Iterable<string>): readonly Atom[] {
  return [...uuids].map(uuidAtom);
}
