/**
 * DELs that no daemon has answered, left for the next one: a file for each attachment, in a
 * directory beside the daemon's socket. A file is there as a whole or not at all, and it stays
 * when the machine goes down, as far as the directory does.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CniCode } from '../wire/cni.ts';
import { deletionsOf } from '../wire/paths.ts';
import { cniError, errorBody } from './error.ts';

/** Many times the pods of a node; a directory that fills is not read by anybody. */
const RECORDS_MAX = 4096;
const SUFFIX = deletionsOf('');
/**
 * Directories of records beside one socket, or where sockets may be: networks name them, and a node has
 * one daemon, or two for a while.
 */
const DIRECTORIES_MAX = 8;
/** A DEL has a few hundred bytes. */
const RECORD_BYTES_MAX = 64 * 1024;

/** A DEL without an answer. */
export interface Deletion {
  readonly socketPath: string;
  readonly containerId: string;
  readonly ifName: string;
  /** JSON text, as it was sent. */
  readonly body: string;
  /** Why there is no answer. */
  readonly failure: Error;
}

/**
 * Returns when the record is on the disk; it replaces an earlier one of the same attachment. Nothing is
 * recorded where not even the socket's directory is there, as after a start of the machine: no daemon
 * has made anything since, and what an earlier one left is cleaned up by the proof that its sandbox is
 * gone.
 * Throws error 11 where it is too long or one too many, 5 where the directory is not ours alone or
 * the system refuses.
 */
export function recordDeletion(deletion: Deletion): void {
  const { socketPath, containerId, ifName, body, failure } = deletion;
  const directory = deletionsOf(socketPath);
  const name = `${sha256(`${containerId}/${ifName}`)}.json`;
  const refusal = (code: number, reason: string) => {
    const details = `${directory}: ${reason}; ${errorBody(failure).details}`;
    return cniError(code, 'the DEL can neither be done nor recorded', details);
  };
  let excess: string | undefined;
  try {
    if (lstatSync(dirname(directory), { throwIfNoEntry: false }) === undefined) return;
    excess = prepareDirectory(directory) ?? excessOf(directory, name, body);
    if (excess === undefined) {
      write(directory, name, body);
    }
  } catch (error) {
    throw refusal(CniCode.io, (error as Error).message);
  }
  if (excess !== undefined) {
    throw refusal(CniCode.tryAgainLater, excess);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Makes the directory where it is missing, and no other one. Throws where others could write into it:
 * the daemon does what it finds there.
 * @returns why it is one too many, and then it is not made
 */
function prepareDirectory(directory: string): string | undefined {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) {
    const others = readdirSync(dirname(directory)).filter((name) => name.endsWith(SUFFIX));
    if (others.length >= DIRECTORIES_MAX) {
      return `beside it are ${others.length} directories of other sockets, and no more are made`;
    }
    make(directory);
  }
  const stats = lstatSync(directory);
  const uid = process.getuid?.();
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o077) !== 0) {
    const kind = stats.isDirectory() ? 'a directory' : 'no directory';
    const mode = (stats.mode & 0o777).toString(8);
    throw new Error(
      `expected a directory of user ${uid} that nobody else has access to, ` +
        `found ${kind} of user ${stats.uid} with mode ${mode}: move it away`,
    );
  }
  return undefined;
}

/** Another call may have been faster. */
function make(directory: string): void {
  try {
    mkdirSync(directory, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Which limit the record would exceed. Calls at the same time may exceed the second by theirs. */
function excessOf(directory: string, name: string, body: string): string | undefined {
  const bytes = Buffer.byteLength(body);
  if (bytes > RECORD_BYTES_MAX) {
    return `the DEL has ${bytes} bytes, more than ${RECORD_BYTES_MAX}`;
  }
  const records = readdirSync(directory).filter((entry) => entry.endsWith('.json'));
  return records.length < RECORDS_MAX || records.includes(name)
    ? undefined
    : `it holds ${records.length} DELs that no daemon has done, and takes no more`;
}

function write(directory: string, name: string, body: string): void {
  const temporary = join(directory, `.${name}.${process.pid}.tmp`);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  // A killed process that had this one's number may have left it.
  rmSync(temporary, { force: true });
  try {
    const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    syncAndClose(file, () => writeFileSync(file, body));
    renameSync(temporary, join(directory, name));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncAndClose(openSync(directory, constants.O_RDONLY));
}

function syncAndClose(file: number, fill = () => {}): void {
  try {
    fill();
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
