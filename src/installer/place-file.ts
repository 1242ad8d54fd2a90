/**
 * Puts a file in its place in one step: whoever opens the name gets the whole old file or the whole
 * new one, also after a crash or a loss of power. A file that runs can be replaced, since the name
 * is given to another one.
 */
import { randomBytes } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { copyFile, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Files that are being written. */
const unfinished = new Set<string>();

/** @param mode permissions */
export async function placeCopy(source: string, target: string, mode: number): Promise<void> {
  await place(target, mode, (path) => copyFile(source, path, constants.COPYFILE_EXCL));
}

/** @param mode permissions */
export async function placeText(text: string, target: string, mode: number): Promise<void> {
  await place(target, mode, (path) => writeFile(path, text, { flag: 'wx', mode }));
}

async function place(
  target: string,
  mode: number,
  write: (path: string) => Promise<void>,
): Promise<void> {
  const temporary = `${target}.tmp.${randomBytes(4).toString('hex')}`;
  unfinished.add(temporary);
  try {
    await write(temporary);
    await sync(temporary, mode);
    await rename(temporary, target);
    await sync(dirname(target));
  } finally {
    // The renamed one has this name no longer.
    await rm(temporary, { force: true });
    unfinished.delete(temporary);
  }
}

/** What was written is on the disk when this resolves: of a folder, which names it has. */
export async function sync(path: string, mode?: number): Promise<void> {
  const file = await open(path, constants.O_RDONLY);
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes what is being written. For the end of the process by a signal. */
export function abandonUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

/**
 * Removes what runs that were killed have left of files `names`: `NAME.tmp.…`, which is also what
 * Kube-OVN's script calls them, and what our first script called its own. The folder must be locked:
 * they may be another run's.
 * @returns the names that were removed
 */
export async function removeUnfinished(
  folder: string,
  names: readonly string[],
): Promise<string[]> {
  const isLeft = (file: string) =>
    names.some(
      (name) => file.startsWith(`${name}.tmp.`) || OF_FIRST_SCRIPT.exec(file)?.[1] === name,
    );
  const entries = await readdir(folder, { withFileTypes: true });
  // A folder is nobody's unfinished file, whatever its name is.
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const left = files.filter(isLeft).sort();
  for (const file of left) await rm(join(folder, file), { force: true });
  return left;
}

const OF_FIRST_SCRIPT = /^\.(kube-ovn)\.\d+$/;
