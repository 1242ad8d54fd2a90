/**
 * The node's mirror as rows of OVS: the commands that take the database from what it has to what
 * it is to have. Pure.
 *
 * The mirror is Kube-OVN's Mirror row `m0` of the integration bridge; its copies leave by the port
 * that `--mirror-iface` names (ovs-vswitchd.conf.db(5), "Mirror"). What is right stays as it is,
 * and so do the bridge's other mirrors, which are the operator's, and `select_dst_port` of `m0`,
 * which says whose packets are copied.
 */
import { INTEGRATION_BRIDGE } from './port.ts';
import { retranslateCommands, toMirrorOutput } from './retranslation.ts';
import type { BridgeRow, InterfaceColumns, MirrorRow, PortRow } from './rows.ts';
import type { OvsState } from './state.ts';
import { quoted } from './vsctl.ts';

/** Kube-OVN's name. */
export const MIRROR_NAME = 'm0';

/**
 * In `external_ids` of the Interface rows that are made here: such a port goes when the mirror gets
 * another one. It is a key of its own, since `vendor`, `pod_name` and `iface-id` make a port a pod's:
 * for our clean-up, for Kube-OVN's daemon and for ovn-controller.
 */
const MARK = 'kube-ovn-mirror';
const MARK_COLUMN = `external_ids:${MARK}=true`;

/** What the mirror is to be. */
export interface MirrorRequest {
  /** Of the port and its interface. */
  readonly name: string;
  /** Every packet of the bridge is copied. */
  readonly all: boolean;
  /** The node has a link of that name which OVS did not make. */
  readonly hasLink: boolean;
}

/** The rows that the mirror is planned by. */
export interface MirrorRows {
  readonly bridges: readonly Pick<BridgeRow, 'name' | 'ports' | 'mirrors'>[];
  readonly ports: readonly Pick<PortRow, 'uuid' | 'name' | 'protected'>[];
  readonly mirrors: readonly Pick<MirrorRow, 'uuid' | 'name' | 'select_all' | 'output_port'>[];
  /** The interface of the name that is asked for, and those with our mark. */
  readonly interfaces: readonly Pick<InterfaceColumns, 'name' | 'type' | 'external_ids'>[];
}
type Mirror = MirrorRows['mirrors'][number];
type Port = MirrorRows['ports'][number];
type Bridge = MirrorRows['bridges'][number];

/** @param name of the interface that is asked for */
export function toMirrorRows(state: OvsState, name: string): MirrorRows {
  return {
    bridges: [...state.bridges.values()],
    ports: [...state.ports.values()],
    mirrors: [...state.mirrors.values()],
    interfaces: [...state.interfaces.values()].filter(
      (row) => row.name === name || row.external_ids[MARK] === 'true',
    ),
  };
}

/** True where the integration bridge has a mirror of this name. */
export function hasMirror({ bridges, mirrors }: MirrorRows): boolean {
  const bridge = bridges.find(({ name }) => name === INTEGRATION_BRIDGE);
  return bridge !== undefined && mirrorsOf(bridge, mirrors).length > 0;
}

function mirrorsOf(bridge: Bridge, mirrors: readonly Mirror[]): readonly Mirror[] {
  return mirrors.filter(({ uuid, name }) => name === MIRROR_NAME && bridge.mirrors.includes(uuid));
}

/** What is to be done, and which row the mirror then is. */
export interface MirrorPlan {
  /** UUID of the row `m0`; undefined where the commands make it, and its UUID is the last line they print. */
  readonly mirrorRow: string | undefined;
  /** UUIDs of further rows of that name on the bridge, which stay as they are. */
  readonly surplus: readonly string[];
  /** One transaction; empty where all is right. */
  readonly commands: readonly string[];
}

