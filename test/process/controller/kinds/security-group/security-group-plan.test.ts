import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import {
  planSecurityGroup,
  planSecurityGroupRemoval,
} from '../../../../../src/controller/kinds/security-group/security-group-plan.ts';
import {
  planSwitch,
  planSwitchRemoval,
} from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import type {
  DesiredPort,
  DesiredSecurityGroup,
} from '../../../../../src/controller/ovn/desired.ts';
import {
  address,
  cidr,
  failureOf,
  groupOf,
  NOTHING,
  portOf,
  ruleOf,
  switchOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { type NbDatabase, startDatabase } from '../../ovn/database.ts';
import { pictureOf, rowNamed, rowsOf } from '../../ovn/picture.ts';

const DENY = 'ovn.sg.kubeovn_deny_all';
const WEB = groupOf('web-tier', [ruleOf()], { allowsSameGroup: true });
/** Both directions: ARP, neighbour discovery, two DHCPs, VRRP. */
const BASE_ACLS = 10;

async function setUp(): Promise<NbDatabase> {
  const database = await startDatabase();
  for (const name of ['front', 'back'])
    await database.apply((state) => planSwitch(state, switchOf({ name })));
  return database;
}

async function apply(database: NbDatabase, group: DesiredSecurityGroup): Promise<void> {
  await database.apply((state) => planSecurityGroup(state, group));
  expect(planSecurityGroup(await database.read(), group)).toEqual(NOTHING);
}

async function bringPod(database: NbDatabase, pod: string, ...ports: DesiredPort[]) {
  const key = `shop/${pod}`;
  await database.apply((state) => planPod(state, key, ports));
  expect(planPod(await database.read(), key, ports)).toEqual(NOTHING);
}

/** A pod with one port of its own name. */
const bringPort = (database: NbDatabase, name: string, addresses: string, groups: string[]) =>
  bringPod(database, name, portOf(addresses, { name, groups }));

const remove = (database: NbDatabase, name: string) =>
  database.apply((state) => planSecurityGroupRemoval(state, name));

const membersOf = async (database: NbDatabase, group: string) =>
  (await rowNamed(database, 'Port_Group', group)).ports ?? [];

const addressesOf = async (database: NbDatabase, set: string) =>
  (await rowNamed(database, 'Address_Set', set)).addresses ?? [];

describe('a SecurityGroup', () => {
  it('is a port group with ACLs, and two sets of addresses', async () => {
    const database = await setUp();
    await apply(database, WEB);
    const group = await rowNamed(database, 'Port_Group', 'ovn.sg.web.tier');
    expect(group.external_ids).toEqual({ ...VENDOR, type: 'security_group', sg: 'web-tier' });
    expect(group.acls).toHaveLength(BASE_ACLS + 4 + 1);
    expect(group.acls).toContainEqual({
      action: 'allow-related',
      direction: 'to-lport',
      match: 'outport == @ovn.sg.web.tier && ip4 && ip4.src == 0.0.0.0/0 && icmp4',
      priority: 18_483,
      external_ids: { ...VENDOR, parent: 'ovn.sg.web.tier' },
    });
    const external_ids = { ...VENDOR, sg: 'web-tier' };
    expect(await rowsOf(database, 'Address_Set')).toEqual([
      { external_ids, name: 'ovn.sg.web.tier.associated.v4' },
      { external_ids, name: 'ovn.sg.web.tier.associated.v6' },
    ]);
  });

  it('changes its rules, and touches no other ACL', async () => {
    const database = await setUp();
    await apply(database, WEB);
    const uuids = async () => [...(await database.read()).acls.keys()];
    const before = await uuids();
    const changed = groupOf('web-tier', [ruleOf({ policy: 'drop' })], { allowsSameGroup: true });
    await apply(database, changed);
    const after = await uuids();
    expect(after.filter((uuid) => before.includes(uuid))).toHaveLength(BASE_ACLS + 4);
    expect(after).toHaveLength(before.length);
  });

  it('has the ports whose pods list it, and their addresses', async () => {
    const database = await setUp();
    await bringPort(database, 'one', '10.1.0.5,fd00:1::5', ['web-tier']);
    await bringPort(database, 'two', '10.1.0.6', ['web-tier', 'other']);
    await bringPort(database, 'three', '10.1.0.7', []);
    await apply(database, WEB);
    expect(await membersOf(database, 'ovn.sg.web.tier')).toEqual(['one', 'two']);
    expect(await membersOf(database, DENY)).toEqual(['one', 'two']);
    const set = 'ovn.sg.web.tier.associated';
    expect(await addressesOf(database, `${set}.v4`)).toEqual(['10.1.0.5', '10.1.0.6']);
    expect(await addressesOf(database, `${set}.v6`)).toEqual(['fd00:1::5']);
  });

  it('makes the sets that its rules name, also where that group is not there yet', async () => {
    const database = await setUp();
    await bringPort(database, 'one', 'fd00:1::5', ['db']);
    const rule = ruleOf({ remote: { group: 'db', family: 'IPv6' }, policy: 'drop' });
    await apply(database, groupOf('web', [rule]));
    expect(await addressesOf(database, 'ovn.sg.db.associated.v6')).toEqual(['fd00:1::5']);
  });

  it('is mended where somebody has damaged it', async () => {
    const database = await setUp();
    await bringPort(database, 'one', '10.1.0.5', ['web-tier']);
    await apply(database, WEB);
    const before = await pictureOf(database);
    await database.by('clear', 'Port_Group', 'ovn.sg.web.tier', 'ports', 'acls', 'external_ids');
    await database.by('set', 'Port_Group', 'ovn.sg.web.tier', 'external_ids:vendor=kube-ovn');
    await database.by('destroy', 'Port_Group', DENY);
    await database.by('destroy', 'Address_Set', 'ovn.sg.web.tier.associated.v4');
    await database.by(
      ...['set', 'Address_Set', 'ovn.sg.web.tier.associated.v6', 'addresses="fd00::bad"'],
    );
    await apply(database, WEB);
    expect(await pictureOf(database)).toEqual(before);
  });

  it('keeps what others have put into it', async () => {
    const database = await setUp();
    await apply(database, WEB);
    await database.by('lsp-add', 'front', 'theirs');
    const uuid = (await database.read()).switchPortNamed('theirs')?.uuid ?? '';
    await database.by('add', 'Port_Group', 'ovn.sg.web.tier', 'ports', uuid);
    await database.by(
      '--type=port-group',
      'acl-add',
      'ovn.sg.web.tier',
      'to-lport',
      '9',
      'ip',
      'drop',
    );
    await apply(database, groupOf('web-tier'));
    expect(await membersOf(database, 'ovn.sg.web.tier')).toEqual(['theirs']);
    expect((await rowNamed(database, 'Port_Group', 'ovn.sg.web.tier')).acls).toContainEqual({
      action: 'drop',
      direction: 'to-lport',
      match: 'ip',
      priority: 9,
    });
  });
});

describe('a port with SecurityGroups', () => {
  it('says which its pod lists, and joins those that exist', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    const port = portOf('10.1.0.5', { name: 'one' });
    const securityGroups = [
      { name: 'web', exists: true },
      { name: 'missing', exists: false },
    ];
    await bringPod(database, 'one', { ...port, securityGroups });
    expect((await rowNamed(database, 'Logical_Switch_Port', 'one')).external_ids).toMatchObject({
      security_groups: 'web/missing',
      associated_sg_web: 'true',
      associated_sg_missing: 'true',
    });
    expect(await membersOf(database, 'ovn.sg.web')).toEqual(['one']);
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual(['10.1.0.5']);
    expect(await membersOf(database, DENY)).toEqual(['one']);
  });

  it('is closed before the rows of its groups are there, with the same transaction', async () => {
    const database = await setUp();
    const port = portOf('10.1.0.5', { name: 'one', groups: ['web'] });
    const { operations } = planPod(await database.read(), 'shop/one', [port]);
    const made = operations.filter(({ op }) => op === 'insert').map(({ table }) => table);
    expect(new Set(made)).toEqual(new Set(['Logical_Switch_Port', 'ACL', 'Port_Group']));
    await bringPod(database, 'one', port);
    const deny = await rowNamed(database, 'Port_Group', DENY);
    expect(deny.ports).toEqual(['one']);
    expect(deny.acls).toEqual(
      [
        ['from-lport', 'inport'],
        ['to-lport', 'outport'],
      ].map(([direction, end]) => ({
        ...{ action: 'drop', direction, match: `${end} == @${DENY} && ip`, priority: 2003 },
        external_ids: { ...VENDOR, parent: DENY },
      })),
    );
  });

  it('can list what is the name of no group, and be removed', async () => {
    const database = await setUp();
    const port = portOf('10.1.0.5', { name: 'one' });
    const securityGroups = [{ name: 'a b;$&', exists: false }];
    await bringPod(database, 'one', { ...port, securityGroups });
    await bringPod(database, 'one', port);
    expect((await rowNamed(database, 'Logical_Switch_Port', 'one')).external_ids).toEqual({
      ...VENDOR,
      ls: 'front',
      pod: 'shop/one',
    });
    await bringPod(database, 'one', { ...port, securityGroups });
    await bringPod(database, 'one');
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([]);
  });

  it('is closed where none of them exists, until one does or it lists none', async () => {
    const database = await setUp();
    const port = portOf('10.1.0.5', { name: 'one' });
    const listing = { ...port, securityGroups: [{ name: 'web', exists: false }] };
    await bringPod(database, 'one', listing);
    expect(await membersOf(database, DENY)).toEqual(['one']);
    await apply(database, groupOf('web'));
    expect(await membersOf(database, 'ovn.sg.web')).toEqual(['one']);
    await remove(database, 'web');
    expect(await membersOf(database, DENY)).toEqual(['one']);
    expect(planPod(await database.read(), 'shop/one', [listing])).toEqual(NOTHING);
    await bringPod(database, 'one', port);
    expect(await membersOf(database, DENY)).toEqual([]);
  });

  it('has neighbour discovery where none of them exists, as with each that does', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await bringPort(database, 'one', '10.1.0.5', ['web']);
    const actions = async () =>
      ((await rowNamed(database, 'Port_Group', DENY)).acls as { action: string }[]).map(
        ({ action }) => action,
      );
    expect(await actions()).toEqual(['drop', 'drop']);
    const lone = { ...portOf('10.1.0.6', { name: 'two' }), securityGroups: [] };
    await bringPod(database, 'two', {
      ...lone,
      securityGroups: [{ name: 'later', exists: false }],
    });
    expect((await actions()).sort()).toEqual(['allow-related', 'allow-related', 'drop', 'drop']);
    // Another port's plan leaves them there.
    await bringPort(database, 'one', '10.1.0.7', ['web']);
    expect(await actions()).toHaveLength(4);
  });

  it('leaves groups that its pod lists no more, with its addresses', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await apply(database, groupOf('db'));
    await bringPort(database, 'one', '10.1.0.5', ['web', 'db']);
    await bringPort(database, 'one', '10.1.0.5', ['db']);
    expect(await membersOf(database, 'ovn.sg.web')).toEqual([]);
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([]);
    expect(await membersOf(database, 'ovn.sg.db')).toEqual(['one']);
    expect(await addressesOf(database, 'ovn.sg.db.associated.v4')).toEqual(['10.1.0.5']);
    await bringPort(database, 'one', '10.1.0.5', []);
    expect(await membersOf(database, DENY)).toEqual([]);
  });

  it('takes its addresses along when they change and when it goes', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    const set = () => addressesOf(database, 'ovn.sg.web.associated.v4');
    await bringPort(database, 'one', '10.1.0.5', ['web']);
    await bringPort(database, 'one', '10.1.0.6', ['web']);
    expect(await set()).toEqual(['10.1.0.6']);
    const secured = portOf('10.1.0.6', { name: 'one', groups: ['web'], isSecured: true });
    await bringPod(database, 'one', { ...secured, virtualAddresses: [address('10.1.0.100')] });
    expect(await set()).toEqual(['10.1.0.100', '10.1.0.6']);
    await bringPod(database, 'one');
    expect(await set()).toEqual([]);
  });

  it('leaves nothing behind in a group that another port of its pod joins', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await bringPod(database, 'one', portOf('10.1.0.5', { name: 'a', groups: ['web'] }));
    await bringPod(database, 'one', portOf('10.1.0.6', { name: 'b', groups: ['web'] }));
    const uuid = await database.by('get', 'Logical_Switch_Port', 'b', '_uuid');
    for (const group of ['ovn.sg.web', DENY])
      expect(await database.by('get', 'Port_Group', group, 'ports')).toBe(`[${uuid}]`);
  });

  it('leaves behind an address that another member has, too', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await bringPort(database, 'one', '10.1.0.5', ['web']);
    await bringPod(
      database,
      'two',
      portOf('10.1.0.5', { name: 'two', subnet: 'back', groups: ['web'] }),
    );
    await bringPod(database, 'one');
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual(['10.1.0.5']);
    await bringPod(database, 'two');
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([]);
  });

  it('can exchange addresses with another port of its pod', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    const pair = (first: string, second: string) => [
      portOf(first, { name: 'a', groups: ['web'] }),
      portOf(second, { name: 'b', groups: ['web'] }),
    ];
    await bringPod(database, 'one', ...pair('10.1.0.5', '10.1.0.6'));
    await bringPod(database, 'one', ...pair('10.1.0.6', '10.1.0.5'));
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([
      '10.1.0.5',
      '10.1.0.6',
    ]);
  });

  it('stays in groups of nodes, of network policies and of others', async () => {
    const database = await setUp();
    await bringPort(database, 'one', '10.1.0.5', []);
    const uuid = (await database.read()).switchPortNamed('one')?.uuid ?? '';
    await database.by('pg-add', 'theirs');
    await database.by('pg-add', 'front.node1');
    await database.by('set', 'Port_Group', 'front.node1', 'external_ids:vendor=kube-ovn');
    for (const group of ['theirs', 'front.node1'])
      await database.by('add', 'Port_Group', group, 'ports', uuid);
    await bringPort(database, 'one', '10.1.0.5', []);
    expect(await membersOf(database, 'theirs')).toEqual(['one']);
    expect(await membersOf(database, 'front.node1')).toEqual(['one']);
  });
});

