import { describe, expect, it } from 'vitest';
import { findOrphanedLimits, findPort, unplug } from '../../../../src/daemon/ovs/port-removal.ts';
import { withOvs } from '../../../../src/daemon/ovs/session.ts';
import type { Qos } from '../../../../src/daemon/ovs/traffic-control.ts';
import { LIMITED, planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import { CONTAINER_ID, rejectionOf } from '../../../unit/daemon/support.ts';
import type { OvsDatabase } from './database.ts';
import {
  countRows,
  createMirror,
  EMPTY,
  goPort,
  otherPlan,
  setUp,
  toObject,
} from './port-support.ts';

const NOWHERE = 'unix:/nowhere/db.sock';

/** What a DEL does with OVS. */
async function removeIt(database: OvsDatabase, names: readonly string[]) {
  const { rows, foreign } = await findPort(database.ovs, planOf().attachment, names);
  await unplug(database, rows);
  return { foreign };
}

describe('unplugging a port', () => {
  const names = ['c0ffee01_net1_h', 'hashed_h'];

  it('removes all of its rows and none of another', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ control: LIMITED }));
    await plugIt(otherPlan('other', { control: LIMITED }));
    expect(await removeIt(database, names)).toEqual({ foreign: [] });
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe('other_h\n');
  });

  it('removes netem, and takes the port out of the mirror', async () => {
    const { database, plugIt } = await setUp();
    const mirrorRow = await createMirror(database);
    const qos: Qos = { type: 'linux-netem', config: { latency: '10000' } };
    const control = { ...LIMITED, qos, isMirrored: true };
    await plugIt(planOf({ control, mirrorRow }));
    await removeIt(database, names);
    expect(await countRows(database)).toEqual(EMPTY);
    expect(await database.rows('Mirror', 'select_dst_port')).toEqual([[['set', []]]]);
  });

  it('may be done again, and where there never was one', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ control: LIMITED }));
    for (let times = 0; times < 3; times += 1) await removeIt(database, names);
    expect(await countRows(database)).toEqual(EMPTY);
  });

  it('finds the port by its key under the second name too', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ hostInterface: 'hashed_h', control: LIMITED }));
    await removeIt(database, names);
    expect(await countRows(database)).toEqual(EMPTY);
  });

  it("removes what Kube-OVN's daemon made, with its limits", async () => {
    const { database } = await setUp();
    await goPort(database, 'c0ffee01_net1_h', planOf().ifaceId, 'web-0');
    await goPort(database, 'gos_h', 'other.shop', 'other');
    await removeIt(database, names);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe('gos_h\n');
  });

  it("leaves another attachment's port of that name, and says so", async () => {
    const { database, plugIt } = await setUp();
    await plugIt(otherPlan('other', { hostInterface: 'c0ffee01_net1_h', control: LIMITED }));
    const { foreign } = await removeIt(database, names);
    expect(foreign).toEqual(['c0ffee01_net1_h']);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
  });

  it('leaves limits that another port refers to, whatever is marked on them', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(otherPlan('other', { control: LIMITED }));
    const marks = [`external_ids:container_id=${CONTAINER_ID}`, 'external_ids:if_name=net1'];
    for (const limit of ['QoS', 'Queue']) {
      for (const [reference] of await database.rows(limit, '_uuid')) {
        const [, uuid = ''] = reference as string[];
        await database.vsctl(['--', 'set', limit, uuid, ...marks]);
      }
    }
    await removeIt(database, names);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
  });

  it('leaves the limits that a newer sandbox of the same pod has', async () => {
    const { database, plugIt } = await setUp();
    const { ifaceId } = planOf();
    await plugIt(planOf({ control: LIMITED }));
    await plugIt(otherPlan('newer', { ifaceId, control: LIMITED }));
    await removeIt(database, names);
    const [[marks] = []] = await database.rows('QoS', 'external_ids');
    expect(toObject(marks)).toMatchObject({ container_id: 'newer', 'iface-id': ifaceId });
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
  });

  it('is an error where ovs-vsctl ends well and has done nothing', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf());
    const { rows } = await findPort(database.ovs, planOf().attachment, names);
    const broken = { ovs: database.ovs, vsctl: async () => 'Zebra' };
    const error = await rejectionOf(unplug(broken, rows));
    expect(error.code).toBe(11);
    expect(error.message).toContain('the port is still there');
    await unplug(database, rows);
    expect(await countRows(database)).toEqual(EMPTY);
  });

  it('may be tried again later where the database is not there', async () => {
    const { attachment } = planOf();
    const look = withOvs(NOWHERE, (ovs) => findPort(ovs, attachment, names));
    const error = await rejectionOf(look);
    expect(error.code).toBe(11);
    expect(error.message).toContain('cannot find port c0ffee01_net1_h');
  });
});

