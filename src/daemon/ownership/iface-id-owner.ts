/**
 * Which Interface row is a logical switch port: the one that has its `iface-id`. A new port takes it from
 * the rows of older sandboxes of its pod. A row that loses it remembers it, and gets it back when the newer
 * sandbox goes first and its own pod still lives on this node: the port of a pod that was deleted may be
 * another pod's by now, on another node.
 *
 * Ports are plugged and removed here, and nowhere else, while their `iface-id` is held.
 */
import { abortable } from '../../common/concurrency/deadline.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { OvsdbError } from '../../common/ovsdb/error.ts';
import { ToolError } from '../../common/process/run.ts';
import { show } from '../../common/text.ts';
import { CniCode } from '../../wire/cni.ts';
import { CniError, tryAgain } from '../call/error.ts';
import { livingPod, type Pod } from '../model/pod.ts';
import { isNetnsUnmounted } from '../netns/netns.ts';
import { LOST_ID, returnIfaceIdCommands, STATIC_POD_ID } from '../ovs/iface-id.ts';
import {
  INTEGRATION_BRIDGE,
  type InterfaceRow,
  type Interfaces,
  interfaceNamed,
  type PortPlan,
  plugCommands,
  toInterfaceRow,
} from '../ovs/port.ts';
import { type FoundPort, unplug } from '../ovs/port-removal.ts';
import type { FreshLook } from '../ovs/session.ts';
import type { Vsctl } from '../ovs/vsctl.ts';
import type { PortLocks } from './port-locks.ts';
import { isNewer, superseded } from './sandbox-ownership.ts';

/** What plugging and removing a port uses. */
export interface PortParts {
  /** For what must see what was just written. */
  readonly ovs: FreshLook;
  readonly vsctl: Vsctl;
  readonly locks: PortLocks;
  readonly interfaces: Pick<Interfaces, 'rows' | 'named' | 'until' | 'isLive'>;
  /** Those of this node. */
  readonly pods: Pick<WatchCache<Pod>, 'values' | 'isSynced'>;
}

/**
 * Plugs a port while holding its `iface-id`, and returns when the replica has it: whoever plugs another
 * port for the same logical switch port next will see it there and take the `iface-id` away. Who has it now
 * is looked up anew: ovs-vsctl may reach a database that is back before its rows are.
 * @throws CniError as `olderOwners`; 11 when the bridge or the database is not there; `signal.reason`
 */
export async function plugPort(
  plan: PortPlan,
  { ovs, vsctl, locks, interfaces, pods }: PortParts,
  signal: AbortSignal,
): Promise<void> {
  await locks.ofIfaceId(plan.ifaceId, async () => {
    signal.throwIfAborted();
    await abortable(ovs.fresh(), signal).catch(cannotPlug(plan));
    const commands = plugCommands(plan, olderOwners(plan, { interfaces, pods }));
    await vsctl(commands).catch(cannotPlug(plan));
    await interfaces.until(() => interfaceNamed(interfaces, plan.hostInterface), signal);
  });
}

function cannotPlug({ hostInterface }: PortPlan): (error: unknown) => never {
  return (error) => {
    const isTool = error instanceof ToolError;
    if (!isTool && !(error instanceof OvsdbError)) throw error;
    throw tryAgain(
      `cannot add port ${hostInterface} to ${INTEGRATION_BRIDGE}: ${isTool ? error.stderr : error.message}`,
      'is ovsdb-server running, and has ovn-controller made br-int? `ovs-vsctl show` on this node tells',
      error,
    );
  };
}

/**
 * Removes a port while holding its `iface-id`, and gives that back to a sandbox that lost it and lives on.
 * @throws CniError 11 when ovs-vsctl fails
 */
export async function unplugPort(
  { rows, names, ifaceIds: [ifaceId] }: FoundPort,
  { ovs, vsctl, locks, interfaces, pods }: PortParts,
): Promise<void> {
  const access = { ovs, vsctl };
  if (ifaceId === undefined) await unplug(access, rows);
  else {
    await locks.ofIfaceId(ifaceId, () =>
      unplug(access, rows, returnCommands(ifaceId, names, { interfaces, pods })),
    );
  }
}

/** Where it is seen who has a logical switch port, and which sandboxes and pods of this node are left. */
export interface IfaceIdOwners {
  readonly interfaces: Pick<Interfaces, 'rows'>;
  readonly pods: Pick<WatchCache<Pod>, 'values' | 'isSynced'>;
}

/**
 * UUIDs of the Interface rows that have a port's `iface-id` and must lose it: those of older
 * sandboxes of the pod.
 * @throws CniError 7 when another interface of this sandbox is that logical switch port; 102 when
 *   a newer sandbox of the pod is; 11 when another pod that lives is
 */
