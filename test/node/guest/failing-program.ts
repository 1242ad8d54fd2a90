/** Runs in a guest: writes beside this file, and fails. */
import { writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';

export default async function failure(): Promise<never> {
  await writeFile(join(import.meta.dirname, 'written-in-guest'), '');
  throw new Error(`written on Linux ${release()}`);
}
