/** Every promise names a test that is there. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const text = readFileSync(resolve(root, 'docs/promises.md'), 'utf8');
const promises = [...text.matchAll(/^\| (?!promise|---)(.+?) \| `(.+?)`(?:: (.+))? \|$/gm)];

describe('the promise', () => {
  it('is one of many', () => {
    expect(promises.length).toBe(text.match(/^\| (?!promise \||---)/gm)?.length);
    expect(promises.length).toBeGreaterThan(30);
  });

  it.each(promises.map(([, promise = '', file = '', title = '']) => [promise, file, title]))(
    '"%s" has its test in %s',
    (_, file, title) => {
      const path = resolve(root, file);
      expect(existsSync(path), file).toBe(true);
      // Titles stand in either kind of quotes.
      expect(readFileSync(path, 'utf8').replaceAll("\\'", "'")).toContain(title);
    },
  );
});
