/**
 * Which processes there are, by the words on their command lines.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Ids of the processes that have all of `words` on their command lines. */
export async function processesWith(...words: readonly string[]): Promise<number[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isOne = await Promise.all(
    ids.map(async (id) => {
      // One that ends meanwhile has no command line.
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      return words.every((word) => line.split('\0').includes(word));
    }),
  );
  return ids.filter((_, index) => isOne[index]).map(Number);
}

export async function isRunning(...words: readonly string[]): Promise<boolean> {
  return (await processesWith(...words)).length > 0;
}

/** Resolves when there is none any more; the test's time limit ends a wait in vain. */
export async function untilGone(...words: readonly string[]): Promise<void> {
  while (await isRunning(...words)) await new Promise((resolve) => setTimeout(resolve, 5));
}
