/** The init container of Kube-OVN's charts, and of our manifests, on a node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EXECUTABLES } from '../../src/installer/executables.ts';
import { withMark } from '../../src/installer/mark.ts';
import { command } from '../lab/command.ts';
import { DEBIAN_PLUGINS } from '../lab/image.ts';
import { ImageRoot } from '../lab/image-root.ts';
import { allOf, CHART_INSTALL, namesIn, wholeVersions } from './install-fixture.ts';

const VERSION = '0.2.0';
const CONFLIST = '01-kube-ovn.conflist';
const CILIUM = '{"cniVersion":"1.0.0","name":"cilium","plugins":[{"type":"cilium-cni"}]}';

let image: ImageRoot;
beforeAll(async () => {
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  await mkdir('/run/image');
  image = await ImageRoot.create('/run/image', VERSION);
});
afterAll(() => command('umount', ['--recursive', '--lazy', '/run/image']));
beforeEach(async () => {
  for (const folder of [image.binDir, image.confDir]) {
    await rm(folder, { recursive: true });
    await mkdir(folder);
  }
});

const SETTINGS = [
  'net.ipv4.ip_forward',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv6.conf.all.forwarding',
];
async function settings(): Promise<string[]> {
  return (await command('sysctl', ['-n', ...SETTINGS])).trim().split('\n');
}

/** None of what a primary network needs. */
async function resetSettings(): Promise<void> {
  await command('sysctl', ['-w', ...SETTINGS.map((name, i) => `${name}=${i === 1 ? 2 : 0}`)]);
}

/** An init container of a chart. */
async function installAsChart(environment: Readonly<Record<string, string>> = {}) {
  return await image.run(CHART_INSTALL, {
    environment: { POD_IPS: '10.0.0.1,fd00::1', ...environment },
  });
}

describe("with the words of Kube-OVN's charts", () => {
  test('a node without another network has executables, configuration and kernel settings', async () => {
    await resetSettings();
    const { exitCode, stderr } = await installAsChart();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await namesIn(image.binDir)).toEqual([...EXECUTABLES].sort());
    expect(await wholeVersions(image.binDir)).toEqual(allOf(VERSION));
    expect(await namesIn(image.confDir)).toEqual([CONFLIST]);
    const path = join(image.confDir, CONFLIST);
    expect((await stat(path)).mode & 0o7777).toBe(0o600);
    expect(await readFile(path)).toEqual(await readFile(join(image.root, 'kube-ovn', CONFLIST)));
    expect(await settings()).toEqual(['1', '0', '1']);
  });

  test.each([
    ['10.0.0.1', ['1', '0', '0']],
    ['fd00::1', ['0', '2', '1']],
  ])('only the families of %s are forwarded', async (podIps, expected) => {
    await resetSettings();
    expect((await installAsChart({ POD_IPS: podIps })).exitCode).toBe(0);
    expect(await settings()).toEqual(expected);
  });

  test('a node with another network has executables, and nothing else is touched', async () => {
    await resetSettings();
    await writeFile(join(image.confDir, '05-cilium.conflist'), CILIUM, { mode: 0o644 });
    const { exitCode, stdout } = await installAsChart();
    expect(exitCode).toBe(0);
    expect(stdout).toContain("another network's configuration is here (05-cilium.conflist)");
    expect(await wholeVersions(image.binDir)).toEqual(allOf(VERSION));
    expect(await namesIn(image.confDir)).toEqual(['05-cilium.conflist']);
    expect((await stat(join(image.confDir, '05-cilium.conflist'))).mode & 0o777).toBe(0o644);
    expect(await settings()).toEqual(['0', '2', '0']);
  });

  test('a configuration of ours left over beside Cilium stays, and is warned of', async () => {
    await writeFile(join(image.confDir, '05-cilium.conflist'), CILIUM);
    const old = '{"name":"old","plugins":[{"type":"kube-ovn"}]}';
    await writeFile(join(image.confDir, CONFLIST), old);
    const { exitCode, stdout } = await installAsChart();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`WARNING: .*the runtime takes ${CONFLIST} first.*rm /etc/cni`),
    );
    expect(await readFile(join(image.confDir, CONFLIST), 'utf8')).toBe(old);
  });

  test('a second run changes nothing', async () => {
    await installAsChart();
    const inodes = () =>
      Promise.all(EXECUTABLES.map(async (name) => (await stat(join(image.binDir, name))).ino));
    const before = await inodes();
    const { exitCode, stdout } = await installAsChart();
    expect(exitCode).toBe(0);
    expect(stdout.match(/is there already/g)).toHaveLength(EXECUTABLES.length + 1);
    expect(await inodes()).toEqual(before);
  });
});

