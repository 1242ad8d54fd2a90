import { expect, it } from 'vitest';
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
import { leftovers } from '../../../../src/controller/ovn/leftovers.ts';
import {
  attachedSwitch,
  cidr,
  groupOf,
  MAC,
  portOf,
  routerOf,
  switchOf,
} from '../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from './database.ts';
import { pictureOf } from './picture.ts';

const none = () => false;
const NOBODY = { vpc: none, subnet: none, securityGroup: none, pod: none };

/** One of everything. */
async function setUp(): Promise<NbDatabase> {
  const database = await startDatabase();
  const dhcp = [{ cidr: cidr('10.1.0.0/24'), options: {}, newMac: MAC }];
  await database.apply((state) => planRouter(state, routerOf()));
  await database.apply((state) => planSwitch(state, attachedSwitch('10.1.0.1/24', { dhcp })));
  await database.apply((state) => planSecurityGroup(state, groupOf('web')));
  const port = portOf('10.1.0.5', { groups: ['web'] });
  await database.apply((state) => planPod(state, 'shop/web-0', [port]));
  return database;
}

it('are none while there is an object for each row', async () => {
  const state = await (await setUp()).read();
  const known = {
    vpc: (name: string) => name === 'tenant',
    subnet: (name: string) => name === 'front',
    securityGroup: (name: string) => name === 'web',
    pod: (key: string) => key === 'shop/web-0',
  };
  expect(leftovers(state, known)).toEqual({ vpcs: [], subnets: [], securityGroups: [], pods: [] });
});

it('are named by the objects that they were of, and go with their removal', async () => {
  const database = await setUp();
  const found = leftovers(await database.read(), NOBODY);
  expect(found).toEqual({
    vpcs: ['tenant'],
    subnets: ['front'],
    securityGroups: ['web'],
    pods: ['shop/web-0'],
  });
  for (const pod of found.pods) await database.apply((state) => planPod(state, pod, []));
  for (const name of found.securityGroups)
    await database.apply((state) => planSecurityGroupRemoval(state, name));
  for (const name of found.subnets) await database.apply((state) => planSwitchRemoval(state, name));
  for (const name of found.vpcs) await database.apply((state) => planRouterRemoval(state, name));
  const picture = await pictureOf(database);
  expect(picture).toMatchObject({
    ...{ Logical_Switch: [], Logical_Router: [], Address_Set: [], DHCP_Options: [] },
    Port_Group: [{ name: 'ovn.sg.kubeovn_deny_all' }],
  });
});

it.each<[string, string[], string[]]>([
  ['a router port', ['ls-del', 'front'], ['front']],
  ['DHCP options', ['ls-del', 'front', '--', 'lrp-del', 'tenant-front'], ['front']],
])('of a Subnet are seen by %s alone', async (_, damage, subnets) => {
  const database = await setUp();
  await database.by(...damage);
  expect(leftovers(await database.read(), NOBODY).subnets).toEqual(subnets);
});

it('of a SecurityGroup are seen by a set of addresses alone', async () => {
  const database = await setUp();
  await database.by('pg-del', 'ovn.sg.web');
  expect(leftovers(await database.read(), NOBODY).securityGroups).toEqual(['web']);
});

it('never are rows of others, nor of parts of Kube-OVN that are not ours', async () => {
  const database = await startDatabase();
  await database.apply((state) => planSwitch(state, switchOf()));
  await database.by('lr-add', 'a', '--', 'ls-add', 'b', '--', 'pg-add', 'c');
  await database.by(
    'lsp-add',
    'b',
    'd',
    '--',
    'set',
    'Logical_Switch_Port',
    'd',
    'external_ids:pod="e/f"',
  );
  await database.by('lsp-add', 'front', 'node-node1');
  const marks = ['external_ids:vendor=kube-ovn', 'external_ids:ls=front'];
  await database.by('set', 'Logical_Switch_Port', 'node-node1', ...marks);
  await database.by('create', 'Port_Group', 'name=front.node1', 'external_ids:vendor=kube-ovn');
  await database.by('create', 'Address_Set', 'name=np', 'external_ids:vendor=kube-ovn');
  expect(
    leftovers(await database.read(), { ...NOBODY, subnet: (name) => name === 'front' }),
  ).toEqual({
    vpcs: [],
    subnets: [],
    securityGroups: [],
    pods: [],
  });
});
