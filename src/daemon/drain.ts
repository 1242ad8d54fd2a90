/**
 * `kube-ovn-cni drain`: does the DELs that the executable recorded while no daemon answered, and ends.
 * It serves nobody: for the way back to Kube-OVN's own daemon, which never reads them, and before the
 * executable is taken off a node. It can be run beside a daemon, of ours or of Kube-OVN: a DEL that is done
 * twice does no harm.
 */
import { existsSync, rmdirSync } from 'node:fs';
import { abortable } from '../common/concurrency/deadline.ts';
import type { KubernetesApi } from '../common/kubernetes/api.ts';
import type { WatchCache } from '../common/kubernetes/watch-cache.ts';
import { messageOf } from '../common/text.ts';
import { deletionsOf } from '../wire/paths.ts';
import type { Options } from './flags.ts';
import type { OvsSession } from './ovs/session.ts';
import { tryConnect } from './socket.ts';
import type { RecordedDels } from './verbs/recorded-dels.ts';

/** For all of them together; one takes some 40 ms, four run at a time; ms. */
const DRAIN_MS_MAX = 120_000;
/** For the pods of this node, which say whose ports go back to an older sandbox; ms. */
const PODS_MS_MAX = 5000;

/** The text that `kube-ovn-cni drain --help` prints. */
export const DRAIN_USAGE = `usage: kube-ovn-cni drain [flags of the daemon]

Does the DELs on this node that were recorded while no daemon answered, and ends. Ends with 0 where none
is left, with 1 where some are, or were set aside, and with 2 where it cannot tell.

  --bind-socket=SOCKET        beside which they are recorded; default /run/openvswitch/kube-ovn-daemon.sock
  --ovs-socket=SOCKET         of Open vSwitch's database; default /run/openvswitch/db.sock
  --kubeconfig=FILE           of the API server; without an answer of its the DELs are done all the same`;

/** What the command ends with. */
export interface DrainResult {
  readonly output: string;
  readonly exitCode: 0 | 1;
}

/** What it uses. */
export interface DrainParts {
  readonly recordedDels: RecordedDels;
  readonly pods: Pick<WatchCache<unknown>, 'start' | 'stop' | 'synced'>;
  readonly ovs: Pick<OvsSession, 'start' | 'stop'>;
  readonly api: Pick<KubernetesApi, 'destroy'>;
}

/** @throws Error where the folder of the records is not root's alone */
export async function drain({ socketPath }: Options, parts: DrainParts): Promise<DrainResult> {
  const folder = deletionsOf(socketPath);
  if (!existsSync(folder)) return { output: 'no DEL is recorded on this node', exitCode: 0 };
  const { recordedDels, pods, ovs, api } = parts;
  const before = recordedDels.counts;
  for (const part of [pods, ovs]) part.start();
  try {
    if (before.waiting > 0) {
      await abortable(pods.synced, AbortSignal.timeout(PODS_MS_MAX)).catch(() => {});
      await recordedDels.start();
      await recordedDels.drained(AbortSignal.timeout(DRAIN_MS_MAX)).catch(() => {});
    }
    const { waiting, setAside } = recordedDels.counts;
    if (waiting + setAside === 0) await removeUnused(folder, socketPath);
    const done = before.waiting - waiting - (setAside - before.setAside);
    return {
      output: outcome(folder, { done, waiting, setAside }),
      exitCode: waiting + setAside > 0 ? 1 : 0,
    };
  } finally {
    recordedDels.stop();
    for (const part of [pods, ovs]) part.stop();
    api.destroy();
  }
}

function outcome(
  folder: string,
  { done, waiting, setAside }: { done: number; waiting: number; setAside: number },
): string {
  const lines = [`${done} recorded DELs are done`];
  if (waiting > 0) {
    const hint = 'does ovsdb-server run on this node? `ovs-vsctl show` tells';
    lines.push(`${waiting} are not done yet, in ${folder}: ${hint}`);
  }
  if (setAside > 0) {
    lines.push(
      `${setAside} could not be done and were set aside, in ${folder}: *.failed; remove them when you have looked at them`,
    );
  }
  return lines.join('\n');
}

/** A daemon that runs watches its folder, and executables make it again. */
async function removeUnused(folder: string, socketPath: string): Promise<void> {
  if ((await tryConnect(socketPath)) === 'connected') return;
  try {
    rmdirSync(folder);
  } catch (error) {
    // A record may have come, or an executable is writing one.
    if (!/ENOTEMPTY|ENOENT|EBUSY/.test(messageOf(error))) throw error;
  }
}
