import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inOrder, LONGEST } from '../../../../scripts/test/order.ts';

const root = resolve(import.meta.dirname, '../../../..');

describe('the order of tests', () => {
  it('has the longest first, and the others behind them as they are', () => {
    const [first = '', second = ''] = LONGEST;
    expect(inOrder(['x', second, 'y', first])).toEqual([first, second, 'x', 'y']);
  });

  it.each(LONGEST.filter((name) => name !== 'process'))('names %s, which is there', (file) => {
    expect(existsSync(resolve(root, file))).toBe(true);
  });
});
