/**
 * SecurityGroups and ports in a northbound database of their own: applied as the controller applies them, and what
 * is then in its rows.
 */
import { expect } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import {
  planSecurityGroup,
  planSecurityGroupRemoval,
} from '../../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import type {
  DesiredPort,
  DesiredSecurityGroup,
} from '../../../../../src/controller/ovn/desired.ts';
import { NOTHING, portOf, switchOf } from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';
import { rowNamed } from '../../ovn/picture.ts';

/** The port group that closes its ports to everything. */
export const DENY = 'ovn.sg.kubeovn_deny_all';

/** A database with two switches. */
export async function setUp(): Promise<NbDatabase> {
  const database = await startDatabase();
  for (const name of ['front', 'back'])
    await database.apply((state) => planSwitch(state, switchOf({ name })));
  return database;
}

/** Applies a group; then nothing is left to do. */
export async function apply(database: NbDatabase, group: DesiredSecurityGroup): Promise<void> {
  await database.apply((state) => planSecurityGroup(state, group));
  expect(planSecurityGroup(await database.read(), group)).toEqual(NOTHING);
}

/** Applies all ports of a pod of namespace shop; then nothing is left to do. */
export async function applyPod(database: NbDatabase, pod: string, ...ports: DesiredPort[]) {
  const key = `shop/${pod}`;
  await database.apply((state) => planPod(state, key, ports));
  expect(planPod(await database.read(), key, ports)).toEqual(NOTHING);
}

/** A pod with one port of its own name. */
export const applyPort = (
  database: NbDatabase,
  name: string,
  addresses: string,
  groups: string[],
) => applyPod(database, name, portOf(addresses, { name, groups }));

/** Removes what a group of that name has. */
export const remove = (database: NbDatabase, name: string) =>
  database.apply((state) => planSecurityGroupRemoval(state, name));

/** Ports of a port group. */
export const membersOf = async (database: NbDatabase, group: string) =>
  (await rowNamed(database, 'Port_Group', group)).ports ?? [];

/** Addresses of a set. */
export const addressesOf = async (database: NbDatabase, set: string) =>
  (await rowNamed(database, 'Address_Set', set)).addresses ?? [];
