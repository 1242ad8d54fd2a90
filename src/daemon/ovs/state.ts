/**
 * What OVS's database holds: a replica of the tables that we use, with the ways to find rows. It is
 * live, and changes between two turns of the event loop: who holds a row over an `await` holds its
 * later values.
 *
 * Each look-up costs what it finds, however many ports the node has.
 */
import { Replica } from '../../common/ovsdb/replica.ts';
import { LiveTable } from '../../common/ovsdb/table.ts';
import { attachmentKey } from '../model/attachment.ts';
import {
  type BridgeRow,
  COLUMNS,
  type InterfaceColumns,
  type MirrorRow,
  type PortRow,
  type QosRow,
  type QueueRow,
  type RootRow,
} from './rows.ts';

/** Rows of one table by UUID. */
export type Rows<R> = ReadonlyMap<string, R>;

/** The marks by which rows of a port are recognised. */
export interface Marked {
  readonly external_ids: Readonly<Record<string, string>>;
}

/** The rows of OVS that the daemon follows, by table and with the indexes that it reads them by. */
export class OvsState {
  readonly #root = new LiveTable('Open_vSwitch', COLUMNS.Open_vSwitch);
  readonly #bridges = new LiveTable('Bridge', COLUMNS.Bridge);
  readonly #ports = new LiveTable('Port', COLUMNS.Port);
  readonly #interfaces = new LiveTable('Interface', COLUMNS.Interface);
  readonly #qos = new LiveTable('QoS', COLUMNS.QoS);
  readonly #queues = new LiveTable('Queue', COLUMNS.Queue);
  readonly #mirrors = new LiveTable('Mirror', COLUMNS.Mirror);

  /** What keeps the tables up to date. */
  readonly replica = new Replica([
    ...[this.#root, this.#bridges, this.#ports, this.#interfaces],
    ...[this.#qos, this.#queues, this.#mirrors],
  ]);

  /** The ports that have a QoS row, by its UUID. */
  readonly portsOfQos = this.#ports.index(({ qos }) => (qos === undefined ? [] : [qos]));
  /** The QoS rows that have a Queue row, by its UUID. */
  readonly qosOfQueue = this.#qos.index(({ queues }) => Object.values(queues));
  /** Rows that carry an attachment's key, by `attachmentKey`. */
  readonly qosMarked = this.#qos.index(keysOf);
  readonly queuesMarked = this.#queues.index(keysOf);
  readonly #bridgesOfPort = this.#bridges.indexOfMembers('ports');
  readonly #portsOfInterface = this.#ports.index(({ interfaces }) => interfaces);
  readonly #bridgesNamed = this.#bridges.index(({ name }) => [name]);
  readonly #portsNamed = this.#ports.index(({ name }) => [name]);
  readonly #interfacesNamed = this.#interfaces.index(({ name }) => [name]);

  /** OVS's own row, the only one of its table; none before `ovs-vsctl init`. */
  get root(): Rows<RootRow> {
    return this.#root.rows;
  }

  get bridges(): Rows<BridgeRow> {
    return this.#bridges.rows;
  }

  get ports(): Rows<PortRow> {
    return this.#ports.rows;
  }

  get interfaces(): Rows<InterfaceColumns> {
    return this.#interfaces.rows;
  }

  get qos(): Rows<QosRow> {
    return this.#qos.rows;
  }

  get queues(): Rows<QueueRow> {
    return this.#queues.rows;
  }

  get mirrors(): Rows<MirrorRow> {
    return this.#mirrors.rows;
  }

  /** `external_ids` of OVS itself; empty before there is a row. */
  get externalIds(): Readonly<Record<string, string>> {
    const [root] = this.#root.rows.values();
    return root?.external_ids ?? {};
  }

  // The schema lets each of these names be in its table once.

  bridgeNamed(name: string): BridgeRow | undefined {
    return this.#bridgesNamed(name)[0];
  }

  portNamed(name: string): PortRow | undefined {
    return this.#portsNamed(name)[0];
  }

  interfaceNamed(name: string): InterfaceColumns | undefined {
    return this.#interfacesNamed(name)[0];
  }

  /** The bridge that a port is on, by the port's UUID. */
  bridgeOfPort(port: string): BridgeRow | undefined {
    return this.#bridgesOfPort(port)[0];
  }

  /** The bridge that an interface is on, by its name. */
  bridgeOfInterface(name: string): BridgeRow | undefined {
    const row = this.interfaceNamed(name);
    const [port] = row === undefined ? [] : this.#portsOfInterface(row.uuid);
    return port && this.bridgeOfPort(port.uuid);
  }
}

function keysOf({ external_ids: ids }: Marked): string[] {
  const { container_id: containerId, if_name: ifName } = ids;
  if (containerId === undefined || ifName === undefined) return [];
  return [attachmentKey({ containerId, ifName })];
}
