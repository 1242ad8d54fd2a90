/**
 * Puts the packages of image/debian-packages.lock together to the file system of an image, for either
 * architecture on either: packages are unpacked and no script of theirs runs, so nothing has to be
 * emulated, and nothing depends on the image in which this runs. It is a step of Dockerfile:
 *
 *   node scripts/image/rootfs.ts <agent|ovn> <amd64|arm64> <folder>
 *
 * What maintainer scripts would have left is made here: links, users, the list of packages.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { withMark } from '../../src/installer/mark.ts';
import { ARCHITECTURES, type Contents, TARGETS, type Target } from './contents.ts';
import { neededLibraries } from './elf.ts';
import { type DebianLock, type LockedPackage, readLock } from './lock-file.ts';
import { setTimes } from './times.ts';

const { version } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string };
const MIRROR = process.env.DEBIAN_MIRROR || 'http://deb.debian.org';
const SNAPSHOTS = 'http://snapshot.debian.org/archive';

/** Folders that Debian merges into /usr, as debootstrap and the installer do. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'];

/** Documentation and what belongs to package managers; copyright files stay. */
const NEVER = [
  'usr/share/{bash-completion,bug,debhelper,doc-base,fish,info,lintian,linda,locale,man,menu,zsh}',
  'usr/share/doc/*/*',
  'usr/lib/{systemd,tmpfiles.d,sysusers.d}',
  'etc/{alternatives,cron.d,cron.daily,default,init.d,logrotate.d,skel,systemd,update-motd.d}',
  'etc/{pam.d,security,rc*.d}',
];

/** What maintainer scripts copy. */
const FROM_DEBIAN = {
  'usr/share/base-passwd/passwd.master': 'etc/passwd',
  'usr/share/base-passwd/group.master': 'etc/group',
  'usr/share/libc-bin/nsswitch.conf': 'etc/nsswitch.conf',
};

const [target, architecture, folder] = process.argv.slice(2);
if (!isOneOf(Object.keys(TARGETS), target) || !isOneOf(ARCHITECTURES, architecture)) {
  throw new Error('usage: rootfs.ts <agent|ovn> <amd64|arm64> <folder>');
}
if (folder === undefined) throw new Error('usage: rootfs.ts <agent|ovn> <amd64|arm64> <folder>');
compose(folder, target as Target, architecture);

function isOneOf(words: readonly string[], word: string | undefined): word is string {
  return word !== undefined && words.includes(word);
}

function compose(root: string, target: Target, architecture: string): void {
  const lock = readLock();
  const packages = lock.packages.filter(
    (one) => one.architecture === architecture && one.targets.includes(target),
  );
  mkdirSync(root, { recursive: true });
  for (const name of MERGED) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const downloads = mkdtempSync(join(tmpdir(), 'kube-ovn-packages-'));
  download(lock, packages, downloads);
  for (const one of packages) unpack(root, one, fileOf(downloads, one));
  rmSync(downloads, { recursive: true });
  finish(root, TARGETS[target]);
  setTimes(root, lock.snapshot);
}

function fileOf(downloads: string, { name, architecture }: LockedPackage): string {
  return join(downloads, `${name}_${architecture}.deb`);
}

/**
 * Fetches by apt's own helper, which compares the SHA-256, knows proxies and tries again; where the
 * mirror has replaced a package by a newer one, from the archive's snapshots.
 * @throws Error that names what is missing
 */
