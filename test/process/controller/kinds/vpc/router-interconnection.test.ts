/** What a router has for underlay Subnets with a leg of it: policies with marks, and sets that they name. */
import { describe, expect, it } from 'vitest';
import {
  planRouter,
  planRouterRemoval,
} from '../../../../../src/controller/kinds/vpc/router-plan.ts';
import type { DesiredRouter } from '../../../../../src/controller/ovn/desired.ts';
import { interconnectionPolicies } from '../../../../../src/controller/ovn/interconnection-policies.ts';
import { subnetPolicies } from '../../../../../src/controller/ovn/subnet-acls.ts';
import {
  address,
  cidr,
  NOTHING,
  routerOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';
import { rowsOf } from '../../ovn/picture.ts';

async function apply(database: NbDatabase, desired: DesiredRouter): Promise<void> {
  await database.apply((state) => planRouter(state, desired));
  expect(planRouter(await database.read(), desired)).toEqual(NOTHING);
}

describe('interconnections', () => {
  const block = { cidr: cidr('10.5.0.0/24'), gateway: address('10.5.0.1') };
  const policies = (isOverlayOnly: boolean) =>
    interconnectionPolicies({
      subnet: 'under',
      vpc: 'tenant',
      isInDefaultVpc: true,
      isOverlayOnly,
      blocks: [block],
      serviceNodes: [],
      serviceCidrs: [],
    });
  const marksOf = async (database: NbDatabase) => {
    const rows = await rowsOf(database, 'Logical_Router_Policy');
    return rows.map(({ priority, external_ids: ids }) => [priority, ids]);
  };
  const ids = { ...VENDOR, subnet: 'under', isU2ORoutePolicy: 'true' };

  it('have policies with marks, which go when they are not wanted, and no other of the Subnet', async () => {
    const database = await startDatabase();
    const common = subnetPolicies('under', [block.cidr]);
    await apply(database, routerOf({ policies: [...common, ...policies(false)] }));
    expect(await marksOf(database)).toEqual(
      expect.arrayContaining([
        [29_000, ids],
        [29_400, ids],
        [31_000, ids],
        [31_000, { ...VENDOR, subnet: 'under' }],
      ]),
    );
    await apply(database, routerOf({ policies: common }));
    expect(await marksOf(database)).toEqual([[31_000, { ...VENDOR, subnet: 'under' }]]);
  });

  it('change from one kind to the other in one transaction', async () => {
    const database = await startDatabase();
    await apply(database, routerOf({ policies: policies(false) }));
    await apply(database, routerOf({ policies: policies(true) }));
    const overlayOnly = { ...ids, isU2OOverlayOnlyRoutePolicy: 'true' };
    expect(await marksOf(database)).toEqual(
      expect.arrayContaining([
        [29_400, overlayOnly],
        [31_000, overlayOnly],
        [30_060, overlayOnly],
        [30_050, ids],
      ]),
    );
    const again = await database.apply((state) =>
      planRouter(state, routerOf({ policies: policies(true) })),
    );
    expect(again.operations).toEqual([]);
  });

  it('come and go in one transaction with the sets and groups that they name', async () => {
    const database = await startDatabase();
    const legs = (...nodes: string[]) => [{ subnet: 'under', nodes }];
    await apply(database, routerOf({ policies: policies(false), legs: legs('a', 'b') }));
    const names = async () => {
      const tables = ['Address_Set', 'Port_Group'];
      const rows = await Promise.all(tables.map((table) => rowsOf(database, table)));
      return rows.map((each) => each.map(({ name }) => name));
    };
    const sets = ['under.u2o_exclude_ip.ip4', 'under.u2o_exclude_ip.ip6'];
    expect(await names()).toEqual([sets, ['under.a', 'under.b']]);
    await database.by('set', 'Address_Set', sets[0] ?? '', 'addresses="192.0.2.1"');
    await apply(database, routerOf({ policies: policies(false), legs: legs('b') }));
    expect(await names()).toEqual([sets, ['under.b']]);
    expect((await rowsOf(database, 'Address_Set'))[0]).toMatchObject({ addresses: ['192.0.2.1'] });
    await apply(database, routerOf({ withoutLegs: ['under', 'front'] }));
    expect(await names()).toEqual([[], []]);
  });

  it('of a Subnet that cannot be read stay as they are', async () => {
    const database = await startDatabase();
    await apply(database, routerOf({ policies: policies(false) }));
    const before = await rowsOf(database, 'Logical_Router_Policy');
    await apply(database, routerOf({ unreadable: new Set(['under']) }));
    expect(await rowsOf(database, 'Logical_Router_Policy')).toEqual(before);
  });

  it('leave policies of Kube-OVN’s alone that have further marks', async () => {
    const database = await startDatabase();
    await apply(database, routerOf());
    const marks = ['vendor=kube-ovn', 'subnet=under', 'isU2ORoutePolicy=true', 'other=a'];
    const own = marks.map((mark) => `external_ids:${mark}`);
    await database.by(
      ...['--id=@p', 'create', 'Logical_Router_Policy', 'priority=29400', 'action=allow'],
      ...['match=ip4', ...own, '--', 'add', 'Logical_Router', 'tenant', 'policies', '@p'],
    );
    await apply(database, routerOf());
    expect(await rowsOf(database, 'Logical_Router_Policy')).toHaveLength(1);
  });

  it('have a set of the overlay’s networks where a policy names it, which is kept up to date, and goes with the router', async () => {
    const database = await startDatabase();
    const overlay = (isNeeded: boolean, ...cidrs: string[]) =>
      routerOf({ overlay: { isNeeded, cidrs: cidrs.map(cidr) } });
    await apply(database, overlay(false, '10.1.0.0/24'));
    expect(await rowsOf(database, 'Address_Set')).toEqual([]);
    await apply(database, overlay(true, '10.1.0.0/24', 'fd00:1::/64'));
    const set = (suffix: string, ...addresses: string[]) => ({
      name: `tenant.u2o_overlay_cidrs.${suffix}`,
      ...(addresses.length === 0 ? {} : { addresses }),
      external_ids: { ...VENDOR, vpc: 'tenant', isU2OOverlayCIDRs: 'true' },
    });
    expect(await rowsOf(database, 'Address_Set')).toEqual([
      set('ip4', '10.1.0.0/24'),
      set('ip6', 'fd00:1::/64'),
    ]);
    await apply(database, overlay(false, '10.2.0.0/24'));
    expect(await rowsOf(database, 'Address_Set')).toEqual([set('ip4', '10.2.0.0/24'), set('ip6')]);
    await database.apply((state) => planRouterRemoval(state, 'tenant'));
    expect(await rowsOf(database, 'Address_Set')).toEqual([]);
  });
});
