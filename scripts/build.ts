/**
 * Builds what a node runs, into dist/:
 * - kube-ovn-cni.cjs, the daemon, and kube-ovn-controller.cjs, the controller, for node; beside each its
 *   code, and what V8 has compiled of that (`.code.js`, `.code.cache`);
 * - kube-ovn, the CNI executable: one file with bun's runtime and the bytecode in it, because node
 *   alone takes longer to start than the whole call may take (kube-ovn.cjs is the code in it);
 * - kube-ovn-install.cjs, which puts the executable onto a node: one file for node.
 *
 * Needs node_modules and nothing else: no network, no shell. A file of dist/ is replaced at once,
 * so that a build that fails or is interrupted leaves the last good one. The same sources and packages
 * give the same bytes. For another processor:
 *
 *   node scripts/build.ts --arch=<amd64|arm64> --runtimes=<node_modules that has its bun>
 */
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { withMark } from '../src/installer/mark.ts';
import { removeEnvironmentNames } from './environment-names.ts';
import { UNUSED_CODE } from './unused-code.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/** The executable's code is read at each start; this is far above what it needs. */
const PLUGIN_BYTES_MAX = 50_000;

/** What the daemon's dependencies load only if it happens to be there. */
const OPTIONAL_PACKAGES = ['supports-color', 'bufferutil', 'utf-8-validate'];

/** By Debian's and Docker's name of the processor; what bun calls it, and the package that has it. */
const BUNS: Readonly<Record<string, { target: string; package: string }>> = {
  amd64: { target: 'bun-linux-x64-baseline', package: 'bun-linux-x64-baseline' },
  arm64: { target: 'bun-linux-arm64', package: 'bun-linux-aarch64' },
};
const OWN_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

const { values: given } = parseArgs({
  options: {
    arch: { type: 'string', default: OWN_ARCHITECTURE },
    runtimes: { type: 'string', default: join(ROOT, 'node_modules') },
  },
});

/**
 * Makes `dist/<name>` by `make(temporary path)` and reports it. The temporary file has its name in a
 * folder of this process: bun writes its own file's name into an executable.
 */
async function produce(name: string, make: (outfile: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(DIST, '.build-'));
  try {
    await make(join(folder, name));
    renameSync(join(folder, name), join(DIST, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const kilobytes = Math.ceil(statSync(join(DIST, name)).size / 1000);
  console.log(`dist/${name}  ${kilobytes.toLocaleString('en')} kB`);
}

/** What src/wire/version.ts names. */
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};

/** Bundles one entry point; throws where it would need another package than `optional` at run time. */
async function bundle(options: BuildOptions, optional: string[] = []): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    logLevel: 'warning',
    define: { BUILD_VERSION: JSON.stringify(version) },
    ...options,
    metafile: true,
  });
  const foreign = importsOf(metafile).filter(
    (path) => !isBuiltin(path) && !optional.includes(path),
  );
  if (foreign.length > 0) {
    throw new Error(`the bundle imports what node does not have: ${foreign.join(', ')}`);
  }
}

function importsOf(metafile: Metafile): string[] {
  return Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
}

async function bundlePlugin(outfile: string): Promise<void> {
  await bundle({ entryPoints: ['src/plugin/main.ts'], outfile, minify: true, target: 'es2022' });
  const { size } = statSync(outfile);
  if (size > PLUGIN_BYTES_MAX) {
    throw new Error(`the executable's code has ${size} bytes, more than ${PLUGIN_BYTES_MAX}`);
  }
}

/**
 * Names and usable lines stay: they are in the stacks of the daemon's log; of two that are the same, one has a
 * number behind it, since keeping those, too (esbuild's keepNames), costs a start some 15 ms of processor time.
 * The white space goes: it is half of the bytes, and the running daemon keeps its source in memory.
 */
async function bundleForNode(entryPoint: string, outfile: string, shebang?: string): Promise<void> {
  const options: BuildOptions = {
    entryPoints: [entryPoint],
    outfile,
    target: 'node24',
    minifyWhitespace: true,
    lineLimit: 120,
    plugins: UNUSED_CODE,
    ...(shebang !== undefined && { banner: { js: shebang } }),
  };
  await bundle(options, OPTIONAL_PACKAGES);
  writeFileSync(outfile, inAscii(readFileSync(outfile, 'utf8')));
  if (shebang !== undefined) chmodSync(outfile, 0o755);
}

/**
 * A name in one licence's comment is enough for V8 to keep two bytes for each character of a program. esbuild
 * escapes what is outside of ASCII in strings, and not in comments and regular expressions.
 */
