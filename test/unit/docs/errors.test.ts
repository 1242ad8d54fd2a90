/** The table of error codes says what the code has, no more and no less. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { OwnCode } from '../../../src/daemon/call/error.ts';
import { errorBody } from '../../../src/plugin/error.ts';
import { CniCode } from '../../../src/wire/cni.ts';

const text = readFileSync(resolve(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
const rows = text
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, code = '']) => /^\d+$/.test(code));

it('the table of errors has exactly the codes of the two programs, under their names', () => {
  const documented = rows.map(([, code, name]) => [name?.replaceAll('`', ''), Number(code)]);
  const inCode = Object.entries({ ...CniCode, ...OwnCode });
  const { code: fault } = errorBody(new Error('unforeseen'));
  expect(documented).toEqual([...inCode, ['', fault]]);
});

it('every error of the table has a cause and a remedy', () => {
  for (const [, code, , cause = '', remedy = ''] of rows) {
    expect(cause.length, code).toBeGreaterThan(20);
    expect(remedy.length, code).toBeGreaterThan(5);
  }
});
