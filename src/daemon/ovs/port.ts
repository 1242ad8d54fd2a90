/**
 * A NIC's port on the integration bridge: which rows it consists of, and the transactions that
 * make and remove them. Pure but for the three functions at the end.
 *
 * All rows of a port are made in one transaction and removed in one, so that a crash leaves all
 * of them or none. Ours carry `container_id` and `if_name`, the key of the attachment.
 */
import type { Attachment } from '../attachment.ts';
import { tryAgain } from '../error.ts';
import { ToolError } from '../process/run.ts';
import type { Rates } from './rates.ts';
import { htbColumns, policingColumns } from './rates.ts';
import type { OvsTable, Row } from './table.ts';
import type { Vsctl } from './vsctl.ts';
import { quoted } from './vsctl.ts';

export const INTEGRATION_BRIDGE = 'br-int';

/** What a port is made of. */
export interface PortPlan {
  readonly attachment: Attachment & { readonly netns: string };
  readonly hostInterface: string;
  /** Name of the logical switch port. */
  readonly ifaceId: string;
  readonly podUid: string;
  /** The pod's name, or the KubeVirt VM's. */
  readonly workload: string;
  /** Addresses without masks. */
  readonly addresses: readonly string[];
  readonly rates: Rates;
  /** Tunnel address of the Subnet's node network. */
  readonly encapIp?: string;
}

/** One Interface row that we understand. */
export interface InterfaceRow {
  readonly uuid: string;
  readonly name: string;
  readonly externalIds: Readonly<Record<string, string>>;
  readonly ofport: number | null;
  readonly error: string | null;
}

export function interfaceRows(table: OvsTable): InterfaceRow[] {
  return [...table.rows].map(([uuid, row]) => toInterfaceRow(uuid, row));
}

function interfaceNamed(table: OvsTable, name: string): InterfaceRow | undefined {
  for (const [uuid, row] of table.rows) {
    if (row.name === name) return toInterfaceRow(uuid, row);
  }
  return undefined;
}

function toInterfaceRow(uuid: string, row: Row): InterfaceRow {
  return {
    uuid,
    name: String(row.name),
    externalIds: (row.external_ids ?? {}) as Record<string, string>,
    ofport: typeof row.ofport === 'number' ? row.ofport : null,
    error: typeof row.error === 'string' ? row.error : null,
  };
}

/** True for a row that this attachment's ADD made, or that Kube-OVN's daemon made for it. */
export function isPortOf(
  row: InterfaceRow,
  attachment: Attachment,
  names: readonly string[],
): boolean {
  const ids = row.externalIds;
  if (ids.container_id !== undefined) {
    return ids.container_id === attachment.containerId && ids.if_name === attachment.ifName;
  }
  // Kube-OVN's rows do not say whose they are: the name must fit, and so must the pod.
  const { pod, netns } = attachment;
  return (
    ids.vendor === 'kube-ovn' &&
    row.name === names[0] &&
    ids.pod_namespace === pod.namespace &&
    (ids.pod_name === pod.name || (netns !== undefined && ids.pod_netns === netns))
  );
}

/**
 * Commands that plug the host end of a veth pair into the integration bridge, with its limits.
 * @param stale UUIDs of other Interface rows with the same `iface-id`: an older sandbox's, which
 *   lose it, or ovn-controller could bind the wrong one
 */
export function plugCommands(plan: PortPlan, stale: readonly string[]): string[] {
  const name = `name=${quoted(plan.hostInterface)}`;
  const queue = htbColumns(plan.rates);
  return [
    ...stale.flatMap((uuid) => [
      '--',
      '--if-exists',
      'remove',
      'Interface',
      uuid,
      'external_ids',
      'iface-id',
    ]),
    ...['--', '--id=@interface', 'create', 'Interface', name, ...interfaceColumns(plan)],
    ...(queue === undefined ? [] : shapingCommands(plan, queue)),
    ...['--', '--id=@port', 'create', 'Port', name, 'interfaces=@interface'],
    ...(queue === undefined ? [] : ['qos=@qos']),
    ...['--', 'add', 'Bridge', INTEGRATION_BRIDGE, 'ports', '@port'],
  ];
}

function interfaceColumns(plan: PortPlan): string[] {
  const { attachment, rates } = plan;
  const policing = policingColumns(rates);
  return [
    ...externalIds({
      'iface-id': plan.ifaceId,
      'iface-id-ver': plan.podUid,
      vendor: 'kube-ovn',
      pod_name: plan.workload,
      pod_namespace: attachment.pod.namespace,
      pod_netns: attachment.netns,
      ip: plan.addresses.join(','),
      'encap-ip': plan.encapIp ?? '',
      ...keyIds(attachment),
    }),
    ...(policing.rateKbps === 0
      ? []
      : [
          `ingress_policing_rate=${policing.rateKbps}`,
          `ingress_policing_burst=${policing.burstKbit}`,
        ]),
  ];
}

function shapingCommands(
  plan: PortPlan,
  queue: { maxRateBps: number; burstBytes: number },
): string[] {
  const marks = externalIds({
    'iface-id': plan.ifaceId,
    pod: `${plan.attachment.pod.namespace}/${plan.workload}`,
    ...keyIds(plan.attachment),
  });
  return [
    ...['--', '--id=@queue', 'create', 'Queue', ...marks],
    ...[`other_config:max-rate=${queue.maxRateBps}`, `other_config:burst=${queue.burstBytes}`],
    ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue', ...marks],
  ];
}

