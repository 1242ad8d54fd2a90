/**
 * Random clusters for the northbound database: which objects there are, what a controller plans
 * for them in one pass, and what people break meanwhile.
 */
import fc from 'fast-check';
import type {
  DesiredPort,
  DesiredRouter,
  DesiredSecurityGroup,
  DesiredSwitch,
} from '../../../../src/controller/ovn/desired.ts';
import type { Plan } from '../../../../src/controller/ovn/draft.ts';
import { leftovers } from '../../../../src/controller/ovn/leftovers.ts';
import { isOurs } from '../../../../src/controller/ovn/names.ts';
import { createNorthbound } from '../../../../src/controller/ovn/northbound.ts';
import { planPod } from '../../../../src/controller/ovn/pod-plan.ts';
import { planRouter, planRouterRemoval } from '../../../../src/controller/ovn/router-plan.ts';
import {
  planSecurityGroup,
  planSecurityGroupRemoval,
} from '../../../../src/controller/ovn/security-group-plan.ts';
import type { NbState } from '../../../../src/controller/ovn/state.ts';
import { subnetPolicies } from '../../../../src/controller/ovn/subnet-acls.ts';
import { planSwitch, planSwitchRemoval } from '../../../../src/controller/ovn/switch-plan.ts';
import type { NbDatabase } from './database.ts';
import {
  aclOf,
  address,
  attachedSwitch,
  cidr,
  groupOf,
  MAC,
  portOf,
  routeOf,
  routerOf,
  ruleOf,
  switchOf,
} from './support.ts';

export interface World {
  readonly routers: readonly DesiredRouter[];
  readonly switches: readonly DesiredSwitch[];
  readonly groups: readonly DesiredSecurityGroup[];
  readonly pods: readonly { readonly key: string; readonly ports: readonly DesiredPort[] }[];
}

const VPCS = ['v1', 'v2'];
const SUBNETS = ['s1', 's2', 's3'];
const GROUPS = ['a', 'b-c'];
const PODS = ['p1', 'p2', 'p3'];

const ROUTES = [
  routeOf('0.0.0.0/0', '10.1.0.254'),
  routeOf('0.0.0.0/0', '10.1.0.253'),
  routeOf('10.8.0.0/16', '10.1.0.9', { by: 'src-ip', routeTable: 'other' }),
  routeOf('fd09::/64', 'fd00::9'),
];
const POLICIES = [
  { priority: 9, match: 'ip6', action: 'drop', nexthops: [] } as const,
  { priority: 10, match: 'ip4', action: 'reroute', nexthops: [address('10.1.0.8')] } as const,
  ...subnetPolicies('s1', [cidr('10.1.0.0/24')]),
];
const ACLS = [
  aclOf('ip', { log: { name: 's', severity: 'warning' } }),
  aclOf('ip4.src == 10.1.0.0/24', { priority: 1001, action: 'allow-related' }),
];
const DHCP = [
  { cidr: cidr('10.1.0.0/24'), options: { router: '10.1.0.1' }, newMac: MAC },
  { cidr: cidr('fd00:1::/64'), options: {}, newMac: MAC },
];
const RULES = [
  ruleOf(),
  ruleOf({ policy: 'drop', priority: 7, direction: 'egress' }),
  ruleOf({ remote: { group: 'a', family: 'IPv4' } }),
  ruleOf({ remote: { group: 'b-c', family: 'IPv6' }, policy: 'drop' }),
];

const routers = fc.tuple(
  ...VPCS.map((name) =>
    fc.option(
      fc.record({
        name: fc.constant(name),
        learnsFromArpRequests: fc.boolean(),
        routes: fc.subarray(ROUTES),
        policies: fc.subarray(POLICIES),
      }),
      { freq: 6 },
    ),
  ),
);

