import { describe, expect, it } from 'vitest';
import type { PortPlan } from '../../../../src/daemon/ovs/port.ts';
import { inspectPort } from '../../../../src/daemon/ovs/port-inspection.ts';
import { withOvs } from '../../../../src/daemon/ovs/session.ts';
import { NO_CONTROL } from '../../../../src/daemon/ovs/traffic-control.ts';
import { findMirror } from '../../../../src/daemon/ovs/traffic-control-rows.ts';
import { LIMITED, planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import { attachmentOf, rejectionOf } from '../../../unit/daemon/support.ts';
import { setUp as startDatabase } from './port-support.ts';

const NAME = 'c0ffee01_net1_h';
/** A database of the test's own, and what CHECK reads of it. */
async function setUp() {
  const { database, plugIt: plug } = await startDatabase();
  const plugIt = (changes: Partial<PortPlan> = {}) => plug(planOf(changes));
  const inspect = () => inspectPort(database.ovs, planOf().attachment, [NAME, 'hashed_h']);
  const set = (command: string) => database.vsctl(['--', ...command.split(' ')]);
  const uuidOf = async (table: string) => (await set(`get ${table} ${NAME} _uuid`)).trim();
  return { database, plugIt, inspect, set, uuidOf };
}

describe('the port of an attachment', () => {
  it('is found with its limits, and the other interfaces beside it', async () => {
    const { plugIt, inspect, set, uuidOf } = await setUp();
    const other = attachmentOf({ containerId: 'other', ifName: 'net1' });
    await plugIt({ control: LIMITED });
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
      control: {
        ...LIMITED,
        interfaceRow: await uuidOf('Interface'),
        portRow: await uuidOf('Port'),
        qosRow: { uuid: expect.stringMatching(/^[0-9a-f-]{36}$/), isOwn: true },
        queueRow: { uuid: expect.stringMatching(/^[0-9a-f-]{36}$/), isOwn: true },
        mirrorRow: undefined,
      },
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
      control: { ...NO_CONTROL, qosRow: undefined, queueRow: undefined },
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
    const { plugIt, inspect, set, uuidOf } = await setUp();
    await plugIt();
    const uuid = await uuidOf('Port');
    await set('add-br br-other');
    await set(`remove Bridge br-int ports ${uuid} -- add Bridge br-other ports ${uuid}`);
    expect((await inspect()).own).toMatchObject({ name: NAME, isOnBridge: false });
    await set('del-br br-int');
    expect((await inspect()).own).toMatchObject({ name: NAME, isOnBridge: false });
  });

  it('shows why OVS cannot use it', async () => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    await set(`set Interface ${NAME} ofport=-1 error="no-such-device"`);
    expect((await inspect()).own).toMatchObject({ ofport: -1, error: 'no-such-device' });
  });
});

