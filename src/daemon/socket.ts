/**
 * The unix socket that the executable talks to: root's only, one daemon at a time.
 */
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** What listens: a Fastify app. */
interface Listener {
  listen(options: { path: string }): Promise<string>;
}

/**
 * Listens on `path`. A directory made here is 0700 and the socket 0600, with no moment in
 * between at which others could connect. A socket that a killed daemon left is replaced.
 * @throws Error when another daemon answers on the socket
 */
export async function listenOnSocket(app: Listener, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await removeStaleSocket(path);
  const previous = process.umask(0o177);
  try {
    await app.listen({ path });
  } finally {
    process.umask(previous);
  }
  await chmod(path, 0o600);
}

async function removeStaleSocket(path: string): Promise<void> {
  const answer = await tryConnect(path);
  if (answer === 'connected') {
    throw new Error(
      `another daemon is listening on ${path}: stop it first, or choose another --bind-socket`,
    );
  }
  // A file that is no socket refuses, too: it is somebody's, and stays.
  if (answer === 'ECONNREFUSED' && (await lstat(path)).isSocket()) await unlink(path);
  else if (answer !== 'ENOENT') throw new Error(`cannot use ${path} as a socket: ${answer}`);
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
