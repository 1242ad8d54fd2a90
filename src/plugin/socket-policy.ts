/**
 * Which sockets this executable talks to. It runs as root on the node, and `server_socket` comes from a
 * NetworkAttachmentDefinition, which somebody may write who has no say on any node: so it may only
 * name a socket where the system keeps those of its daemons, and one that is root's.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CniCode } from '../wire/cni.ts';
import { cniError, mismatch } from './error.ts';

/**
 * The administrator's file with sockets at other places: an absolute path on each line; `#` begins a
 * comment. It counts where nobody but root can have written it.
 */
export const ALLOWED_SOCKETS_FILE = '/etc/kube-ovn/server-sockets';
const FILE_BYTES_MAX = 64 * 1024;
const OTHERS_MAY_WRITE = 0o022;

/**
 * Throws error 7, which names the field, for a path that is not plain, one at a place that nobody
 * has allowed, and a socket of another user than this process's.
 * @param field `server_socket`, or `ipam.server_socket`
 */
export function refuseForeignSocket(
  path: string,
  field: string,
  allowedFile = ALLOWED_SOCKETS_FILE,
): void {
  const segments = path.split('/').slice(1);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    refuse(field, 'a path without "//", "." and ".."', path);
  }
  if (!/^\/(?:var\/)?run\//.test(path)) {
    const { sockets, because } = readAllowed(allowedFile);
    const expected = `a socket below /run or /var/run, or one that ${allowedFile} on the node names${because}`;
    if (!sockets.includes(path)) refuse(field, expected, path);
  }
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  if (owner !== undefined && owner !== process.getuid?.()) {
    refuse(field, `a socket of user ${process.getuid?.()}; this one is of user ${owner}`, path);
  }
}

function refuse(field: string, expected: string, path: string): never {
  const details = mismatch(field, expected, path);
  throw cniError(CniCode.invalidConfig, 'invalid network configuration', details);
}

/** `because` says why the file does not count, where it is there. */
function readAllowed(file: string): { sockets: readonly string[]; because: string } {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let descriptor: number | undefined;
  try {
    refuseWritable(dirname(file), lstatSync(dirname(file)));
    descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = fstatSync(descriptor);
    refuseWritable(file, stats);
    if (!stats.isFile() || stats.size > FILE_BYTES_MAX) {
      throw new Error(`it is no file of at most ${FILE_BYTES_MAX} bytes`);
    }
    const lines = readFileSync(descriptor, 'utf8').split('\n');
    return { sockets: lines.map((line) => line.replace(/#.*/, '').trim()), because: '' };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { sockets: [], because: code === 'ENOENT' ? '' : ` (it does not count: ${message})` };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function refuseWritable(path: string, { uid, mode }: { uid: number; mode: number }): void {
  const isOurs = uid === 0 || uid === process.getuid?.();
  if (!isOurs || (mode & OTHERS_MAY_WRITE) !== 0) {
    throw new Error(`others than root may write ${path}`);
  }
}
