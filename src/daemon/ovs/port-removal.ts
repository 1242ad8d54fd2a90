/**
 * Removing a NIC's port: its rows are looked up in the database, and go in one transaction.
 */
import type { Attachment } from '../attachment.ts';
import { tryAgain } from '../error.ts';
import { ToolError } from '../process/run.ts';
import { INTEGRATION_BRIDGE, isPortOf, keyIds, type PortIdentity } from './port.ts';
import { toValue, type Value } from './table.ts';
import type { Vsctl } from './vsctl.ts';

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
  const tables = await readTables(vsctl, names).catch(failed(`find port ${names.join(' or ')}`));
  const isOwn = (row: PortIdentity) => isPortOf(row, attachment, names);
  const own = tables.interfaces.filter(isOwn);
  const ownNames = own.map(({ name }) => name);
  return {
    rows: rowsOf(ownNames, keyIds(attachment), tables),
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
  const { ports, qos, queues } = await readTables(vsctl, []).catch(failed('list limits'));
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
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function unplug(vsctl: Vsctl, rows: PortRows): Promise<void> {
  if (rows.ports.length + rows.qos.length + rows.queues.length === 0) return;
  await vsctl(unplugCommands(rows)).catch(failed(`remove a port from ${INTEGRATION_BRIDGE}`));
}

function failed(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ToolError)) throw error;
    const hint = 'is ovsdb-server running? `ovs-vsctl show` on this node tells';
    throw tryAgain(`cannot ${what}: ${error.stderr}`, hint, error);
  };
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
  const [interfaces = [], named = [], limited = [], qos = [], queues = []] = output
    .trim()
    .split('\n')
    .map(parseListing);
  const toPort = ([uuid, name, limit]: Value[]) => ({
    uuid: String(uuid),
    name: String(name),
    qos: typeof limit === 'string' ? limit : '',
  });
  return {
    interfaces: interfaces.map(([name, ids]) => ({
      name: String(name),
      externalIds: ids as Marks,
    })),
    ports: [...named, ...limited].map(toPort),
    qos: qos.map(([uuid, marks, map]) => ({
      uuid: String(uuid),
      marks: marks as Marks,
      queues: Object.values(map as Marks),
    })),
    queues: queues.map(([uuid, marks]) => ({ uuid: String(uuid), marks: marks as Marks })),
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

/** Rows of one table as ovs-vsctl prints it with `--format=json`. */
function parseListing(line: string): Value[][] {
  const { data } = JSON.parse(line) as { data: unknown[][] };
  return data.map((row) => row.map(toValue));
}
