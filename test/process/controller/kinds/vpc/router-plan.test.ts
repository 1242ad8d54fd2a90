import { describe, expect, it } from 'vitest';
import { planSwitch } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import {
  planRouter,
  planRouterRemoval,
} from '../../../../../src/controller/kinds/vpc/router-plan.ts';
import type { DesiredRouter } from '../../../../../src/controller/ovn/desired.ts';
import { subnetPolicies } from '../../../../../src/controller/ovn/subnet-acls.ts';
import {
  address,
  attachedSwitch,
  cidr,
  failureOf,
  NOTHING,
  routeOf,
  routerOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';
import { pictureOf, rowNamed, rowsOf } from '../../ovn/picture.ts';

const ROUTE = 'Logical_Router_Static_Route';
const OPTIONS = {
  mac_binding_age_threshold: '300',
  dynamic_neigh_routers: 'true',
  always_learn_from_arp_request: 'false',
};
const FULL = routerOf({
  routes: [
    routeOf('0.0.0.0/0', '10.1.0.254'),
    routeOf('0.0.0.0/0', '10.1.0.253'),
    routeOf('10.9.0.7/32', '10.1.0.9', { by: 'src-ip', routeTable: 'other' }),
    routeOf('fd09::/64', 'fd00::9'),
  ],
  policies: [
    {
      priority: 10,
      match: 'ip4.src == 10.1.0.0/24',
      action: 'reroute',
      nexthops: [address('10.1.0.8'), address('10.1.0.7')],
    },
    { priority: 9, match: 'ip6', action: 'drop', nexthops: [] },
    ...subnetPolicies('front', [cidr('10.1.0.0/24')]),
  ],
});

async function apply(database: NbDatabase, desired: DesiredRouter): Promise<void> {
  await database.apply((state) => planRouter(state, desired));
  expect(planRouter(await database.read(), desired)).toEqual(NOTHING);
}

describe('a router', () => {
  it('is made with its routes and policies', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    const route = { external_ids: VENDOR, policy: 'dst-ip' };
    expect(await rowNamed(database, 'Logical_Router', 'tenant')).toEqual({
      name: 'tenant',
      external_ids: VENDOR,
      options: OPTIONS,
      static_routes: [
        { ...route, ip_prefix: '0.0.0.0/0', nexthop: '10.1.0.253' },
        { ...route, ip_prefix: '0.0.0.0/0', nexthop: '10.1.0.254' },
        {
          ...{ external_ids: VENDOR, policy: 'src-ip', route_table: 'other' },
          ...{ ip_prefix: '10.9.0.7/32', nexthop: '10.1.0.9' },
        },
        { ...route, ip_prefix: 'fd09::/64', nexthop: 'fd00::9' },
      ],
      policies: [
        {
          ...{ action: 'allow', match: 'ip4.dst == 10.1.0.0/24', priority: 31_000 },
          external_ids: { ...VENDOR, subnet: 'front' },
        },
        { action: 'drop', match: 'ip6', priority: 9, external_ids: VENDOR },
        {
          ...{ action: 'reroute', match: 'ip4.src == 10.1.0.0/24', priority: 10 },
          ...{ external_ids: VENDOR, nexthops: ['10.1.0.7', '10.1.0.8'] },
        },
      ].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
    });
  });

  it('loses what is not wanted any more, and nothing else', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    const fewer = { ...FULL, routes: FULL.routes.slice(1, 2), policies: FULL.policies.slice(2) };
    const uuid = () =>
      database.by('--bare', '--columns=_uuid', 'find', ROUTE, 'nexthop=10.1.0.253');
    const before = await uuid();
    await apply(database, fewer);
    const { static_routes: routes, policies } = await rowNamed(
      database,
      'Logical_Router',
      'tenant',
    );
    expect(routes).toEqual([expect.objectContaining({ nexthop: '10.1.0.253' })]);
    expect(policies).toEqual([expect.objectContaining({ priority: 31_000 })]);
    expect(await uuid()).toBe(before);
  });

  it('learns from what ARP asks only where it is told to', async () => {
    const database = await startDatabase();
    await apply(database, routerOf());
    await database.by('set', 'Logical_Router', 'tenant', 'options:snat-ct-zone=7');
    await apply(database, routerOf({ learnsFromArpRequests: true }));
    const { options } = await rowNamed(database, 'Logical_Router', 'tenant');
    const learning = { always_learn_from_arp_request: 'true', 'snat-ct-zone': '7' };
    expect(options).toEqual({ ...OPTIONS, ...learning });
  });
});