describe('the removal of a SecurityGroup', () => {
  it('leaves the ports that list it closed but for what other groups allow', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await apply(database, groupOf('db'));
    await bringPort(database, 'one', '10.1.0.5', ['web']);
    await bringPort(database, 'two', '10.1.0.6', ['web', 'db']);
    await remove(database, 'web');
    expect(await membersOf(database, DENY)).toEqual(['one', 'two']);
    expect(await membersOf(database, 'ovn.sg.db')).toEqual(['two']);
    const groups = await rowsOf(database, 'Port_Group');
    expect(groups.map(({ name }) => name)).toEqual(['ovn.sg.db', DENY]);
    const sets = await rowsOf(database, 'Address_Set');
    expect(sets.map(({ name }) => name)).toEqual([
      'ovn.sg.db.associated.v4',
      'ovn.sg.db.associated.v6',
    ]);
    expect(planSecurityGroupRemoval(await database.read(), 'web')).toEqual(NOTHING);
  });

  it('leaves the group to those who have put ACLs into it', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await bringPort(database, 'one', '10.1.0.5', ['web']);
    await database.by('--type=port-group', 'acl-add', 'ovn.sg.web', 'to-lport', '9', 'ip', 'drop');
    const { kept } = await remove(database, 'web');
    expect(kept).toEqual(['Port_Group ovn.sg.web stays: it has ACLs that are not ours']);
    const group = await rowNamed(database, 'Port_Group', 'ovn.sg.web');
    expect(group.acls).toEqual([expect.objectContaining({ priority: 9 })]);
    expect(group).not.toHaveProperty('ports');
    expect(planSecurityGroupRemoval(await database.read(), 'web').operations).toEqual([]);
  });
});

