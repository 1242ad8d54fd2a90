import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import { awaitFlows } from '../../../../src/daemon/nic/place.ts';
import { NO_CONTROL, type Qos } from '../../../../src/daemon/ovs/traffic-control.ts';
import type { Vsctl } from '../../../../src/daemon/ovs/vsctl.ts';
import { flowsInstalled } from '../../../../src/daemon/ownership/iface-id-owner.ts';
import { LIMITED, planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import { attachmentOf, CONTAINER_ID, NETNS, rejectionOf } from '../../../unit/daemon/support.ts';
import type { OvsDatabase } from './database.ts';
import { LateSession } from './late-session.ts';
import {
  countRows,
  createMirror,
  EMPTY,
  goPort,
  otherPlan,
  plugInto,
  setUp,
  signal,
  toObject,
} from './port-support.ts';

describe('plugging a port', () => {
  it('makes its rows, and returns when the replica has them', async () => {
    const { database, table, plugIt } = await setUp();
    await plugIt(planOf({ control: LIMITED, encapIp: '10.9.0.1' }));
    const row = table.named('c0ffee01_net1_h');
    expect(row?.external_ids).toEqual({
      'iface-id': 'web-0.shop.attachnet.default.ovn',
      'iface-id-ver': 'uid-1',
      vendor: 'kube-ovn',
      pod_name: 'web-0',
      pod_namespace: 'shop',
      pod_netns: NETNS,
      ip: '10.16.0.15,fd00:10:16::f',
      'encap-ip': '10.9.0.1',
      container_id: CONTAINER_ID,
      if_name: 'net1',
      provider: 'attachnet.default.ovn',
      network: 'attachnet',
    });
    expect(await database.vsctl(['--', 'port-to-br', 'c0ffee01_net1_h'])).toBe('br-int\n');
    const policing = ['ingress_policing_rate', 'ingress_policing_burst'];
    expect(await database.rows('Interface', ...policing)).toContainEqual([3000, 2400]);
    const [[config] = []] = await database.rows('Queue', 'other_config');
    expect(toObject(config)).toEqual({ 'max-rate': '5000000', burst: '500000' });
    const [[type, marks] = []] = await database.rows('QoS', 'type', 'external_ids');
    expect(type).toBe('linux-htb');
    expect(toObject(marks)).toMatchObject({ pod: 'shop/web-0', container_id: CONTAINER_ID });
  });

  it('makes netem, keeps what the runtime asked for, and has the port mirrored', async () => {
    const { database, table, plugIt } = await setUp();
    const mirrorRow = await createMirror(database);
    const qos: Qos = { type: 'linux-netem', config: { latency: '10000', loss: '0.5' } };
    const control = { ...NO_CONTROL, qos, isMirrored: true };
    await plugIt(planOf({ control, mirrorRow, bandwidth: { egressBps: 5 } }));
    expect(table.named('c0ffee01_net1_h')?.external_ids).toMatchObject({
      bandwidth: 'egress=5',
    });
    const columns = ['type', 'other_config', 'queues'];
    const [[type, config, queues] = []] = await database.rows('QoS', ...columns);
    expect([type, toObject(config), toObject(queues)]).toEqual(['linux-netem', qos.config, {}]);
    expect(await countRows(database)).toMatchObject({ QoS: 1, Queue: 0 });
    const port = await database.vsctl(['--', 'get', 'Port', 'c0ffee01_net1_h', '_uuid']);
    const [[mirrored] = []] = await database.rows('Mirror', 'select_dst_port');
    expect(mirrored).toEqual(['uuid', port.trim()]);
  });

  it('makes a port that is to be mirrored also where the mirror has gone', async () => {
    const { database, plugIt } = await setUp();
    const mirrorRow = await createMirror(database);
    await database.vsctl(['--', 'clear', 'Bridge', 'br-int', 'mirrors']);
    await plugIt(planOf({ control: { ...NO_CONTROL, isMirrored: true }, mirrorRow }));
    expect(await database.rows('Mirror', '_uuid')).toEqual([]);
    expect(await countRows(database)).toEqual({ ...EMPTY, Port: 2, Interface: 2 });
  });

  it('waits for the replica, which may be behind the database', async () => {
    const { database, table } = await setUp();
    const late: Vsctl = async (commands) => {
      setTimeout(() => void database.vsctl(commands), 30);
      return '';
    };
    await plugInto({ ovs: database.ovs, vsctl: late }, planOf());
    expect(table.named('c0ffee01_net1_h')).toBeDefined();
  });

  it('without limits makes neither QoS nor Queue', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf());
    expect(await countRows(database)).toEqual({ ...EMPTY, Port: 2, Interface: 2 });
  });

  it('takes the logical switch port from older sandboxes, whose ports stay', async () => {
    const { database, table, plugIt } = await setUp();
    const ifaceId = planOf().ifaceId;
    await plugIt(otherPlan('older', { ifaceId }));
    await goPort(database, 'gos_h', ifaceId, 'web-0');
    await plugIt(otherPlan('unrelated'));
    await table.until(() => table.named('gos_h')?.external_ids || undefined, signal);
    await plugIt(planOf());
    const idOf = (name: string) =>
      ((table.named(name)?.external_ids ?? {}) as Record<string, string>)['iface-id'];
    await table.until(() => !(idOf('older_h') ?? idOf('gos_h')) || undefined, signal);
    expect(idOf('c0ffee01_net1_h')).toBe(ifaceId);
    expect(idOf('unrelated_h')).toBe('unrelated.shop');
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe(
      'c0ffee01_net1_h\ngos_h\nolder_h\nunrelated_h\n',
    );
  });

  it('takes it also from a port that the replica has not got yet', async () => {
    const { database } = await setUp();
    await using late = await LateSession.start(database.remote);
    const { ifaceId } = planOf();
    await goPort(database, 'gos_h', ifaceId, 'web-0');
    expect(late.ovs.interfaces.named('gos_h')).toBeUndefined();
    await plugInto({ ovs: late.ovs, vsctl: database.vsctl }, planOf());
    const state = await late.ovs.fresh();
    expect(state.interfaceNamed('gos_h')?.external_ids['iface-id']).toBeUndefined();
    expect(state.interfaceNamed('c0ffee01_net1_h')?.external_ids['iface-id']).toBe(ifaceId);
  });
});

