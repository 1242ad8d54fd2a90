/** Rows of a limited port that we did not make alone, in a real database. */
import { describe, expect, it } from 'vitest';
import { ToolError } from '../../../../src/common/process/run.ts';
import { findOrphanedLimits, findPort, unplug } from '../../../../src/daemon/ovs/port-removal.ts';
import { changeCommands, NO_CONTROL } from '../../../../src/daemon/ovs/traffic-control.ts';
import { LIMITED, planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import { countRows, EMPTY, goPort, otherPlan, toObject } from './port-support.ts';
import {
  expectApplied,
  htb,
  MARKS,
  NAME,
  netem,
  setUpWithMirror,
} from './traffic-control-support.ts';

const POLICING = { rateKbps: 3000, burstKbit: 2400 };

describe("rows that are not a port's own", () => {
  /** A limited port's QoS is another port's, too. */
  const share = async ({
    database,
    plugIt,
    inspect,
  }: Awaited<ReturnType<typeof setUpWithMirror>>) => {
    await plugIt(planOf({ control: LIMITED }));
    await plugIt(otherPlan('other'));
    const { qosRow } = await inspect();
    await database.vsctl(['--', 'set', 'Port', 'other_h', `qos=${qosRow?.uuid}`]);
    return qosRow?.uuid;
  };

  it.each([
    ['another rate', htb(7, 8), { QoS: 2, Queue: 2 }],
    ['netem', netem({ loss: '7' }), { QoS: 2, Queue: 1 }],
    ['nothing', undefined, { QoS: 1, Queue: 1 }],
  ])('stay as they are where another port has them: towards %s', async (_, qos, counts) => {
    const world = await setUpWithMirror();
    const uuid = await share(world);
    const after = await world.apply({ qos });
    expect(after.qos).toEqual(qos);
    expect(after.qosRow?.uuid).not.toBe(uuid);
    expect(await countRows(world.database)).toMatchObject(counts);
    const other = await world.inspect('other_h');
    expect(other).toMatchObject({ qos: LIMITED.qos, qosRow: { uuid, isOwn: true } });
    await world.apply({ qos: undefined }, 'other_h');
    await world.apply({ qos: undefined });
    expect(await countRows(world.database)).toMatchObject({ QoS: 0, Queue: 0 });
  });

  it('are left to the clean-up where both ports leave them in one transaction', async () => {
    const world = await setUpWithMirror();
    const uuid = await share(world);
    const { database, inspect } = world;
    const found = [await inspect(), await inspect('other_h')];
    await database.vsctl(
      found.flatMap((each) => changeCommands(each, { ...each, qos: undefined }, MARKS)),
    );
    const orphans = await findOrphanedLimits(database.ovs);
    expect(orphans.qos).toEqual([uuid]);
    await unplug(database, orphans);
    expect(await countRows(database)).toMatchObject({ QoS: 0, Queue: 0 });
  });

  it('stay in the database where somebody else made them', async () => {
    const { database, plugIt, apply, inspect } = await setUpWithMirror();
    await plugIt(planOf());
    await database.vsctl([
      ...['--', '--id=@queue', 'create', 'Queue', 'other_config:max-rate=5'],
      ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue'],
      ...['--', 'set', 'Port', NAME, 'qos=@qos'],
    ]);
    const before = await inspect();
    expect(await apply({ qos: undefined })).toEqual(before);
    for (const qos of [htb(7, 8), netem({ loss: '7' }), undefined]) {
      expect((await apply({ qos })).qos).toEqual(qos);
      const rows = await database.rows('QoS', '_uuid', 'external_ids');
      expect(rows).toContainEqual([
        ['uuid', before.qosRow?.uuid],
        ['map', []],
      ]);
      const queues = await database.rows('Queue', '_uuid', 'other_config');
      const config = ['map', [['max-rate', '5']]];
      expect(queues).toContainEqual([['uuid', before.queueRow?.uuid], config]);
    }
    expect(await countRows(database)).toMatchObject({ QoS: 1, Queue: 1 });
  });

  it('are a queue that another QoS has', async () => {
    const { database, plugIt, apply, inspect } = await setUpWithMirror();
    await plugIt(planOf({ control: LIMITED }));
    const { queueRow } = await inspect();
    await database.vsctl(['--', 'create', 'QoS', 'type=linux-htb', `queues:0=${queueRow?.uuid}`]);
    const after = await apply({ qos: htb(7, 8) });
    expect([after.qos, after.queueRow?.isOwn]).toEqual([htb(7, 8), true]);
    const queues = await database.rows('Queue', '_uuid', 'other_config');
    const [, kept] = queues.find(([uuid]) => String(uuid).includes(queueRow?.uuid ?? 'none')) ?? [];
    expect(toObject(kept)).toEqual(LIMITED.qos?.config);
    await apply({ qos: undefined });
    expect(await countRows(database)).toMatchObject({ QoS: 1, Queue: 1 });
  });
});

describe("the rows of a port of Kube-OVN's Go daemon", () => {
  const limited = { 'max-rate': '5000000', burst: '500000' };

  it('are recognised, and set to another rate', async () => {
    const { database, inspect, apply } = await setUpWithMirror();
    await goPort(database, 'gos_h', 'other.shop', 'other', limited);
    const before = await inspect('gos_h');
    expect(before).toMatchObject({
      qos: { type: 'linux-htb', config: limited },
      qosRow: { isOwn: true },
      queueRow: { isOwn: true },
    });
    const after = await apply({ qos: htb(7, 8), policing: POLICING, isMirrored: true }, 'gos_h');
    expect(after).toEqual({
      ...before,
      ...{ qos: htb(7, 8), policing: POLICING, isMirrored: true },
    });
    const [[marks] = []] = await database.rows('QoS', 'external_ids');
    expect(toObject(marks)).toEqual({ 'iface-id': 'other.shop' });
  });

  it('get the burst that older versions left to OVS', async () => {
    const { database, inspect, apply } = await setUpWithMirror();
    await goPort(database, 'gos_h', 'other.shop', 'other', { 'max-rate': '5000000' });
    const before = await inspect('gos_h');
    expect(before.qos?.config).toEqual({ 'max-rate': '5000000' });
    const after = await apply({ qos: LIMITED.qos }, 'gos_h');
    expect(after).toEqual({ ...before, qos: LIMITED.qos });
  });

  it.each([
    ['with a rate', limited, limited],
    ['with a priority and no rate', { priority: '5' }, undefined],
    ['with nothing on the queue', {}, undefined],
  ])('go where limits become others: %s', async (_, config, found) => {
    const { database, inspect, apply } = await setUpWithMirror();
    for (const qos of [netem({ loss: '7' }), htb(7, 8)]) {
      await goPort(database, 'gos_h', 'other.shop', 'other', config);
      expect((await inspect('gos_h')).qos?.config).toEqual(found);
      await expectApplied(database, await apply({ qos }, 'gos_h'), { ...NO_CONTROL, qos });
      await expectApplied(database, await apply({ qos: undefined }, 'gos_h'), NO_CONTROL);
      await database.vsctl(['--', 'del-port', 'gos_h']);
    }
  });

  it('of netem go, too', async () => {
    const { database, apply, inspect } = await setUpWithMirror();
    for (const qos of [undefined, htb(7, 8), netem({ latency: '7' })]) {
      await goPort(database, 'gos_h', 'other.shop', 'other');
      await database.vsctl([
        ...['--', 'clear', 'Port', 'gos_h', 'qos', '--', '--all', 'destroy', 'QoS'],
        ...['--', '--all', 'destroy', 'Queue', '--', '--id=@qos', 'create', 'QoS'],
        ...['type=linux-netem', 'external_ids:iface-id=other.shop', 'other_config:loss=5'],
        ...['--', 'set', 'Port', 'gos_h', 'qos=@qos'],
      ]);
      expect((await inspect('gos_h')).qos).toEqual(netem({ loss: '5' }));
      await expectApplied(database, await apply({ qos }, 'gos_h'), { ...NO_CONTROL, qos });
      await apply({ qos: undefined }, 'gos_h');
      await database.vsctl(['--', 'del-port', 'gos_h']);
    }
  });
});

describe('a port that was removed meanwhile', () => {
  const disturbed = { ...NO_CONTROL, qos: netem({ loss: '7' }) };

  it.each([
    ['policing', NO_CONTROL, { policing: POLICING }],
    ['a rate', NO_CONTROL, { qos: htb(7, 8) }],
    ['another rate', LIMITED, { qos: htb(7, 8) }],
    ['netem', LIMITED, { qos: netem({ loss: '7' }) }],
    ['a rate instead of netem', disturbed, { qos: htb(7, 8) }],
    ['no rate', LIMITED, { qos: undefined }],
    ['all at once', LIMITED, { qos: netem({ loss: '7' }), policing: POLICING, isMirrored: true }],
  ])('is not brought back by the commands for %s, which fail', async (_, control, changes) => {
    const { database, plugIt, inspect } = await setUpWithMirror();
    await plugIt(planOf({ control }));
    const found = await inspect();
    const { rows } = await findPort(database.ovs, planOf().attachment, [NAME]);
    await unplug(database, rows);
    const commands = changeCommands(found, { ...found, ...changes }, MARKS);
    await expect(database.vsctl(commands)).rejects.toBeInstanceOf(ToolError);
    expect(await countRows(database)).toEqual(EMPTY);
    expect(await database.rows('Mirror', 'select_dst_port')).toEqual([[['set', []]]]);
  });

  it('is not among those that are mirrored', async () => {
    const { database, plugIt, inspect } = await setUpWithMirror();
    await plugIt(planOf());
    const found = await inspect();
    await database.vsctl(['--', 'del-port', NAME]);
    await database.vsctl(changeCommands(found, { ...found, isMirrored: true }, MARKS));
    await database.vsctl(
      changeCommands({ ...found, isMirrored: true }, { ...found, isMirrored: false }, MARKS),
    );
    expect(await database.rows('Mirror', 'select_dst_port')).toEqual([[['set', []]]]);
  });

  it('takes a change of another port with it, which is tried again', async () => {
    const { database, plugIt, inspect, apply } = await setUpWithMirror();
    await plugIt(planOf());
    await plugIt(otherPlan('other'));
    const found = [await inspect(), await inspect('other_h')];
    await database.vsctl(['--', 'del-port', NAME]);
    const all = found.flatMap((each) => changeCommands(each, LIMITED, MARKS));
    await expect(database.vsctl(all)).rejects.toBeInstanceOf(ToolError);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 0, Queue: 0 });
    await expectApplied(database, await apply(LIMITED, 'other_h'), LIMITED);
  });
});
