/** Whatever README and docs/ name in this repository is there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, commandsOf, linksOf, PAGES, ROOT, wordsOf } from './commands.ts';

const FOLDERS = 'crds|deploy|docs|image|scripts|src|test';
/** Only where a path begins, or behind the name of the clone. */
const PATH = new RegExp(
  `(?<![\\w./-])(?:\\.\\./kube-ovn-node/)?((?:${FOLDERS})/[\\w./*-]*[\\w*])`,
  'g',
);

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

describe.each(PAGES)('%s', (page) => {
  it('links to pages and headings that are there', () => {
    for (const [path, anchor] of linksOf(page)) {
      const target = path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path));
      expect(existsSync(join(ROOT, target)), `${page}: ${path}`).toBe(true);
      if (anchor !== '') expect(anchorsOf(target), `${page}: ${path}`).toContain(anchor);
    }
  });

  it('names files and folders that are there', () => {
    const paths = wordsOf(page).flatMap((words) => [...words.matchAll(PATH)].map(([, one]) => one));
    // Beginnings of names are meant for `npm test`.
    const missing = paths.filter((path = '') => globSync(`${path}*`, { cwd: ROOT }).length === 0);
    expect(missing).toEqual([]);
  });

  it('names scripts that npm knows', () => {
    const commands = commandsOf(page, 'npm').filter((command) => !command.startsWith('npm ci '));
    const names = commands.map((command) =>
      command.replace(/^npm (run )?/, '').replace(/[^\w:].*$/, ''),
    );
    for (const name of names) expect(Object.keys(scripts), page).toContain(name);
  });
});

it('README leads to every page', () => {
  const linked = linksOf('README.md').map(([path]) => path);
  const others = PAGES.filter((page) => page !== 'README.md' && !/^docs\/adr\/\d/.test(page));
  expect(linked).toEqual(expect.arrayContaining(others));
});
