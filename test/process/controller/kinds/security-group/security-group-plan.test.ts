/** What a SecurityGroup comes to in the northbound database, and what its removal leaves. */
import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroupRemoval } from '../../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitchRemoval } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import {
  cidr,
  failureOf,
  groupOf,
  NOTHING,
  portOf,
  ruleOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { pictureOf, rowNamed, rowsOf } from '../../ovn/picture.ts';
import {
  addressesOf,
  apply,
  applyPod,
  applyPort,
  DENY,
  membersOf,
  remove,
  setUp,
} from './security-group-support.ts';

const WEB = groupOf('web-tier', [ruleOf()], { allowsSameGroup: true });
/** Both directions: ARP, neighbour discovery, two DHCPs, VRRP. */
const BASE_ACLS = 10;

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
    await applyPort(database, 'one', '10.1.0.5,fd00:1::5', ['web-tier']);
    await applyPort(database, 'two', '10.1.0.6', ['web-tier', 'other']);
    await applyPort(database, 'three', '10.1.0.7', []);
    await apply(database, WEB);
    expect(await membersOf(database, 'ovn.sg.web.tier')).toEqual(['one', 'two']);
    expect(await membersOf(database, DENY)).toEqual(['one', 'two']);
    const set = 'ovn.sg.web.tier.associated';
    expect(await addressesOf(database, `${set}.v4`)).toEqual(['10.1.0.5', '10.1.0.6']);
    expect(await addressesOf(database, `${set}.v6`)).toEqual(['fd00:1::5']);
  });

  it('makes the sets that its rules name, also where that group is not there yet', async () => {
    const database = await setUp();
    await applyPort(database, 'one', 'fd00:1::5', ['db']);
    const rule = ruleOf({ remote: { group: 'db', family: 'IPv6' }, policy: 'drop' });
    await apply(database, groupOf('web', [rule]));
    expect(await addressesOf(database, 'ovn.sg.db.associated.v6')).toEqual(['fd00:1::5']);
  });

  it('is mended where somebody has damaged it', async () => {
    const database = await setUp();
    await applyPort(database, 'one', '10.1.0.5', ['web-tier']);
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

describe('the removal of a SecurityGroup', () => {
  it('leaves the ports that list it closed but for what other groups allow', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await apply(database, groupOf('db'));
    await applyPort(database, 'one', '10.1.0.5', ['web']);
    await applyPort(database, 'two', '10.1.0.6', ['web', 'db']);
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
    await applyPort(database, 'one', '10.1.0.5', ['web']);
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
    await applyPort(database, 'one', '10.1.0.5', ['a.b']);
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
      () => applyPod(database, 'one', port),
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
