/** What a port's list of SecurityGroups comes to in the northbound database. */
import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import {
  address,
  groupOf,
  NOTHING,
  portOf,
  VENDOR,
} from '../../../../unit/controller/ovn/support.ts';
import { rowNamed, rowsOf } from '../../ovn/picture.ts';
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

describe('a port with SecurityGroups', () => {
  it('says which its pod lists, and joins those that exist', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    const port = portOf('10.1.0.5', { name: 'one' });
    const securityGroups = [
      { name: 'web', exists: true },
      { name: 'missing', exists: false },
    ];
    await applyPod(database, 'one', { ...port, securityGroups });
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
    await applyPod(database, 'one', port);
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
    await applyPod(database, 'one', { ...port, securityGroups });
    await applyPod(database, 'one', port);
    expect((await rowNamed(database, 'Logical_Switch_Port', 'one')).external_ids).toEqual({
      ...VENDOR,
      ls: 'front',
      pod: 'shop/one',
    });
    await applyPod(database, 'one', { ...port, securityGroups });
    await applyPod(database, 'one');
    expect(await rowsOf(database, 'Logical_Switch_Port')).toEqual([]);
  });

  it('is closed where none of them exists, until one does or it lists none', async () => {
    const database = await setUp();
    const port = portOf('10.1.0.5', { name: 'one' });
    const listing = { ...port, securityGroups: [{ name: 'web', exists: false }] };
    await applyPod(database, 'one', listing);
    expect(await membersOf(database, DENY)).toEqual(['one']);
    await apply(database, groupOf('web'));
    expect(await membersOf(database, 'ovn.sg.web')).toEqual(['one']);
    await remove(database, 'web');
    expect(await membersOf(database, DENY)).toEqual(['one']);
    expect(planPod(await database.read(), 'shop/one', [listing])).toEqual(NOTHING);
    await applyPod(database, 'one', port);
    expect(await membersOf(database, DENY)).toEqual([]);
  });

  it('has neighbour discovery where none of them exists, as with each that does', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await applyPort(database, 'one', '10.1.0.5', ['web']);
    const actions = async () =>
      ((await rowNamed(database, 'Port_Group', DENY)).acls as { action: string }[]).map(
        ({ action }) => action,
      );
    expect(await actions()).toEqual(['drop', 'drop']);
    const lone = { ...portOf('10.1.0.6', { name: 'two' }), securityGroups: [] };
    await applyPod(database, 'two', {
      ...lone,
      securityGroups: [{ name: 'later', exists: false }],
    });
    expect((await actions()).sort()).toEqual(['allow-related', 'allow-related', 'drop', 'drop']);
    // Another port's plan leaves them there.
    await applyPort(database, 'one', '10.1.0.7', ['web']);
    expect(await actions()).toHaveLength(4);
  });

  it('leaves groups that its pod lists no more, with its addresses', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await apply(database, groupOf('db'));
    await applyPort(database, 'one', '10.1.0.5', ['web', 'db']);
    await applyPort(database, 'one', '10.1.0.5', ['db']);
    expect(await membersOf(database, 'ovn.sg.web')).toEqual([]);
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([]);
    expect(await membersOf(database, 'ovn.sg.db')).toEqual(['one']);
    expect(await addressesOf(database, 'ovn.sg.db.associated.v4')).toEqual(['10.1.0.5']);
    await applyPort(database, 'one', '10.1.0.5', []);
    expect(await membersOf(database, DENY)).toEqual([]);
  });

  it('takes its addresses along when they change and when it goes', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    const set = () => addressesOf(database, 'ovn.sg.web.associated.v4');
    await applyPort(database, 'one', '10.1.0.5', ['web']);
    await applyPort(database, 'one', '10.1.0.6', ['web']);
    expect(await set()).toEqual(['10.1.0.6']);
    const secured = portOf('10.1.0.6', { name: 'one', groups: ['web'], isSecured: true });
    await applyPod(database, 'one', { ...secured, virtualAddresses: [address('10.1.0.100')] });
    expect(await set()).toEqual(['10.1.0.100', '10.1.0.6']);
    await applyPod(database, 'one');
    expect(await set()).toEqual([]);
  });

  it('leaves nothing behind in a group that another port of its pod joins', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await applyPod(database, 'one', portOf('10.1.0.5', { name: 'a', groups: ['web'] }));
    await applyPod(database, 'one', portOf('10.1.0.6', { name: 'b', groups: ['web'] }));
    const uuid = await database.by('get', 'Logical_Switch_Port', 'b', '_uuid');
    for (const group of ['ovn.sg.web', DENY])
      expect(await database.by('get', 'Port_Group', group, 'ports')).toBe(`[${uuid}]`);
  });

  it('leaves behind an address that another member has, too', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    await applyPort(database, 'one', '10.1.0.5', ['web']);
    await applyPod(
      database,
      'two',
      portOf('10.1.0.5', { name: 'two', subnet: 'back', groups: ['web'] }),
    );
    await applyPod(database, 'one');
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual(['10.1.0.5']);
    await applyPod(database, 'two');
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([]);
  });

  it('can exchange addresses with another port of its pod', async () => {
    const database = await setUp();
    await apply(database, groupOf('web'));
    const pair = (first: string, second: string) => [
      portOf(first, { name: 'a', groups: ['web'] }),
      portOf(second, { name: 'b', groups: ['web'] }),
    ];
    await applyPod(database, 'one', ...pair('10.1.0.5', '10.1.0.6'));
    await applyPod(database, 'one', ...pair('10.1.0.6', '10.1.0.5'));
    expect(await addressesOf(database, 'ovn.sg.web.associated.v4')).toEqual([
      '10.1.0.5',
      '10.1.0.6',
    ]);
  });

  it('stays in groups of nodes, of network policies and of others', async () => {
    const database = await setUp();
    await applyPort(database, 'one', '10.1.0.5', []);
    const uuid = (await database.read()).switchPortNamed('one')?.uuid ?? '';
    await database.by('pg-add', 'theirs');
    await database.by('pg-add', 'front.node1');
    await database.by('set', 'Port_Group', 'front.node1', 'external_ids:vendor=kube-ovn');
    for (const group of ['theirs', 'front.node1'])
      await database.by('add', 'Port_Group', group, 'ports', uuid);
    await applyPort(database, 'one', '10.1.0.5', []);
    expect(await membersOf(database, 'theirs')).toEqual(['one']);
    expect(await membersOf(database, 'front.node1')).toEqual(['one']);
  });
});
