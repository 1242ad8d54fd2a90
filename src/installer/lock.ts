/**
 * One run at a time for each CNI folder, also between containers: by flock(2) on the folder itself, so
 * that no file is left, and the kernel unlocks it when the process ends, however it ends.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { run } from '../common/process/run.ts';
import { messageOf } from '../common/text.ts';

/** A run takes a second; what takes longer hangs on its disk. */
const WAIT_MS = 60_000;

/**
 * Resolves when this process has the folder's lock, which it keeps until the result is disposed of.
 * @throws Error where another run does not end, or there is no folder
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // The lock is that of the open file, which flock(1) shares with us, and stays when it ends.
    await run('flock', ['--exclusive', '3'], { descriptors: [handle.fd], timeoutMs: WAIT_MS });
  } catch (error) {
    await handle.close();
    throw new Error(`cannot lock ${folder}: is another run at work? ${messageOf(error)}`);
  }
  return { [Symbol.asyncDispose]: () => handle.close() };
}
