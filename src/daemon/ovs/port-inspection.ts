/**
 * What OVS has of an attachment: its port with its limits, and who else stands for a logical switch
 * port. Read from the database itself, in one call of ovs-vsctl: a live copy may be a moment behind.
 */
import type { Attachment } from '../model/attachment.ts';
import { parseListings, uuidsOf } from './listing.ts';
import { type InterfaceRow, isPortOf, type PortIdentity, toInterfaceRow } from './port.ts';
import type { Row, Value } from './table.ts';
import type { FoundControl } from './traffic-control.ts';
import {
  type ControlFinder,
  controlFinder,
  findMirror,
  TRAFFIC_CONTROL_LISTS,
  TRAFFIC_CONTROL_TABLES,
} from './traffic-control-rows.ts';
import { failedTo, type Vsctl } from './vsctl.ts';

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
  /** Limits and mirroring; undefined where there is no Port row. */
  readonly control: FoundControl | undefined;
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
  const { interfaces, bridged, controlOf } = await inspectPorts(vsctl);
  const rows = [...interfaces.values()];
  const own = rows.find((row) => isPortOf(toInterfaceRow(row), attachment, names));
  const control = own && controlOf(own);
  return {
    own: own && {
      ...toInterfaceRow(own),
      isOnBridge: control !== undefined && bridged.includes(control.portRow),
      ofport: numberOf(own.ofport),
      mtu: numberOf(own.mtu),
      control,
    },
    others: rows.filter((row) => row !== own).map(toInterfaceRow),
  };
}

/** All ports, with what they have of limits. */
export interface PortsInspection {
  /** Rows of the Interface table by their UUIDs. */
  readonly interfaces: ReadonlyMap<string, Row>;
  /** UUIDs of the ports of the integration bridge. */
  readonly bridged: readonly string[];
  readonly controlOf: ControlFinder;
  /** The node's Mirror row takes every packet. */
  readonly mirrorsAll: boolean;
}

const INTERFACE_COLUMNS = [
  ...['_uuid', 'name', 'type', 'external_ids', 'error', 'ofport', 'mtu'],
  ...['ingress_policing_rate', 'ingress_policing_burst'],
].join(',');

/** @throws CniError 11 when ovs-vsctl fails */
export async function inspectPorts(vsctl: Vsctl): Promise<PortsInspection> {
  const commands = ['--', `--columns=${INTERFACE_COLUMNS}`, 'list', 'Interface'];
  const output = await vsctl([...commands, ...TRAFFIC_CONTROL_LISTS]).catch(
    failedTo("read OVS's rows"),
  );
  const [interfaces = [], ...tables] = parseListings(output, 1 + TRAFFIC_CONTROL_TABLES);
  const bridges = tables.at(-1) ?? [];
  return {
    interfaces: new Map(interfaces.map((row) => [String(row._uuid), row])),
    bridged: bridges.flatMap(({ ports }) => uuidsOf(ports)),
    controlOf: controlFinder(tables),
    mirrorsAll: findMirror(tables)?.select_all === true,
  };
}

function numberOf(value: Value | undefined): number | null {
  return typeof value === 'number' ? value : null;
}