describe('told by a flag or a variable', () => {
  test.each([
    ['flag', ['--non-primary-cni-mode=true'], {}],
    ['variable', [], { NON_PRIMARY_CNI_MODE: 'true' }],
  ])(
    'that another CNI is primary (%s), it touches no configuration and no setting',
    async (_, flags, environment) => {
      await resetSettings();
      const { exitCode } = await image.run([...CHART_INSTALL, ...flags], { environment });
      expect(exitCode).toBe(0);
      expect(await namesIn(image.confDir)).toEqual([]);
      expect(await settings()).toEqual(['0', '2', '0']);
    },
  );

  test('that Kube-OVN is primary, it writes its configuration beside others', async () => {
    await writeFile(join(image.confDir, '10-bridge.conflist'), CILIUM);
    const environment = { NON_PRIMARY_CNI_MODE: 'false', POD_IPS: '10.0.0.1' };
    expect((await image.run(CHART_INSTALL, { environment })).exitCode).toBe(0);
    expect(await namesIn(image.confDir)).toEqual([CONFLIST, '10-bridge.conflist']);
  });

  test.each([
    ['k3s', '/var/lib/rancher/k3s/data/cni', '/var/lib/rancher/k3s/agent/etc/cni/net.d'],
    [
      'microk8s',
      '/var/snap/microk8s/current/opt/cni/bin',
      '/var/snap/microk8s/current/args/cni-network',
    ],
    ['openshift', '/var/lib/cni/bin', '/run/multus/cni/net.d'],
    ['talos', '/opt/cni/bin', '/etc/cni/net.d'],
  ])('of %s, it uses its folders', async (distribution, binDir, confDir) => {
    for (const folder of [binDir, confDir])
      await mkdir(join(image.root, folder), { recursive: true });
    const environment = { KUBERNETES_DISTRIBUTION: distribution, POD_IPS: '10.0.0.1' };
    const { exitCode, stderr } = await image.run(['/kube-ovn/install-cni.sh'], { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await wholeVersions(join(image.root, binDir))).toEqual(allOf(VERSION));
    expect(await namesIn(join(image.root, confDir))).toEqual([CONFLIST]);
  });
});

describe('what is in the way', () => {
  test('of a distribution stays, and of an older release of ours is replaced', async () => {
    await copyFile(join(DEBIAN_PLUGINS, 'bridge'), join(image.binDir, 'macvlan'));
    const old = withMark(await readFile(join(DEBIAN_PLUGINS, 'loopback')), 'loopback', '0.1.0');
    await writeFile(join(image.binDir, 'loopback'), old, { mode: 0o755 });
    const { exitCode, stdout } = await installAsChart();
    expect(exitCode).toBe(0);
    expect(stdout).toContain('macvlan: stays as it is: it is not from us');
    expect(stdout).toContain('loopback: 0.2.0 takes the place of 0.1.0');
    const macvlan = await readFile(join(image.binDir, 'macvlan'));
    expect(macvlan.equals(await readFile(join(DEBIAN_PLUGINS, 'bridge')))).toBe(true);
    await rm(join(image.binDir, 'macvlan'));
    expect(await wholeVersions(image.binDir)).toEqual({ ...allOf(VERSION), macvlan: undefined });
  });

  test('under the name of kube-ovn stays when it is a foreign program, and the run fails', async () => {
    await writeFile(join(image.binDir, 'kube-ovn'), '#!/bin/sh\n', { mode: 0o755 });
    const { exitCode, stderr } = await installAsChart();
    expect(exitCode).toBe(1);
    expect(stderr).toContain("neither ours nor Kube-OVN's, and is not overwritten");
    expect(await readFile(join(image.binDir, 'kube-ovn'), 'utf8')).toBe('#!/bin/sh\n');
    expect(await namesIn(image.confDir)).toEqual([]);
    expect((await installAsChart({ KUBE_OVN_REPLACE_FOREIGN: 'true' })).exitCode).toBe(0);
    expect(await wholeVersions(image.binDir)).toEqual(allOf(VERSION));
  });

  test('of unfinished runs, ours or of Kube-OVN, goes; what only looks like it stays', async () => {
    const left = ['kube-ovn.tmp.123', 'loopback.tmp.ab12cd34', '.kube-ovn.77'];
    const others = ['bridge.tmp.1', 'kube-ovn.old', '.kube-ovn.conf'];
    for (const name of [...left, ...others]) await writeFile(join(image.binDir, name), 'half');
    await writeFile(join(image.confDir, `${CONFLIST}.tmp.1`), '{');
    expect((await installAsChart()).exitCode).toBe(0);
    expect(await namesIn(image.binDir)).toEqual([...EXECUTABLES, ...others].sort());
    expect(await namesIn(image.confDir)).toEqual([CONFLIST]);
  });
});

describe('a folder', () => {
  test('that cannot be written is an error with its name, and leaves no temporary file', async () => {
    await command('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', image.binDir]);
    try {
      const { exitCode, stderr } = await installAsChart();
      expect(exitCode).toBe(1);
      expect(stderr).toContain('EROFS: read-only file system');
      expect(stderr).toContain('--distribution');
      expect(stderr).toContain('/opt/cni/bin/kube-ovn.tmp.');
      expect(await namesIn(image.confDir)).toEqual([]);
    } finally {
      await command('umount', [image.binDir]);
    }
  });

  test('that cannot be written is none where nothing is to be written', async () => {
    await installAsChart();
    await command('mount', ['--bind', image.binDir, image.binDir]);
    try {
      await command('mount', ['-o', 'remount,bind,ro', image.binDir]);
      const { exitCode, stderr } = await installAsChart();
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    } finally {
      await command('umount', [image.binDir]);
    }
  });

  test('that is full keeps the executables that it has', async () => {
    await command('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', image.binDir]);
    try {
      const old = withMark(Buffer.from('#!/bin/sh\n'), 'kube-ovn', '0.1.0');
      await writeFile(join(image.binDir, 'kube-ovn'), old, { mode: 0o755 });
      const { exitCode, stderr } = await installAsChart();
      expect(exitCode).toBe(1);
      expect(stderr).toContain('ENOSPC');
      expect(await namesIn(image.binDir)).toEqual(['kube-ovn']);
      expect(await readFile(join(image.binDir, 'kube-ovn'))).toEqual(old);
    } finally {
      await command('umount', [image.binDir]);
    }
  });

  test('that is not there is named, with the flag that names another', async () => {
    await rm(image.binDir, { recursive: true });
    const { exitCode, stderr } = await installAsChart();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('there is no folder /opt/cni/bin: mount');
    expect(stderr).toContain('--cni-bin-dir or CNI_BIN_DIR');
    await mkdir(image.binDir);
  });
});

