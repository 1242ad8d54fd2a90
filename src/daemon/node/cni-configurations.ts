/**
 * Which network configuration of this node makes the runtime, or Multus, ask for Kube-OVN's primary
 * network: for people who find it there though another plugin is to make pods' primary interfaces.
 */
import { type CniConfiguration, configurationsIn } from '../../common/cni-configurations.ts';
import { OWN_CNI_TYPE, PRIMARY_PROVIDER } from '../../common/names.ts';
import { pathInRoot } from '../../common/path-in-root.ts';

/** The first process's root: the host's, where the pod is in the host's namespace of processes. */
const HOST_ROOT = '/proc/1/root';
/** A node has a handful of them. */
const FILES_MAX = 64;
const DEPTH_MAX = 16;

/**
 * Names of the files in `folder` that ask for it, in the order in which runtimes look at them.
 *
 * The folder is the host's: its root is seen through the first process, as the pods of Kube-OVN's charts
 * have it; where it is not, in the folder itself. Empty where neither can be read.
 */
export function filesAskingForPrimary(folder: string, hostRoot = HOST_ROOT): string[] {
  const onHost = (path: string) => pathInRoot(hostRoot, path);
  return filesIn(configurationsIn(folder, onHost)) ?? filesIn(configurationsIn(folder)) ?? [];
}

function filesIn(configurations: Iterable<CniConfiguration>): string[] | undefined {
  const asking: string[] = [];
  let count = 0;
  try {
    for (const { file, content } of configurations) {
      count += 1;
      if (count > FILES_MAX) break;
      if (holdsPlugin(content, DEPTH_MAX)) asking.push(file);
    }
    return asking;
  } catch {
    return undefined;
  }
}

/** True where a plugin of type kube-ovn without a network of its own is anywhere within, as in Multus' delegates. */
function holdsPlugin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth === 0) return false;
  const { type, provider = '' } = value as { type?: unknown; provider?: unknown };
  if (type === OWN_CNI_TYPE && (provider === '' || provider === PRIMARY_PROVIDER)) return true;
  return Object.values(value).some((member) => holdsPlugin(member, depth - 1));
}
