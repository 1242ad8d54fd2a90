/**
 * The sandbox's network namespace, and how tools get into it.
 */
import { statfsSync, statSync } from 'node:fs';
import { type RunOptions, run } from '../../common/process/run.ts';
import { messageOf } from '../../common/text.ts';
import { wrongEnvironment } from '../call/error.ts';

/** Type of the file system that namespaces live in (`NSFS_MAGIC`, linux/magic.h). */
const NSFS_MAGIC = 0x6e736673;

/**
 * Makes sure that `path` is a network namespace, and not the node's own: addresses and routes
 * set there by mistake would cut the node off. Synchronous: these files are in memory, and a
 * turn of the thread pool takes longer than all three calls.
 * @throws CniError 4 naming CNI_NETNS
 */
export function checkNetns(path: string): void {
  const { file, type } = lookAt(path);
  if (type !== NSFS_MAGIC) {
    throw wrongEnvironment('CNI_NETNS', path, 'a network namespace; this is another kind of file');
  }
  const own = statSync('/proc/self/ns/net');
  if (file.ino === own.ino && file.dev === own.dev) {
    throw wrongEnvironment('CNI_NETNS', path, "a pod's network namespace; this is the node's own");
  }
}

/**
 * True where `path` is certainly no network namespace any more: nothing is there, or only the file
 * that it was mounted on. A namespace may live on without its path, in a process: this alone does
 * not prove that the sandbox is gone.
 */
export function isNetnsUnmounted(path: string): boolean {
  try {
    return statfsSync(path).type !== NSFS_MAGIC;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

/** The kernel's clock for files is some ms behind or ahead of ours; ms. */
const CLOCK_SLACK_MS = 1000;

/**
 * When the namespace at `path` was made; ns, only to be compared. Runtimes mount a namespace as
 * soon as they have made it, and the mount keeps nsfs's inode with its first times.
 * @returns undefined where no namespace is there (the file that it was mounted on has times of its
 *   own), and for a path in /proc: there each look makes an inode anew
 */
export function netnsBirth(path: string): bigint | undefined {
  if (path.startsWith('/proc/') || isNetnsUnmounted(path)) return undefined;
  try {
    const birth = statSync(path, { bigint: true }).ctimeNs;
    // The clock was set back since: it puts nothing in order.
    return birth > BigInt(Date.now() + CLOCK_SLACK_MS) * 1_000_000n ? undefined : birth;
  } catch {
    // It may have gone meanwhile; and what OVS's rows say may be no path at all.
    return undefined;
  }
}

function lookAt(path: string) {
  try {
    return { file: statSync(path), type: statfsSync(path).type };
  } catch (error) {
    const expected = `the path of a network namespace: ${messageOf(error)}`;
    throw wrongEnvironment('CNI_NETNS', path, expected);
  }
}

/**
 * Runs a tool inside a network namespace. nsenter(1) and not `ip -n`: the latter also makes a
 * mount namespace and mounts sysfs, which a container's AppArmor profile may forbid.
 */
export function runInNetns(
  netns: string,
  file: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  return run('nsenter', [`--net=${netns}`, file, ...args], options);
}

/**
 * For when a tool failed: whether `path` is a namespace of another kind, which only entering it
 * tells.
 * @throws CniError 4 naming CNI_NETNS
 */
export async function refuseOtherNamespace(path: string): Promise<void> {
  try {
    await runInNetns(path, 'true', []);
  } catch (error) {
    throw wrongEnvironment('CNI_NETNS', path, `a network namespace: ${messageOf(error)}`);
  }
}
