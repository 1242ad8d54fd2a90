/**
 * A NIC's port on the integration bridge: which rows it consists of, and the transaction that
 * makes them; port-removal.ts has the one that removes them.
 *
 * All rows of a port are made in one transaction and removed in one, so that a crash leaves all
 * of them or none. Ours carry `container_id` and `if_name`, the key of the attachment; the Interface
 * row also `provider` and `network`, by which GC knows whose list of attachments counts.
 */

import { show } from '../../common/text.ts';
import { wrongEnvironment } from '../call/error.ts';
import type { Attachment } from '../model/attachment.ts';
import { type Bandwidth, formatBandwidth } from '../model/bandwidth.ts';
import { releaseIfaceIdCommands, STATIC_POD_ID } from './iface-id.ts';
import type { InterfaceColumns } from './rows.ts';
import type { OvsTable } from './table.ts';
import { createQosCommands, policingColumns, type TrafficControl } from './traffic-control.ts';
import { quoted } from './vsctl.ts';

/** The bridge that ovn-controller programs: OVN's default (ovn-controller(8), `external_ids:ovn-bridge`). */
export const INTEGRATION_BRIDGE = 'br-int';

/** What a port is made of. */
export interface PortPlan {
  readonly attachment: Attachment & { readonly netns: string };
  readonly hostInterface: string;
  /** Name of the logical switch port. */
  readonly ifaceId: string;
  readonly podUid: string;
  /** Of a static pod: what its kubelet knows it by, whatever UID its mirror has. */
  readonly staticPod?: string;
  /** The pod's name, or the KubeVirt VM's. */
  readonly workload: string;
  /** Addresses without masks. */
  readonly addresses: readonly string[];
  readonly control: TrafficControl;
  /** The runtime's: for when annotations that win over it are removed. */
  readonly bandwidth?: Bandwidth;
  /** UUID of the Mirror row. */
  readonly mirrorRow?: string;
  /** Tunnel address of the Subnet's node network. */
  readonly encapIp?: string;
}

/** What we read of an Interface row. */
export interface InterfaceRow {
  readonly name: string;
  readonly externalIds: Readonly<Record<string, string>>;
  /** Why OVS cannot use the interface. */
  readonly error: string | null;
  /** Empty for a link of the kernel. */
  readonly type: string;
}

/** What the replica has of an interface beside its row's marks. */
export interface LiveInterface extends InterfaceRow {
  /** Number of its OpenFlow port; undefined until OVS has given it one, and where it cannot. */
  readonly openflowPort: number | undefined;
  /** MAC address of the link; undefined until OVS has looked at it. */
  readonly mac: string | undefined;
}

/** The interfaces of this node, as they are followed. */
export type Interfaces = OvsTable<InterfaceColumns>;

/** The row in the replica of that name. */
export function interfaceNamed(
  table: Pick<Interfaces, 'named'>,
  name: string,
): LiveInterface | undefined {
  const row = table.named(name);
  if (row === undefined) return undefined;
  const { ofport, mac_in_use: mac } = row;
  return {
    ...toInterfaceRow(row),
    // OVS writes -1 for an interface that it cannot open.
    openflowPort: ofport !== undefined && ofport > 0 ? ofport : undefined,
    mac: mac === '' ? undefined : mac,
  };
}

/** Name, marks, error and type of a row in the replica. */
export function toInterfaceRow(row: InterfaceColumns): InterfaceRow {
  const { name, external_ids: externalIds, error = null, type } = row;
  return { name, externalIds, error, type };
}

/** What identifies a port and its limits. */
export type PortIdentity = Pick<InterfaceRow, 'name' | 'externalIds'>;

