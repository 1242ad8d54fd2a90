/** ip(8) for programs that run in a guest. */
import { command } from '../../lab/command.ts';

/** @param words separated by single spaces */
export function ip(words: string): Promise<string> {
  return command('ip', words.split(' '));
}

/** What `ip -j` shows. @param words separated by single spaces */
export async function jsonOf<Item>(words: string): Promise<Item[]> {
  const output = await ip(`-j ${words}`);
  return output.trim() === '' ? [] : JSON.parse(output);
}
