/**
 * Which boot of the node this is: links, and what was recorded about them, are of one.
 */
import { readFileSync } from 'node:fs';

/** Linux's id of this boot (random(4)); empty where there is none. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
