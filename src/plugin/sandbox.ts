/**
 * The sandbox's defaults for IPv6, which an interface takes over when it comes into the namespace.
 *
 * No pod may configure another one's interface: the answer to a router advertisement, which any
 * neighbour can send, is an address and a default route (the class of CVE-2020-10749). And runtimes
 * may have switched IPv6 off (`disable_ipv6`). This is the executable's work, since it is root on
 * the host: in the daemon's container /proc/sys may be read-only. It is done before the interface
 * exists, and undone when the daemon has answered: what others make in the sandbox is theirs.
 *
 * Source: linux, Documentation/networking/ip-sysctl.rst, "/proc/sys/net/ipv6/conf"; `default` "will
 * be used by interfaces that are created later", also by those that are moved there (addrconf.c).
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';

const DEFAULTS = '/proc/sys/net/ipv6/conf/default';
const OWN_NAMESPACE = '/proc/thread-self/ns/net';
/** linux/sched.h */
const CLONE_NEWNET = 0x40000000;

/** A sandbox whose defaults were changed. */
export interface PreparedSandbox {
  /** Gives the sandbox's defaults their former values. Never throws. */
  restore(): void;
}

/**
 * Prepares a sandbox for one interface. Undefined where that cannot be done from here, for whatever
 * reason: the daemon tries it then, and says what is wrong.
 * @param acceptRa whether the interface takes router advertisements
 */
export function prepareSandbox(netns: string, acceptRa: boolean): PreparedSandbox | undefined {
  const wanted = { disable_ipv6: '0', accept_ra: acceptRa ? '1' : '0' };
  try {
    const former = inNamespace(netns, () => exchange(wanted));
    return { restore: () => restore(netns, former) };
  } catch {
    return undefined;
  }
}

function restore(netns: string, former: Record<string, string>): void {
  if (Object.keys(former).length === 0) return;
  try {
    inNamespace(netns, () => exchange(former));
  } catch {
    // The sandbox may be gone meanwhile.
  }
}

/** @returns what the changed keys were before; none where the kernel has no IPv6 */
function exchange(wanted: Record<string, string>): Record<string, string> {
  const former: Record<string, string> = {};
  if (!existsSync(DEFAULTS)) return former;
  for (const [key, value] of Object.entries(wanted)) {
    const found = readFileSync(`${DEFAULTS}/${key}`, 'utf8').trim();
    if (found === value) continue;
    writeFileSync(`${DEFAULTS}/${key}`, value);
    former[key] = found;
  }
  return former;
}

/**
 * Runs `work` in another network namespace. It must be synchronous: setns(2) moves this thread
 * only, which is the one that JavaScript and its synchronous calls run on.
 * @throws Error where this is no other network namespace, or we may not enter it
 */
function inNamespace<T>(path: string, work: () => T): T {
  const own = openSync(OWN_NAMESPACE, 'r');
  try {
    const target = openSync(path, 'r');
    try {
      const [here, there] = [fstatSync(own), fstatSync(target)];
      if (here.ino === there.ino && here.dev === there.dev) {
        throw new Error(`${path} is the network namespace of the node`);
      }
      enter(target);
    } finally {
      closeSync(target);
    }
    try {
      return work();
    } finally {
      enter(own);
    }
  } finally {
    closeSync(own);
  }
}

function enter(namespace: number): void {
  setns ??= loadSetns();
  if (setns(namespace, CLONE_NEWNET) !== 0) throw new Error('setns(2) failed');
}

type Setns = (fd: number, type: number) => number;
let setns: Setns | undefined;

/** The part of bun's module `bun:ffi` that is used; loading it takes half a millisecond. */
interface Ffi {
  dlopen(library: string, symbols: object): { symbols: { setns: Setns } };
}

/** @throws Error under node (tests, development), which cannot call the C library */
function loadSetns(): Setns {
  const ffi = process.getBuiltinModule('bun:ffi') as unknown as Ffi | undefined;
  if (ffi === undefined) throw new Error('only the compiled executable enters namespaces');
  const signature = { args: ['int', 'int'], returns: 'int' };
  return ffi.dlopen('libc.so.6', { setns: signature }).symbols.setns;
}
