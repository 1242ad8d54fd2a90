/** A northbound database with routers, and switches that are planned in it. */
import { expect } from 'vitest';
import { planSwitch } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import { planRouter } from '../../../../../src/controller/kinds/vpc/router-plan.ts';
import type { DesiredSwitch } from '../../../../../src/controller/ovn/desired.ts';
import { MAC, NOTHING, routerOf, VENDOR } from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';

/** The row of the router's port in the switch. */
export const LRP = {
  name: 'tenant-front',
  mac: MAC,
  networks: ['10.1.0.1/24'],
  external_ids: { ...VENDOR, lr: 'tenant' },
};

/** A database with routers of these Vpcs. */
export async function withRouters(...names: string[]): Promise<NbDatabase> {
  const database = await startDatabase();
  for (const name of names) await database.apply((state) => planRouter(state, routerOf({ name })));
  return database;
}

/** Makes a switch; a second plan of it changes nothing. */
export async function apply(database: NbDatabase, desired: DesiredSwitch): Promise<void> {
  await database.apply((state) => planSwitch(state, desired));
  expect(planSwitch(await database.read(), desired)).toEqual(NOTHING);
}