const switches = fc.tuple(
  ...SUBNETS.map((name) =>
    fc.option(
      fc.record({
        name: fc.constant(name),
        vpc: fc.constantFrom(...VPCS, undefined),
        gateway: fc.constantFrom('10.1.0.1/24', '10.1.0.1/24,fd00:1::1/64'),
        routeTable: fc.constantFrom('', 'other'),
        tag: fc.constantFrom(undefined, 0, 7),
        acls: fc.subarray(ACLS),
        dhcp: fc.subarray(DHCP),
      }),
      { freq: 6 },
    ),
  ),
);

const groups = fc.tuple(
  ...GROUPS.map((name) =>
    fc.option(
      fc.record({ allowsSameGroup: fc.boolean(), rules: fc.subarray(RULES) }).map((changes) => {
        return groupOf(name, changes.rules, { allowsSameGroup: changes.allowsSameGroup });
      }),
      { freq: 4 },
    ),
  ),
);

const nic = fc.record({
  subnet: fc.constantFrom(...SUBNETS),
  addresses: fc.constantFrom('10.1.0.5', '10.1.0.6', 'fd00:1::5', '10.1.0.5,fd00:1::6', ''),
  groups: fc.subarray([...GROUPS, 'never']),
  isSecured: fc.boolean(),
});
const pods = fc.tuple(...PODS.map(() => fc.array(nic, { maxLength: 2 })));

/** Objects that refer to each other as checked objects do. */
export const world: fc.Arbitrary<World> = fc
  .record({ routers, switches, groups, pods })
  .map((random) => {
    const vpcs = random.routers.filter((each) => each !== null);
    const subnets = random.switches.filter((each) => each !== null);
    const securityGroups = random.groups.filter((each) => each !== null);
    const exists = (name: string) => securityGroups.some((each) => each.name === name);
    return {
      routers: vpcs.map((each) => routerOf(each)),
      switches: subnets.map(({ vpc, gateway, routeTable, tag, ...rest }) => {
        const localnet = tag === undefined ? {} : { localnet: localnetOf(tag) };
        const changes = { ...rest, ...localnet };
        return vpc === undefined || !vpcs.some(({ name }) => name === vpc)
          ? switchOf(changes)
          : attachedSwitch(gateway, { ...changes, vpc, routeTable });
      }),
      groups: securityGroups.map((group) => ({
        ...group,
        rules: group.rules.filter(({ remote }) => !('group' in remote) || exists(remote.group)),
      })),
      pods: random.pods.map((nics, index) => ({
        key: `ns/${PODS[index]}`,
        ports: nics
          .filter(({ subnet }) => subnets.some(({ name }) => name === subnet))
          .map(({ addresses, groups: names, ...rest }, number) => ({
            ...portOf(addresses, { ...rest, name: `${PODS[index]}.ns.net${number}` }),
            securityGroups: names.map((name) => ({ name, exists: exists(name) })),
          })),
      })),
    };
  });

function localnetOf(tag: number): { network: string; tag?: number } {
  return tag === 0 ? { network: 'physnet' } : { network: 'physnet', tag };
}

type Planner = (state: NbState) => Plan;

/** What is to be removed, from what the database holds. */
export function removals(state: NbState, { routers, switches, groups, pods }: World): Planner[] {
  const isIn = (names: readonly string[]) => (name: string) => names.includes(name);
  const exists = isIn(groups.map(({ name }) => name));
  const found = leftovers(state, {
    vpc: isIn(routers.map(({ name }) => name)),
    subnet: isIn(switches.map(({ name }) => name)),
    securityGroup: exists,
    pod: isIn(pods.map(({ key }) => key)),
  });
  return [
    ...found.pods.map(
      (key): Planner =>
        (current) =>
          planPod(current, key, []),
    ),
    ...found.securityGroups.map(
      (name): Planner =>
        (current) =>
          planSecurityGroupRemoval(current, name, exists),
    ),
    ...found.subnets.map(
      (name): Planner =>
        (current) =>
          planSwitchRemoval(current, name),
    ),
    ...found.vpcs.map(
      (name): Planner =>
        (current) =>
          planRouterRemoval(current, name),
    ),
  ];
}

