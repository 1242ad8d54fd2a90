/**
 * Takes off a node what install and the daemon have put there; what is not ours, or was changed
 * since, stays and is named. It can be repeated, and a node on which nothing is left is no error.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson, readConfigurationText } from '../common/cni-configurations.ts';
import { messageOf } from '../common/text.ts';
import type { OvsAccess } from '../daemon/ovs/port-removal.ts';
import { withOvs } from '../daemon/ovs/session.ts';
import { createVsctl } from '../daemon/ovs/vsctl.ts';
import { EXECUTABLES, OWN_EXECUTABLE, versionOf } from './executables.ts';
import { findFile } from './file-facts.ts';
import type { Options } from './flags.ts';
import { lockFolder } from './lock.ts';
import { isSameConfig, readNetworkConfigs } from './network-configs.ts';
import { findPodPorts, removeMirror, removePorts } from './ovs-leftovers.ts';
import { removeUnfinished, sync } from './place-file.ts';
import type { Say } from './report.ts';
import { isAnswered, removeSockets } from './socket-leftovers.ts';

/** So many pods are named. */
const NAMED_MAX = 10;

/** @throws Error that says what is in the way, and what to do */
export async function uninstall(options: Options, say: Say): Promise<void> {
  const { binDir, confDir, bindSocket, force } = options;
  if (!force && (await isAnswered(bindSocket))) {
    throw new Error(
      `the daemon still answers on ${bindSocket}: delete its DaemonSet first, or it will install everything again`,
    );
  }
  await cleanOvs(options, say);
  const hasExecutables = await isFolder(binDir);
  // Of install, which puts configurations into the one folder under the lock of the other.
  await using _ = hasExecutables ? await lockFolder(binDir) : undefined;
  if (await isFolder(confDir)) await removeConfigs(options, say);
  if (hasExecutables) await removeExecutables(binDir, say);
  for (const path of await removeSockets(bindSocket)) say(`${path} is removed`);
}

/** @throws Error where pods have interfaces yet: without the executable their deletion fails */
async function cleanOvs({ ovsSocket, force }: Options, say: Say): Promise<void> {
  const isThere = await stat(ovsSocket).then(
    () => true,
    () => false,
  );
  if (!isThere) return say(`${ovsSocket} is not there: there is nothing of ours in Open vSwitch`);
  const database = `unix:${ovsSocket}`;
  const vsctl = createVsctl(database);
  await withOvs(database, (ovs) => cleanBridge({ ovs, vsctl }, force, say));
}

async function cleanBridge(access: OvsAccess, force: boolean, say: Say): Promise<void> {
  const ports = await findPodPorts(access.ovs).catch((error) => {
    const why = `cannot ask Open vSwitch whose ports are left: ${messageOf(error)}`;
    if (!force) throw new Error(`${why}; if it is to stay away, uninstall with --force`);
    say(why, true);
    return undefined;
  });
  if (ports === undefined) return;
  if (ports.living.length > 0) refuseLiving(ports.living, force, say);
  await cleanRows(access, ports.dead, say);
}

function refuseLiving(
  living: Awaited<ReturnType<typeof findPodPorts>>['living'],
  force: boolean,
  say: Say,
): void {
  const names = living.map(({ attachment: { pod, ifName } }) =>
    `${pod.namespace}/${pod.name} ${ifName}`.trim(),
  );
  const shown = names.slice(0, NAMED_MAX).join(', ');
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '';
  const why = `pods on this node still have interfaces of Kube-OVN: ${shown}${more}`;
  if (!force) throw new Error(`${why}; delete them first: without kube-ovn their deletion fails`);
  say(`${why}; they keep them, and their deletion will fail until kube-ovn is back`, true);
}

async function cleanRows(
  access: OvsAccess,
  dead: Parameters<typeof removePorts>[1],
  say: Say,
): Promise<void> {
  await removePorts(access, dead);
  for (const { name } of dead) say(`port ${name} of a sandbox that is gone is removed`);
  const isRemoved = await removeMirror(access).catch((error) => {
    say(`the mirror is removed when Open vSwitch is back: ${messageOf(error)}`, true);
    return false;
  });
  if (isRemoved) say('the mirror is removed');
}

async function removeConfigs({ confDir, confFile, confName }: Options, say: Say): Promise<void> {
  const ours = parseJson(readConfigurationText(confFile));
  let removed = await removeUnfinished(confDir, [confName]);
  for (const { file, owner, content } of readNetworkConfigs(confDir)) {
    if (owner !== 'kube-ovn') continue;
    const path = join(confDir, file);
    if (isSameConfig(content, ours)) {
      await rm(path, { force: true });
      removed = [...removed, file];
    } else {
      say(`${path} stays: it was changed, or is another one's; if it may go: rm ${path}`, true);
    }
  }
  for (const file of removed) say(`${join(confDir, file)} is removed`);
  if (removed.length > 0) await sync(confDir);
}

/** The folder is locked. */
async function removeExecutables(binDir: string, say: Say): Promise<void> {
  const removed = await removeUnfinished(binDir, EXECUTABLES);
  for (const name of EXECUTABLES) {
    const path = join(binDir, name);
    const found = await findFile(path);
    if (found.kind !== 'file') continue;
    const isOurs = versionOf(name, found) !== undefined;
    if (isOurs && found.mark?.digest === found.digest) {
      await rm(path, { force: true });
      removed.push(name);
    } else if (isOurs || name === OWN_EXECUTABLE) {
      const why = isOurs ? 'it was changed since we installed it' : 'it is not from us';
      say(`${path} stays: ${why}; if it may go: rm ${path}`, true);
    }
  }
  for (const name of removed) say(`${join(binDir, name)} is removed`);
  if (removed.length > 0) await sync(binDir);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