describe('the look-up of a port', () => {
  const names = ['c0ffee01_net1_h', 'hashed_h'];
  const { attachment, ifaceId } = planOf();

  it('tells its logical switch port', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf());
    await plugIt(otherPlan('other'));
    expect((await findPort(database.ovs, attachment, names)).ifaceIds).toEqual([ifaceId]);
  });

  it('tells none where a newer sandbox has it, nor where there is no port', async () => {
    const { database, plugIt } = await setUp();
    expect((await findPort(database.ovs, attachment, names)).ifaceIds).toEqual([]);
    await plugIt(planOf());
    await plugIt(otherPlan('newer', { ifaceId }));
    const { ifaceIds, rows } = await findPort(database.ovs, attachment, names);
    expect(ifaceIds).toEqual([]);
    expect(rows.ports).toHaveLength(1);
  });
});

describe('limits that no port has', () => {
  /** Takes a port out as a person does, by which its limits stay. */
  const removeByHand = (database: OvsDatabase, name: string) =>
    database.vsctl(['--', 'del-port', 'br-int', name]);
  const removeOrphans = async (database: OvsDatabase) =>
    unplug(database, await findOrphanedLimits(database.ovs));

  it('are found with their queues, and those of a port are not', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ control: LIMITED }));
    await plugIt(otherPlan('other', { control: LIMITED }));
    await removeByHand(database, 'c0ffee01_net1_h');
    await removeOrphans(database);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
    const [[marks] = []] = await database.rows('QoS', 'external_ids');
    expect(toObject(marks)).toMatchObject({ container_id: 'other' });
    const [[config] = []] = await database.rows('Queue', 'other_config');
    expect(toObject(config)).toMatchObject({ 'max-rate': '5000000' });
  });

  it('may be a queue alone', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ control: LIMITED }));
    await database.vsctl([
      '--',
      'clear',
      'Port',
      'c0ffee01_net1_h',
      'qos',
      '--',
      '--all',
      'destroy',
      'QoS',
    ]);
    await removeOrphans(database);
    expect(await countRows(database)).toEqual({ ...EMPTY, Port: 2, Interface: 2 });
  });

  it("are left alone where they are Kube-OVN's own, or somebody else's", async () => {
    const { database } = await setUp();
    await goPort(database, 'gos_h', 'other.shop', 'other');
    await removeByHand(database, 'gos_h');
    const half = 'external_ids:container_id=c1';
    await database.vsctl(['--', 'create', 'QoS', 'type=linux-htb', half]);
    await database.vsctl(['--', 'create', 'Queue', 'external_ids:if_name=net1']);
    const none = { ports: [], qos: [], queues: [] };
    expect(await findOrphanedLimits(database.ovs)).toEqual(none);
  });

  it("are not a queue that somebody else's limits use", async () => {
    const { database } = await setUp();
    const marks = ['external_ids:container_id=c1', 'external_ids:if_name=net1'];
    await database.vsctl([
      ...['--', '--id=@queue', 'create', 'Queue', ...marks],
      ...['--', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue'],
    ]);
    expect((await findOrphanedLimits(database.ovs)).queues).toEqual([]);
  });

  it('may be looked for again later where the database is not there', async () => {
    const error = await rejectionOf(withOvs(NOWHERE, findOrphanedLimits));
    expect(error.code).toBe(11);
    expect(error.message).toContain('cannot list limits');
  });
});
