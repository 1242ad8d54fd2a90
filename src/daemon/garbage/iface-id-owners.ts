/**
 * A logical switch port is one interface's. An ADD takes the `iface-id` from older sandboxes in the
 * transaction that makes its own port, but a tool of a killed daemon may do its work late: then two
 * interfaces have it, and OVN may bind the one that nobody uses.
 */

import type { Logger } from '../../common/log.ts';
import { releaseIfaceIdCommands } from '../ovs/iface-id.ts';
import { type InterfaceRow, type Interfaces, toInterfaceRow } from '../ovs/port.ts';
import type { FreshLook } from '../ovs/session.ts';
import { failedTo, type Vsctl } from '../ovs/vsctl.ts';
import type { PortLocks } from '../ownership/port-locks.ts';
import { isNewer } from '../ownership/sandbox-ownership.ts';

/** What it uses. */
export interface IfaceIdParts {
  /** For what must see what was just written. */
  readonly ovs: FreshLook;
  readonly vsctl: Vsctl;
  readonly locks: Pick<PortLocks, 'ofIfaceId'>;
  readonly interfaces: Pick<Interfaces, 'rows'>;
  readonly log: Logger;
}

/** An Interface row that has an `iface-id`, of a pod's sandbox. */
interface IfaceIdOwner {
  readonly uuid: string;
  readonly ids: InterfaceRow['externalIds'];
  readonly netns: string;
}

/**
 * Takes every `iface-id` from the interfaces of sandboxes that are older than another one's which
 * has it, too, for the same pod. Where the kernel does not tell which one is older, both keep it.
 * @throws CniError 11 when OVS's database does not answer, or ovs-vsctl fails
 */
export async function releaseIfaceIdsOfOlderSandboxes(parts: IfaceIdParts): Promise<void> {
  for (const ifaceId of sharedIfaceIds(parts).keys()) {
    await parts.locks.ofIfaceId(ifaceId, () => releaseOlder(ifaceId, parts));
  }
}

/**
 * Looks again when it is its turn: the newer one may have gone meanwhile, and then the older stays. Ends
 * when the replica has what was written: who has the lock next may be the newer one's removal, which
 * must see that the older one has lost its port, and gives it back.
 */
async function releaseOlder(ifaceId: string, parts: IfaceIdParts): Promise<void> {
  const failed = failedTo(`take logical switch port ${ifaceId} from older sandboxes`);
  await parts.ovs.fresh().catch(failed);
  const owners = sharedIfaceIds(parts).get(ifaceId) ?? [];
  const older = owners.filter((owner) =>
    owners.some(
      (other) =>
        other.ids['iface-id-ver'] === owner.ids['iface-id-ver'] &&
        isNewer(other.netns, owner.netns),
    ),
  );
  if (older.length === 0) return;
  const uuids = older.map(({ uuid }) => uuid);
  await parts.vsctl(releaseIfaceIdCommands(uuids, ifaceId)).catch(failed);
  await parts.ovs.fresh().catch(failed);
  const sandboxes = older.map(({ ids }) => ids.container_id ?? ids.pod_netns);
  parts.log.warn({ ifaceId, sandboxes }, 'older sandboxes lost a logical switch port');
}

function sharedIfaceIds({
  interfaces,
}: Pick<IfaceIdParts, 'interfaces'>): Map<string, IfaceIdOwner[]> {
  const byIfaceId = new Map<string, IfaceIdOwner[]>();
  for (const [uuid, row] of interfaces.rows) {
    const ids = toInterfaceRow(row).externalIds;
    const { vendor, 'iface-id': ifaceId, pod_netns: netns } = ids;
    if (vendor !== 'kube-ovn' || ifaceId === undefined || netns === undefined) continue;
    const owners = byIfaceId.get(ifaceId) ?? [];
    byIfaceId.set(ifaceId, [...owners, { uuid, ids, netns }]);
  }
  return new Map([...byIfaceId].filter(([, owners]) => owners.length > 1));
}
