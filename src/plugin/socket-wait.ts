/**
 * Waiting for a daemon that restarts. Its socket's directory is watched, and each change of the
 * socket's name is a reason to try again. The daemon gives its socket this name when it listens.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isNotListening } from './unix-socket.ts';

/** A system's error, with the time that passed in waiting where there was a wait. */
export interface WaitError extends NodeJS.ErrnoException {
  waitedMs?: number;
}

interface Wait {
  readonly socketPath: string;
  readonly socketWaitMs: number;
}

/**
 * Repeats `attempt`, which failed with `failure`, until it meets a daemon that listens. The first
 * time is when the watch has begun, so that no change is missed, and the last when the time is up:
 * a server may take the name a moment before it listens. Rejects with what the last attempt failed
 * with, or with `failure` where there is nothing to watch: the directory is missing, or the kernel
 * has no watch left.
 */
export async function whenListening<T>(
  { socketPath, socketWaitMs }: Wait,
  failure: unknown,
  attempt: () => Promise<T>,
): Promise<T> {
  let changed = Promise.withResolvers<void>();
  let isTimeUp = false;
  const endWait = () => {
    isTimeUp = true;
    changed.resolve();
  };
  const watcher = watchName(socketPath, () => changed.resolve());
  if (watcher === undefined) {
    throw failure;
  }
  watcher.on('error', endWait);
  const timer = setTimeout(endWait, socketWaitMs);
  try {
    for (;;) {
      changed = Promise.withResolvers();
      const isLast = isTimeUp;
      try {
        return await attempt();
      } catch (error) {
        if (!isNotListening(error)) throw error;
        if (isLast) throw Object.assign(error as WaitError, { waitedMs: socketWaitMs });
      }
      await changed.promise;
    }
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}

/** Undefined where the path's directory cannot be watched. */
function watchName(path: string, onChange: () => void): FSWatcher | undefined {
  const name = basename(path);
  try {
    return watch(dirname(path), (_event, changed) => {
      if (changed === name || changed === null) onChange();
    });
  } catch {
    return undefined;
  }
}
