/** A folder for sockets, below /run: at other places the executable talks to none. */
import { accessSync, constants, mkdtempSync } from 'node:fs';
import { join } from 'node:path';

/** The second is for who is not root. */
const PLACES = ['/run', `/run/user/${process.getuid?.()}`, '/run/lock'];

/** Makes a folder that nobody has yet; the caller removes it. */
export function makeRunFolder(prefix: string): string {
  const place = PLACES.find(isWritable);
  if (place === undefined) throw new Error(`none of ${PLACES.join(', ')} can be written to`);
  return mkdtempSync(join(place, prefix));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
