/**
 * Random clusters for the northbound database: which objects there are, and what a controller plans
 * for them in one pass.
 */
import fc from 'fast-check';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import {
  planSecurityGroup,
  planSecurityGroupRemoval,
} from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import {
  planSwitch,
  planSwitchRemoval,
} from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import { planRouter, planRouterRemoval } from '../../../../src/controller/kinds/vpc/router-plan.ts';
import type {
  DesiredLocalnet,
  DesiredPort,
  DesiredRouter,
  DesiredSecurityGroup,
  DesiredSwitch,
} from '../../../../src/controller/ovn/desired.ts';
import { leftovers } from '../../../../src/controller/ovn/leftovers.ts';
import type { NbState } from '../../../../src/controller/ovn/state.ts';
import { subnetPolicies } from '../../../../src/controller/ovn/subnet-acls.ts';
import type { Plan } from '../../../../src/controller/ovn/transaction-builder.ts';
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
} from '../../../unit/controller/ovn/support.ts';
import type { NbDatabase } from './database.ts';

export interface World {
  readonly routers: readonly DesiredRouter[];
  readonly switches: readonly DesiredSwitch[];
  readonly groups: readonly DesiredSecurityGroup[];
  readonly pods: readonly { readonly key: string; readonly ports: readonly DesiredPort[] }[];
}

export const VPCS = ['v1', 'v2'];
export const SUBNETS = ['s1', 's2', 's3'];
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

function localnetOf(tag: number): DesiredLocalnet {
  const localnet = { network: 'physnet', cidrs: [] };
  return tag === 0 ? localnet : { ...localnet, tag };
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
          planSecurityGroupRemoval(current, name),
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
  const gone = removals(await database.read(), objects);
  for (const stage of [gone, ...additions(objects)])
    await Promise.all(stage.map((plan) => database.northbound.apply(plan)));
}
