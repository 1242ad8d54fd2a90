/** What the pages tell people to type, and the files that they name: taken out of the text. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../../..');

/** All pages, by their paths in the repository. */
export const PAGES: readonly string[] = [
  ...globSync('*.md', { cwd: ROOT }),
  ...globSync('docs/**/*.md', { cwd: ROOT }),
].sort();

export function textOf(page: string): string {
  return readFileSync(resolve(ROOT, page), 'utf8');
}

/** The contents of fenced blocks of a language, without the indentation of lists. */
export function blocksOf(page: string, language: string): string[] {
  const fences = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^ *\`\`\`$`, 'gms');
  return [...textOf(page).matchAll(fences)].map(([, indent = '', block = '']) =>
    block.replace(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** What stands between backticks in running text, and the lines of shell blocks. */
export function wordsOf(page: string): string[] {
  const prose = textOf(page).replace(/^ *```.*?^ *```$/gms, '');
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replace(/\s+/g, ' '));
  return [...spans, ...blocksOf(page, 'sh').flatMap((block) => block.split('\n'))];
}

/** Lines that begin with a program's name. */
export function commandsOf(page: string, program: string): string[] {
  return wordsOf(page).filter((words) => words.startsWith(`${program} `));
}

/** Links to files of this repository: path relative to the page, and anchor. */
export function linksOf(page: string): (readonly [path: string, anchor: string])[] {
  const links = [...textOf(page).matchAll(/\]\(([^)#:\s]*)(?:#([^)\s]*))?\)/g)];
  return links.map(([, path = '', anchor = '']) => [path, anchor]);
}

/** Anchors as GitHub makes them of headings. */
export function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