/** What is to be there, in the order in which one needs the other. */
export function additions({ routers, switches, groups, pods }: World): Planner[][] {
  return [
    routers.map(
      (each): Planner =>
        (state) =>
          planRouter(state, each),
    ),
    groups.map(
      (each): Planner =>
        (state) =>
          planSecurityGroup(state, each),
    ),
    switches.map(
      (each): Planner =>
        (state) =>
          planSwitch(state, each),
    ),
    pods.map(
      ({ key, ports }): Planner =>
        (state) =>
          planPod(state, key, ports),
    ),
  ];
}

/** One pass of a controller over all objects, those of one kind at once. */
export async function pass(database: NbDatabase, objects: World): Promise<void> {
  const northbound = createNorthbound(database.nbctl);
  const gone = removals(await northbound.read(), objects);
  for (const stage of [gone, ...additions(objects)])
    await Promise.all(stage.map((plan) => northbound.bring(plan)));
}

/** Something that somebody does to rows of ours; `pick` chooses the row. */
export const damage = fc.record({
  kind: fc.nat({ max: 99 }),
  pick: fc.nat(),
});

/** Does it, where there is such a row. */
export async function doDamage(
  database: NbDatabase,
  { kind, pick }: { kind: number; pick: number },
): Promise<void> {
  const state = await database.read();
  const chosen = <R>(rows: Iterable<R>): R | undefined => {
    const all = [...rows];
    return all[pick % Math.max(all.length, 1)];
  };
  const ours = <R extends { readonly ids: Readonly<Record<string, string>> }>(
    rows: ReadonlyMap<string, R>,
  ) => [...rows.values()].filter(isOurs);
  const words = DAMAGES[kind % DAMAGES.length]?.(state, chosen, ours) ?? [];
  if (words.length > 0) await database.by(...words);
}

type Damage = (
  state: NbState,
  chosen: <R>(rows: Iterable<R>) => R | undefined,
  ours: <R extends { readonly ids: Readonly<Record<string, string>> }>(
    rows: ReadonlyMap<string, R>,
  ) => R[],
) => string[];

const MARK = 'external_ids:vendor=kube-ovn';

/** Takes a row of ours out of the row that holds it. */
function detach(
  parents: (state: NbState) => Iterable<{ readonly uuid: string }>,
  children: (
    state: NbState,
  ) => ReadonlyMap<
    string,
    { readonly uuid: string; readonly ids: Readonly<Record<string, string>> }
  >,
  column: string,
  table: string,
): Damage {
  return (state, chosen, ours) => {
    const row = chosen(ours(children(state)));
    if (row === undefined) return [];
    return [...parents(state)].flatMap(({ uuid }) => [
      ...['--', 'remove', table, uuid, column, row.uuid],
    ]);
  };
}

