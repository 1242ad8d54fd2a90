/**
 * The unix socket that the executable talks to: root's only, one daemon at a time.
 */
import { lstatSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdir, rename } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

/** What listens: a Fastify app. */
interface Listener {
  listen(options: { path: string }): Promise<string>;
}

/**
 * Listens on `path`. A directory made here is 0700 and the socket 0600, with no moment in
 * between at which others could connect. It listens under another name first and is then renamed:
 * an executable that waits for `path` to appear finds a socket that answers, and one that a killed
 * daemon left is replaced in one step.
 * @returns takes the name away, so that no new call comes; those that are connected go on
 * @throws Error when another daemon answers on the socket
 */
export async function listenOnSocket(app: Listener, path: string): Promise<() => void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await refuseOther(path);
  // Shorter than any sensible name, since the kernel's limit is 107 bytes.
  const temporary = join(dirname(path), `.${process.pid}`);
  rmSync(temporary, { force: true });
  const previous = process.umask(0o177);
  try {
    await app.listen({ path: temporary });
  } finally {
    process.umask(previous);
  }
  await chmod(temporary, 0o600);
  const { ino } = await lstat(temporary);
  await rename(temporary, path);
  return () => {
    // Another daemon may have taken the name.
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
  };
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

function tryConnect(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
