/**
 * npm run image:lock: asks Debian's archive, by apt with its signatures, which versions of the images'
 * packages it has now, for both architectures, and writes them to image/debian-packages.lock. It uses
 * a folder of its own: the machine's apt is not touched.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARCHITECTURES, type Architecture, TARGETS, type Target } from './contents.ts';
import { closure, type DebianPackage, parseIndex } from './debian-index.ts';
import { formatLock, LOCK_FILE, type LockedPackage } from './lock-file.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org';
/** What snapshot.debian.org needs to have what a mirror has; ms. */
const SNAPSHOT_LAG_MS = 6 * 3600 * 1000;
const INDEX_BYTES_MAX = 256 * 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'kube-ovn-lock-'));
try {
  writeFileSync(LOCK_FILE, formatLock(lock(update(folder))));
} finally {
  rmSync(folder, { recursive: true });
}

/** Fetches the indices. @returns where they are */
function update(folder: string): string {
  for (const name of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, 'status'), '');
  const suites = [
    ['debian', 'bookworm'],
    ['debian', 'bookworm-updates'],
    ['debian-security', 'bookworm-security'],
  ];
  const sources = suites.map(
    ([repository, suite]) => `deb [signed-by=${KEYRING}] ${MIRROR}/${repository} ${suite} main\n`,
  );
  writeFileSync(join(folder, 'sources.list'), sources.join(''));
  const settings = [
    `Dir::State=${folder}`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}/cache`,
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    'Dir::Etc::sourceparts=-',
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
    ...ARCHITECTURES.map((architecture) => `APT::Architectures::=${architecture}`),
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  execFileSync('apt-get', [...options, '-qq', 'update'], { stdio: 'inherit' });
  return join(folder, 'lists');
}

function lock(lists: string) {
  const files = readdirSync(lists);
  const packages = ARCHITECTURES.flatMap((architecture) => {
    const index = files
      .filter((file) => file.includes(`_main_binary-${architecture}_Packages`))
      .flatMap((file) => {
        const repository = file.includes('_debian-security_') ? 'debian-security' : 'debian';
        return parseIndex(readList(join(lists, file)), repository);
      });
    return lockArchitecture(architecture, index);
  });
  const releases = files.filter((file) => file.endsWith('_InRelease'));
  const dates = releases.map((file) => /^Date: (.*)$/m.exec(readList(join(lists, file)))?.[1]);
  const newestMs = Math.max(...dates.map((date) => Date.parse(date ?? '')));
  const snapshot = new Date(newestMs + SNAPSHOT_LAG_MS).toISOString();
  return { snapshot: snapshot.replace(/[-:]|\.\d+/g, ''), packages };
}

/** The text of a list, which apt may keep compressed. */
function readList(path: string): string {
  const options = { encoding: 'utf8', maxBuffer: INDEX_BYTES_MAX } as const;
  return execFileSync('/usr/lib/apt/apt-helper', ['cat-file', path], options);
}

function lockArchitecture(
  architecture: Architecture,
  index: readonly DebianPackage[],
): LockedPackage[] {
  const locked = new Map<string, LockedPackage>();
  for (const target of Object.keys(TARGETS) as Target[]) {
    const { packages, without } = TARGETS[target];
    const options = { wanted: Object.keys(packages), without: Object.keys(without), isNewer };
    for (const { name, version, sha256, repository, path } of closure(index, options)) {
      const targets = [...(locked.get(name)?.targets ?? []), target];
      locked.set(name, { architecture, name, version, sha256, repository, path, targets });
    }
  }
  return [...locked.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isNewer(a: string, b: string): boolean {
  return a !== b && spawnSync('dpkg', ['--compare-versions', a, 'gt', b]).status === 0;
}
