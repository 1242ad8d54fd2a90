/**
 * Limits and mirroring as columns of OVS rows: what they are to be, and the commands that take a
 * port there from what it has. Pure.
 *
 * The rows are Kube-OVN's. Annotations speak from the pod's point of view, OVS from the bridge's:
 * traffic to the pod leaves OVS and is shaped by an HTB queue, or disturbed by netem, in the one QoS
 * row of the port; traffic from the pod enters OVS and is policed on the interface
 * (ovs-vswitchd.conf.db(5), "QoS" and "ingress_policing_rate").
 */
import type { AskedLimits, Netem, Rate } from '../model/limits.ts';
import { type MirrorOutput, retranslateCommands } from './retranslation.ts';

/** What a port has or is to have. */
export interface TrafficControl {
  readonly policing: Policing;
  readonly qos: Qos | undefined;
  readonly isMirrored: boolean;
}

/** `ingress_policing_*` of the Interface row; 0 for no limit. */
export interface Policing {
  readonly rateKbps: number;
  readonly burstKbit: number;
}

/** The QoS row of the Port row; of HTB, `config` is that of its queue 0. */
export interface Qos {
  readonly type: 'linux-htb' | 'linux-netem';
  readonly config: Readonly<Record<string, string>>;
}

/** What a port has without limits and mirroring. */
export const NO_CONTROL: TrafficControl = {
  policing: { rateKbps: 0, burstKbit: 0 },
  qos: undefined,
  isMirrored: false,
};

/**
 * What a port is to have.
 * @param found what it has, which stays where what is asked for is wrong
 * @param mirrorsAll every packet of the bridge is mirrored: then no port is chosen
 */
export function toTrafficControl(
  { ingress, egress, netem, isMirrored }: AskedLimits,
  found: TrafficControl,
  mirrorsAll: boolean,
): TrafficControl {
  return {
    policing: egress.wrong ? found.policing : toPolicing(egress.value),
    qos: chooseQos(),
    isMirrored: mirrorsAll ? found.isMirrored : isMirrored,
  };

  /** A port has one QoS row, and a rate wins over netem. */
  function chooseQos(): Qos | undefined {
    if (ingress.value !== undefined) return toHtb(ingress.value);
    if (ingress.wrong && found.qos?.type === 'linux-htb') return found.qos;
    if (netem.wrong) return found.qos?.type === 'linux-netem' ? found.qos : undefined;
    return netem.value && toNetem(netem.value);
  }
}

/** The burst defaults to 80 % of a second's. */
function toPolicing(rate: Rate | undefined): Policing {
  if (rate === undefined) return NO_CONTROL.policing;
  // A rate of the runtime's may be of less than OVS can count, and 0 would be no limit.
  const rateKbps = Math.min(Math.ceil(rate.bitsPerSecond / 1000), POLICING_KBPS_MAX);
  const { burstBits = rateKbps * 800 } = rate;
  return { rateKbps, burstKbit: Math.min(Math.ceil(burstBits / 1000), POLICING_KBIT_MAX) };
}

/**
 * Open vSwitch before 3.2 keeps 32 bits of the bytes in a second, too: 34,360 Mbit/s would become
 * 0.26. Of a burst it keeps 32 bits of 128 bytes for each kbit, also after that.
 */
const POLICING_KBPS_MAX = Math.floor((8 * (2 ** 32 - 1)) / 1000);
const POLICING_KBIT_MAX = 2 ** 25 - 1;

/** bit/s, and bytes as Kube-OVN writes them; the burst defaults to a tenth of the rate's number. */
function toHtb({ bitsPerSecond, burstBits }: Rate): Qos {
  const maxRate = Math.min(bitsPerSecond, HTB_MAX);
  const burst = Math.ceil(burstBits === undefined ? maxRate / 10 : burstBits / 8);
  return {
    type: 'linux-htb',
    config: { 'max-rate': `${maxRate}`, burst: `${Math.min(burst, HTB_MAX)}` },
  };
}

/**
 * Open vSwitch before 3.2 divides either number by 8 and keeps 32 bits: a rate of 35 Gbit/s would
 * become one of some Mbit/s. What is more than this is more than any interface of a pod carries.
 */
const HTB_MAX = 8 * (2 ** 32 - 1);

/** Times in µs; what is 0 is left to OVS, as Kube-OVN does. */
function toNetem({ latencyMs, jitterMs, limitPackets, lossPercent }: Netem): Qos {
  const values = {
    latency: latencyMs * 1000,
    jitter: jitterMs * 1000,
    limit: limitPackets,
    loss: lossPercent,
  };
  const entries = Object.entries(values).filter(([, value]) => value > 0);
  const config = Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
  return { type: 'linux-netem', config };
}

/** True where OVS polices alike by both. */
export function isSamePolicing(one: Policing, other: Policing): boolean {
  // Without a rate OVS does not look at the burst.
  if (one.rateKbps === 0) return other.rateKbps === 0;
  return one.rateKbps === other.rateKbps && one.burstKbit === other.burstKbit;
}

/** True where both are of one type, with the same values. */
export function isSameQos(one: Qos | undefined, other: Qos | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const keys = Object.keys({ ...one.config, ...other.config });
  return one.type === other.type && keys.every((key) => one.config[key] === other.config[key]);
}

/** The QoS where it is of that type. */
export function ofType(qos: Qos | undefined, type: Qos['type']): Qos | undefined {
  return qos?.type === type ? qos : undefined;
}

