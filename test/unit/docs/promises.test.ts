/** Every promise, and every claim of the trust model, names a test that is there. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const ROW = /^\| (?!promise \||claim \||---)(.+?) \| `(.+?)`(?:: (.+))? \|$/gm;

const promises = readFileSync(resolve(root, 'docs/promises.md'), 'utf8');
const security = readFileSync(resolve(root, 'docs/security.md'), 'utf8');
/** Tables before and after it say who can write what, and what remains possible. */
const [, claims = ''] = /^## Claims\n(.*?)^## /ms.exec(security) ?? [];

describe.each([
  ['promise', promises],
  ['claim', claims],
])('the %s', (kind, text) => {
  const rows = [...text.matchAll(ROW)];

  it('is one of many', () => {
    const count = text.match(new RegExp(`^\\| (?!${kind} \\||---)`, 'gm'))?.length;
    expect(rows.length).toBe(count);
    expect(rows.length).toBeGreaterThan(25);
  });

  it.each(rows.map(([, said = '', file = '', title = '']) => [said, file, title]))(
    '"%s" has its test in %s',
    (_, file, title) => {
      const path = resolve(root, file);
      expect(existsSync(path), file).toBe(true);
      // Titles stand in either kind of quotes.
      expect(readFileSync(path, 'utf8').replaceAll("\\'", "'")).toContain(title);
    },
  );
});
