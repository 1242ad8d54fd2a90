import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  flowsInstalled,
  INTERFACE_COLUMNS,
  type PortPlan,
  plug,
} from '../../../../src/daemon/ovs/port.ts';
import { findPort, unplug } from '../../../../src/daemon/ovs/port-removal.ts';
import { OvsTable } from '../../../../src/daemon/ovs/table.ts';
import { createVsctl, type Vsctl } from '../../../../src/daemon/ovs/vsctl.ts';
import { LogDouble } from '../log-double.ts';
import { attachmentOf, CONTAINER_ID, NETNS, rejectionOf } from '../support.ts';
import { OvsDatabase } from './database.ts';
import { planOf } from './port-plan.ts';

const { signal } = new AbortController();
const LIMITED = { ingressMbps: 5, egressMbps: 3 };

/** A database of the test's own, with a live copy of its interfaces. */
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
  const plugIt = (plan: PortPlan) => plug(database.vsctl, plan, table, signal);
  return { database, table, plugIt };
}

/** Another sandbox's plan, by its own names. */
function otherPlan(name: string, changes: Partial<PortPlan> = {}): PortPlan {
  const attachment = attachmentOf({
    containerId: name,
    ifName: 'net1',
    netns: `/run/netns/${name}`,
  });
  return planOf({ attachment, hostInterface: `${name}_h`, ifaceId: `${name}.shop`, ...changes });
}

/** Maps of OVSDB's JSON as objects. */
const toObject = (value: unknown) => Object.fromEntries((value as [string, [string, string][]])[1]);

async function countRows(database: OvsDatabase): Promise<Record<string, number>> {
  const tables = ['Port', 'Interface', 'QoS', 'Queue'];
  const counts = await Promise.all(tables.map((table) => database.rows(table, '_uuid')));
  return Object.fromEntries(tables.map((table, index) => [table, counts[index]?.length ?? 0]));
}
/** br-int's own port. */
const EMPTY = { Port: 1, Interface: 1, QoS: 0, Queue: 0 };

/** What Kube-OVN's daemon writes for a limited port. */
function goPort(database: OvsDatabase, name: string, ifaceId: string, podName: string) {
  const ids = [
    'vendor=kube-ovn',
    'pod_namespace=shop',
    `pod_name=${podName}`,
    `iface-id=${ifaceId}`,
  ];
  return database.vsctl([
    ...['--', 'add-port', 'br-int', name, '--', 'set', 'Interface', name],
    ...ids.map((id) => `external_ids:${id}`),
    ...['--', '--id=@queue', 'create', 'Queue', `external_ids:iface-id=${ifaceId}`],
    ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue'],
    `external_ids:iface-id=${ifaceId}`,
    ...['--', 'set', 'Port', name, 'qos=@qos'],
  ]);
}