describe('a route', () => {
  it('that somebody else has made the same is not made twice, and stays', async () => {
    const database = await startDatabase();
    await apply(database, routerOf());
    await database.by('lr-route-add', 'tenant', '0.0.0.0/0', '10.1.0.254');
    await apply(database, FULL);
    expect(await rowsOf(database, ROUTE)).toHaveLength(FULL.routes.length);
    await apply(database, routerOf());
    expect(await rowsOf(database, ROUTE)).toEqual([
      { ip_prefix: '0.0.0.0/0', nexthop: '10.1.0.254' },
    ]);
  });

  it('of ours stays where somebody else makes the same', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    const columns = ['ip_prefix=0.0.0.0/0', 'nexthop=10.1.0.254', 'policy=dst-ip'];
    const add = ['add', 'Logical_Router', 'tenant', 'static_routes', '@r'];
    await database.by('--id=@r', 'create', ROUTE, ...columns, '--', ...add);
    expect(planRouter(await database.read(), FULL)).toEqual(NOTHING);
  });

  it('is known in whatever way it is written', async () => {
    const database = await startDatabase();
    await apply(database, routerOf());
    const marked = 'external_ids:vendor=kube-ovn';
    for (const [prefix, nexthop] of [
      ['10.9.0.7', '10.1.0.9'],
      ['10.8.1.1/24', '10.1.0.9'],
      ['FD09:0::/64', 'FD00::0:9'],
    ]) {
      const columns = [`ip_prefix="${prefix}"`, `nexthop="${nexthop}"`, marked];
      const add = ['add', 'Logical_Router', 'tenant', 'static_routes', '@r'];
      await database.by('--id=@r', 'create', ROUTE, ...columns, '--', ...add);
    }
    const routes = [
      routeOf('10.9.0.7/32', '10.1.0.9'),
      routeOf('10.8.1.0/24', '10.1.0.9'),
      routeOf('fd09::/64', 'fd00::9'),
    ];
    expect(planRouter(await database.read(), routerOf({ routes }))).toEqual(NOTHING);
  });

  it('that is there twice is there once', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    const columns = ['ip_prefix=0.0.0.0/0', 'nexthop=10.1.0.254', 'external_ids:vendor=kube-ovn'];
    const add = ['add', 'Logical_Router', 'tenant', 'static_routes', '@r'];
    await database.by('--id=@r', 'create', ROUTE, ...columns, '--', ...add);
    await apply(database, FULL);
    expect(await rowsOf(database, ROUTE)).toHaveLength(FULL.routes.length);
  });
});

it("rows of Kube-OVN's that no Vpc or Subnet asks for stay", async () => {
  const database = await startDatabase();
  await apply(database, routerOf());
  const policy = (priority: number, ...ids: string[]) =>
    database.by(
      ...['--id=@p', 'create', 'Logical_Router_Policy', `priority=${priority}`, 'match=ip4'],
      ...['action=allow', 'external_ids:vendor=kube-ovn', ...ids.map((id) => `external_ids:${id}`)],
      ...['--', 'add', 'Logical_Router', 'tenant', 'policies', '@p'],
    );
  await policy(30_000, 'node=node1');
  await policy(29_000, 'subnet=front');
  await policy(31_000, 'subnet=front');
  await policy(5);
  await database.by(
    ...['--id=@b', 'create', 'BFD', 'logical_port=x', 'dst_ip=10.1.0.2'],
    ...['--', '--id=@r', 'create', ROUTE, 'ip_prefix=0.0.0.0/0', 'nexthop=10.1.0.2', 'bfd=@b'],
    ...['external_ids:vendor=kube-ovn', '--', 'add', 'Logical_Router', 'tenant'],
    ...['static_routes', '@r'],
  );
  await apply(database, routerOf());
  const policies = await rowsOf(database, 'Logical_Router_Policy');
  expect(policies.map(({ priority }) => priority)).toEqual([30_000, 29_000]);
  expect(await rowsOf(database, ROUTE)).toHaveLength(1);
});

it('two Vpcs have two routers, whatever routes they have', async () => {
  const database = await startDatabase();
  const other = { ...FULL, name: 'other' };
  await apply(database, FULL);
  await apply(database, other);
  const routers = await rowsOf(database, 'Logical_Router');
  expect(routers.map(({ name }) => name)).toEqual(['other', 'tenant']);
  await database.apply((state) => planRouterRemoval(state, 'other'));
  expect(await rowsOf(database, 'Logical_Router')).toEqual([
    expect.objectContaining({ name: 'tenant', static_routes: expect.arrayContaining([]) }),
  ]);
  expect(planRouter(await database.read(), FULL)).toEqual(NOTHING);
});

