/**
 * Removing a NIC's port: its rows are looked up in the database, and go in one transaction.
 */
import type { Attachment } from '../model/attachment.ts';
import { parseListings, textsOf } from './listing.ts';
import { INTEGRATION_BRIDGE, isPortOf, keyIds, type PortIdentity } from './port.ts';
import type { Row } from './table.ts';
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
 * Looks an attachment's rows up in the database itself: a live copy may be a moment behind what
 * was just written.
 * @param names names that the port may have
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function findPort(
  vsctl: Vsctl,
  attachment: Attachment,
  names: readonly string[],
): Promise<FoundPort> {
  const tables = await readTables(vsctl, names).catch(failedTo(`find port ${names.join(' or ')}`));
  const isOwn = (row: PortIdentity) => isPortOf(row, attachment, names);
  const own = tables.interfaces.filter(isOwn);
  const ownNames = own.map(({ name }) => name);
  return {
    rows: rowsOf(ownNames, keyIds(attachment), tables),
    names: ownNames,
    ifaceIds: own.flatMap(({ externalIds }) => externalIds['iface-id'] ?? []),
    foreign: tables.interfaces.filter((row) => !isOwn(row)).map(({ name }) => name),
  };
}

/**
 * Limits that carry the marks of an attachment and that no port has: the port was taken out of OVS
 * by hand. Kube-OVN's own rows carry none, and are left alone.
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function findOrphanedLimits(vsctl: Vsctl): Promise<PortRows> {
  const { ports, qos, queues } = await readTables(vsctl, []).catch(failedTo('list limits'));
  const isMarked = ({ marks }: { marks: Marks }) =>
    marks.container_id !== undefined && marks.if_name !== undefined;
  const orphans = qos.filter(
    (row) => isMarked(row) && !ports.some((port) => port.qos === row.uuid),
  );
  const used = new Set(qos.filter((row) => !orphans.includes(row)).flatMap((row) => row.queues));
  const orphanQueues = queues.filter((row) => isMarked(row) && !used.has(row.uuid));
  return {
    ports: [],
    qos: orphans.map(({ uuid }) => uuid),
    queues: orphanQueues.map(({ uuid }) => uuid),
  };
}

/**
 * Removes a port with its QoS and Queue rows, in one transaction.
 * @param more commands of the same transaction
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function unplug(
  vsctl: Vsctl,
  rows: PortRows,
  more: readonly string[] = [],
): Promise<void> {
  if (rows.ports.length + rows.qos.length + rows.queues.length === 0) return;
  await vsctl([...unplugCommands(rows), ...more]).catch(
    failedTo(`remove a port from ${INTEGRATION_BRIDGE}`),
  );
}

/** Rows of the database that a port can consist of. */
interface Tables {
  readonly interfaces: readonly PortIdentity[];
  readonly ports: readonly { uuid: string; name: string; qos: string }[];
  readonly qos: readonly { uuid: string; marks: Marks; queues: readonly string[] }[];
  readonly queues: readonly { uuid: string; marks: Marks }[];
}
type Marks = Readonly<Record<string, string>>;

async function readTables(vsctl: Vsctl, names: readonly string[]): Promise<Tables> {
  const output = await vsctl([
    ...['--', '--if-exists', '--columns=name,external_ids', 'list', 'Interface', ...names],
    ...['--', '--if-exists', '--columns=_uuid,name,qos', 'list', 'Port', ...names],
    ...['--', '--columns=_uuid,name,qos', 'find', 'Port', 'qos!=[]'],
    ...['--', '--columns=_uuid,external_ids,queues', 'list', 'QoS'],
    ...['--', '--columns=_uuid,external_ids', 'list', 'Queue'],
  ]);
  const tables = parseListings(output, 5);
  const [interfaces = [], named = [], limited = [], qos = [], queues = []] = tables;
  const toMarked = (row: Row) => ({
    uuid: String(row._uuid),
    marks: textsOf(row.external_ids),
  });
  return {
    interfaces: interfaces.map((row) => ({
      name: String(row.name),
      externalIds: textsOf(row.external_ids),
    })),
    ports: [...named, ...limited].map((row) => ({
      uuid: String(row._uuid),
      name: String(row.name),
      qos: typeof row.qos === 'string' ? row.qos : '',
    })),
    qos: qos.map((row) => ({ ...toMarked(row), queues: Object.values(textsOf(row.queues)) })),
    queues: queues.map(toMarked),
  };
}

/**
 * The rows to remove: own ports, what they refer to, and what carries our key without being
 * referred to by another port. Kube-OVN's QoS rows have no key: only the reference tells.
 */
function rowsOf(own: readonly string[], key: Marks, tables: Tables): PortRows {
  const isOurs = (marks: Marks) =>
    marks.container_id === key.container_id && marks.if_name === key.if_name;
  const ownPorts = tables.ports.filter(({ name }) => own.includes(name));
  const foreignQos = tables.ports.filter(({ name }) => !own.includes(name)).map(({ qos }) => qos);
  const qos = tables.qos.filter(
    ({ uuid, marks }) =>
      !foreignQos.includes(uuid) && (isOurs(marks) || ownPorts.some((port) => port.qos === uuid)),
  );
  const foreignQueues = tables.qos.filter((row) => !qos.includes(row)).flatMap((row) => row.queues);
  const ownQueues = qos.flatMap((row) => row.queues);
  const queues = tables.queues.filter(
    ({ uuid, marks }) =>
      !foreignQueues.includes(uuid) && (isOurs(marks) || ownQueues.includes(uuid)),
  );
  return {
    ports: [...new Set(ownPorts.map(({ uuid }) => uuid))],
    qos: qos.map(({ uuid }) => uuid),
    queues: queues.map(({ uuid }) => uuid),
  };
}