/** True for a row that this attachment's ADD made, or that Kube-OVN's daemon made for it. */
export function isPortOf(
  row: PortIdentity,
  attachment: Attachment,
  names: readonly string[],
): boolean {
  const ids = row.externalIds;
  if (ids.container_id !== undefined) {
    const isSameKey = ids.container_id === attachment.containerId;
    return isSameKey && ids.if_name === attachment.ifName && !isOfOtherNetwork(ids, attachment);
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
 * True for the port of another network that has the same interface name in the same sandbox: the second
 * one's ADD was refused, and its DEL must not take the first one's port. A network is another one where
 * both its name and its provider are: an administrator may change either while a pod runs.
 */
function isOfOtherNetwork(
  ids: PortIdentity['externalIds'],
  { network, provider }: Attachment,
): boolean {
  if (ids.network === undefined || ids.provider === undefined || network === '') return false;
  return ids.network !== network && ids.provider !== provider;
}

/**
 * Commands that plug an interface of the node into the integration bridge, with its limits.
 * @param stale UUIDs of other Interface rows with the same `iface-id`: an older sandbox's, which
 *   lose it, or ovn-controller could bind the wrong one
 */
export function plugCommands(plan: PortPlan, stale: readonly string[]): string[] {
  const name = `name=${quoted(plan.hostInterface)}`;
  const { qos, isMirrored } = plan.control;
  const { mirrorRow } = plan;
  return [
    ...releaseIfaceIdCommands(stale, plan.ifaceId),
    ...['--', '--id=@interface', 'create', 'Interface', name, ...interfaceColumns(plan)],
    ...(qos === undefined ? [] : createQosCommands(qos, { marks: limitMarks(plan), suffix: '' })),
    ...['--', '--id=@port', 'create', 'Port', name, 'interfaces=@interface'],
    ...(qos === undefined ? [] : ['qos=@qos']),
    ...['--', 'add', 'Bridge', INTEGRATION_BRIDGE, 'ports', '@port'],
    ...(isMirrored && mirrorRow !== undefined
      ? ['--', '--if-exists', 'add', 'Mirror', mirrorRow, 'select_dst_port', '@port']
      : []),
  ];
}

function interfaceColumns(plan: PortPlan): string[] {
  const { attachment, bandwidth, control } = plan;
  return [
    ...externalIds({
      'iface-id': plan.ifaceId,
      'iface-id-ver': plan.podUid,
      [STATIC_POD_ID]: plan.staticPod ?? '',
      vendor: 'kube-ovn',
      pod_name: plan.workload,
      pod_namespace: attachment.pod.namespace,
      pod_netns: attachment.netns,
      ip: plan.addresses.join(','),
      'encap-ip': plan.encapIp ?? '',
      ...keyIds(attachment),
      provider: attachment.provider,
      network: attachment.network,
      bandwidth: bandwidth === undefined ? '' : formatBandwidth(bandwidth),
    }),
    ...(control.policing.rateKbps === 0 ? [] : policingColumns(control.policing)),
  ];
}

/** Whose limits they are. */
export interface LimitMarks {
  readonly ifaceId: string;
  /** The pod's name, or the KubeVirt VM's. */
  readonly workload: string;
  readonly attachment: Attachment;
}

/** Columns of QoS and Queue rows: Kube-OVN's marks, and the attachment's key. */
export function limitMarks({ ifaceId, workload, attachment }: LimitMarks): string[] {
  return externalIds({
    'iface-id': ifaceId,
    pod: `${attachment.pod.namespace}/${workload}`,
    ...keyIds(attachment),
  });
}

/** The ids by which rows of a port are recognised. */
export function keyIds(attachment: Attachment): Record<string, string> {
  return { container_id: attachment.containerId, if_name: attachment.ifName };
}

/** Columns for the ids that have a value. */
function externalIds(ids: Readonly<Record<string, string>>): string[] {
  return Object.entries(ids)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `external_ids:${key}=${quoted(value)}`);
}

/** UID of the pod whose port an attachment has, where the replica has the port, and its row says it. */
export function podUidOf(
  { containerId, ifName }: Attachment,
  { rows }: Pick<Interfaces, 'rows'>,
): string | undefined {
  for (const row of rows.values()) {
    const { externalIds: ids } = toInterfaceRow(row);
    if (ids.container_id === containerId && ids.if_name === ifName) return ids['iface-id-ver'];
  }
  return undefined;
}

/**
 * Two networks of a pod with one interface name are one attachment to the runtime: the second fails
 * on the first one's interface.
 * @throws CniError 4 naming CNI_IFNAME, where another network of this sandbox has that name
 */
export function refuseTakenName(
  { containerId, ifName, provider }: Attachment,
  table: Pick<Interfaces, 'rows'>,
): void {
  for (const raw of table.rows.values()) {
    const { externalIds } = toInterfaceRow(raw);
    const isSame = externalIds.container_id === containerId && externalIds.if_name === ifName;
    if (!isSame || externalIds.provider === undefined || externalIds.provider === provider)
      continue;
    throw wrongEnvironment(
      'CNI_IFNAME',
      ifName,
      `a name that no other network of the pod has: this one is the interface of network ${show(externalIds.provider)}; give each element of the pod's networks annotation its own "interface"`,
    );
  }
}
