/**
 * JSON as text, since the worst of it is no value any more once it is parsed: keys that occur
 * twice, `__proto__`, numbers that no double holds, nesting deeper than a stack.
 */
import * as fc from 'fast-check';
import { OBJECT_KEYS } from './dictionary.ts';
import { hostileText, spoiled } from './texts.ts';

/** A member of an object: its key, and its value as JSON text. */
export type Member = readonly [key: string, value: string];

/** An object by its members; what comes later wins where a key occurs twice. */
export type Members = readonly Member[];

export function toText(members: Members): string {
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

/** The members of an object as they are. */
export function membersOf(object: Readonly<Record<string, unknown>>): Members {
  return Object.entries(object).map(([key, value]) => [key, JSON.stringify(value)]);
}

const ODD_VALUES = [
  ...['null', 'true', 'false', '0', '-0', '1', '-1', '1.5', '1e400', '-1e400', '1e-400'],
  ...['9007199254740993', '18446744073709551616', '""', '[]', '{}', '[[]]', '[null]', '[{}]'],
  ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'],
  ...['{"toString":1}', '{"toString":null,"valueOf":null}', '{"toJSON":1}', '{"length":1e9}'],
  ...['{"a":1,"a":2}', '"\\u0000"', '"\\ud800"', '"\\u202e"', '[1,"2",{"3":4}]'],
];

/** Nested, up to so deep that a function which calls itself for each level runs out of stack. */
const deep = fc
  .tuple(fc.constantFrom('[]', '{}'), fc.integer({ min: 1, max: 50_000 }))
  .map(([kind, depth]) =>
    kind === '[]'
      ? '['.repeat(depth) + ']'.repeat(depth)
      : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  );

/** Any JSON value, mostly of a type that was not asked for. */
export const oddValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...ODD_VALUES) },
  { weight: 20, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
  { weight: 10, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: deep },
);

/** What makes of an object another: a member more, in front or behind, or one less. */
interface Change {
  readonly how: 'append' | 'prepend' | 'drop';
  readonly member: Member;
}

/**
 * Objects near a right one: none to three members are changed.
 * @param right members of the object, in their order
 * @param values of some keys, which then get no other ones
 */
export function nearObject(
  right: fc.Arbitrary<Members>,
  values: Readonly<Record<string, fc.Arbitrary<string>>> = {},
  keys: readonly string[] = [],
): fc.Arbitrary<Members> {
  const known = fc.constantFrom(...new Set([...Object.keys(values), ...keys]));
  const key = fc.oneof(
    { weight: 8, arbitrary: known },
    { weight: 1, arbitrary: fc.constantFrom(...OBJECT_KEYS) },
  );
  const member = key.chain((name) =>
    (Object.hasOwn(values, name) ? (values[name] ?? oddValue) : oddValue).map(
      (value): Member => [name, value],
    ),
  );
  const how = fc.constantFrom<Change['how']>('append', 'append', 'prepend', 'drop');
  const changes: fc.Arbitrary<readonly Change[]> = fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.record({ how, member }), { minLength: 1, maxLength: 3 }) },
  );
  return fc.tuple(right, changes).map(([members, all]) => all.reduce(apply, members));
}

function apply(members: Members, { how, member }: Change): Members {
  if (how === 'append') return [...members, member];
  if (how === 'prepend') return [member, ...members];
  return members.filter(([key]) => key !== member[0]);
}

/** The text of an object, now and then with a spoiled place, or something else altogether. */
export function nearText(members: fc.Arbitrary<Members>): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 40, arbitrary: members.map(toText) },
    { weight: 2, arbitrary: spoiled(members.map(toText)) },
    { weight: 1, arbitrary: oddValue },
    { weight: 1, arbitrary: hostileText },
  );
}
