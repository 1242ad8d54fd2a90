/**
 * Which of two tools of one name is run. In the image `arping` is, for `kubectl ko trace`, that of
 * Thomas Habets; the daemon needs that of iputils, which the image has in a folder beside the daemon.
 * Elsewhere there is no such folder, and nothing changes.
 */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param program path of this program's file; undefined where it has none
 * @returns `path`, a PATH, with the folder `tools` beside the program in front where there is one
 */
export function withOwnTools(path: string, program: string | undefined): string {
  if (program === undefined || !existsSync(program)) return path;
  const folder = join(dirname(realpathSync(program)), 'tools');
  return existsSync(folder) ? `${folder}:${path}` : path;
}
