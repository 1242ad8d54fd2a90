/**
 * What OVS has of an attachment: its port with its limits, and who else stands for a logical switch
 * port. Read from the database itself, in one call of ovs-vsctl: a live copy may be a moment behind.
 */
import type { Attachment } from '../attachment.ts';
import { tryAgain } from '../error.ts';
import { ToolError } from '../process/run.ts';
import {
  INTEGRATION_BRIDGE,
  type InterfaceRow,
  isPortOf,
  type PortIdentity,
  toInterfaceRow,
} from './port.ts';
import { type Row, toRow, type Value } from './table.ts';
import type { Vsctl } from './vsctl.ts';

export interface PortInspection {
  /** The attachment's; undefined where OVS has none. */
  readonly own: InspectedPort | undefined;
  /** All other interfaces. */
  readonly others: readonly PortIdentity[];
}

export interface InspectedPort extends InterfaceRow {
  readonly isOnBridge: boolean;
  /** OpenFlow's number of the port: -1 where OVS cannot use it, null before it has tried. */
  readonly ofport: number | null;
  /** Bytes; null where OVS does not know it. */
  readonly mtu: number | null;
  readonly policing: { readonly rateKbps: number; readonly burstKbit: number };
  /** Undefined where traffic to the pod is not shaped; netem is no rate limit. */
  readonly shaping: Shaping | undefined;
}

/** `max-rate` and `burst` of an HTB queue, as they are in `other_config`. */
export interface Shaping {
  /** bit/s */
  readonly maxRate: string;
  /** Bytes; older versions of Kube-OVN wrote none. */
  readonly burst: string | undefined;
}

/** One line of output for each. */
function listCommands(names: readonly string[]): string[] {
  const columns = [
    ...['name', 'external_ids', 'error', 'ofport', 'mtu'],
    ...['ingress_policing_rate', 'ingress_policing_burst'],
  ];
  return [
    ...['--', `--columns=${columns.join(',')}`, 'list', 'Interface'],
    ...['--', '--if-exists', '--columns=_uuid,name,qos', 'list', 'Port', ...names],
    ...['--', '--columns=ports', 'find', 'Bridge', `name=${INTEGRATION_BRIDGE}`],
    ...['--', '--columns=_uuid,type,queues', 'list', 'QoS'],
    ...['--', '--columns=_uuid,other_config', 'list', 'Queue'],
  ];
}

/**
 * @param names names that the port may have
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function inspectPort(
  vsctl: Vsctl,
  attachment: Attachment,
  names: readonly string[],
): Promise<PortInspection> {
  const output = await vsctl(listCommands(names)).catch(unreadable);
  const [interfaces = [], ports = [], bridges = [], qos = [], queues = []] = output
    .trim()
    .split('\n')
    .map(parseListing);
  const isOwn = (row: Row) => isPortOf(toInterfaceRow(row), attachment, names);
  const own = interfaces.find(isOwn);
  const port = ports.find(({ name }) => name === own?.name);
  const bridged = bridges.flatMap(({ ports: uuids = null }) => uuids);
  return {
    own: own && {
      ...toInterfaceRow(own),
      isOnBridge: port?._uuid !== undefined && bridged.includes(port._uuid),
      ofport: numberOf(own.ofport),
      mtu: numberOf(own.mtu),
      policing: {
        rateKbps: Number(own.ingress_policing_rate),
        burstKbit: Number(own.ingress_policing_burst),
      },
      shaping: shapingOf(port, qos, queues),
    },
    others: interfaces.filter((row) => row !== own).map(toInterfaceRow),
  };
}

function unreadable(error: unknown): never {
  if (!(error instanceof ToolError)) throw error;
  const hint = 'is ovsdb-server running? `ovs-vsctl show` on this node tells';
  throw tryAgain(`cannot read OVS's rows: ${error.stderr}`, hint, error);
}

/** Kube-OVN takes a limit away by removing `max-rate`: such a queue is none. */
function shapingOf(
  port: Row | undefined,
  qos: readonly Row[],
  queues: readonly Row[],
): Shaping | undefined {
  const limit = qos.find(({ _uuid, type }) => _uuid === port?.qos && type === 'linux-htb');
  const first = textsOf(limit?.queues)[0];
  const config = textsOf(queues.find(({ _uuid }) => _uuid === first)?.other_config);
  const { 'max-rate': maxRate, burst } = config;
  return maxRate === undefined ? undefined : { maxRate, burst };
}

/** A map of OVSDB's. */
function textsOf(value: Value | undefined): Readonly<Record<string, string>> {
  return (value ?? {}) as Record<string, string>;
}

function numberOf(value: Value | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

/** Rows of one table as ovs-vsctl prints it with `--format=json`. */
function parseListing(line: string): Row[] {
  const { headings, data } = JSON.parse(line) as { headings: string[]; data: unknown[][] };
  return data.map((values) => toRow(headings, values));
}