export function olderOwners(plan: PortPlan, { interfaces, pods }: IfaceIdOwners): string[] {
  const older: string[] = [];
  for (const [uuid, raw] of interfaces.rows) {
    const row = toInterfaceRow(raw);
    if (row.externalIds['iface-id'] !== plan.ifaceId || row.name === plan.hostInterface) continue;
    refuseSecondInterface(plan, row);
    refuseOlderSandbox(plan, row);
    refuseLivingPod(plan, row, pods);
    older.push(uuid);
  }
  return older;
}

/**
 * The API server has one pod of a name: a row of another UID is that of a pod which was replaced, or a
 * VM's former launcher. But two pods can say that they are one VM, and names with dots can make two NICs
 * the same logical switch port: then the one that has it keeps it.
 */
function refuseLivingPod(
  { ifaceId, podUid }: PortPlan,
  { externalIds }: InterfaceRow,
  pods: IfaceIdOwners['pods'],
): void {
  const { 'iface-id-ver': uid, pod_netns: netns } = externalIds;
  if (uid === undefined || uid === podUid || isNetnsUnmounted(netns ?? '')) return;
  const holder = livingPod(pods.values(), uid);
  if (holder === undefined) return;
  throw tryAgain(
    `pod ${holder.namespace}/${holder.name} of this node, which is running, is logical switch port ${ifaceId}`,
    `look at which of the two pods is meant to have it: two launchers of a virtual machine are never on one node; delete the other one`,
  );
}

function refuseOlderSandbox({ attachment, podUid }: PortPlan, { externalIds }: InterfaceRow): void {
  const { 'iface-id-ver': uid = podUid, pod_netns: netns, container_id: holder } = externalIds;
  if (uid !== podUid || netns === undefined || !isNewer(netns, attachment.netns)) return;
  throw superseded(attachment, holder);
}

/** Taking the `iface-id` from the pod's own other interface would cut that one off. */
function refuseSecondInterface(
  { attachment, ifaceId }: PortPlan,
  { externalIds }: InterfaceRow,
): void {
  if (externalIds.container_id !== attachment.containerId) return;
  throw new CniError(
    CniCode.invalidConfig,
    `interface ${show(externalIds.if_name)} of the same pod already is logical switch port ${ifaceId}`,
    `expected another "provider" for ${attachment.ifName}; several NICs of one network need "interface" in each element of the pod's networks annotation`,
  );
}

/**
 * Commands that give a logical switch port back to the newest living sandbox that lost it; none where
 * there is none, or where another row has it.
 * @param leaving names of interfaces that are removed in the same transaction
 */
export function returnCommands(
  ifaceId: string,
  leaving: readonly string[],
  { interfaces, pods }: IfaceIdOwners,
): string[] {
  const staying = [...interfaces.rows]
    .filter(([, { name }]) => !leaving.includes(name))
    .map(([uuid, row]) => ({ uuid, ids: row.external_ids }));
  if (staying.some(({ ids }) => ids['iface-id'] === ifaceId)) return [];
  const [first, ...others] = staying.filter(
    ({ ids }) =>
      ids[LOST_ID] === ifaceId &&
      !isNetnsUnmounted(ids.pod_netns ?? '') &&
      isOfLivingPod(ids, pods),
  );
  if (first === undefined) return [];
  const newest = others.reduce(
    (one, other) => (isNewer(other.ids.pod_netns ?? '', one.ids.pod_netns ?? '') ? other : one),
    first,
  );
  return returnIfaceIdCommands(newest.uuid, ifaceId);
}

/** Before the first list of pods has come, the namespace of the sandbox is all that tells. */
function isOfLivingPod(
  { 'iface-id-ver': uid = '', [STATIC_POD_ID]: staticPod }: Readonly<Record<string, string>>,
  pods: IfaceIdOwners['pods'],
): boolean {
  return !pods.isSynced || livingPod(pods.values(), uid, staticPod) !== undefined;
}

/**
 * Waits until OVN has installed the flows of a port (`ovn-installed`, ovn-controller(8)).
 * @throws CniError 11 when OVS cannot open the interface, or when the port is removed; 102 when
 *   a newer sandbox takes its `iface-id`
 */
export async function flowsInstalled(
  plan: PortPlan,
  table: Pick<Interfaces, 'named' | 'until'>,
  signal: AbortSignal,
): Promise<void> {
  await table.until(() => {
    const row = interfaceNamed(table, plan.hostInterface);
    if (row === undefined) throw takenAway(plan, 'its port was removed from OVS');
    if (row.externalIds['iface-id'] !== plan.ifaceId) {
      throw superseded(plan.attachment, undefined);
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
