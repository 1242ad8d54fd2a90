/** What the tests of ports in a real database share. */
import { onTestFinished } from 'vitest';
import type { PortPlan } from '../../../../src/daemon/ovs/port.ts';
import type { OvsSession } from '../../../../src/daemon/ovs/session.ts';
import type { Vsctl } from '../../../../src/daemon/ovs/vsctl.ts';
import { plugPort } from '../../../../src/daemon/ownership/iface-id-owner.ts';
import { PortLocks } from '../../../../src/daemon/ownership/port-locks.ts';
import { planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import { attachmentOf } from '../../../unit/daemon/support.ts';
import { OvsDatabase } from './database.ts';
import { parseListings } from './listing.ts';

/** Of a caller who waits for ever. */
export const { signal } = new AbortController();

/** A database of the test's own, with a replica of its interfaces. */
export async function setUp() {
  const database = await OvsDatabase.start();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const table = database.ovs.interfaces;
  await table.synced(signal);
  const plugIt = (plan: PortPlan) => plugInto(database, plan);
  return { database, table, plugIt };
}

export const NO_PODS = { values: () => [].values(), isSynced: true };

/** Plugs a port of a node without other pods. */
export function plugInto(
  { ovs, vsctl }: { ovs: OvsSession; vsctl: Vsctl },
  plan: PortPlan,
): Promise<void> {
  const { interfaces } = ovs;
  const parts = { ovs, vsctl, locks: new PortLocks(), interfaces, pods: NO_PODS };
  return plugPort(plan, parts, signal);
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
  const lists = tables.flatMap((table) => ['--', '--columns=_uuid', 'list', table]);
  const listings = parseListings(await database.vsctl(lists));
  return Object.fromEntries(tables.map((table, index) => [table, listings[index]?.length ?? 0]));
}

/** Creates the node's Mirror row as Kube-OVN has it; returns its UUID. */
export async function createMirror(database: OvsDatabase): Promise<string> {
  const output = await database.vsctl([
    ...['--', '--id=@mirror', 'create', 'Mirror', 'name=m0'],
    ...['--', 'add', 'Bridge', 'br-int', 'mirrors', '@mirror'],
  ]);
  return output.trim();
}

/** br-int's own port. */
export const EMPTY = { Port: 1, Interface: 1, QoS: 0, Queue: 0 };

/**
 * What Kube-OVN's daemon writes for a limited port.
 * @param config `other_config` of the queue: a rate that was taken away leaves it without
 */
export function goPort(
  database: OvsDatabase,
  name: string,
  ifaceId: string,
  podName: string,
  config: Readonly<Record<string, string>> = {},
) {
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
    ...Object.entries(config).map(([key, value]) => `other_config:${key}=${value}`),
    ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue'],
    `external_ids:iface-id=${ifaceId}`,
    ...['--', 'set', 'Port', name, 'qos=@qos'],
  ]);
}