function inAscii(code: string): string {
  return code.replaceAll(/[\u0080-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** How node is started for a program. */
interface Start {
  readonly environment: string;
  /** The code cache is for these: with others V8 compiles anew. */
  readonly v8Flags: readonly string[];
}

/** A program in three files: the one that starts it, its code, and the code's cache. */
async function produceProgram(name: string, entryPoint: string, start: Start): Promise<void> {
  const shebang = `#!/usr/bin/env -S ${start.environment} node ${start.v8Flags.join(' ')}`.trim();
  await produce(`${name}.code.js`, (outfile) => bundleForNode(entryPoint, outfile));
  await produceCache(name, start);
  await produce(`${name}.cjs`, (outfile) => bundleForNode('src/start/main.ts', outfile, shebang));
}

/** V8 compiles differently from time to time, when a cache is made on a busy machine. */
const CACHES_MAX = 10;

/** None for another processor than this one: nothing is emulated. */
async function produceCache(name: string, { v8Flags }: Start): Promise<void> {
  const cache = `${name}.code.cache`;
  if (given.arch !== OWN_ARCHITECTURE) {
    rmSync(join(DIST, cache), { force: true });
    return;
  }
  await produce(cache, async (outfile) => {
    const made = new Set<string>();
    for (let count = 0; count < CACHES_MAX; count += 1) {
      makeCache(join(DIST, `${name}.code.js`), outfile, v8Flags);
      const digest = hash('sha256', readFileSync(outfile));
      if (made.has(digest)) return;
      made.add(digest);
    }
    throw new Error(`of ${CACHES_MAX} code caches of ${name} no two are the same`);
  });
}

function makeCache(code: string, outfile: string, v8Flags: readonly string[]): void {
  // The one that runs the program in the image: a cache is for one version of V8.
  const node = resolve(given.runtimes, `node-linux-${process.arch}/bin/node`);
  const args = [...v8Flags, '--random-seed=1', join(ROOT, 'scripts/code-cache.ts'), code, outfile];
  const { error, status, stderr } = spawnSync(node, args, { env: {}, encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    throw new Error(`${node} ${args.join(' ')}: ${error?.message ?? stderr}`);
  }
}

/**
 * A young generation of 1 MiB, collected more often, and one arena of the C library for all of
 * node's threads: the daemon stays 30 MB smaller.
 * That is time won, too, since starting a child process takes node the longer the more memory it
 * has. The old generation may grow to one and a half times what lives in it: left to itself it went up and down
 * by 26 MB while pods came and went.
 */
const DAEMON_START: Start = {
  environment: 'MALLOC_ARENA_MAX=1',
  v8Flags: ['--max-semi-space-size=1', '--heap-growing-percent=50'],
};
/**
 * The controller keeps a cluster's objects, and makes a lot that is soon over. Left to itself, V8 lets its
 * heap grow to four times what lives in it: 3,000 pods at once took 298 MB, and with a limit of one and
 * a half times, and a young generation of 4 MiB, 144 MB, for the same processor time.
 */
const CONTROLLER_START: Start = {
  environment: 'MALLOC_ARENA_MAX=1',
  v8Flags: ['--max-semi-space-size=4', '--heap-growing-percent=50'],
};
/** The installer keeps nothing. */
const INSTALLER_SHEBANG = '#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node';

/**
 * The executable runs as root in whatever directory the runtime has: bun's habit of loading `.env`
 * and bunfig.toml from there is switched off, and so is that of taking orders from variables (see
 * environment-names.ts). bun itself runs without this process's environment.
 */
async function compilePlugin(outfile: string): Promise<void> {
  const [ours, theirs] = [bunOf(OWN_ARCHITECTURE), bunOf(given.arch)];
  const bun = join(ROOT, 'node_modules/@oven', ours.package, 'bin/bun');
  const runtime = resolve(given.runtimes, '@oven', theirs.package, 'bin/bun');
  const args = ['build', '--compile', '--bytecode', '--minify'];
  args.push(`--target=${theirs.target}`, `--compile-executable-path=${runtime}`);
  for (const source of ['dotenv', 'bunfig', 'tsconfig', 'package-json']) {
    args.push(`--no-compile-autoload-${source}`);
  }
  args.push(join(DIST, 'kube-ovn.cjs'), '--outfile', outfile);
  const { error, status, stderr } = spawnSync(bun, args, { cwd: DIST, env: {}, encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    throw new Error(`${bun} ${args.join(' ')}: ${error?.message ?? stderr}`);
  }
  removeEnvironmentNames(outfile);
  writeFileSync(outfile, withMark(readFileSync(outfile), 'kube-ovn', version));
}

function bunOf(architecture: string): { target: string; package: string } {
  const bun = BUNS[architecture];
  if (bun !== undefined) return bun;
  throw new Error(`no bun for ${architecture}; there is one for ${Object.keys(BUNS).join(', ')}`);
}

mkdirSync(DIST, { recursive: true });
await produce('kube-ovn.cjs', bundlePlugin);
await produce('kube-ovn', compilePlugin);
await produceProgram('kube-ovn-cni', 'src/daemon/main.ts', DAEMON_START);
await produceProgram('kube-ovn-controller', 'src/controller/main.ts', CONTROLLER_START);
await produce('kube-ovn-install.cjs', (outfile) =>
  bundleForNode('src/installer/main.ts', outfile, INSTALLER_SHEBANG),
);
