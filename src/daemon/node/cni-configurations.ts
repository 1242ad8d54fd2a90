/**
 * Which network configuration of this node makes the runtime, or Multus, ask for Kube-OVN's primary
 * network: for people who find it there though another plugin is to make pods' primary interfaces.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OWN_CNI_TYPE, PRIMARY_PROVIDER } from '../../common/names.ts';

/** What runtimes read (libcni, `ConfFiles`). */
const EXTENSION = /\.(conf|conflist|json)$/;
/** A node has a handful of them. */
const FILES_MAX = 64;
const BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 16;

/**
 * Names of the files in `folder` that ask for it, in the order in which runtimes look at them.
 *
 * The folder is the host's: its root is seen through the first process, for which the daemon's pod is
 * in the host's namespace of processes, as Kube-OVN's charts have it; where it is not, in the folder
 * itself. Empty where neither can be read.
 */
export function filesAskingForPrimary(folder: string): string[] {
  return filesIn(join('/proc/1/root', folder)) ?? filesIn(folder) ?? [];
}

function filesIn(folder: string): string[] | undefined {
  try {
    const names = readdirSync(folder).filter((name) => EXTENSION.test(name));
    return names
      .sort()
      .slice(0, FILES_MAX)
      .filter((name) => asksForPrimary(join(folder, name)));
  } catch {
    return undefined;
  }
}

function asksForPrimary(path: string): boolean {
  try {
    if (!statSync(path).isFile() || statSync(path).size > BYTES_MAX) return false;
    return holdsPlugin(JSON.parse(readFileSync(path, 'utf8')), DEPTH_MAX);
  } catch {
    return false;
  }
}

/** True where a plugin of type kube-ovn without a network of its own is anywhere within, as in Multus' delegates. */
function holdsPlugin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth === 0) return false;
  const { type, provider = '' } = value as { type?: unknown; provider?: unknown };
  if (type === OWN_CNI_TYPE && (provider === '' || provider === PRIMARY_PROVIDER)) return true;
  return Object.values(value).some((member) => holdsPlugin(member, depth - 1));
}
