import { describe, expect, it } from 'vitest';
import { cniError, errorBody, mismatch } from '../../../src/plugin/error.ts';

describe('the body of an error', () => {
  it('is short, whatever it was made of', () => {
    const { code, msg, details } = errorBody(cniError(7, 'x'.repeat(100_000), 'y'.repeat(100_000)));
    expect(code).toBe(7);
    expect(msg).toMatch(/^x{4096}…$/);
    expect(details).toMatch(/^y{4096}…$/);
  });

  it('has no half of a character where it was cut', () => {
    const { msg } = errorBody(cniError(7, `x${'😀'.repeat(4096)}`, ''));
    expect(msg.isWellFormed()).toBe(true);
  });
});

describe('what was found instead', () => {
  it.each([
    ['text', '"text"'],
    [undefined, 'nothing'],
    [null, 'null'],
    [{ a: [1] }, '{"a":[1]}'],
  ])('%j is shown as %s', (found, shown) => {
    expect(mismatch('field', 'a thing', found)).toBe(`field: expected a thing, found ${shown}`);
  });

  it('is told by its type where it is nested deeper than the stack is', () => {
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(mismatch('field', 'a text', deep)).toBe('field: expected a text, found a nested object');
  });
});