describe('a name that is taken', () => {
  it('by a router that is not ours is left to it', async () => {
    const database = await startDatabase();
    await database.by('lr-add', 'tenant');
    const before = await pictureOf(database);
    const failure = await failureOf(() => apply(database, FULL));
    expect(failure.reason).toBe('taken');
    expect(failure.message).toBe(
      'Logical_Router tenant is taken: it lacks external_ids:vendor=kube-ovn, so it is not ours to change',
    );
    expect(failure.details).toContain('ovn-nbctl find Logical_Router name=tenant');
    await database.apply((state) => planRouterRemoval(state, 'tenant'));
    expect(await pictureOf(database)).toEqual(before);
  });

  it('by a second router of ours is made one, with all that both have', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    await database.apply((state) => planSwitch(state, attachedSwitch()));
    const twin = ['create', 'Logical_Router', 'name=tenant', 'external_ids:vendor=kube-ovn'];
    await database.by(...twin);
    const twins = (await database.read()).routersNamed('tenant');
    const empty = twins.find(({ ports }) => ports.size === 0)?.uuid ?? '';
    await database.by('lr-route-add', empty, '198.51.100.0/24', '10.1.0.3');
    await database.by('lr-nat-add', empty, 'snat', '192.0.2.1', '10.1.0.0/24');
    await apply(database, FULL);
    const router = await rowNamed(database, 'Logical_Router', 'tenant');
    expect(router.static_routes).toHaveLength(FULL.routes.length + 1);
    expect(router.ports).toEqual([expect.objectContaining({ name: 'tenant-front' })]);
    expect(router.nat).toHaveLength(1);
  });
});

describe('the removal of a router', () => {
  it('takes all that is ours with it', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    const { kept } = await database.apply((state) => planRouterRemoval(state, 'tenant'));
    expect(kept).toEqual([]);
    expect(await rowsOf(database, 'Logical_Router')).toEqual([]);
    expect(planRouterRemoval(await database.read(), 'tenant')).toEqual(NOTHING);
  });

  it('leaves it to those who have attached something to it', async () => {
    const database = await startDatabase();
    await apply(database, FULL);
    await database.by('lr-route-add', 'tenant', '198.51.100.0/24', '10.1.0.3');
    await database.by('lrp-add', 'tenant', 'uplink', '02:00:00:00:09:09', '192.0.2.2/24');
    const { kept } = await database.apply((state) => planRouterRemoval(state, 'tenant'));
    expect(kept).toEqual([
      'Logical_Router tenant stays: it has ports and static_routes that are not ours',
    ]);
    const router = await rowNamed(database, 'Logical_Router', 'tenant');
    expect(router).toEqual({
      name: 'tenant',
      external_ids: VENDOR,
      options: OPTIONS,
      ports: [{ name: 'uplink', mac: '02:00:00:00:09:09', networks: ['192.0.2.2/24'] }],
      static_routes: [{ ip_prefix: '198.51.100.0/24', nexthop: '10.1.0.3' }],
    });
    expect(planRouterRemoval(await database.read(), 'tenant').operations).toEqual([]);
  });
});

describe('a route that is there for want of another', () => {
  const ANYWHERE = '0.0.0.0/0';
  const fallback = routeOf(ANYWHERE, '10.1.0.1', { isFallback: true });
  const hopsOf = async (database: NbDatabase) =>
    (await rowsOf(database, ROUTE)).map(({ nexthop }) => nexthop);

  it('goes when its router has another one for the same prefix', async () => {
    const database = await startDatabase();
    await apply(database, routerOf({ routes: [fallback] }));
    expect(await hopsOf(database)).toEqual(['10.1.0.1']);
    const own = routeOf(ANYWHERE, '10.1.0.254');
    await apply(database, routerOf({ routes: [own, fallback] }));
    expect(await hopsOf(database)).toEqual(['10.1.0.254']);
    await apply(database, routerOf({ routes: [fallback] }));
    expect(await hopsOf(database)).toEqual(['10.1.0.1']);
    await apply(database, routerOf());
    expect(await hopsOf(database)).toEqual([]);
  });

  it('goes also where that is none of ours, and not for another prefix, table or end', async () => {
    const database = await startDatabase();
    await apply(database, routerOf({ routes: [fallback] }));
    const others = [
      routeOf('10.0.0.0/8', '10.1.0.9'),
      routeOf(ANYWHERE, '10.1.0.9', { by: 'src-ip' }),
      routeOf(ANYWHERE, '10.1.0.9', { routeTable: 'other' }),
    ];
    await apply(database, routerOf({ routes: [...others, fallback] }));
    expect(await hopsOf(database)).toContain('10.1.0.1');
    await database.by('--ecmp', 'lr-route-add', 'tenant', ANYWHERE, '10.1.0.99');
    await apply(database, routerOf({ routes: [fallback] }));
    expect(await hopsOf(database)).toEqual(['10.1.0.99']);
  });
});
