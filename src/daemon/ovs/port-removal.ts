/**
 * Removing a NIC's port: its rows are looked up, as they are in the database now, and go in one
 * transaction.
 */
import { tryAgain } from '../call/error.ts';
import { type Attachment, attachmentKey } from '../model/attachment.ts';
import { INTEGRATION_BRIDGE, isPortOf, toInterfaceRow } from './port.ts';
import type { InterfaceColumns } from './rows.ts';
import type { FreshLook } from './session.ts';
import type { Marked, OvsState } from './state.ts';
import { failedTo, type Vsctl } from './vsctl.ts';

/** UUIDs of the rows that ports consist of. */
export interface PortRows {
  readonly ports: readonly string[];
  readonly qos: readonly string[];
  readonly queues: readonly string[];
}

/**
 * Commands that remove ports with their QoS and Queue rows. Not `del-port`: it forgets the
 * `clear` before it, and the QoS row would count as still in use.
 */
export function unplugCommands({ ports, qos, queues }: PortRows): string[] {
  return [
    ...ports.flatMap((uuid) => ['--', '--if-exists', 'clear', 'Port', uuid, 'qos']),
    ...qos.flatMap((uuid) => ['--', '--if-exists', 'destroy', 'QoS', uuid]),
    ...queues.flatMap((uuid) => ['--', '--if-exists', 'destroy', 'Queue', uuid]),
    ...ports.flatMap((uuid) => [
      '--',
      '--if-exists',
      'remove',
      'Bridge',
      INTEGRATION_BRIDGE,
      'ports',
      uuid,
    ]),
  ];
}

/** What the database has of an attachment. */
export interface FoundPort {
  readonly rows: PortRows;
  /** Names of its interfaces. */
  readonly names: readonly string[];
  /** Logical switch ports that its rows stand for: one, or none where a newer sandbox took it. */
  readonly ifaceIds: readonly string[];
  /** Interfaces of the names that were asked for which are another attachment's. */
  readonly foreign: readonly string[];
}

/**
 * Looks an attachment's rows up: also those that were written a moment ago, by a tool of ours.
 * @param names names that the port may have
 * @throws CniError 11 when OVS's database does not answer
 */
export async function findPort(
  ovs: FreshLook,
  attachment: Attachment,
  names: readonly string[],
): Promise<FoundPort> {
  const state = await ovs.fresh().catch(failedTo(`find port ${names.join(' or ')}`));
  const interfaces = names.flatMap((name) => state.interfaceNamed(name) ?? []);
  const isOwn = (row: InterfaceColumns) => isPortOf(toInterfaceRow(row), attachment, names);
  const own = interfaces.filter(isOwn);
  const ownNames = own.map(({ name }) => name);
  return {
    rows: rowsOf(ownNames, attachment, state),
    names: ownNames,
    ifaceIds: own.flatMap(({ external_ids: ids }) => ids['iface-id'] ?? []),
    foreign: interfaces.filter((row) => !isOwn(row)).map(({ name }) => name),
  };
}

/**
 * Limits that carry the marks of an attachment and that no port has: the port was taken out of OVS
 * by hand. Kube-OVN's own rows carry none, and are left alone.
 * @throws CniError 11 when OVS's database does not answer
 */
export async function findOrphanedLimits(ovs: FreshLook): Promise<PortRows> {
  const state = await ovs.fresh().catch(failedTo('list limits'));
  const qos = [...state.qos.values()].filter(
    (row) => isMarked(row) && state.portsOfQos(row.uuid).length === 0,
  );
  const queues = [...state.queues.values()].filter(
    (row) => isMarked(row) && state.qosOfQueue(row.uuid).every((user) => qos.includes(user)),
  );
  return { ports: [], qos: uuidsOf(qos), queues: uuidsOf(queues) };
}

function isMarked({ external_ids: ids }: Marked): boolean {
  return ids.container_id !== undefined && ids.if_name !== undefined;
}

/** What looks at OVS's rows, and what changes them. */
export interface OvsAccess {
  readonly ovs: FreshLook;
  readonly vsctl: Vsctl;
}

/**
 * Removes a port with its QoS and Queue rows, in one transaction, and looks whether it has gone: an
 * ovs-vsctl that is a broken wrapper ends well, too.
 * @param more commands of the same transaction
 * @throws CniError 11 when ovs-vsctl fails, or did not do it
 */
export async function unplug(
  { ovs, vsctl }: OvsAccess,
  rows: PortRows,
  more: readonly string[] = [],
): Promise<void> {
  if (rows.ports.length + rows.qos.length + rows.queues.length === 0) return;
  const failed = failedTo(`remove a port from ${INTEGRATION_BRIDGE}`);
  await vsctl([...unplugCommands(rows), ...more]).catch(failed);
  const state = await ovs.fresh().catch(failed);
  const isThere = (uuid: string) => state.bridgeOfPort(uuid)?.name === INTEGRATION_BRIDGE;
  if (!rows.ports.some(isThere)) return;
  throw tryAgain(
    `cannot remove a port from ${INTEGRATION_BRIDGE}: ovs-vsctl has ended without an error, and the port is still there`,
    'is ovs-vsctl on this node the one of Open vSwitch? `ovs-vsctl show` tells',
  );
}

/**
 * The rows to remove: own ports, what they refer to, and what carries our key without being
 * referred to by another port. Kube-OVN's QoS rows have no key: only the reference tells.
 */
function rowsOf(own: readonly string[], attachment: Attachment, state: OvsState): PortRows {
  const key = attachmentKey(attachment);
  const ports = own.flatMap((name) => state.portNamed(name) ?? []);
  const referred = ports.flatMap(({ qos }) => state.qos.get(qos ?? '') ?? []);
  const qos = [...new Set([...referred, ...state.qosMarked(key)])].filter(({ uuid }) =>
    state.portsOfQos(uuid).every((port) => ports.includes(port)),
  );
  const queued = qos.flatMap(({ queues }) =>
    Object.values(queues).flatMap((uuid) => state.queues.get(uuid) ?? []),
  );
  const queues = [...new Set([...queued, ...state.queuesMarked(key)])].filter(({ uuid }) =>
    state.qosOfQueue(uuid).every((user) => qos.includes(user)),
  );
  return { ports: uuidsOf(ports), qos: uuidsOf(qos), queues: uuidsOf(queues) };
}

function uuidsOf(rows: readonly { readonly uuid: string }[]): string[] {
  return rows.map(({ uuid }) => uuid);
}
