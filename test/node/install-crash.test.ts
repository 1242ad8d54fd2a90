/**
 * Runs of the installer that are killed, or are several at once: whoever looks at the node's folder
 * at any time finds whole executables, the old or the new ones.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EXECUTABLES } from '../../src/installer/executables.ts';
import { command } from '../lab/command.ts';
import { ImageFolder } from '../lab/image.ts';
import { allOf, namesIn, wholeVersions } from './install-fixture.ts';

const OLD = '0.1.0';
const NEW = '0.2.0';
const binDir = '/run/node/bin';
const confDir = '/run/node/conf';

let images: Readonly<Record<string, ImageFolder>>;
let running: ChildProcess[];
beforeAll(async () => {
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  const create = async (version: string) =>
    [version, await ImageFolder.create(`/run/image-${version}`, version)] as const;
  images = Object.fromEntries([await create(OLD), await create(NEW)]);
});
beforeEach(async () => {
  running = [];
  await rm('/run/node', { recursive: true, force: true });
  for (const folder of [binDir, confDir]) await mkdir(folder, { recursive: true });
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the installer as process of its own, so that a kill meets it and no shell. */
function start(version: string): ChildProcess {
  const image = images[version] as ImageFolder;
  const flags = [
    `--plugin-dir=${image.pluginFolder}`,
    `--cni-bin-dir=${binDir}`,
    `--cni-conf-dir=${confDir}`,
  ];
  const program = join(image.folder, 'kube-ovn-install.cjs');
  const env = { ...process.env, POD_IPS: '10.0.0.1' };
  const child = spawn(process.execPath, [program, 'install', ...flags], { env, stdio: 'ignore' });
  running.push(child);
  return child;
}

async function install(version: string): Promise<void> {
  expect(await once(start(version), 'exit')).toEqual([0, null]);
}

/**
 * Starts an upgrade and ends it when so many changes were seen in the node's folders: a file
 * appeared, grew, got its permissions, was renamed.
 * @returns whether it was ended before its end
 */
async function installUntil(change: number, signal: NodeJS.Signals): Promise<boolean> {
  let seen = 0;
  const child = start(NEW);
  const count = () => {
    seen += 1;
    if (seen === change) child.kill(signal);
  };
  const watchers: FSWatcher[] = [binDir, confDir].map((folder) => watch(folder, count));
  await once(child, 'exit');
  for (const watcher of watchers) watcher.close();
  return child.exitCode !== 0;
}

/** An older release is there, and no configuration yet. */
async function startWithOld(): Promise<void> {
  for (const name of EXECUTABLES) {
    const image = images[OLD] as ImageFolder;
    const from = name === 'kube-ovn' ? image.folder : image.pluginFolder;
    await cp(join(from, name), join(binDir, name));
  }
  await rm(join(confDir, '01-kube-ovn.conflist'), { force: true });
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a run that is ended by %s at any change it makes leaves whole executables, and the next one does the rest',
  { timeout: 300_000 },
  async (signal) => {
    let wasEnded = true;
    let left = 0;
    // Each round ends it later, until it comes to its end before.
    for (let change = 1; wasEnded; change = Math.ceil(change * 1.6)) {
      await startWithOld();
      wasEnded = await installUntil(change, signal);
      const versions = await wholeVersions(binDir);
      expect(Object.keys(versions).sort()).toEqual([...EXECUTABLES].sort());
      for (const version of Object.values(versions)) expect([OLD, NEW]).toContain(version);
      const unfinished = (await readdir(binDir)).filter((name) => name.includes('.tmp.'));
      expect(unfinished.length).toBeLessThanOrEqual(signal === 'SIGTERM' ? 0 : 1);
      left += unfinished.length;
      // The configuration is there as a whole, and only after all executables.
      const configs = (await namesIn(confDir)).filter((name) => !name.includes('.tmp.'));
      if (configs.length > 0) expect(versions).toEqual(allOf(NEW));
      await install(NEW);
      expect(await wholeVersions(binDir)).toEqual(allOf(NEW));
      expect(await namesIn(binDir)).toEqual([...EXECUTABLES].sort());
      expect(await namesIn(confDir)).toEqual(['01-kube-ovn.conflist']);
    }
    if (signal === 'SIGKILL') expect(left).toBeGreaterThan(0);
  },
);

test('runs of two releases at once take turns, and what is there is whole all the time', {
  timeout: 300_000,
}, async () => {
  await startWithOld();
  let isOver = false;
  let looks = 0;
  const watching = (async () => {
    while (!isOver) {
      expect(Object.keys(await wholeVersions(binDir)).length).toBe(EXECUTABLES.length);
      looks += 1;
    }
  })();
  const versions = [NEW, OLD, NEW, OLD];
  try {
    await Promise.all(versions.map((version) => install(version)));
  } finally {
    isOver = true;
  }
  await watching;
  expect(looks).toBeGreaterThan(0);
  expect(await namesIn(binDir)).toEqual([...EXECUTABLES].sort());
  // Plugins that another release brought are not replaced by an older one.
  const { 'kube-ovn': own, ...plugins } = await wholeVersions(binDir);
  expect([OLD, NEW]).toContain(own);
  expect([...new Set(Object.values(plugins))]).toEqual([NEW]);
});
