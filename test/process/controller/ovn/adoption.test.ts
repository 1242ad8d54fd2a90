/**
 * A database that Kube-OVN's controller has written, row by row as its v1.17 does: nothing in it is
 * to be changed but the one row that must be.
 */
import { expect, it } from 'vitest';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import { planRouter } from '../../../../src/controller/kinds/vpc/router-plan.ts';
import type { DesiredSwitch } from '../../../../src/controller/ovn/desired.ts';
import { interconnectionPolicies } from '../../../../src/controller/ovn/interconnection-policies.ts';
import { leftovers } from '../../../../src/controller/ovn/leftovers.ts';
import type { NbState } from '../../../../src/controller/ovn/state.ts';
import { privateAcls, subnetPolicies } from '../../../../src/controller/ovn/subnet-acls.ts';
import type { Plan } from '../../../../src/controller/ovn/transaction-builder.ts';
import {
  address,
  attachedSwitch,
  cidr,
  groupOf,
  NOTHING,
  portOf,
  routeOf,
  routerOf,
  ruleOf,
} from '../../../unit/controller/ovn/support.ts';
import { startDatabase } from './database.ts';
import { rowsOf } from './picture.ts';

const MARK = 'external_ids:vendor=kube-ovn';

const ROUTER = [
  ...['--id=@src', 'create', 'Logical_Router_Static_Route', 'policy=src-ip', MARK],
  ...['ip_prefix=10.1.0.0/24', 'nexthop=10.1.0.1'],
  ...['--', '--id=@dst', 'create', 'Logical_Router_Static_Route', 'policy=dst-ip', MARK],
  ...['ip_prefix=0.0.0.0/0', 'nexthop=10.1.0.254'],
  ...['--', '--id=@p', 'create', 'Logical_Router_Policy', 'priority=31000', 'action=allow', MARK],
  ...['match="ip4.dst == 10.1.0.0/24"', 'external_ids:subnet=front'],
  ...['--', '--id=@lrp', 'create', 'Logical_Router_Port', 'name=tenant-front', MARK],
  ...['mac="8e:1e:2f:00:00:01"', 'networks=10.1.0.1/24', 'external_ids:lr=tenant'],
  ...['--', 'create', 'Logical_Router', 'name=tenant', MARK, 'ports=@lrp', 'policies=@p'],
  ...['static_routes=@src,@dst', 'options:mac_binding_age_threshold=300'],
  ...['options:dynamic_neigh_routers=true', 'options:always_learn_from_arp_request=false'],
];

const SWITCH = [
  ...['--id=@lsp', 'create', 'Logical_Switch_Port', 'name=front-tenant', 'type=router', MARK],
  ...['addresses=router', 'options:router-port=tenant-front', 'external_ids:ls=front'],
  ...['--', '--id=@pod', 'create', 'Logical_Switch_Port', 'name=web-0.shop.net.shop.ovn', MARK],
  ...['addresses="02:00:00:00:01:05 10.1.0.5"', 'port_security="02:00:00:00:01:05 10.1.0.5"'],
  ...['external_ids:ls=front', 'external_ids:pod="shop/web-0"', 'external_ids:security_groups=web'],
  ...['external_ids:associated_sg_web=true'],
  ...['external_ids:associated_sg_default-securitygroup=false'],
  ...['--', '--id=@drop', 'create', 'ACL', MARK, 'external_ids:parent=front', 'priority=1000'],
  ...[
    'match=ip',
    'action=drop',
    'direction=to-lport',
    'log=true',
    'severity=warning',
    'name=front',
  ],
  ...['--', '--id=@own', 'create', 'ACL', MARK, 'external_ids:parent=front', 'priority=1001'],
  ...['match="ip4.src == 10.1.0.0/24 && ip4.dst == 10.1.0.0/24"', 'action=allow-related'],
  ...['direction=to-lport', '--', 'create', 'Logical_Switch', 'name=front', MARK],
  ...['ports=@lsp,@pod', 'acls=@drop,@own'],
];