describe('the limits of a port', () => {
  const MARK = 'external_ids:iface-id=web-0.shop.attachnet.default.ovn';
  const QUEUE = `--id=@queue create Queue ${MARK}`;

  it.each([
    ['a queue without a rate', `${QUEUE} other_config:priority=5`, `linux-htb ${MARK}`],
    ['an empty queue', QUEUE, `linux-htb ${MARK}`],
    ['a QoS of another kind', `${QUEUE} other_config:max-rate=5`, `linux-hfsc ${MARK}`],
    ["somebody else's QoS", `${QUEUE} other_config:max-rate=5`, 'linux-htb'],
    ["somebody else's netem", QUEUE, 'linux-netem other_config:latency=5'],
  ])('are not those of %s', async (_, queue, qos) => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    const create = `--id=@qos create QoS queues:0=@queue type=${qos}`;
    await set(`${queue} -- ${create} -- set Port ${NAME} qos=@qos`);
    expect((await inspect()).own?.control).toMatchObject({
      qos: undefined,
      qosRow: { isOwn: qos.includes(MARK) },
      queueRow: { isOwn: true },
    });
  });

  it('are none of a QoS without a first queue', async () => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    const queue = `${QUEUE} other_config:max-rate=5`;
    const qos = `--id=@qos create QoS type=linux-htb queues:1=@queue ${MARK}`;
    await set(`${queue} -- ${qos} -- set Port ${NAME} qos=@qos`);
    const control = (await inspect()).own?.control;
    expect(control).toMatchObject({ qos: undefined, queueRow: undefined });
    expect(control?.qosRow?.isOwn).toBe(true);
  });

  it("may be netem, and somebody else's queue", async () => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    const netem = `type=linux-netem other_config:latency=5 other_config:loss=1 ${MARK}`;
    await set(`--id=@qos create QoS ${netem} -- set Port ${NAME} qos=@qos`);
    expect((await inspect()).own?.control?.qos).toEqual({
      type: 'linux-netem',
      config: { latency: '5', loss: '1' },
    });
    const queue = '--id=@queue create Queue other_config:max-rate=5';
    const qos = `--id=@qos create QoS type=linux-htb queues:0=@queue ${MARK}`;
    await set(`${queue} -- ${qos} -- set Port ${NAME} qos=@qos`);
    expect((await inspect()).own?.control).toMatchObject({
      qos: { type: 'linux-htb', config: { 'max-rate': '5' } },
      qosRow: { isOwn: true },
      queueRow: { isOwn: false },
    });
  });

  it('are own rows only where no other row refers to them', async () => {
    const { plugIt, inspect, set } = await setUp();
    const attachment = attachmentOf({ containerId: 'other', ifName: 'net1' });
    await plugIt({ control: LIMITED });
    await plugIt({ attachment, hostInterface: 'other_h', ifaceId: 'other.shop' });
    const { control } = (await inspect()).own ?? {};
    await set(`create QoS type=linux-htb queues:7=${control?.queueRow?.uuid}`);
    const ofQueue = (await inspect()).own?.control;
    expect([ofQueue?.qosRow?.isOwn, ofQueue?.queueRow?.isOwn]).toEqual([true, false]);
    await set(`set Port other_h qos=${control?.qosRow?.uuid}`);
    expect((await inspect()).own?.control).toEqual({
      ...control,
      qosRow: { ...control?.qosRow, isOwn: false },
      queueRow: { ...control?.queueRow, isOwn: false },
    });
  });
});

describe('the mirror of a port', () => {
  it("is br-int's of Kube-OVN's name", async () => {
    const { plugIt, inspect, set } = await setUp();
    await plugIt();
    const create = (bridge: string, name: string) =>
      set(`--id=@m create Mirror name=${name} -- add Bridge ${bridge} mirrors @m`);
    await set('add-br br-other');
    await create('br-other', 'm0');
    await create('br-int', 'm1');
    expect((await inspect()).own?.control).toMatchObject({
      mirrorRow: undefined,
      isMirrored: false,
    });
    await create('br-int', 'm0');
    const mirrorRow = (await inspect()).own?.control?.mirrorRow;
    expect((await set(`get Mirror ${mirrorRow} name`)).trim()).toBe('m0');
    expect((await set(`get Bridge br-int mirrors`)).includes(String(mirrorRow))).toBe(true);
  });

  it('has the port among those that it copies packets to', async () => {
    const { database, plugIt, inspect, set, uuidOf } = await setUp();
    await plugIt();
    await set('--id=@m create Mirror name=m0 -- add Bridge br-int mirrors @m');
    const isMirrored = async () => (await inspect()).own?.control?.isMirrored;
    expect(await isMirrored()).toBe(false);
    await set(`add Mirror m0 select_dst_port ${await uuidOf('Port')}`);
    expect(await isMirrored()).toBe(true);
    await set('--id=@br get Port br-int -- add Mirror m0 select_dst_port @br');
    expect(await isMirrored()).toBe(true);
    await set(`remove Mirror m0 select_dst_port ${await uuidOf('Port')}`);
    expect(await isMirrored()).toBe(false);
    expect((await inspect()).own?.control?.mirrorOutput).toBeUndefined();
    await set('--id=@br get Port br-int -- set Mirror m0 output_port=@br');
    const portRow = (await set('get Port br-int _uuid')).trim();
    expect((await inspect()).own?.control?.mirrorOutput).toEqual({ portRow, isProtected: false });
    await set('set Port br-int protected=true');
    expect((await inspect()).own?.control?.mirrorOutput).toEqual({ portRow, isProtected: true });
    const mirrorsAll = async () => findMirror(await database.ovs.fresh())?.select_all;
    expect(await mirrorsAll()).toBe(false);
    await set('set Mirror m0 select_all=true');
    expect(await mirrorsAll()).toBe(true);
  });
});

it('cannot be told where the database is not there', async () => {
  const look = withOvs('unix:/nowhere/db.sock', (ovs) =>
    inspectPort(ovs, planOf().attachment, [NAME]),
  );
  const error = await rejectionOf(look);
  expect(error.code).toBe(11);
  expect(error.message).toContain("cannot read OVS's rows");
  expect(error.details).toContain('ovs-vsctl show');
});
