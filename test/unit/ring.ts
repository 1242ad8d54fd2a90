/**
 * What a unit test may start and open: no process, and no socket but on loopback, in the temporary folder, below
 * /run, or at a path that is not there. Those are fakes in the test's own process.
 *
 * `installGuards` puts a check in front of node's own functions, for as long as the worker runs: it
 * runs unit tests only (vitest's `isolate: false`).
 */
import childProcess, { ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const FOLDERS = [`${tmpdir()}/`, '/run/', '/nosuch/'];

/** Files of one worker share this, and so do copies of this module, should vitest load it again. */
const KEY = Symbol.for('kube-ovn unit ring: what was refused');
const shared = globalThis as { [KEY]?: string[] };

/** What tests did that is not for this ring, since it was last emptied. */
export function takeRefused(): string[] {
  return shared[KEY]?.splice(0) ?? [];
}

/** Makes a process or a socket that is not for this ring fail at the call. Once is enough. */
export function installGuards(): void {
  if (shared[KEY] !== undefined) return;
  shared[KEY] = [];
  // All of spawn, exec, execFile and fork come here.
  guard(ChildProcess.prototype, 'spawn', ([options]) => {
    throw refuse(`starts ${(options as { file: string }).file}`);
  });
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
    guard(childProcess, name, ([file]) => {
      throw refuse(`starts ${String(file)}`);
    });
  }
  syncBuiltinESMExports();
  guard(Server.prototype, 'listen', (args) => {
    const target = targetOf(args);
    if (!isOwn(target)) throw refuse(`listens on ${textOf(target)}`);
  });
  guard(Socket.prototype, 'connect', (args) => {
    const target = targetOf(args);
    if (!isOwn(target)) throw refuse(`connects to ${textOf(target)}`);
  });
}

function refuse(what: string): Error {
  const message = `a unit test ${what}: it belongs to test/process`;
  shared[KEY]?.push(message);
  return new Error(message);
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function guard(owner: object, name: string, check: (args: readonly unknown[]) => void): void {
  const original = Reflect.get(owner, name) as Method;
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    check(args);
    return original.apply(this, args);
  });
}

/** What both `listen` and `connect` take: options, a path, or a port and a host. */
interface Target {
  readonly path?: string | null;
  readonly host?: string | null;
  readonly port?: number | string;
}

/** @param args of `listen` or `connect`; node passes its own as one array */
function targetOf(args: readonly unknown[]): Target {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as readonly unknown[]) : args;
  if (typeof first === 'object' && first !== null) return first as Target;
  if (typeof first === 'string' && first.startsWith('/')) return { path: first };
  return { port: Number(first), ...(typeof second === 'string' ? { host: second } : {}) };
}

function isOwn({ path, host }: Target): boolean {
  if (typeof path === 'string') return FOLDERS.some((folder) => path.startsWith(folder));
  return typeof host === 'string' && LOOPBACK.test(host);
}

function textOf({ path, host, port }: Target): string {
  return path ?? `${host ?? 'any address'}:${port}`;
}