const DAMAGES: readonly Damage[] = [
  detach(
    (s) => s.switches.values(),
    (s) => s.switchPorts,
    'ports',
    'Logical_Switch',
  ),
  detach(
    (s) => s.routers.values(),
    (s) => s.routerPorts,
    'ports',
    'Logical_Router',
  ),
  detach(
    (s) => s.routers.values(),
    (s) => s.routes,
    'static_routes',
    'Logical_Router',
  ),
  detach(
    (s) => s.routers.values(),
    (s) => s.policies,
    'policies',
    'Logical_Router',
  ),
  detach(
    (s) => s.switches.values(),
    (s) => s.acls,
    'acls',
    'Logical_Switch',
  ),
  detach(
    (s) => s.portGroups.values(),
    (s) => s.acls,
    'acls',
    'Port_Group',
  ),
  detach(
    (s) => s.portGroups.values(),
    (s) => s.switchPorts,
    'ports',
    'Port_Group',
  ),
  destroy('Address_Set', (state) => state.addressSets),
  destroy('DHCP_Options', (state) => state.dhcpOptions),
  (state, chosen, ours) => {
    const isFree = ({ acls }: { acls: readonly string[] }) =>
      acls.every((uuid) => isOurs(state.acls.get(uuid) ?? { ids: {} }));
    const row = chosen(ours(state.portGroups).filter(isFree));
    return row === undefined ? [] : ['destroy', 'Port_Group', row.uuid];
  },
  (state, chosen, ours) => {
    const row = chosen(ours(state.switchPorts));
    if (row === undefined) return [];
    const ids = ['ls=s2', 'associated_sg_a=true', 'security_groups=x', 'vips=1'];
    const columns = ['addresses=[junk,"02:00:00:00:00:09 10.1.0.9"]', 'port_security=junk'];
    const all = [...columns, ...ids.map((id) => `external_ids:${id}`)];
    return ['set', 'Logical_Switch_Port', row.uuid, ...all];
  },
  (state, chosen, ours) => {
    const row = chosen(ours(state.routerPorts));
    const columns = ['networks="192.0.2.7/24"', 'options:route_table=wrong'];
    return row === undefined ? [] : ['set', 'Logical_Router_Port', row.uuid, ...columns];
  },
  misplace(
    'Logical_Switch',
    (s) => s.switches,
    (s) => s.switchPorts,
    true,
  ),
  misplace(
    'Logical_Switch',
    (s) => s.switches,
    (s) => s.switchPorts,
    false,
  ),
  misplace(
    'Logical_Router',
    (s) => s.routers,
    (s) => s.routerPorts,
    true,
  ),
  misplace(
    'Logical_Router',
    (s) => s.routers,
    (s) => s.routerPorts,
    false,
  ),
  (_, chosen) => ['create', 'Logical_Switch', `name=${chosen(SUBNETS)}`, MARK],
  (_, chosen) => ['create', 'Logical_Router', `name=${chosen(VPCS)}`, MARK],
  (state, chosen) => {
    if (state.switchPortNamed('stray') !== undefined) return [];
    return [
      ...['--id=@p', 'create', 'Logical_Switch_Port', 'name=stray', MARK, 'external_ids:ls=s1'],
      ...['external_ids:pod="ns/gone"', '--', 'create', 'Logical_Switch', MARK],
      ...[`name=${chosen(SUBNETS)}`, 'ports=@p'],
    ];
  },
  (state, chosen, ours) => {
    const row = chosen(ours(state.routers));
    if (row === undefined) return [];
    return [
      ...['--id=@r', 'create', 'Logical_Router_Static_Route', MARK, 'ip_prefix=10.7.0.0/16'],
      ...['nexthop=10.1.0.1', '--', 'add', 'Logical_Router', row.uuid, 'static_routes', '@r'],
      ...['--', 'clear', 'Logical_Router', row.uuid, 'options'],
    ];
  },
];

function destroy(
  table: string,
  rowsOf: (
    state: NbState,
  ) => ReadonlyMap<
    string,
    { readonly uuid: string; readonly ids: Readonly<Record<string, string>> }
  >,
): Damage {
  return (state, chosen, ours) => {
    const row = chosen(ours(rowsOf(state)));
    return row === undefined ? [] : ['destroy', table, row.uuid];
  };
}

/** Puts a port where another is to be, and takes it from its place, or not. */
function misplace(
  table: string,
  holders: (state: NbState) => ReadonlyMap<string, { uuid: string; ports: readonly string[] }>,
  ports: (
    state: NbState,
  ) => ReadonlyMap<
    string,
    { readonly uuid: string; readonly ids: Readonly<Record<string, string>> }
  >,
  isMoved: boolean,
): Damage {
  return (state, chosen, ours) => {
    const port = chosen(ours(ports(state)))?.uuid;
    const target = chosen(holders(state).values());
    if (port === undefined || target === undefined) return [];
    const before = [...holders(state).values()].filter((holder) => holder.ports.includes(port));
    return [
      ...(isMoved ? before : []).flatMap(({ uuid }) => [
        '--',
        'remove',
        table,
        uuid,
        'ports',
        port,
      ]),
      ...['--', 'add', table, target.uuid, 'ports', port],
    ];
  };
}
