import Type from 'typebox';
import { expect, it } from 'vitest';
import { parseOutput } from '../../../../src/common/process/output.ts';
import { ToolError } from '../../../../src/common/process/run.ts';

const NAMES = Type.Array(Type.Object({ name: Type.String() }));

function failureOf(parse: () => unknown): ToolError {
  try {
    parse();
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

it('what has the form is the value', () => {
  expect(parseOutput('ip', '[{"name":"a","more":1}]\n', NAMES)).toMatchObject([{ name: 'a' }]);
});

it.each(['', 'Zebra', 'null', '{}', '[{"name":1}]', '[null]', '[{"name":"a"}] x', '{"name"'])(
  'output that is none names the tool and is quoted: %j',
  (output) => {
    const { message, stderr, how } = failureOf(() => parseOutput('ip', output, NAMES));
    expect(how).toBe('unreadable');
    expect(message).toMatch(/^ip printed what it never prints: /);
    expect(stderr).toBe(message);
  },
);

it('what is quoted is short, and cannot turn a terminal around', () => {
  const { message } = failureOf(() =>
    parseOutput('ip', `\u001b[2J\u202e${'x'.repeat(1e6)}`, NAMES),
  );
  expect(message.length).toBeLessThan(300);
  for (const character of ['\u001b', '\u202e']) expect(message).not.toContain(character);
});