describe('plugging a port', () => {
  it('makes its rows, and returns when the live copy has them', async () => {
    const { database, table, plugIt } = await setUp();
    await plugIt(planOf({ rates: LIMITED, encapIp: '10.9.0.1' }));
    const [, row] = table.named('c0ffee01_net1_h') ?? [];
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

  it('waits for the live copy, which may be behind the database', async () => {
    const { database, table } = await setUp();
    const late: Vsctl = async (commands) => {
      setTimeout(() => void database.vsctl(commands), 30);
      return '';
    };
    await plug(late, planOf(), table, signal);
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
    await table.until(() => table.named('gos_h')?.[1].external_ids || undefined, signal);
    await plugIt(planOf());
    const idOf = (name: string) =>
      ((table.named(name)?.[1].external_ids ?? {}) as Record<string, string>)['iface-id'];
    await table.until(() => !(idOf('older_h') ?? idOf('gos_h')) || undefined, signal);
    expect(idOf('c0ffee01_net1_h')).toBe(ifaceId);
    expect(idOf('unrelated_h')).toBe('unrelated.shop');
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe(
      'c0ffee01_net1_h\ngos_h\nolder_h\nunrelated_h\n',
    );
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
    expect((await rejectionOf(plugIt(planOf({ rates: LIMITED })))).code).toBe(11);
    expect(await countRows(database)).toEqual({ ...EMPTY, Port: 2, Interface: 2 });
  });

  it('leaves nothing where the bridge is not there, and says so', async () => {
    const { database, plugIt } = await setUp();
    await database.vsctl(['--', 'del-br', 'br-int']);
    const error = await rejectionOf(plugIt(planOf({ rates: LIMITED })));
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
      await plug(database.vsctl, plan, table, signal);
      expect(table.named(hostInterface)?.[1].external_ids).toMatchObject({
        'iface-id': ifaceId,
        pod_name: workload,
        pod_namespace: namespace,
        ip: address,
      });
    }
  });
});

describe("OVN's flows for a port", () => {
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
    [
      'OVS cannot open it',
      ['set', 'Interface', 'c0ffee01_net1_h', 'error="no such device"'],
      'no such device',
    ],
    ['its port is removed', ['del-port', 'c0ffee01_net1_h'], 'was removed'],
    [
      'a newer sandbox is the logical switch port',
      ['remove', 'Interface', 'c0ffee01_net1_h', 'external_ids', 'iface-id'],
      'web-0.shop.attachnet.default.ovn',
    ],
  ])('never come where %s', async (_, command, said) => {
    const { database, table, plugIt } = await setUp();
    await plugIt(planOf());
    const wait = rejectionOf(flowsInstalled(planOf(), table, signal));
    await database.vsctl(['--', ...command]);
    const error = await wait;
    expect(error.code).toBe(11);
    expect(error.message).toContain('c0ffee01_net1_h');
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

/** What a DEL does with OVS. */
async function removeIt(vsctl: Vsctl, names: readonly string[]) {
  const { rows, foreign } = await findPort(vsctl, planOf().attachment, names);
  await unplug(vsctl, rows);
  return { foreign };
}

describe('unplugging a port', () => {
  const names = ['c0ffee01_net1_h', 'hashed_h'];

  it('removes all of its rows and none of another', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ rates: LIMITED }));
    await plugIt(otherPlan('other', { rates: LIMITED }));
    expect(await removeIt(database.vsctl, names)).toEqual({ foreign: [] });
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe('other_h\n');
  });

  it('may be done again, and where there never was one', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ rates: LIMITED }));
    for (let times = 0; times < 3; times += 1) await removeIt(database.vsctl, names);
    expect(await countRows(database)).toEqual(EMPTY);
  });

  it('finds the port by its key under the second name too', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(planOf({ hostInterface: 'hashed_h', rates: LIMITED }));
    await removeIt(database.vsctl, names);
    expect(await countRows(database)).toEqual(EMPTY);
  });

  it("removes what Kube-OVN's daemon made, with its limits", async () => {
    const { database } = await setUp();
    await goPort(database, 'c0ffee01_net1_h', planOf().ifaceId, 'web-0');
    await goPort(database, 'gos_h', 'other.shop', 'other');
    await removeIt(database.vsctl, names);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
    expect(await database.vsctl(['--', 'list-ports', 'br-int'])).toBe('gos_h\n');
  });

  it("leaves another attachment's port of that name, and says so", async () => {
    const { database, plugIt } = await setUp();
    await plugIt(otherPlan('other', { hostInterface: 'c0ffee01_net1_h', rates: LIMITED }));
    const { foreign } = await removeIt(database.vsctl, names);
    expect(foreign).toEqual(['c0ffee01_net1_h']);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
  });

  it('leaves limits that another port refers to, whatever is marked on them', async () => {
    const { database, plugIt } = await setUp();
    await plugIt(otherPlan('other', { rates: LIMITED }));
    const marks = [`external_ids:container_id=${CONTAINER_ID}`, 'external_ids:if_name=net1'];
    for (const limit of ['QoS', 'Queue']) {
      for (const [reference] of await database.rows(limit, '_uuid')) {
        const [, uuid = ''] = reference as string[];
        await database.vsctl(['--', 'set', limit, uuid, ...marks]);
      }
    }
    await removeIt(database.vsctl, names);
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
  });

  it('leaves the limits that a newer sandbox of the same pod has', async () => {
    const { database, plugIt } = await setUp();
    const { ifaceId } = planOf();
    await plugIt(planOf({ rates: LIMITED }));
    await plugIt(otherPlan('newer', { ifaceId, rates: LIMITED }));
    await removeIt(database.vsctl, names);
    const [[marks] = []] = await database.rows('QoS', 'external_ids');
    expect(toObject(marks)).toMatchObject({ container_id: 'newer', 'iface-id': ifaceId });
    expect(await countRows(database)).toEqual({ Port: 2, Interface: 2, QoS: 1, Queue: 1 });
  });

  it('may be tried again later where the database is not there', async () => {
    const vsctl = createVsctl('unix:/nowhere/db.sock');
    const error = await rejectionOf(removeIt(vsctl, names));
    expect(error.code).toBe(11);
    expect(error.message).toContain('cannot find port c0ffee01_net1_h');
  });
});
