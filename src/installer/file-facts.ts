/**
 * What is at a path where an executable goes: read once, piece by piece, so that an executable of a
 * hundred megabytes costs an init container no memory.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import { MARK_BYTES_MAX, type Mark, parseMark } from './mark.ts';

/** What was read of a regular file. */
export interface FileFacts {
  readonly kind: 'file';
  readonly bytes: number;
  /** SHA-256 of all but the mark; hexadecimal. */
  readonly digest: string;
  readonly mark?: Mark;
  /** Without it the kernel starts nothing: an ELF header or `#!`. An empty or torn file has none. */
  readonly isRunnable: boolean;
  /** Its permissions let everybody run it. */
  readonly isExecutable: boolean;
  /** It calls Kube-OVN's daemon: Kube-OVN's own executable, or ours of before the mark. */
  readonly isKubeOvn: boolean;
}

/** What is at a path. */
export type Found =
  | FileFacts
  | { readonly kind: 'absent' }
  /** A folder, a device, a link that leads nowhere. */
  | { readonly kind: 'special'; readonly what: string };

const CHUNK_BYTES = 1024 * 1024;
/** What each executable that calls Kube-OVN's daemon has in it: a field of its configuration, a path. */
const KUBE_OVN_NEEDLES = ['server_socket', '/api/v1/'].map((text) => Buffer.from(text));
const NEEDLE_BYTES_MAX = Math.max(...KUBE_OVN_NEEDLES.map(({ length }) => length));

/**
 * What is at `path`; links are followed.
 * @param isOurs its mark is believed, and the file not read: of the image, which the runtime has checked
 */
export async function findFile(path: string, isOurs = false): Promise<Found> {
  const own = await lstat(path).catch(absentOr);
  if (own === undefined) return { kind: 'absent' };
  const target = await stat(path).catch(absentOr);
  if (target === undefined) return { kind: 'special', what: 'a link that leads nowhere' };
  if (target.isDirectory()) return { kind: 'special', what: 'a folder' };
  // One that is no file is not opened: a FIFO would wait for its other end.
  if (!target.isFile()) return { kind: 'special', what: 'no regular file' };
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await readFacts(file, isOurs);
  } finally {
    await file.close();
  }
}

function absentOr(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

async function readFacts(file: FileHandle, isOurs: boolean): Promise<FileFacts> {
  const { size, mode } = await file.stat();
  const end = await readAt(file, Math.max(0, size - MARK_BYTES_MAX), MARK_BYTES_MAX);
  const marked = parseMark(end);
  const read =
    isOurs && marked ? believed(marked.mark) : await readBody(file, size - (marked?.bytes ?? 0));
  const start = (await readAt(file, 0, 4)).toString('latin1');
  return {
    kind: 'file',
    bytes: size,
    ...read,
    isRunnable: start === '\x7fELF' || start.startsWith('#!'),
    isExecutable: (mode & 0o111) === 0o111,
    ...(marked && { mark: marked.mark }),
  };
}

function believed({ digest, name }: Mark): Pick<FileFacts, 'digest' | 'isKubeOvn'> {
  return { digest, isKubeOvn: name === 'kube-ovn' };
}

/** @param bytes how many of the file are no mark */
async function readBody(
  file: FileHandle,
  bytes: number,
): Promise<Pick<FileFacts, 'digest' | 'isKubeOvn'>> {
  const hash = createHash('sha256');
  const missing = new Set(KUBE_OVN_NEEDLES);
  let carried: Buffer = Buffer.alloc(0);
  for (let at = 0; at < bytes; ) {
    const chunk = await readAt(file, at, Math.min(CHUNK_BYTES, bytes - at));
    if (chunk.length === 0) break;
    at += chunk.length;
    hash.update(chunk);
    // A needle may lie across the border of two chunks.
    const searched = Buffer.concat([carried, chunk]);
    for (const needle of missing) if (searched.includes(needle)) missing.delete(needle);
    carried = searched.subarray(-NEEDLE_BYTES_MAX);
  }
  return { digest: hash.digest('hex'), isKubeOvn: missing.size === 0 };
}

/** Up to `bytes` from `position` on; fewer at the end of the file only. */
async function readAt(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
