/**
 * The sandbox's network namespace, and how tools get into it.
 */
import { stat, statfs } from 'node:fs/promises';
import { messageOf, wrongEnvironment } from '../error.ts';
import { type RunOptions, run } from '../process/run.ts';

/** Type of the file system that namespaces live in (`NSFS_MAGIC`, linux/magic.h). */
const NSFS_MAGIC = 0x6e736673;

/**
 * Makes sure that `path` is a network namespace, and not the node's own: addresses and routes
 * set there by mistake would cut the node off.
 * @throws CniError 4 naming CNI_NETNS
 */
export async function checkNetns(path: string): Promise<void> {
  const [file, system, own] = await Promise.all([
    stat(path),
    statfs(path),
    stat('/proc/self/ns/net'),
  ]).catch((cause) => {
    const expected = `the path of a network namespace: ${messageOf(cause)}`;
    throw wrongEnvironment('CNI_NETNS', path, expected);
  });
  if (system.type !== NSFS_MAGIC) {
    throw wrongEnvironment('CNI_NETNS', path, 'a network namespace; this is another kind of file');
  }
  if (file.ino === own.ino && file.dev === own.dev) {
    throw wrongEnvironment('CNI_NETNS', path, "a pod's network namespace; this is the node's own");
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
