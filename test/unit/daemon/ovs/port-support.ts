/** What the tests of ports in a real database share. */
import { onTestFinished } from 'vitest';
import { INTERFACE_COLUMNS, type PortPlan, plug } from '../../../../src/daemon/ovs/port.ts';
import { OvsTable } from '../../../../src/daemon/ovs/table.ts';
import { LogDouble } from '../log-double.ts';
import { attachmentOf } from '../support.ts';
import { OvsDatabase } from './database.ts';
import { planOf } from './port-plan.ts';

/** Of a caller who waits for ever. */
export const { signal } = new AbortController();
export const LIMITED = { ingressMbps: 5, egressMbps: 3 };

/** A database of the test's own, with a live copy of its interfaces. */
export async function setUp() {
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
export function otherPlan(name: string, changes: Partial<PortPlan> = {}): PortPlan {
  const attachment = attachmentOf({
    containerId: name,
    ifName: 'net1',
    netns: `/run/netns/${name}`,
  });
  return planOf({ attachment, hostInterface: `${name}_h`, ifaceId: `${name}.shop`, ...changes });
}

/** Maps of OVSDB's JSON as objects. */
export const toObject = (value: unknown) =>
  Object.fromEntries((value as [string, [string, string][]])[1]);

export async function countRows(database: OvsDatabase): Promise<Record<string, number>> {
  const tables = ['Port', 'Interface', 'QoS', 'Queue'];
  const counts = await Promise.all(tables.map((table) => database.rows(table, '_uuid')));
  return Object.fromEntries(tables.map((table, index) => [table, counts[index]?.length ?? 0]));
}
/** br-int's own port. */
export const EMPTY = { Port: 1, Interface: 1, QoS: 0, Queue: 0 };

/** What Kube-OVN's daemon writes for a limited port. */
export function goPort(database: OvsDatabase, name: string, ifaceId: string, podName: string) {
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
