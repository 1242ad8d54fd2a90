/**
 * A logical switch port is one interface's. An ADD takes the `iface-id` from older sandboxes in the
 * transaction that makes its own port, but a tool of a killed daemon may do its work late: then two
 * interfaces have it, and OVN may bind the one that nobody uses.
 */
import type { Context } from '../context.ts';
import { type InterfaceRow, toInterfaceRow } from '../ovs/port.ts';
import { unseatCommands } from '../ownership/iface-id-owner.ts';
import { isNewer } from '../ownership/sandbox-ownership.ts';

/** An Interface row that has an `iface-id`, of a pod's sandbox. */
interface Holder {
  readonly uuid: string;
  readonly ids: InterfaceRow['externalIds'];
  readonly netns: string;
}

/**
 * Takes every `iface-id` from the interfaces of sandboxes that are older than another one's which
 * has it, too, for the same pod. Where the kernel does not tell which one is older, both keep it.
 */
export async function unseatOlderSandboxes(context: Context): Promise<void> {
  for (const ifaceId of sharedIfaceIds(context).keys()) {
    await context.portLock.run(ifaceId, () => unseatOlder(ifaceId, context));
  }
}

/** Looks again when it is its turn: the newer one may have gone meanwhile, and then the older stays. */
async function unseatOlder(ifaceId: string, context: Context): Promise<void> {
  const holders = sharedIfaceIds(context).get(ifaceId) ?? [];
  const older = holders.filter((holder) =>
    holders.some(
      (other) =>
        other.ids['iface-id-ver'] === holder.ids['iface-id-ver'] &&
        isNewer(other.netns, holder.netns),
    ),
  );
  if (older.length === 0) return;
  const uuids = older.map(({ uuid }) => uuid);
  await context.vsctl(unseatCommands(uuids, ifaceId));
  const sandboxes = older.map(({ ids }) => ids.container_id ?? ids.pod_netns);
  context.log.warn({ ifaceId, sandboxes }, 'older sandboxes lost a logical switch port');
}

function sharedIfaceIds({ interfaces }: Context): Map<string, Holder[]> {
  const byIfaceId = new Map<string, Holder[]>();
  for (const [uuid, row] of interfaces.rows) {
    const ids = toInterfaceRow(row).externalIds;
    const { vendor, 'iface-id': ifaceId, pod_netns: netns } = ids;
    if (vendor !== 'kube-ovn' || ifaceId === undefined || netns === undefined) continue;
    const holders = byIfaceId.get(ifaceId) ?? [];
    byIfaceId.set(ifaceId, [...holders, { uuid, ids, netns }]);
  }
  return new Map([...byIfaceId].filter(([, holders]) => holders.length > 1));
}
