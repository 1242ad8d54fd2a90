/**
 * Limits and mirroring of ports as OVS's database has them. Read from the database itself: no live
 * copy of these tables is worth the memory of its client.
 */
import { textsOf, uuidsOf } from './listing.ts';
import { MIRROR_NAME } from './mirror-plan.ts';
import { INTEGRATION_BRIDGE } from './port.ts';
import { toMirrorOutput } from './retranslation.ts';
import type { Row } from './table.ts';
import type { FoundControl, FoundRow, Qos } from './traffic-control.ts';

/** One line of output for each. */
export const TRAFFIC_CONTROL_TABLES = 5;
export const TRAFFIC_CONTROL_LISTS: readonly string[] = [
  ...['--', '--columns=_uuid,name,qos,protected', 'list', 'Port'],
  ...['--', '--columns=_uuid,type,queues,other_config,external_ids', 'list', 'QoS'],
  ...['--', '--columns=_uuid,other_config,external_ids', 'list', 'Queue'],
  ...['--', '--columns=_uuid,name,output_port,select_dst_port,select_all', 'list', 'Mirror'],
  ...['--', '--columns=ports,mirrors', 'find', 'Bridge', `name=${INTEGRATION_BRIDGE}`],
];

/**
 * Finds what a port has, by its Interface row (with `ingress_policing_*`); undefined for an interface
 * that is no port.
 */
export type ControlFinder = (row: Row) => FoundControl | undefined;

/** @param tables rows of the tables in the order of `TRAFFIC_CONTROL_LISTS` */
export function controlFinder(tables: readonly (readonly Row[])[]): ControlFinder {
  const [ports = [], qosRows = [], queues = []] = tables;
  const portsByName = new Map(ports.map((port) => [port.name, port]));
  const qosByUuid = new Map(qosRows.map((qos) => [qos._uuid, qos]));
  const queuesByUuid = new Map(queues.map((queue) => [queue._uuid, queue]));
  const qosUses = countUses(ports.flatMap(({ qos = null }) => uuidsOf(qos)));
  const queueUses = countUses(qosRows.flatMap((qos) => Object.values(textsOf(qos.queues))));
  const mirror = findMirror(tables);
  const output = ports.find(({ _uuid }) => _uuid === mirror?.output_port);
  const mirrored = new Set(uuidsOf(mirror?.select_dst_port));

  return (row) => {
    const port = portsByName.get(row.name);
    if (port === undefined) return undefined;
    const portRow = String(port._uuid);
    const qos = qosByUuid.get(port.qos ?? '');
    const queue = queuesByUuid.get(textsOf(qos?.queues)['0'] ?? '');
    return {
      interfaceRow: String(row._uuid),
      portRow,
      qosRow: foundRow(qos, qosUses),
      queueRow: foundRow(queue, queueUses),
      mirrorRow: mirror && String(mirror._uuid),
      mirrorOutput: output && toMirrorOutput(output),
      policing: {
        rateKbps: Number(row.ingress_policing_rate),
        burstKbit: Number(row.ingress_policing_burst),
      },
      qos: toQos(qos, queue),
      isMirrored: mirrored.has(portRow),
    };
  };
}

function countUses(uuids: readonly string[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  for (const uuid of uuids) uses.set(uuid, (uses.get(uuid) ?? 0) + 1);
  return uses;
}

/** Kube-OVN's rows say for which logical switch port they are. */
function foundRow(row: Row | undefined, uses: ReadonlyMap<string, number>): FoundRow | undefined {
  if (row === undefined) return undefined;
  const uuid = String(row._uuid);
  const isMarked = textsOf(row.external_ids)['iface-id'] !== undefined;
  return { uuid, isOwn: isMarked && uses.get(uuid) === 1 };
}

/**
 * Undefined for a QoS that is none of the two kinds, and for one that somebody else made. Kube-OVN
 * takes a limit away by removing `max-rate`: such a queue is none.
 */
function toQos(qos: Row | undefined, queue: Row | undefined): Qos | undefined {
  if (textsOf(qos?.external_ids)['iface-id'] === undefined) return undefined;
  if (qos?.type === 'linux-netem') {
    return { type: 'linux-netem', config: textsOf(qos.other_config) };
  }
  const { 'max-rate': maxRate, burst } = textsOf(queue?.other_config);
  if (qos?.type !== 'linux-htb' || maxRate === undefined) return undefined;
  const config = { 'max-rate': maxRate, ...(burst === undefined ? {} : { burst }) };
  return { type: 'linux-htb', config };
}

/** The node's Mirror row; other bridges may have one of the same name. */
export function findMirror(tables: readonly (readonly Row[])[]): Row | undefined {
  const [mirrors = [], bridges = []] = tables.slice(3);
  const onBridge = bridges.flatMap((bridge) => uuidsOf(bridge.mirrors));
  return mirrors.find(
    ({ _uuid, name }) => name === MIRROR_NAME && onBridge.includes(String(_uuid)),
  );
}
