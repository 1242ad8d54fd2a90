/**
 * The configuration by which a node's runtime takes Kube-OVN for its primary network. It is written
 * only where Kube-OVN is that: its name sorts before most others', so that beside another primary CNI
 * it would take that one's pods.
 */
import { chmod, lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseJson, readConfigurationText } from '../common/cni-configurations.ts';
import { isSameConfig, type NetworkConfig, ownerOf } from './network-configs.ts';
import { placeText } from './place-file.ts';

/** The runtime reads it as root; benchmarks of Kubernetes security ask for this. */
const CONFIG_MODE = 0o600;

/** What is installed, and where. */
export interface ConflistOptions {
  /** The node's configuration folder, as this process sees it. */
  readonly folder: string;
  /** What is installed. */
  readonly source: string;
  /** Under which name. */
  readonly name: string;
}

/** Whether Kube-OVN is the primary network of this node. */
export interface Primacy {
  readonly isPrimary: boolean;
  /** How that is known; a sentence. */
  readonly why: string;
}

/**
 * Whether Kube-OVN is this node's primary network.
 *
 * Kube-OVN's charts do not tell their init containers. What is there tells, then: a node with another
 * network's configuration has a primary network. (Kube-OVN itself always writes its own.)
 * @param said what flag or variable say; undefined where they say nothing
 */
export function primacyOf(said: boolean | undefined, configs: readonly NetworkConfig[]): Primacy {
  if (said !== undefined) {
    const why = said ? 'Kube-OVN is the primary network' : 'Kube-OVN is not the primary network';
    return { isPrimary: said, why: `${why}, as --non-primary-cni-mode says` };
  }
  const others = configs.filter(({ owner }) => owner === 'other').map(({ file }) => file);
  return others.length === 0
    ? { isPrimary: true, why: "no other network's configuration is here" }
    : { isPrimary: false, why: `another network's configuration is here (${others.join(', ')})` };
}

/**
 * Writes the configuration unless there is one of that name: it may be the operator's own.
 * @returns what was done; a sentence
 * @throws Error that names the file at fault
 */
export async function installConflist(options: ConflistOptions): Promise<string> {
  const { folder, source, name } = options;
  const text = readConfigurationText(source);
  const content = parseJson(text);
  if (text === undefined || typeof content !== 'object' || content === null) {
    throw new Error(`--cni-conf-file=${source}: it is not there, or is no CNI configuration`);
  }
  const target = join(folder, name);
  const found = await lstat(target).catch(() => undefined);
  if (found === undefined) {
    await placeText(text, target, CONFIG_MODE);
    return `${target} is written`;
  }
  const there = parseJson(found.isFile() ? readConfigurationText(target) : undefined);
  if (found.isFile() && ownerOf(there) !== 'kube-ovn') {
    throw new Error(
      `${target} is there and is not Kube-OVN's: it is not overwritten; move it away, or choose another --cni-conf-name`,
    );
  }
  const mode = found.mode & 0o777;
  if (found.isFile() && mode !== CONFIG_MODE) await chmod(target, CONFIG_MODE);
  return isSameConfig(there, content)
    ? `${target} is there already`
    : `${target} stays as it is, though it differs from ${basename(source)} of this image`;
}

/** What an operator should know where Kube-OVN is not primary: its configuration is here nevertheless. */
export function leftoverWarning(
  folder: string,
  configs: readonly NetworkConfig[],
): string | undefined {
  const ours = configs.filter(({ owner }) => owner === 'kube-ovn').map(({ file }) => file);
  const [first] = configs.filter(({ owner }) => owner !== 'multus' && owner !== 'loopback');
  if (ours.length === 0) return undefined;
  const asks = first?.owner === 'kube-ovn' ? `, and the runtime takes ${first.file} first` : '';
  const remove = ours.map((file) => join(folder, file)).join(' ');
  return `Kube-OVN's configuration ${ours.join(', ')} is here${asks}: unless that is wanted, remove it on the node: rm ${remove}`;
}
