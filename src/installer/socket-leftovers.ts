/**
 * What a daemon that was ended or killed leaves beside its socket: the socket itself, the one under
 * which it began, and DELs that were recorded for it.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { deletionsOf } from '../wire/paths.ts';

/** How the daemon's socket is called until it answers. */
const BEGINNING = /^\.[0-9a-f]{8}$/;

/** True where somebody listens on the socket. */
export async function isAnswered(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** @returns the paths that were removed */
export async function removeSockets(socketPath: string): Promise<string[]> {
  const folder = dirname(socketPath);
  const names = (await readdir(folder).catch(() => [])).sort();
  const removed: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (!(await isLeft(path, socketPath))) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

async function isLeft(path: string, socketPath: string): Promise<boolean> {
  const isSocket = async () => (await lstat(path).catch(() => undefined))?.isSocket() === true;
  if (path === deletionsOf(socketPath)) return true;
  if (path !== socketPath && !BEGINNING.test(basename(path))) return false;
  return (await isSocket()) && !(await isAnswered(path));
}
