import { describe, expect, it, onTestFinished } from 'vitest';
import { INTERFACE_COLUMNS, type PortPlan, plug } from '../../../../src/daemon/ovs/port.ts';
import { inspectPort } from '../../../../src/daemon/ovs/port-inspection.ts';
import { OvsTable } from '../../../../src/daemon/ovs/table.ts';
import { createVsctl } from '../../../../src/daemon/ovs/vsctl.ts';
import { LogDouble } from '../log-double.ts';
import { attachmentOf, rejectionOf } from '../support.ts';
import { OvsDatabase } from './database.ts';
import { planOf } from './port-plan.ts';

const NAME = 'c0ffee01_net1_h';
const LIMITED = { ingressMbps: 5, egressMbps: 3 };
const { signal } = new AbortController();

/** A database of the test's own, and what CHECK reads of it. */
async function setUp() {
  const database = await OvsDatabase.start();
  const table = new OvsTable({
    database: database.remote,
    table: 'Interface',
    columns: INTERFACE_COLUMNS,
    log: new LogDouble(),
  });
  onTestFinished(async () => {
    table.stop();
    await database[Symbol.asyncDispose]();
  });
  table.start();
  await table.synced(signal);
  const plugIt = (changes: Partial<PortPlan> = {}) =>
    plug(database.vsctl, planOf(changes), table, signal);
  const inspect = () => inspectPort(database.vsctl, planOf().attachment, [NAME, 'hashed_h']);
  const set = (command: string) => database.vsctl(['--', ...command.split(' ')]);
  return { plugIt, inspect, set };
}

describe('the port of an attachment', () => {
  it('is found with its limits, and the other interfaces beside it', async () => {
    const { plugIt, inspect, set } = await setUp();
    const other = attachmentOf({ containerId: 'other', ifName: 'net1' });
    await plugIt({ rates: LIMITED });
    await plugIt({ attachment: other, hostInterface: 'other_h', ifaceId: 'other.shop' });
    await set(`set Interface ${NAME} ofport=7 mtu=1400`);
    const { own, others } = await inspect();
    expect(own).toEqual({
      name: NAME,
      externalIds: expect.objectContaining({ 'iface-id': planOf().ifaceId }),
      error: null,
      type: '',
      isOnBridge: true,
      ofport: 7,
      mtu: 1400,
      policing: { rateKbps: 3000, burstKbit: 2400 },
      shaping: { maxRate: '5000000', burst: '500000' },
    });
    expect(others.map(({ name }) => name).sort()).toEqual(['br-int', 'other_h']);
    expect(others).toContainEqual(
      expect.objectContaining({
        externalIds: expect.objectContaining({ 'iface-id': 'other.shop' }),
      }),
    );
  });

  it('is found under its second name, and without limits', async () => {
    const { plugIt, inspect } = await setUp();
    await plugIt({ hostInterface: 'hashed_h' });
    expect((await inspect()).own).toMatchObject({
      name: 'hashed_h',
      isOnBridge: true,
      ofport: null,
      mtu: null,
      policing: { rateKbps: 0, burstKbit: 0 },
      shaping: undefined,
    });
  });

  it("is not there where OVS has none, or only another attachment's of that name", async () => {
    const { plugIt, inspect } = await setUp();
    expect((await inspect()).own).toBeUndefined();
    await plugIt({ attachment: attachmentOf({ containerId: 'other', ifName: 'net1' }) });
    const { own, others } = await inspect();
    expect([own, others.map(({ name }) => name)]).toEqual([
      undefined,
      expect.arrayContaining([NAME]),
    ]);
  });

  it('may be on another bridge, or there may be no br-int', async () => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    const uuid = (await set(`get Port ${NAME} _uuid`)).trim();
    await set('add-br br-other');
    await set(`remove Bridge br-int ports ${uuid} -- add Bridge br-other ports ${uuid}`);
    expect((await inspect()).own).toMatchObject({ name: NAME, isOnBridge: false });
    await set('del-br br-int');
    expect((await inspect()).own).toMatchObject({ name: NAME, isOnBridge: false });
  });

  it.each([
    ['netem', 'create QoS type=linux-netem queues:0=@queue'],
    ['a queue without a rate', 'create QoS type=linux-htb queues:0=@queue'],
    ['no queue', 'create QoS type=linux-htb'],
  ])('is not shaped by %s', async (what, qos) => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    const rate = what === 'netem' ? 'other_config:max-rate=5' : 'other_config:priority=5';
    const queue = qos.includes('@queue') ? `--id=@queue create Queue ${rate} -- ` : '';
    await set(`${queue}--id=@qos ${qos} -- set Port ${NAME} qos=@qos`);
    expect((await inspect()).own?.shaping).toBeUndefined();
  });

  it('shows why OVS cannot use it', async () => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    await set(`set Interface ${NAME} ofport=-1 error="no-such-device"`);
    expect((await inspect()).own).toMatchObject({ ofport: -1, error: 'no-such-device' });
  });
});

it('cannot be told where the database is not there', async () => {
  const vsctl = createVsctl('unix:/nowhere/db.sock');
  const error = await rejectionOf(inspectPort(vsctl, planOf().attachment, [NAME]));
  expect(error.code).toBe(11);
  expect(error.message).toContain("cannot read OVS's rows");
  expect(error.details).toContain('ovs-vsctl show');
});
