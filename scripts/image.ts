/**
 * npm run image: builds an image by Dockerfile, and says what it is and how large.
 *
 *   npm run image -- [--target=agent|ovn] [--arch=amd64|arm64] [--output=FILE] [--tag=NAME] [--twice]
 *
 * It takes the engine that is there: docker (with buildx), podman or buildah. Where there is none, or
 * --own-tools is given, it builds on Debian with what own-tools.ts brings. Two builds of one commit
 * with one engine have the same digest: --twice builds again, from nothing, and compares.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { archiveOf, cacheFolder, storageDriver } from './image/cache.ts';
import { command, output, succeeds } from './image/command.ts';
import { ARCHITECTURES, TARGETS } from './image/contents.ts';
import { epochOf, readLock } from './image/lock-file.ts';
import { readArchive } from './image/oci-archive.ts';
import { goIntoOverlays, makeBase, ownBase } from './image/own-tools.ts';
import { secretOptions } from './image/secrets.ts';
import { type PackageFile, SOURCE_LABEL, sourceOf } from './image/source-label.ts';

const ROOT = join(import.meta.dirname, '..');
const NAME = 'kube-ovn-node';
const OWN_PACKAGES = ['buildah', 'debootstrap'];

const { values: given } = parseArgs({
  options: {
    target: { type: 'string', default: 'agent' },
    arch: { type: 'string', default: process.arch === 'x64' ? 'amd64' : process.arch },
    output: { type: 'string' },
    tag: { type: 'string' },
    'own-tools': { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
  },
});
check('--target', given.target, Object.keys(TARGETS));
check('--arch', given.arch, ARCHITECTURES);
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageFile;
const { version } = manifest;
const tag =
  given.tag ?? `${given.target === 'agent' ? NAME : `${NAME}-${given.target}`}:${version}`;
const source = sourceOf(manifest);
/** Of the start: files may change while it builds. */
const commit = revision();
const archive = given.output ?? archiveOf(given.target, given.arch);
const engine = given['own-tools'] ? undefined : engineHere();
build(archive, []);
report();
if (given.twice) compareWithAnother();

function check(flag: string, value: string, expected: readonly string[]): void {
  if (expected.includes(value)) return;
  console.error(`${flag}=${value}: expected ${expected.join(' or ')}`);
  process.exit(1);
}

/** @param more options of the engine's build command */
function build(file: string, more: readonly string[]): void {
  if (engine === 'docker') withDocker(file, more);
  else if (engine !== undefined) withBuildah([engine], file, more);
  else withOwnTools(file, more);
}

function compareWithAnother(): void {
  const another = `${archive}.another`;
  build(another, ['--no-cache']);
  const [first, second] = [archive, another].map((file) => readArchive(file).digest);
  rmSync(another);
  if (first !== second) throw new Error(`built again its digest is another one: ${second}`);
  console.log(`\nbuilt again from nothing its digest is the same: ${second}`);
}

function engineHere(): 'docker' | 'podman' | 'buildah' | undefined {
  if (succeeds(['docker', 'buildx', 'inspect'])) return 'docker';
  return (['podman', 'buildah'] as const).find((name) => succeeds([name, 'info']));
}

/** What all engines are told alike. */
function buildOptions(): string[] {
  return [
    `--platform=linux/${given.arch}`,
    `--target=${given.target}`,
    ...['--build-arg', `VERSION=${version}`],
    ...['--build-arg', `REVISION=${commit}`],
    // Not in Dockerfile: there it would be an empty label where package.json names no repository.
    ...(source === undefined ? [] : ['--label', `${SOURCE_LABEL}=${source}`]),
    ...secretOptions(),
  ];
}

/** The commit; with what was changed since, none. */
function revision(): string {
  const isCommit = succeeds(['git', '-C', ROOT, 'diff', '--quiet', 'HEAD']);
  return isCommit ? output(['git', '-C', ROOT, 'rev-parse', 'HEAD']).trim() : 'unknown';
}

function epoch(): number {
  return epochOf(readLock().snapshot);
}

function withDocker(file: string, more: readonly string[]): void {
  const to = `type=oci,dest=${file},name=${tag},rewrite-timestamp=true`;
  const options = [...buildOptions(), '--build-arg', `SOURCE_DATE_EPOCH=${epoch()}`, ...more];
  command(['docker', 'buildx', 'build', ...options, '--provenance=false', '--output', to, ROOT]);
}

function withBuildah(engine: readonly string[], file: string, more: readonly string[]): void {
  const words = engine.at(-1) === 'podman' ? ['build'] : ['bud'];
  const options = [...buildOptions(), `--timestamp=${epoch()}`, ...more];
  command([...engine, ...words, ...options, '-t', tag, ROOT]);
  command([...engine, 'push', tag, `oci-archive:${file}:${tag}`]);
}

function withOwnTools(file: string, more: readonly string[]): void {
  goIntoOverlays(OWN_PACKAGES);
  // Of this build alone: what one that was interrupted leaves would stay, some 3 GB each time.
  const store = join(cacheFolder(), 'store');
  rmSync(store, { recursive: true, force: true });
  mkdirSync(store, { recursive: true });
  process.env.TMPDIR = store;
  const places = ['--root', join(store, 'root'), '--runroot', join(store, 'run')];
  const buildah = ['buildah', ...places, '--storage-driver', storageDriver(store)];
  const own = ownBase(given.arch);
  makeBase(buildah, given.arch);
  const base = ['--build-arg', `NODE_IMAGE=${own}`, '--pull=never', '--isolation=chroot'];
  // Without --layers: buildah 1.28 takes a label of an earlier build from its cache, whatever its ARG.
  withBuildah(buildah, file, [...base, ...more]);
  rmSync(store, { recursive: true, force: true });
}

function report(): void {
  if (!existsSync(archive)) throw new Error(`no ${archive} came of the build`);
  const { digest, layers, archiveBytes } = readArchive(archive);
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const total = layers.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0);
  console.log(`\n${tag} (${given.target}, ${given.arch}) in ${archive}`);
  console.log(`digest ${digest}`);
  console.log(`${megabytes(total)} unpacked, ${megabytes(archiveBytes)} to transfer; layers:`);
  for (const { unpackedBytes, bytes } of layers) {
    console.log(`  ${megabytes(unpackedBytes)} unpacked, ${megabytes(bytes)} to transfer`);
  }
}