describe('plugging a port that cannot be', () => {
  it('refuses a second interface of one sandbox as the same logical switch port', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf());
    const attachment = attachmentOf({ ifName: 'net2' });
    const second = planOf({ attachment, hostInterface: 'c0ffee01_net2_h' });
    const error = await rejectionOf(plugIt(second));
    expect(error.code).toBe(7);
    expect(error.message).toContain('web-0.shop.attachnet.default.ovn');
    expect(await countRows(database)).toEqual({ ...EMPTY, Port: 2, Interface: 2 });
  });

  it('may be tried again later where an interface of that name is there', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf());
    expect((await rejectionOf(plugIt(planOf({ control: LIMITED })))).code).toBe(11);
    expect(await countRows(database)).toEqual({ ...EMPTY, Port: 2, Interface: 2 });
  });

  it('leaves nothing where the bridge is not there, and says so', async () => {
    const { database, plugIt } = await setUp();
    await database.vsctl(['--', 'del-br', 'br-int']);
    const error = await rejectionOf(plugIt(planOf({ control: LIMITED })));
    expect(error.code).toBe(11);
    expect(error.message).toContain('cannot add port c0ffee01_net1_h to br-int');
    expect(await countRows(database)).toEqual({ Port: 0, Interface: 0, QoS: 0, Queue: 0 });
  });

  it('may be tried again later where the database is not there', async () => {
    const { database, plugIt } = await setUp();
    await database.stopServer();
    expect((await rejectionOf(plugIt(planOf()))).code).toBe(11);
  });
});