/** Matches of the base ACLs, to the pod and from it. */
const BASE = {
  'to-lport': [
    'outport == @ovn.sg.web && arp',
    'outport == @ovn.sg.web && icmp6.type == {130, 134, 135, 136} && icmp6.code == 0 && ip.ttl == 255',
    'outport == @ovn.sg.web && udp.src == 67 && udp.dst == 68 && ip4',
    'outport == @ovn.sg.web && udp.src == 547 && udp.dst == 546 && ip6',
    'outport == @ovn.sg.web && ip.proto == 112',
  ],
  'from-lport': [
    'inport == @ovn.sg.web && arp',
    'inport == @ovn.sg.web && icmp6.type == {130, 133, 135, 136} && icmp6.code == 0 && ip.ttl == 255',
    'inport == @ovn.sg.web && udp.src == 68 && udp.dst == 67 && ip4',
    'inport == @ovn.sg.web && udp.src == 546 && udp.dst == 547 && ip6',
    'inport == @ovn.sg.web && ip.proto == 112',
  ],
};

function groupCommands(group: string, acls: readonly (readonly string[])[]): string[] {
  const name = `ovn.sg.${group}`;
  const creations = acls.flatMap(([direction, priority, action, match], index) => [
    ...[...(index === 0 ? [] : ['--']), `--id=@a${index}`, 'create', 'ACL', MARK],
    ...[`external_ids:parent=${name}`, `direction=${direction}`, `priority=${priority}`],
    ...[`action=${action}`, `match="${match}"`],
  ]);
  return [
    ...creations,
    ...['--', 'create', 'Port_Group', `name=${name}`, MARK, `external_ids:sg=${group}`],
    ...['external_ids:type=security_group', `acls=${acls.map((_, index) => `@a${index}`)}`],
  ];
}

it('is taken over as it is', async () => {
  const database = await startDatabase();
  await database.by(...ROUTER);
  await database.by(...SWITCH);
  const base = (['to-lport', 'from-lport'] as const).flatMap((direction) =>
    BASE[direction].map((match) => [direction, '2005', 'allow-related', match]),
  );
  const rule = 'outport == @ovn.sg.web && ip4 && ip4.src == 10.0.0.7 && 80 <= tcp.dst <= 443';
  await database.by(...groupCommands('web', [...base, ['to-lport', '18474', 'drop', rule]]));
  const deny = '@ovn.sg.kubeovn_deny_all && ip';
  await database.by(
    ...groupCommands('kubeovn_deny_all', [
      ['to-lport', '2003', 'drop', `outport == ${deny}`],
      ['from-lport', '2003', 'drop', `inport == ${deny}`],
    ]),
  );
  const port = (await database.read()).switchPortNamed('web-0.shop.net.shop.ovn')?.uuid ?? '';
  for (const group of ['web', 'kubeovn_deny_all'])
    await database.by('add', 'Port_Group', `ovn.sg.${group}`, 'ports', port);
  const set = ['create', 'Address_Set', MARK, 'external_ids:sg=web'];
  await database.by(...set, 'name=ovn.sg.web.associated.v4', 'addresses="10.1.0.5"');
  await database.by(...set, 'name=ovn.sg.web.associated.v6');

  const front = cidr('10.1.0.0/24');
  const acls = privateAcls({ subnet: 'front', cidrs: [front], allowed: [], nodes: [] });
  const dropping = ruleOf({
    priority: 10,
    remote: { network: cidr('10.0.0.7/32') },
    protocol: { name: 'tcp', ports: { min: 80, max: 443 } },
    policy: 'drop',
  });
  const secured = { vpc: 'tenant', groups: ['web'], isSecured: true };
  const plans: ((state: NbState) => Plan)[] = [
    (state) => planSwitch(state, attachedSwitch('10.1.0.1/24', { acls })),
    (state) => planSecurityGroup(state, groupOf('web', [dropping])),
    (state) => planPod(state, 'shop/web-0', [portOf('10.1.0.5', secured)]),
  ];
  const state = await database.read();
  for (const plan of plans) expect(plan(state)).toEqual(NOTHING);
  const known = () => true;
  const all = { vpc: known, subnet: known, securityGroup: known, pod: known };
  expect(Object.values(leftovers(state, all)).flat()).toEqual([]);

  // The route by source to the Subnet's own gateway leads nowhere: see router-plan.ts.
  await database.apply((current) =>
    planRouter(
      current,
      routerOf({
        routes: [routeOf('0.0.0.0/0', '10.1.0.254')],
        policies: subnetPolicies('front', [front]),
      }),
    ),
  );
  expect(await rowsOf(database, 'Logical_Router_Static_Route')).toEqual([
    expect.objectContaining({ ip_prefix: '0.0.0.0/0', policy: 'dst-ip' }),
  ]);
});

