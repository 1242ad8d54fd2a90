/**
 * What an init container does on a node: executables, kernel settings, configuration, in this order.
 * The configuration comes last: with it the runtime begins to call.
 */
import { stat } from 'node:fs/promises';
import { installConflist, leftoverWarning, type Primacy, primacyOf } from './conflist.ts';
import { EXECUTABLES, installExecutables } from './executables.ts';
import type { Options } from './flags.ts';
import { lockFolder } from './lock.ts';
import { type NetworkConfig, readNetworkConfigs } from './network-configs.ts';
import { libcProblem } from './node-libc.ts';
import { removeUnfinished } from './place-file.ts';
import type { Say } from './report.ts';
import { applySysctls, familiesOf } from './sysctls.ts';

/** @throws Error that says what is in the way, and what to do */
export async function install(options: Options, say: Say): Promise<void> {
  const { binDir, confDir, confName, isPrimary } = options;
  await needFolder(binDir, '--cni-bin-dir or CNI_BIN_DIR');
  if (isPrimary !== false) await needFolder(confDir, '--cni-conf-dir or CNI_CONF_DIR');
  await using _ = await lockFolder(binDir);
  await removeLeftovers(binDir, EXECUTABLES, say);
  await installExecutables(
    {
      folder: binDir,
      ownFolder: options.ownDir,
      pluginFolder: options.pluginDir,
      replaceForeign: options.replaceForeign,
    },
    ({ why, isWarning }) => say(`${binDir}/${why}`, isWarning),
  );
  const problem = libcProblem();
  if (problem !== undefined) say(problem, true);
  const configs = isPrimary === false ? configsOrNone(confDir) : readNetworkConfigs(confDir);
  const primacy = primacyOf(isPrimary, configs);
  if (primacy.isPrimary) {
    await makePrimary(options, say);
    await removeLeftovers(confDir, [confName], say);
    say(
      `${await installConflist({ folder: confDir, source: options.confFile, name: confName })}: ${primacy.why}`,
    );
  } else {
    await leaveOthersPrimary({ confDir, configs, primacy }, say);
  }
}

/** Another CNI's node: nothing of it is touched. */
async function leaveOthersPrimary(
  given: { confDir: string; configs: readonly NetworkConfig[]; primacy: Primacy },
  say: Say,
): Promise<void> {
  const { confDir, configs, primacy } = given;
  say(`no configuration is written to ${confDir} and no kernel setting is changed: ${primacy.why}`);
  const warning = leftoverWarning(confDir, configs);
  if (warning !== undefined) say(warning, true);
}

async function makePrimary({ podIps }: Options, say: Say): Promise<void> {
  const families = familiesOf(podIps);
  if (families.length === 0) {
    say('POD_IPS is empty: the kernel settings for forwarding are left as they are', true);
  }
  for (const setting of await applySysctls(families)) say(`set ${setting}`);
}

async function removeLeftovers(folder: string, names: readonly string[], say: Say): Promise<void> {
  for (const file of await removeUnfinished(folder, names)) {
    say(`${folder}/${file} is removed: an earlier run left it unfinished`);
  }
}

function configsOrNone(folder: string): NetworkConfig[] {
  try {
    return readNetworkConfigs(folder);
  } catch {
    return [];
  }
}

async function needFolder(path: string, flag: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  const missing = found === undefined ? 'there is no folder' : 'this is no folder:';
  throw new Error(
    `${missing} ${path}: mount the node's folder there, or say by ${flag} where it is mounted`,
  );
}