describe('values of a port', () => {
  it('stores every value as it is', async () => {
    const { database, table } = await setUp();
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 30 })
      .filter((each) => each.isWellFormed() && !each.includes('\0'));
    const samples = fc.sample(fc.tuple(text, text, text, text), 25);
    for (const [index, [ifaceId, workload, namespace, address]] of samples.entries()) {
      const attachment = attachmentOf({ pod: { namespace, name: 'p' }, containerId: `c${index}` });
      const hostInterface = `host${index}_h`;
      const plan = planOf({ attachment, hostInterface, ifaceId, workload, addresses: [address] });
      await plugInto(database, plan);
      expect(table.named(hostInterface)?.external_ids).toMatchObject({
        'iface-id': ifaceId,
        pod_name: workload,
        pod_namespace: namespace,
        ip: address,
      });
    }
  });
});

describe("OVN's flows for a port", () => {
  it.each([
    [true, 'waited 0.2 s for OVN to install the flows', 'look at ovn-controller'],
    [false, "waited 0.2 s for OVS's database", 'look at whether ovsdb-server runs'],
  ])(
    'that do not come: the error names whose fault it is (database there: %s)',
    async (isThere, message, details) => {
      const { database, table, plugIt } = await setUp();
      await plugIt(planOf());
      if (!isThere) {
        await database.stopServer();
        await expect.poll(() => table.isLive).toBe(false);
      }
      using deadline = startDeadline(200);
      const wait = awaitFlows({ port: planOf() }, { interfaces: table }, deadline.signal);
      const error = await rejectionOf(wait);
      expect(error.message).toContain(message);
      expect(error.details).toContain(details);
    },
  );

  const setIds = (database: OvsDatabase, ...words: string[]) =>
    database.vsctl(['--', 'set', 'Interface', 'c0ffee01_net1_h', ...words]);

  it('are waited for until OVN says so', async () => {
    const { database, table, plugIt } = await setUp();
    await plugIt(planOf());
    let isInstalled = false;
    const wait = flowsInstalled(planOf(), table, signal).then(() => {
      isInstalled = true;
    });
    await setIds(database, 'external_ids:ovn-installed=false');
    await setIds(database, 'external_ids:ovn-installed-ts=1');
    expect(isInstalled).toBe(false);
    await setIds(database, 'external_ids:ovn-installed=true');
    await wait;
  });

  it('are not waited for where they are installed already', async () => {
    const { database, table, plugIt } = await setUp();
    await plugIt(planOf());
    await setIds(database, 'external_ids:ovn-installed=true');
    await flowsInstalled(planOf(), table, signal);
  });

  it.each([
    {
      where: 'OVS cannot open it',
      command: ['set', 'Interface', 'c0ffee01_net1_h', 'error="no such device"'],
      code: 11,
      said: 'interface c0ffee01_net1_h is not usable: OVS cannot use it: no such device',
    },
    {
      where: 'its port is removed',
      command: ['del-port', 'c0ffee01_net1_h'],
      code: 11,
      said: 'interface c0ffee01_net1_h is not usable: its port was removed',
    },
    {
      where: 'a newer sandbox is the logical switch port',
      command: ['remove', 'Interface', 'c0ffee01_net1_h', 'external_ids', 'iface-id'],
      code: 102,
      said: 'a newer sandbox of pod shop/web-0 has this interface',
    },
  ])('never come where $where', async ({ command, code, said }) => {
    const { database, table, plugIt } = await setUp();
    await plugIt(planOf());
    const wait = rejectionOf(flowsInstalled(planOf(), table, signal));
    await database.vsctl(['--', ...command]);
    const error = await wait;
    expect(error.code).toBe(code);
    expect(error.message).toContain(said);
  });

  it('are not waited for any longer than the caller waits', async () => {
    const { table, plugIt } = await setUp();
    await plugIt(planOf());
    const controller = new AbortController();
    const wait = flowsInstalled(planOf(), table, controller.signal);
    controller.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
  });
});
