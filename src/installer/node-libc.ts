/**
 * Whether the node has the C library that the CNI executable needs: the runtime starts it on the node
 * itself, where it would end before it can say why. It is looked for in the node's root, which only a
 * privileged container with the host's processes can see; elsewhere nothing is known.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { pathInRoot } from '../common/path-in-root.ts';

/** The runtime in the executable (docs/install.md, "Requirements"). */
const NEEDED = [2, 17] as const;
/** Where distributions have it: Debian's, Red Hat's and others', both processors. */
const LIBRARIES = [
  '/lib/x86_64-linux-gnu/libc.so.6', '/lib/aarch64-linux-gnu/libc.so.6',
  '/lib64/libc.so.6', '/usr/lib64/libc.so.6', '/usr/lib/libc.so.6', '/lib/libc.so.6',
]; // biome-ignore format: a table
/** What `libc.so.6`, run as a program, prints: it has its version as text. */
const VERSION = /GNU C Library [^\0\n]*?version (\d+)\.(\d+)/;
/** Of bytes: today's has two million. */
const BYTES_MAX = 32 * 1024 * 1024;

/** @returns what is wrong and what to do; undefined where nothing is, or nothing can be seen */
export function libcProblem(hostRoot = '/proc/1/root'): string | undefined {
  try {
    readdirSync(hostRoot);
  } catch {
    return undefined;
  }
  const [first] = LIBRARIES.flatMap((path) => versionAt(pathInRoot(hostRoot, path)) ?? []);
  const needs = `the CNI executable needs glibc ${NEEDED.join('.')} or newer on the node`;
  if (first === undefined) {
    return `${needs}, and none is in ${LIBRARIES.join(', ')}: without it, every call of the runtime fails`;
  }
  const [major, minor] = first;
  const isEnough = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  return isEnough
    ? undefined
    : `${needs}, and this one has ${major}.${minor}: every call of the runtime will fail`;
}

function versionAt(path: string): [[major: number, minor: number]] | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (!found.isFile() || found.size > BYTES_MAX) return undefined;
    const words = VERSION.exec(readFileSync(file, 'latin1'));
    return words === null ? undefined : [[Number(words[1]), Number(words[2])]];
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