/** Columns of a new Interface row. */
export function policingColumns({ rateKbps, burstKbit }: Policing): string[] {
  return [`ingress_policing_rate=${rateKbps}`, `ingress_policing_burst=${burstKbit}`];
}

/** New rows of a port. */
export interface NewRows {
  /** Columns with the external_ids of QoS and Queue rows. */
  readonly marks: readonly string[];
  /** Ends the names that rows have within a transaction; letters, digits and "_". */
  readonly suffix: string;
}

/** Commands that make the rows of a QoS; its row is `@qos<suffix>` for the rest of the transaction. */
export function createQosCommands({ type, config }: Qos, { marks, suffix }: NewRows): string[] {
  const values = configColumns(config);
  const create = ['--', `--id=@qos${suffix}`, 'create', 'QoS', `type=${type}`, ...marks];
  return type === 'linux-netem'
    ? [...create, ...values]
    : [...createQueueCommands(values, { marks, suffix }), ...create, `queues:0=@queue${suffix}`];
}

function createQueueCommands(values: readonly string[], { marks, suffix }: NewRows): string[] {
  return ['--', `--id=@queue${suffix}`, 'create', 'Queue', ...marks, ...values];
}

function configColumns(config: Qos['config']): string[] {
  return Object.entries(config).map(([key, value]) => `other_config:${key}=${value}`);
}

/** A port's rows, as the database has them. */
export interface FoundControl extends TrafficControl {
  /** UUIDs. */
  readonly interfaceRow: string;
  readonly portRow: string;
  /** The QoS row of the port; undefined where it has none. */
  readonly qosRow: FoundRow | undefined;
  /** Queue 0 of that row. */
  readonly queueRow: FoundRow | undefined;
  /** The Mirror row of the node. */
  readonly mirrorRow: string | undefined;
  /** The port by which mirrored packets leave. */
  readonly mirrorOutput: MirrorOutput | undefined;
}

/** A QoS or Queue row that a port refers to. */
export interface FoundRow {
  readonly uuid: string;
  /** False where another row refers to it, too, or where it does not have Kube-OVN's marks. */
  readonly isOwn: boolean;
}

/**
 * Commands that take a port from what it has to what it is to have: only what differs, and where a
 * rate changes, the queue as it is with another number. Rows that others use or made are not
 * changed. Rows are named by UUID: of a port that has gone meanwhile nothing comes back.
 * @param marks columns with the external_ids of new rows
 */
export function changeCommands(
  found: FoundControl,
  wanted: TrafficControl,
  marks: readonly string[],
): string[] {
  return [
    ...(isSamePolicing(found.policing, wanted.policing)
      ? []
      : ['--', 'set', 'Interface', found.interfaceRow, ...policingColumns(wanted.policing)]),
    ...(isSameQos(found.qos, wanted.qos) ? [] : qosCommands(found, wanted.qos, marks)),
    ...mirrorCommands(found, wanted.isMirrored),
  ];
}

/**
 * Commands that must be done before those, and waited for: of netem that is there Open vSwitch takes
 * other values into its memory only (`netem_qdisc_set`), so that it must see the port without.
 */
export function resetCommands({ qos, portRow }: FoundControl, wanted: TrafficControl): string[] {
  const isNetem = qos?.type === 'linux-netem' && wanted.qos?.type === 'linux-netem';
  return isNetem && !isSameQos(qos, wanted.qos) ? ['--', 'clear', 'Port', portRow, 'qos'] : [];
}

function qosCommands(
  found: FoundControl,
  wanted: Qos | undefined,
  marks: readonly string[],
): string[] {
  const { portRow, qosRow, queueRow } = found;
  // Several ports may be changed in one transaction.
  const rows = { marks, suffix: `_${portRow.replaceAll('-', '_')}` };
  if (wanted?.type === 'linux-htb' && found.qos?.type === 'linux-htb' && qosRow?.isOwn) {
    const values = configColumns(wanted.config);
    if (queueRow?.isOwn) return ['--', 'set', 'Queue', queueRow.uuid, ...values];
    const create = createQueueCommands(values, rows);
    return [...create, '--', 'set', 'QoS', qosRow.uuid, `queues:0=@queue${rows.suffix}`];
  }
  return [
    ...(wanted === undefined
      ? ['--', 'clear', 'Port', portRow, 'qos']
      : [
          ...createQosCommands(wanted, rows),
          ...['--', 'set', 'Port', portRow, `qos=@qos${rows.suffix}`],
        ]),
    ...destroyCommands(qosRow, queueRow),
  ];
}

function destroyCommands(qosRow: FoundRow | undefined, queueRow: FoundRow | undefined): string[] {
  if (!qosRow?.isOwn) return [];
  const qos = ['--', '--if-exists', 'destroy', 'QoS', qosRow.uuid];
  return queueRow?.isOwn ? [...qos, '--', '--if-exists', 'destroy', 'Queue', queueRow.uuid] : qos;
}

function mirrorCommands(found: FoundControl, wanted: boolean): string[] {
  const { mirrorRow, mirrorOutput, portRow, isMirrored } = found;
  if (mirrorRow === undefined || isMirrored === wanted) return [];
  const verb = wanted ? ['--', 'add'] : ['--', '--if-exists', 'remove'];
  return [
    ...[...verb, 'Mirror', mirrorRow, 'select_dst_port', portRow],
    ...retranslateCommands(mirrorOutput),
  ];
}
