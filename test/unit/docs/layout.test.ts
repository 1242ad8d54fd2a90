/** README's table of folders has each folder of `src` that a reader meets, and none that is not there. */
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, textOf } from './commands.ts';

/** The first cell of a row: `src/a/b`, and others beside that one, by their names alone. */
function pathsOf(cell: string): string[] {
  const [first = '', ...others] = [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
  return [first, ...others.map((name) => join(dirname(first), name))];
}

const listed = textOf('README.md')
  .split('\n')
  .filter((line) => line.startsWith('| `src/'))
  .flatMap((line) => pathsOf(line.split('|')[1] ?? ''));

it('README says the job of each folder of src and of each folder in those', () => {
  const folders = globSync(['src/*/', 'src/*/*/'], { cwd: ROOT }).map((path) =>
    path.replace(/\/$/, ''),
  );
  expect(folders.length).toBeGreaterThan(30);
  const shared = 'src/common';
  expect(folders.filter((folder) => folder !== shared && !listed.includes(folder))).toEqual([]);
});

it('README says it of no folder that is not there, and of none twice', () => {
  expect(listed.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
});