it('is taken over with the leg of a router in a provider network', async () => {
  const database = await startDatabase();
  const ids = ['external_ids:subnet=front', 'external_ids:isU2ORoutePolicy=true', MARK];
  const policy = (id: string, priority: number, match: string, ...more: string[]) => [
    ...['--', `--id=@${id}`, 'create', 'Logical_Router_Policy', `priority=${priority}`],
    ...[`match="${match}"`, ...more, ...ids],
  ];
  const reroute = ['action=reroute', 'nexthops="10.1.0.1"'];
  await database.by(
    ...['--id=@lrp', 'create', 'Logical_Router_Port', 'name=ovn-cluster-front', MARK],
    ...['mac="02:00:00:00:00:77"', 'networks=10.1.0.9/24', 'external_ids:lr=ovn-cluster'],
    ...policy('a', 29_400, 'ip4.dst == 10.1.0.0/24', 'action=allow'),
    ...policy(
      'b',
      31_000,
      'ip4.dst == $front.u2o_exclude_ip.ip4 && ip4.src == 10.1.0.0/24',
      ...reroute,
    ),
    ...policy('c', 29_000, 'ip4.src == 10.1.0.0/24', ...reroute),
    ...['--', 'create', 'Logical_Router', 'name=ovn-cluster', MARK, 'ports=@lrp'],
    ...['policies=@a,@b,@c', 'options:mac_binding_age_threshold=300'],
    ...['options:dynamic_neigh_routers=true', 'options:always_learn_from_arp_request=true'],
    ...[
      '--',
      'create',
      'Address_Set',
      'name=front.u2o_exclude_ip.ip4',
      'addresses="192.0.2.1"',
      ...ids,
    ],
    ...['--', 'create', 'Address_Set', 'name=front.u2o_exclude_ip.ip6', ...ids],
    ...['--', 'create', 'Address_Set', 'name=ovn.cluster.u2o_overlay_cidrs.ip4', MARK],
    ...['addresses="10.16.0.0/16"', 'external_ids:vpc=ovn-cluster'],
    ...['external_ids:isU2OOverlayCIDRs=true'],
    ...['--', '--id=@lsp', 'create', 'Logical_Switch_Port', 'name=front-ovn-cluster', MARK],
    ...['type=router', 'addresses=router', 'options:router-port=ovn-cluster-front'],
    ...['external_ids:ls=front', '--', '--id=@net', 'create', 'Logical_Switch_Port', MARK],
    ...['name=localnet.front', 'type=localnet', 'addresses=unknown', 'tag=7'],
    ...['options:network_name=physnet', 'external_ids:ls=front'],
    ...['external_ids:ipv4_network="10.1.0.0/24"'],
    ...['--', 'create', 'Logical_Switch', 'name=front', MARK, 'ports=@lsp,@net'],
  );
  const block = { cidr: cidr('10.1.0.0/24'), gateway: address('10.1.0.1') };
  const router = routerOf({
    name: 'ovn-cluster',
    learnsFromArpRequests: true,
    policies: interconnectionPolicies({
      subnet: 'front',
      vpc: 'ovn-cluster',
      isInDefaultVpc: true,
      isOverlayOnly: false,
      blocks: [block],
      serviceNodes: [],
      serviceCidrs: [],
    }),
    overlay: { cidrs: [cidr('10.16.0.0/16')], isNeeded: false },
  });
  const attached = attachedSwitch('10.1.0.9/24', {
    vpc: 'ovn-cluster',
    localnet: { network: 'physnet', tag: 7, cidrs: [block.cidr] },
    nodes: [address('192.0.2.1')],
  });
  const mac = '02:00:00:00:00:77';
  const wanted = { ...attached, attachment: { ...attached.attachment, mac } } as DesiredSwitch;
  const operationsOf = async (plan: (state: NbState) => Plan) =>
    (await database.apply(plan)).operations;
  expect(await operationsOf((state) => planRouter(state, router))).toEqual([]);
  expect(await operationsOf((state) => planSwitch(state, wanted))).toEqual([]);
  // Of objects that went while no controller ran.
  const none = () => false;
  const gone = leftovers(await database.read(), {
    vpc: none,
    subnet: none,
    securityGroup: none,
    pod: none,
  });
  expect(gone).toMatchObject({ vpcs: ['ovn-cluster'], subnets: ['front'] });
});
