/**
 * Which executables go into the node's CNI folder, and what happens to what is there already.
 *
 * `kube-ovn` is ours to replace, also with an older version: executable and daemon of one release
 * belong together, and a rollback must work. The reference plugins are whoever's came first:
 * other networks of the node use them, too.
 */
import { join } from 'node:path';
import type { FileFacts, Found } from './file-facts.ts';
import { findFile } from './file-facts.ts';
import { compareVersions } from './mark.ts';
import { placeCopy } from './place-file.ts';

/** The CNI executable's name: the `type` of network configurations. */
export const OWN_EXECUTABLE = 'kube-ovn';
/** Those that Kube-OVN's installer brings to a node. */
export const REFERENCE_PLUGINS = ['loopback', 'portmap', 'macvlan', 'ipvlan'] as const;
/** All that are installed. */
export const EXECUTABLES: readonly string[] = [OWN_EXECUTABLE, ...REFERENCE_PLUGINS];

const EXECUTABLE_MODE = 0o755;

/** What is done about one executable, and why. */
export interface Decision {
  readonly action: 'install' | 'leave' | 'refuse';
  /** What is there and what happens to it; begins with the file's name. */
  readonly why: string;
  /** Somebody should look at it. */
  readonly isWarning?: true;
}

/** From where to where, and what may be replaced. */
export interface ExecutableOptions {
  /** The node's, as this process sees it. */
  readonly folder: string;
  /** Where the image has `kube-ovn`. */
  readonly ownFolder: string;
  /** Where the image has the reference plugins. */
  readonly pluginFolder: string;
  readonly replaceForeign: boolean;
}

/**
 * Installs what is missing or to be replaced.
 * @param say is called with what happens to each file
 * @throws Error that names the file which is in the way; the others are installed nevertheless
 */
export async function installExecutables(
  options: ExecutableOptions,
  say: (decision: Decision) => void,
): Promise<void> {
  const refused: string[] = [];
  for (const name of EXECUTABLES) {
    const source = join(name === OWN_EXECUTABLE ? options.ownFolder : options.pluginFolder, name);
    const target = join(options.folder, name);
    const [ours, found] = [await findFile(source, true), await findFile(target)];
    if (ours.kind !== 'file') throw new Error(`the image lacks ${source}: it is ${what(ours)}`);
    const decision = decide(name, ours, found, options.replaceForeign);
    if (decision.action === 'install') await placeCopy(source, target, EXECUTABLE_MODE);
    if (decision.action === 'refuse') refused.push(decision.why);
    else say(decision);
  }
  if (refused.length > 0) throw new Error(refused.join('; '));
}

function what(found: Found): string {
  return found.kind === 'special' ? found.what : 'not there';
}

/** What is done with the file that is to become `name`. Pure. */
export function decide(
  name: string,
  source: FileFacts,
  found: Found,
  replaceForeign = false,
): Decision {
  const own = versionText(source);
  if (found.kind === 'absent') return { action: 'install', why: `${name}: ${own} is installed` };
  if (found.kind === 'file') {
    if (isSame(source, found)) return { action: 'leave', why: `${name}: ${own} is there already` };
    if (!found.isRunnable) {
      const why = `${name}: what is there (${found.bytes} bytes) is no executable, perhaps left by a loss of power; ${own} takes its place`;
      return { action: 'install', why, isWarning: true };
    }
  }
  return name === OWN_EXECUTABLE
    ? decideOwn(name, source, found, replaceForeign)
    : decideShared(name, source, found);
}

function isSame(source: FileFacts, found: FileFacts): boolean {
  const isSameMark = source.mark?.version === found.mark?.version;
  return found.isExecutable && isSameMark && source.digest === found.digest;
}

function decideOwn(
  name: string,
  source: FileFacts,
  found: Found,
  replaceForeign: boolean,
): Decision {
  const own = versionText(source);
  const version = versionOf(name, found);
  if (version !== undefined) {
    const isNewer = compareVersions(version, source.mark?.version ?? '0.0.0') > 0;
    if (!isNewer)
      return { action: 'install', why: `${name}: ${own} takes the place of ${version}` };
    const why = `${name}: the NEWER ${version} gives way to ${own}, since executable and daemon of one release belong together`;
    return { action: 'install', why, isWarning: true };
  }
  if (found.kind === 'file' && found.isKubeOvn) {
    const why = `${name}: ${own} takes the place of an executable of Kube-OVN without our mark`;
    return { action: 'install', why };
  }
  if (replaceForeign && found.kind === 'file') {
    const why = `${name}: ${own} takes the place of another program, as --replace-foreign says (SHA-256 ${found.digest})`;
    return { action: 'install', why, isWarning: true };
  }
  const there = found.kind === 'file' ? `another program (${found.bytes} bytes)` : what(found);
  const remedy =
    'move it away, or let it go with --replace-foreign or KUBE_OVN_REPLACE_FOREIGN=true';
  return {
    action: 'refuse',
    why: `${name}: what is there is ${there}, neither ours nor Kube-OVN's, and is not overwritten: ${remedy}`,
  };
}

function decideShared(name: string, source: FileFacts, found: Found): Decision {
  const version = versionOf(name, found);
  if (version === undefined) {
    return { action: 'leave', why: `${name}: stays as it is: it is not from us` };
  }
  if (found.kind === 'file' && found.mark?.digest !== found.digest) {
    const why = `${name}: stays as it is: it is our ${version}, and was changed since`;
    return { action: 'leave', why, isWarning: true };
  }
  if (compareVersions(version, source.mark?.version ?? '0.0.0') > 0) {
    return { action: 'leave', why: `${name}: stays as it is: it is from our newer ${version}` };
  }
  const why = `${name}: ${versionText(source)} takes the place of ${version}`;
  return { action: 'install', why };
}

/** The version in the mark of a file of ours. */
export function versionOf(name: string, found: Found): string | undefined {
  if (found.kind !== 'file' || found.mark?.name !== name) return undefined;
  return found.mark.version;
}

function versionText({ mark }: FileFacts): string {
  return mark === undefined ? 'a build without a version' : mark.version;
}
