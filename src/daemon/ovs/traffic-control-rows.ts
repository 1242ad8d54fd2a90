/**
 * Limits and mirroring of ports as OVS's database has them.
 */
import { MIRROR_NAME } from './mirror-plan.ts';
import { INTEGRATION_BRIDGE } from './port.ts';
import { toMirrorOutput } from './retranslation.ts';
import type { InterfaceColumns, MirrorRow, QosRow, QueueRow } from './rows.ts';
import type { OvsState } from './state.ts';
import type { FoundControl, FoundRow, Qos } from './traffic-control.ts';

/** What a port has, by its Interface row; undefined for an interface that is no port. */
export function controlOf(state: OvsState, row: InterfaceColumns): FoundControl | undefined {
  const port = state.portNamed(row.name);
  if (port === undefined) return undefined;
  const qos = state.qos.get(port.qos ?? '');
  const queue = state.queues.get(qos?.queues['0'] ?? '');
  const mirror = findMirror(state);
  const output = state.ports.get(mirror?.output_port ?? '');
  return {
    interfaceRow: row.uuid,
    portRow: port.uuid,
    qosRow: qos && foundRow(qos, state.portsOfQos(qos.uuid).length),
    queueRow: queue && foundRow(queue, usesOfQueue(state, queue.uuid)),
    mirrorRow: mirror?.uuid,
    mirrorOutput: output && toMirrorOutput(output),
    policing: { rateKbps: row.ingress_policing_rate, burstKbit: row.ingress_policing_burst },
    qos: toQos(qos, queue),
    isMirrored: mirror?.select_dst_port.includes(port.uuid) ?? false,
  };
}

/** The node's Mirror row; other bridges may have one of the same name. */
export function findMirror(state: OvsState): MirrorRow | undefined {
  const uuids = state.bridgeNamed(INTEGRATION_BRIDGE)?.mirrors ?? [];
  const mirrors = uuids.flatMap((uuid) => state.mirrors.get(uuid) ?? []);
  return mirrors.find(({ name }) => name === MIRROR_NAME);
}

function usesOfQueue(state: OvsState, queue: string): number {
  const uses = state.qosOfQueue(queue).flatMap(({ queues }) => Object.values(queues));
  return uses.filter((uuid) => uuid === queue).length;
}

/** Kube-OVN's rows say for which logical switch port they are. */
function foundRow({ uuid, external_ids: ids }: QosRow | QueueRow, uses: number): FoundRow {
  return { uuid, isOwn: ids['iface-id'] !== undefined && uses === 1 };
}

/**
 * Undefined for a QoS that is none of the two kinds, and for one that somebody else made. Kube-OVN
 * takes a limit away by removing `max-rate`: such a queue is none.
 */
function toQos(qos: QosRow | undefined, queue: QueueRow | undefined): Qos | undefined {
  if (qos?.external_ids['iface-id'] === undefined) return undefined;
  if (qos.type === 'linux-netem') return { type: 'linux-netem', config: qos.other_config };
  const { 'max-rate': maxRate, burst } = queue?.other_config ?? {};
  if (qos.type !== 'linux-htb' || maxRate === undefined) return undefined;
  const config = { 'max-rate': maxRate, ...(burst === undefined ? {} : { burst }) };
  return { type: 'linux-htb', config };
}
