import { describe, expect, it } from 'vitest';
import { readBoolean, readDuration, readFlags } from '../../../../src/common/flags/go-flags.ts';

const table = {
  used: { name: 'nobody', force: false },
  ignored: { texts: ['v', 'level'], booleans: ['quiet'] },
};
const read = (...argv: string[]) => readFlags(argv, table);

describe('a command line as Go programs take it', () => {
  it('has a default for what is not given', () => {
    const { text, ignored } = read();
    expect([text('name'), text('force'), ignored]).toEqual(['nobody', 'false', []]);
  });

  it.each([
    [['--name=a', '--force']],
    [['--name', 'a', '--force=true']],
    [['--force', '--name', 'a']],
  ])('is read where it is %j', (argv) => {
    const { text } = read(...argv);
    expect([text('name'), text('force')]).toEqual(['a', 'true']);
  });

  it('does not give a boolean flag the next word', () => {
    expect(() => read('--force', 'true')).toThrow(/'true'/);
  });

  it.each([[['-v=3']], [['-v', '3']], [['--v=3']], [['--v', '3']]])(
    'has short flags: %j',
    (argv) => {
      expect(read(...argv, '--quiet').ignored).toEqual(['v', 'quiet']);
    },
  );

  it.each(['--toString', '--quietly', '-q', '--__proto__=1', '--NAME=a'])('refuses %s', (word) => {
    expect(() => read(word)).toThrow(/^--?[\w-]+/.exec(word)?.[0]);
  });
});

describe('a boolean', () => {
  it.each(['true', 'True', 'TRUE', 'T', 't', '1'])('is true as %s', (text) => {
    expect(readBoolean('--x', text)).toBe(true);
  });
  it.each(['false', 'False', 'FALSE', 'F', 'f', '0'])('is false as %s', (text) => {
    expect(readBoolean('--x', text)).toBe(false);
  });
  it.each(['', 'yes', 'tRUE', ' true'])('is not %j', (text) => {
    expect(() => readBoolean('--x', text)).toThrow('--x=');
  });
});

describe('a duration', () => {
  it.each([
    ['15s', 15_000],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['.5s', 500],
    ['1.s', 1_000],
    ['2000us', 2],
    ['2000µs', 2],
    ['1s1s', 2_000],
  ])('is %s', (text, ms) => {
    expect(readDuration('--x', text)).toBe(ms);
  });

  it.each(['', '0', '0s', '15', 's', '-1s', '1s ', '1 s', '1d', '1e3s', '..5s'])(
    'is not %j',
    (text) => {
      expect(() => readDuration('--x', text)).toThrow(`--x=${text}: expected a duration`);
    },
  );
});