describe('a name that is taken', () => {
  it('by another SecurityGroup, which comes to the same, is left to that one', async () => {
    const database = await setUp();
    await apply(database, groupOf('a-b', [ruleOf()]));
    const before = await pictureOf(database);
    const failure = await failureOf(() => apply(database, groupOf('a.b')));
    expect(failure.message).toMatch(/ovn\.sg\.a\.b.* is taken: it is SecurityGroup a-b's$/);
    await remove(database, 'a.b');
    expect(await pictureOf(database)).toEqual(before);
    await bringPort(database, 'one', '10.1.0.5', ['a.b']);
    expect(await membersOf(database, 'ovn.sg.a.b')).toEqual([]);
  });

  it('by rows that are not ours is left to them', async () => {
    const database = await setUp();
    await database.by('pg-add', 'ovn.sg.web', '--', 'pg-add', DENY);
    await database.by('create', 'Address_Set', 'name=ovn.sg.db.associated.v4');
    const before = await pictureOf(database);
    const port = portOf('10.1.0.5', { name: 'one', groups: ['web'] });
    for (const call of [
      () => apply(database, groupOf('web')),
      () => apply(database, groupOf('db')),
      () => bringPod(database, 'one', port),
    ])
      expect((await failureOf(call)).reason).toBe('taken');
    await remove(database, 'web');
    await remove(database, 'db');
    expect(await pictureOf(database)).toEqual(before);
  });
});

describe('without tiers', () => {
  it.each([
    ['a group of tier 1', groupOf('web', [], { tier: 1 })],
    ['a rule that passes on', groupOf('web', [ruleOf({ policy: 'pass' })])],
  ])('%s is refused: it would let through too much', async (_, group) => {
    const database = await setUp();
    const failure = await failureOf(() => apply(database, group));
    expect(failure.reason).toBe('unsupported');
    expect(failure.details).toContain('OVN 23.06');
  });
});

it('a group of very many members is more than one transaction, and its Subnet can go', async () => {
  const database = await setUp();
  const count = 2003;
  const ports = Array.from({ length: count }, (_, index) =>
    portOf(`10.1.${index >> 8}.${index & 255}`, { name: `p${index}`, groups: ['web'] }),
  );
  for (let start = 0; start < count; start += 500) {
    const pod = `shop/${start}`;
    const some = ports.slice(start, start + 500);
    await database.apply((state) => planPod(state, pod, some));
  }
  await apply(database, groupOf('web', [ruleOf({ remote: { network: cidr('10.1.0.0/16') } })]));
  expect(await membersOf(database, 'ovn.sg.web')).toHaveLength(count);
  expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toHaveLength(count);
  await database.by('lsp-add', 'front', 'theirs');
  await database.apply((state) => planSwitchRemoval(state, 'front'));
  expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([]);
  expect(await database.by('get', 'Port_Group', DENY, 'ports')).toBe('[]');
  expect((await database.read()).switchPorts.size).toBe(1);
});
