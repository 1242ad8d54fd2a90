/** The one time of all files in an image: two builds of the same sources are the same bytes. */
import { globSync, lutimesSync } from 'node:fs';
import { join } from 'node:path';
import { epochOf } from './lock-file.ts';

/** Sets the times of a folder and of all that is in it. @param snapshot of the lock file */
export function setTimes(root: string, snapshot: string): void {
  const epoch = epochOf(snapshot);
  for (const path of globSync('**', { cwd: root })) lutimesSync(join(root, path), epoch, epoch);
}