function download(lock: DebianLock, packages: readonly LockedPackage[], downloads: string): void {
  const places = [
    ({ repository, path }: LockedPackage) => `${MIRROR}/${repository}/${path}`,
    ({ repository, path }: LockedPackage) => `${SNAPSHOTS}/${repository}/${lock.snapshot}/${path}`,
  ];
  let missing = packages;
  for (const place of places) {
    const words = missing.flatMap((one) => [
      place(one),
      fileOf(downloads, one),
      `SHA256:${one.sha256}`,
    ]);
    if (words.length === 0) return;
    const options = ['Acquire::Retries=3', 'APT::Sandbox::User=root', 'quiet=2'];
    const settings = options.flatMap((option) => ['-o', option]);
    spawnSync('/usr/lib/apt/apt-helper', [...settings, 'download-file', ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    missing = missing.filter((one) => !existsSync(fileOf(downloads, one)));
  }
  const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ');
  if (missing.length > 0) throw new Error(`neither ${MIRROR} nor ${SNAPSHOTS} gives ${names}`);
}

/** Unpacks a package, and adds it to the list that scanners of images read (distroless' form). */
function unpack(root: string, { name }: LockedPackage, file: string): void {
  const options = { maxBuffer: 512 * 1024 * 1024 };
  const input = execFileSync('dpkg-deb', ['--fsys-tarfile', file], options);
  execFileSync('tar', ['-C', root, '--keep-directory-symlink', '-x'], { input });
  const status = join(root, 'var/lib/dpkg/status.d', name);
  mkdirSync(dirname(status), { recursive: true });
  writeFileSync(status, execFileSync('dpkg-deb', ['--field', file], options));
}

function finish(root: string, { remove, moves, links, users, folders }: Contents): void {
  for (const [from, to] of Object.entries(moves)) moveMarked(root, from, to);
  const unwanted = [...NEVER, ...remove].flatMap((pattern) => globSync(pattern, { cwd: root }));
  for (const path of unwanted.filter((path) => !path.endsWith('/copyright'))) {
    rmSync(join(root, path), { recursive: true, force: true });
  }
  for (const [path, to] of Object.entries(links)) {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(to, join(root, path));
  }
  for (const [from, to] of Object.entries(FROM_DEBIAN)) {
    cpSync(join(root, from), join(root, to));
    chmodSync(join(root, to), 0o644);
  }
  for (const [name, id] of Object.entries(users)) addSystemUser(root, name, id);
  for (const path of folders) mkdirSync(join(root, path), { recursive: true, mode: 0o755 });
  removeScripts(root);
  dropPrivileges(root);
  checkLibraries(root);
}

/** As `adduser --system --group --no-create-home` does it: without a password, a shell or a folder. */
function addSystemUser(root: string, name: string, id: number): void {
  const line = `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin\n`;
  appendFileSync(join(root, 'etc/passwd'), line);
  appendFileSync(join(root, 'etc/group'), `${name}:x:${id}:\n`);
}

/** What the installer puts onto nodes has its mark (src/installer/mark.ts). */
function moveMarked(root: string, from: string, to: string): void {
  const content = readFileSync(join(root, from));
  rmSync(join(root, from));
  writeFileSync(join(root, to), withMark(content, basename(to), version), { mode: 0o755 });
}

/** Removes scripts whose interpreter is not in the image: they cannot run. */
function removeScripts(root: string): void {
  for (const path of globSync('usr/{bin,sbin,share/*/scripts}/*', { cwd: root })) {
    const file = join(root, path);
    if (!lstatSync(file).isFile()) continue;
    const start = readFileSync(file).subarray(0, 200).toString('latin1');
    const words = /^#! *(\S+)(?: +(\S+))?/.exec(start);
    if (words === null) continue;
    const [, program = '', argument = ''] = words;
    const interpreter = program.endsWith('/env') ? argument : program.replace(/^.*\//, '');
    const isThere = ['usr/bin', 'usr/sbin'].some((folder) =>
      lstatSync(join(root, folder, interpreter), { throwIfNoEntry: false }),
    );
    if (!isThere) rmSync(file);
  }
}

/** Takes away the right to become another user: nobody in the image needs it. */
function dropPrivileges(root: string): void {
  for (const path of globSync('usr/{bin,sbin}/*', { cwd: root })) {
    const { mode } = lstatSync(join(root, path));
    if ((mode & 0o6000) !== 0) chmodSync(join(root, path), mode & 0o1777);
  }
}

/** Says which shared libraries that the programs name are not there: a package too few. */
function checkLibraries(root: string): void {
  const there = new Set(
    globSync('usr/lib/**/*.so*', { cwd: root }).map((path) => path.replace(/^.*\//, '')),
  );
  const programs = globSync('{usr/bin,usr/sbin,.}/*', { cwd: root }).filter((path) =>
    lstatSync(join(root, path)).isFile(),
  );
  const needed = programs.flatMap((path) =>
    neededLibraries(readFileSync(join(root, path))).map((library) => ({ path, library })),
  );
  const lacking = needed.filter(({ library }) => !there.has(library));
  if (lacking.length === 0) return;
  const text = lacking.map(({ path, library }) => `/${path} needs ${library}`).join('\n');
  throw new Error(`libraries are missing:\n${text}`);
}