test.each([[['--cni-bin', '/opt/cni/bin']], [['/etc/cni/net.d']], [['-h2']]])(
  'words that are not known, %j, are refused before anything is done',
  async (words) => {
    const { exitCode, stderr } = await image.run(['/kube-ovn/install-cni.sh', ...words]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--help lists what is known');
    expect(await namesIn(image.binDir)).toEqual([]);
  },
);

test.each([['install-cni.sh'], ['uninstall']])(
  '%s --help names each flag and ends well',
  async (script) => {
    const { exitCode, stdout } = await image.run([`/kube-ovn/${script}`, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--cni-bin-dir');
  },
);

test('another run is waited for', async () => {
  await command('mkfifo', ['/run/wait']);
  const holding = ['--exclusive', image.binDir, 'sh', '-c', 'echo locked; cat /run/wait'];
  const other = spawn('flock', holding, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  const run = installAsChart();
  const { ino } = await stat(image.binDir);
  const isWaiting = async () => {
    const lines = (await readFile('/proc/locks', 'utf8')).split('\n');
    return lines.some((line) => line.includes('-> FLOCK') && line.includes(`:${ino} `));
  };
  await expect.poll(isWaiting, { timeout: 60_000 }).toBe(true);
  expect(await namesIn(image.binDir)).toEqual([]);
  await writeFile('/run/wait', 'end');
  expect((await run).exitCode).toBe(0);
  expect(await wholeVersions(image.binDir)).toEqual(allOf(VERSION));
});
