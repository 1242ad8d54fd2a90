/**
 * The unix socket that the executable talks to: root's only, one daemon at a time.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdir, rename } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

/** What listens: a Fastify app. */
interface Listener {
  listen(options: { path: string; backlog: number }): Promise<string>;
}

/**
 * Callers that may have connected and not been accepted yet. One more is refused by the kernel, and
 * takes us for dead: so it is more than ADDs are accepted, where node's own would be 511. The kernel
 * takes off what exceeds net.core.somaxconn, 4096 by default.
 */
const BACKLOG = 4096;

/**
 * Listens on `path`. A directory made here is 0700 and the socket 0600, with no moment in
 * between at which others could connect. It listens under another name first and is then renamed:
 * an executable that waits for `path` to appear finds a socket that answers, and one that a killed
 * daemon left is replaced in one step.
 * @returns takes the name away, so that no new call comes, and resolves when all that came are
 *   being served: the listener can be closed then
 * @throws Error when another daemon answers on the socket
 */
export async function listenOnSocket(app: Listener, path: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await refuseOther(path);
  await removeUnfinished(dirname(path));
  // Shorter than any sensible name, since the kernel's limit is 107 bytes. Not by the process id:
  // in its own container the daemon before may have the same.
  const temporary = join(dirname(path), `.${randomBytes(4).toString('hex')}`);
  const previous = process.umask(0o177);
  try {
    await app.listen({ path: temporary, backlog: BACKLOG });
  } finally {
    process.umask(previous);
  }
  await chmod(temporary, 0o600);
  const { ino } = await lstat(temporary);
  await rename(temporary, path);
  return async () => {
    // Another daemon may have taken the name.
    if (lstatSync(path, { throwIfNoEntry: false })?.ino !== ino) return;
    renameSync(path, temporary);
    await refused(temporary);
    rmSync(temporary, { force: true });
  };
}

/**
 * Resolves when our own listener has refused what is no call, and with it has read all that came
 * before: node closes connections of which it has not read a call, and those that it has not
 * accepted. A call would have to wait where others have to.
 */
function refused(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => {}).once('close', () => resolve());
    socket.end('no call\r\n\r\n').resume();
  });
}

/** Sockets under temporary names on which nobody listens: their daemons were killed as they began. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of readdirSync(directory).filter((file) => /^\.[0-9a-f]{8}$/.test(file))) {
    const path = join(directory, name);
    const isStale = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
    if (isStale && (await tryConnect(path)) === 'ECONNREFUSED') rmSync(path, { force: true });
  }
}

async function refuseOther(path: string): Promise<void> {
  const answer = await tryConnect(path);
  if (answer === 'connected') {
    throw new Error(
      `another daemon is listening on ${path}: stop it first, or choose another --bind-socket`,
    );
  }
  // A file that is no socket refuses, too: it is somebody's, and stays.
  const isStale = answer === 'ECONNREFUSED' && (await lstat(path)).isSocket();
  if (!isStale && answer !== 'ENOENT') {
    throw new Error(`cannot use ${path} as a socket: ${answer}`);
  }
}

/** @returns `connected`, or the code of the error */
export function tryConnect(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