function keyIds(attachment: Attachment): Record<string, string> {
  return { container_id: attachment.containerId, if_name: attachment.ifName };
}

/** Columns for the ids that have a value. */
function externalIds(ids: Readonly<Record<string, string>>): string[] {
  return Object.entries(ids)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `external_ids:${key}=${quoted(value)}`);
}

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

/**
 * Plugs a port.
 * @throws CniError 11 when the bridge or the database is not there
 */
export async function plug(vsctl: Vsctl, plan: PortPlan, table: OvsTable): Promise<void> {
  const stale = interfaceRows(table)
    .filter(
      (row) => row.externalIds['iface-id'] === plan.ifaceId && row.name !== plan.hostInterface,
    )
    .map((row) => row.uuid);
  try {
    await vsctl(plugCommands(plan, stale));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw tryAgain(
      `cannot add port ${plan.hostInterface} to ${INTEGRATION_BRIDGE}: ${error.stderr}`,
      'is ovsdb-server running, and has ovn-controller made br-int? `ovs-vsctl show` on this node tells',
      error,
    );
  }
}

/**
 * Waits until OVN has installed the flows of a port (`ovn-installed`, ovn-controller(8)).
 * @throws CniError 11 when OVS cannot open the interface, or when the port is taken away
 */
export async function flowsInstalled(
  plan: PortPlan,
  table: OvsTable,
  signal: AbortSignal,
): Promise<void> {
  let wasSeen = false;
  await table.until(() => {
    const row = interfaceNamed(table, plan.hostInterface);
    if (row === undefined) {
      if (wasSeen) throw takenAway(plan, 'its port was removed from OVS while it was being added');
      return undefined;
    }
    wasSeen = true;
    if (row.externalIds['iface-id'] !== plan.ifaceId) {
      throw takenAway(
        plan,
        `a newer sandbox of the pod took over logical switch port ${plan.ifaceId}`,
      );
    }
    if (row.error !== null) throw takenAway(plan, `OVS cannot use it: ${row.error}`);
    return row.externalIds['ovn-installed'] === 'true' || undefined;
  }, signal);
}

function takenAway(plan: PortPlan, why: string): Error {
  return tryAgain(
    `interface ${plan.hostInterface} is not usable: ${why}`,
    'the runtime tries again with a new sandbox',
  );
}

/** What identifies a port and its limits. */
export type PortIdentity = Pick<InterfaceRow, 'name' | 'externalIds'>;

export function portIdentity(plan: PortPlan): PortIdentity {
  return {
    name: plan.hostInterface,
    externalIds: { 'iface-id': plan.ifaceId, ...keyIds(plan.attachment) },
  };
}

/**
 * Removes ports with their QoS and Queue rows, in one transaction. The rows are looked up in the
 * database itself: our copy of it may be a moment behind what we have just written.
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function unplug(vsctl: Vsctl, ports: readonly PortIdentity[]): Promise<void> {
  if (ports.length === 0) return;
  try {
    const rows = await findRows(vsctl, ports);
    if (rows.ports.length + rows.qos.length + rows.queues.length === 0) return;
    await vsctl(unplugCommands(rows));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw tryAgain(
      `cannot remove port ${ports.map((port) => port.name).join(', ')} from ${INTEGRATION_BRIDGE}: ${error.stderr}`,
      'is ovsdb-server running? `ovs-vsctl show` on this node tells',
      error,
    );
  }
}

/** A table as ovs-vsctl prints it with `--format=json`, of `_uuid` and maybe `external_ids`. */
interface Listing {
  readonly data: readonly (readonly [readonly ['uuid', string], Marks?])[];
}
type Marks = readonly ['map', readonly (readonly [string, string])[]];

async function findRows(vsctl: Vsctl, ports: readonly PortIdentity[]): Promise<PortRows> {
  const names = ports.map((port) => port.name);
  const output = await vsctl([
    ...['--', '--if-exists', '--columns=_uuid', 'list', 'Port', ...names],
    ...['--', '--columns=_uuid,external_ids', 'list', 'QoS'],
    ...['--', '--columns=_uuid,external_ids', 'list', 'Queue'],
  ]);
  const tables = output.trim().split('\n');
  const [port, qos, queue] = tables.map((line) => (JSON.parse(line) as Listing).data);
  return {
    ports: (port ?? []).map(([[, uuid]]) => uuid),
    qos: (qos ?? []).filter(([, marks]) => isLimitOf(marks, ports)).map(([[, uuid]]) => uuid),
    queues: (queue ?? []).filter(([, marks]) => isLimitOf(marks, ports)).map(([[, uuid]]) => uuid),
  };
}

/** A QoS or Queue row belongs to a port by our key; Kube-OVN's rows have only the `iface-id`. */
function isLimitOf(marks: Marks | undefined, ports: readonly PortIdentity[]): boolean {
  const ids = new Map(marks?.[1]);
  return ports.some(({ externalIds }) => {
    if (!ids.has('container_id'))
      return ids.has('iface-id') && ids.get('iface-id') === externalIds['iface-id'];
    const isSameSandbox = ids.get('container_id') === externalIds.container_id;
    return isSameSandbox && ids.get('if_name') === externalIds.if_name;
  });
}
