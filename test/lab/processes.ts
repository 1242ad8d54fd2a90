/** Processes of the lab, which has a process namespace of its own. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Command lines of the processes that run and whose parent is gone: daemons of the lab, and what
 * somebody left who was killed. Dead ones do not count: the lab's first process is no init, and
 * reaps nobody's children but its own.
 */
export async function orphans(): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map(orphanLine));
  return lines.filter((line) => line !== '').sort();
}

/** Like `orphans`, when there are no more than `count`, or after 5 s: some have a last thing to do. */
export async function remainingOrphans(count: number): Promise<string[]> {
  const endMs = performance.now() + 5000;
  let found = await orphans();
  while (found.length > count && performance.now() < endMs) {
    await sleep(20);
    found = await orphans();
  }
  return found;
}

/** Empty for a process that has a parent, is dead, or ends meanwhile. */
async function orphanLine(id: string): Promise<string> {
  const read = (name: string) => readFile(`/proc/${id}/${name}`, 'utf8').catch(() => '');
  const [status, words] = [await read('status'), await read('cmdline')];
  return /^PPid:\t1$/m.test(status) ? words.replaceAll('\0', ' ').trim() : '';
}