/** @throws Error that says why there can be no such mirror, and what to do */
export function planMirror(request: MirrorRequest, rows: MirrorRows): MirrorPlan {
  const bridge = rows.bridges.find(({ name }) => name === INTEGRATION_BRIDGE);
  if (bridge === undefined) {
    throw new Error(`there is no bridge ${INTEGRATION_BRIDGE}: is ovn-controller running?`);
  }
  const port = rows.ports.find(({ name }) => name === request.name);
  const portRow = port?.uuid;
  refuseOtherBridge(portRow, request, rows);
  refusePod(request, rows);

  const candidates = mirrorsOf(bridge, rows.mirrors);
  const mirror = candidates.find((row) => row.output_port === portRow) ?? candidates[0];
  return {
    mirrorRow: mirror?.uuid,
    surplus: candidates.filter((row) => row !== mirror).map(({ uuid }) => uuid),
    commands: [
      ...portCommands(portRow, request, rows),
      ...formerPorts(bridge.ports, mirror, request, rows).flatMap((uuid) => {
        return ['--', '--if-exists', 'remove', 'Bridge', INTEGRATION_BRIDGE, 'ports', uuid];
      }),
      ...mirrorCommands(mirror, port, request.all),
    ],
  };
}

function refuseOtherBridge(portRow: string | undefined, { name }: MirrorRequest, rows: MirrorRows) {
  if (portRow === undefined) return;
  const bridge = rows.bridges.find(({ ports }) => ports.has(portRow));
  if (bridge === undefined || bridge.name === INTEGRATION_BRIDGE) return;
  throw new Error(
    `--mirror-iface=${name} is a port of bridge ${bridge.name}, and a mirror of ${INTEGRATION_BRIDGE} needs one of its own: remove it there, or choose another name`,
  );
}

/** OVS drops all other packets from and to a mirror's port. */
function refusePod({ name }: MirrorRequest, { interfaces }: MirrorRows): void {
  const row = interfaces.find((candidate) => candidate.name === name);
  const ifaceId = row?.external_ids['iface-id'];
  if (ifaceId === undefined) return;
  throw new Error(
    `--mirror-iface=${name} is logical switch port ${ifaceId}, which would lose its network: choose another name`,
  );
}

/** A link that is there is plugged as it is; else OVS makes one. */
function portCommands(
  portRow: string | undefined,
  { name, hasLink }: MirrorRequest,
  { interfaces }: MirrorRows,
): string[] {
  const type = hasLink ? [] : ['type=internal', MARK_COLUMN];
  if (portRow === undefined) {
    const column = `name=${quoted(name)}`;
    return [
      ...['--', '--id=@interface', 'create', 'Interface', column, ...type],
      ...['--', '--id=@port', 'create', 'Port', column, 'interfaces=@interface'],
      ...['--', 'add', 'Bridge', INTEGRATION_BRIDGE, 'ports', '@port'],
    ];
  }
  const row = interfaces.find((candidate) => candidate.name === name);
  const isOfKernel = row?.type === '' || row?.type === 'system';
  return isOfKernel && !hasLink ? ['--', 'set', 'Interface', name, ...type] : [];
}

/** Ports of the bridge that were made for the mirror under another name, unless another mirror has them. */
function formerPorts(
  onBridge: ReadonlySet<string>,
  mirror: Mirror | undefined,
  request: MirrorRequest,
  { ports, mirrors, interfaces }: MirrorRows,
): string[] {
  const former = interfaces.filter(
    ({ name, type }) => name !== request.name && type === 'internal',
  );
  const names = former.map(({ name }) => name);
  const used = mirrors.filter((row) => row !== mirror).map((row) => row.output_port);
  return ports
    .filter(({ uuid, name }) => names.includes(name) && !used.includes(uuid))
    .map(({ uuid }) => uuid)
    .filter((uuid) => onBridge.has(uuid));
}

/** @param port undefined for one that is made in this transaction */
function mirrorCommands(
  mirror: Mirror | undefined,
  port: Port | undefined,
  all: boolean,
): string[] {
  const output = port === undefined ? '@port' : port.uuid;
  const columns = [
    ...(mirror?.output_port === output ? [] : [`output_port=${output}`]),
    ...(mirror?.select_all === all ? [] : [`select_all=${all}`]),
  ];
  if (mirror !== undefined) {
    if (columns.length === 0) return [];
    const set = ['--', 'set', 'Mirror', mirror.uuid, ...columns];
    return [...set, ...retranslateCommands(port && toMirrorOutput(port))];
  }
  return [
    ...['--', '--id=@mirror', 'create', 'Mirror', `name=${MIRROR_NAME}`, ...columns],
    ...['--', 'add', 'Bridge', INTEGRATION_BRIDGE, 'mirrors', '@mirror'],
  ];
}
