/**
 * Building where there is no container engine and no registry: on a Debian machine, as root. buildah
 * and debootstrap are Debian's, installed in overlays over the machine's folders in a mount namespace
 * of their own, so that nothing stays but a folder in the cache; the base in which Dockerfile builds is
 * made by debootstrap, with this project's node and the npm that runs this.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { cacheFolder } from './cache.ts';
import { command } from './command.ts';

const MARK = 'KUBE_OVN_IMAGE_OVERLAYS';
const OVERLAID = ['usr', 'etc', 'var', 'root'];
const MIRROR = process.env.DEBIAN_MIRROR || 'http://deb.debian.org';

/**
 * What stands for the registry's node image, one for each processor of an image that is built. Their
 * content is the same, of this machine's processor: Debian's buildah 1.28 does not heed the platform in
 * `FROM --platform=$BUILDPLATFORM`, and asks for an image of the other processor.
 */
export function ownBase(architecture: string): string {
  return `localhost/kube-ovn-image-base-${architecture}`;
}

/**
 * Returns only inside the overlays: outside it runs this script again there, and exits. A script that
 * runs itself once more inside is still in them.
 */
export function goIntoOverlays(packages: readonly string[]): void {
  if (process.env[MARK] === 'mounted') return;
  if (process.env[MARK] === undefined) {
    if (process.getuid?.() !== 0) throw new Error('without a container engine this needs root');
    const argv = ['--mount', '--', process.execPath, ...process.argv.slice(1)];
    const env = { ...process.env, [MARK]: '1' };
    process.exit(spawnSync('unshare', argv, { stdio: 'inherit', env }).status ?? 1);
  }
  const tools = join(cacheFolder(), 'tools');
  for (const name of OVERLAID) {
    const [upper, work] = [join(tools, name), join(tools, `${name}.work`)];
    for (const folder of [upper, work]) mkdirSync(folder, { recursive: true });
    const layers = `lowerdir=/${name},upperdir=${upper},workdir=${work}`;
    command(['mount', '-t', 'overlay', 'overlay', '-o', layers, `/${name}`]);
  }
  process.env[MARK] = 'mounted';
  const done = join(tools, `installed-${packages.join('+')}`);
  if (existsSync(done)) return;
  // No service is started in here.
  writeFileSync('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  command(['apt-get', '-qq', 'update']);
  const options = ['-qq', 'install', '-y', '--no-install-recommends'];
  command(['apt-get', ...options, ...packages], { DEBIAN_FRONTEND: 'noninteractive' });
  writeFileSync(done, '');
}

/** Makes the base, of what the cache has. @param buildah argv that buildah's commands begin with */
export function makeBase(buildah: readonly string[], architecture: string): void {
  const folder = join(cacheFolder(), 'base');
  const archive = join(folder, 'base.tar');
  if (!existsSync(archive)) makeBaseArchive(folder, archive);
  const file = join(folder, 'Containerfile');
  writeFileSync(file, 'FROM scratch\nADD base.tar /\n');
  const options = ['-q', `--arch=${architecture}`, '-t', ownBase(architecture), '-f', file];
  command([...buildah, 'bud', ...options, folder]);
}

function makeBaseArchive(folder: string, archive: string): void {
  const root = join(folder, 'root');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  command(['debootstrap', '--variant=minbase', 'bookworm', root, `${MIRROR}/debian`]);
  // npm is that which runs this: it says where it is.
  const npm = resolve(dirname(process.env.npm_execpath ?? '/usr/share/npm/bin/npm-cli.js'), '..');
  cpSync(process.execPath, join(root, 'usr/local/bin/node'));
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
  const script = '../lib/node_modules/npm/bin/npm-cli.js';
  symlinkSync(script, join(root, 'usr/local/bin/npm'));
  command(['chroot', root, 'npm', '--version']);
  for (const name of ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/cache/apt']) {
    rmSync(join(root, name), { recursive: true });
  }
  command(['tar', '-C', root, '--numeric-owner', '--sort=name', '-cf', `${archive}.part`, '.']);
  command(['mv', `${archive}.part`, archive]);
  rmSync(root, { recursive: true });
}
