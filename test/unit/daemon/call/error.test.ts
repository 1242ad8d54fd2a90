import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf, show } from '../../../../src/common/text.ts';
import {
  CniError,
  invalid,
  OwnCode,
  tryAgain,
  wrongEnvironment,
} from '../../../../src/daemon/call/error.ts';
import { expectReadable, HOSTILE_TEXTS } from '../support.ts';

describe('an error', () => {
  it('of a field has code 7, names the field, shows the value and what was expected', () => {
    const error = invalid('annotation a.b/mtu', '1e3', 'a number');
    expect(error).toBeInstanceOf(CniError);
    expect({ ...error }).toMatchObject({ code: 7, details: 'expected a number' });
    expect(error.message).toBe('annotation a.b/mtu is wrong: "1e3"');
  });

  it('of a variable has code 4', () => {
    const error = wrongEnvironment('CNI_NETNS', '', 'a path');
    expect([error.code, error.message]).toEqual([4, 'CNI_NETNS is wrong: ""']);
    expect(error.details).toBe('expected a path');
  });

  it('that a retry may cure has code 11, and keeps its cause', () => {
    const cause = new Error('why');
    const error = tryAgain('what', 'where to look', cause);
    expect([error.code, error.message, error.details]).toEqual([11, 'what', 'where to look']);
    expect(error.cause).toBe(cause);
  });

  it('of our own has a code that CNI leaves free', () => {
    expect(Math.min(...Object.values(OwnCode))).toBeGreaterThanOrEqual(100);
  });
});

describe('a value in a message', () => {
  it.each([
    ['a', '"a"'],
    ['', '""'],
    [1, '1'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ dst: 'x' }, '{"dst":"x"}'],
    ['a\nb\0', '"a\\nb\\u0000"'],
    ['a\u0085b\u009b', '"a\\u0085b\\u009b"'],
    ['a\u202eb\u2028', '"a\\u202eb\\u2028"'],
  ])('%j is shown as %s', (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  it('is cut when it is long', () => {
    for (const text of HOSTILE_TEXTS) expectReadable(invalid('field', text, 'another'));
    expect(show('A'.repeat(65_536)).length).toBeLessThan(210);
    expect(show(`x${'😀'.repeat(200)}`).isWellFormed()).toBe(true);
  });

  it('is always one short line, whatever it is', async () => {
    await fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(show(value).length).toBeLessThan(210);
        expect(show(value)).not.toMatch(/[\n\r\0]/);
      }),
    );
  });
});

describe('the message of what was thrown', () => {
  it.each([
    [new Error('text'), 'text'],
    ['text', 'text'],
    [undefined, 'undefined'],
  ])('%s is %s', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
