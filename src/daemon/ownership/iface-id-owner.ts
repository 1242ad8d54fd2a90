/**
 * Which Interface row is a logical switch port: the one that has its `iface-id`. A row that loses it to
 * a newer sandbox remembers it, and gets it back when that one goes first and its own pod still lives on
 * this node: the port of one that was deleted may be another pod's by now, on another node.
 */
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { livingPod, type Pod } from '../model/pod.ts';
import { isNetnsUnmounted } from '../netns/netns.ts';
import { textsOf } from '../ovs/listing.ts';
import type { OvsTable } from '../ovs/table.ts';
import { quoted } from '../ovs/vsctl.ts';
import { isNewer } from './sandbox-ownership.ts';

/** Ours: the key of a static pod's own identity, which stays when its mirror gets a new UID. */
export const STATIC_POD_ID = 'static_pod';

/** Ours: the `iface-id` that a row had before a newer sandbox took it. */
const LOST_ID = 'lost-iface-id';

/** Commands that take an `iface-id` from Interface rows; the ports stay. */
export function unseatCommands(uuids: readonly string[], ifaceId: string): string[] {
  return uuids.flatMap((uuid) => [
    ...['--', '--if-exists', 'remove', 'Interface', uuid, 'external_ids', 'iface-id'],
    ...[
      '--',
      '--if-exists',
      'set',
      'Interface',
      uuid,
      `external_ids:${LOST_ID}=${quoted(ifaceId)}`,
    ],
  ]);
}

/** Where it is seen which sandboxes and pods of this node are left. */
export interface Survivors {
  readonly interfaces: Pick<OvsTable, 'rows'>;
  readonly pods: Pick<WatchCache<Pod>, 'values' | 'isSynced'>;
}

/**
 * Commands that give a logical switch port back to the newest living sandbox that lost it; none where
 * there is none, or where another row has it.
 * @param leaving names of interfaces that are removed in the same transaction
 */
export function giveBackCommands(
  ifaceId: string,
  leaving: readonly string[],
  { interfaces, pods }: Survivors,
): string[] {
  const staying = [...interfaces.rows]
    .filter(([, { name }]) => !leaving.includes(String(name)))
    .map(([uuid, row]) => ({ uuid, ids: textsOf(row.external_ids) }));
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
  const { uuid } = newest;
  return [
    ...['--', '--if-exists', 'set', 'Interface', uuid, `external_ids:iface-id=${quoted(ifaceId)}`],
    ...['--', '--if-exists', 'remove', 'Interface', uuid, 'external_ids', LOST_ID],
  ];
}

/** Before the first list of pods has come, the namespace of the sandbox is all that tells. */
function isOfLivingPod(
  { 'iface-id-ver': uid = '', [STATIC_POD_ID]: staticPod }: Readonly<Record<string, string>>,
  pods: Survivors['pods'],
): boolean {
  return !pods.isSynced || livingPod(pods.values(), uid, staticPod) !== undefined;
}
