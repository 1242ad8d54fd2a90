import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { column, isSameValue } from '../../../../src/common/ovsdb/column.ts';
import { availableColumns } from '../../../../src/common/ovsdb/schema.ts';
import { LiveTable } from '../../../../src/common/ovsdb/table.ts';

const UUID = 'a3c0e2f0-0000-4000-8000-000000000000';

describe('a value', () => {
  it.each([
    ['a string', column.string, 'x', 'x'],
    ['an integer', column.integer, 7, 7],
    ['a boolean', column.boolean, true, true],
    ['an optional one that is there', column.optionalString, 'x', 'x'],
    ['an optional one in a set', column.optionalInteger, ['set', [7]], 7],
    ['an optional one that is not there', column.optionalUuid, ['set', []], undefined],
    ['a set with one member', column.strings, 'x', ['x']],
    ['a set with several', column.uuids, ['set', [['uuid', UUID]]], [UUID]],
    ['a large set', column.manyStrings, ['set', ['a', 'b']], new Set(['a', 'b'])],
    ['UUIDs by integers', column.uuidsByNumber, ['map', [[0, ['uuid', UUID]]]], { '0': UUID }],
    [
      'a map',
      column.map,
      [
        'map',
        [
          ['__proto__', 'x'],
          ['k', ''],
        ],
      ],
      JSON.parse('{"__proto__":"x","k":""}'),
    ],
  ] as const)('is read: %s', (_, type, sent, value) => {
    expect(type.read(sent)).toEqual(value);
  });

  it.each([
    ['a number for a string', column.string, 7],
    ['a string for a number', column.integer, '7'],
    ['a string for a UUID', column.uuids, ['set', [UUID]]],
    ['no members', column.strings, ['set', 'x']],
    ['a map for a set', column.strings, ['map', []]],
    ['a set for a map', column.map, ['set', []]],
    ['entries that are no pairs', column.map, ['map', [['a']]]],
    ['a number in a map', column.map, ['map', [['a', 7]]]],
    ['a string for a UUID in a map', column.uuidsByNumber, ['map', [[0, UUID]]]],
    ['a string for an integer in a map', column.uuidsByNumber, ['map', [['0', ['uuid', UUID]]]]],
    ['null', column.boolean, null],
  ] as const)('of another type is refused: %s', (_, type, sent) => {
    expect(() => type.read(sent)).toThrow(/expected .*, and the server sent/);
  });
});

describe('a difference', () => {
  const members = fc.uniqueArray(fc.string());
  const entries = fc.dictionary(fc.string(), fc.string());

  it('of sets has what came and what went', () => {
    fc.assert(
      fc.property(members, members, (before, after) => {
        const sent = [
          ...before.filter((each) => !after.includes(each)),
          ...after.filter((each) => !before.includes(each)),
        ];
        const small = column.strings.withDifference(before, ['set', sent]);
        const large = column.manyStrings.withDifference(new Set(before), ['set', sent]);
        expect([isSameValue(small, after), isSameValue(large, new Set(after))]).toEqual([
          true,
          true,
        ]);
      }),
    );
  });

  it('of maps has what is new or changed, and what went with its old value', () => {
    fc.assert(
      fc.property(entries, entries, (before, after) => {
        const now = Object.entries(after).filter(([key, value]) => before[key] !== value);
        const gone = Object.entries(before).filter(([key]) => !Object.hasOwn(after, key));
        const result = column.map.withDifference(before, ['map', [...now, ...gone]]);
        expect(isSameValue(result, after)).toBe(true);
      }),
    );
  });

  it('of anything else is the new value', () => {
    expect(column.optionalString.withDifference('x', ['set', []])).toBeUndefined();
    expect(column.integer.withDifference(1, 2)).toBe(2);
  });
});

describe('a schema', () => {
  const schemaOf = (columns: object) => ({
    name: 'OVN_Northbound',
    version: '7.0.0',
    tables: { ACL: { columns } },
  });
  const acl = new LiveTable('ACL', {
    match: column.string,
    tier: { ...column.integer, mayLack: true },
  });
  const match = { type: 'string' };

  it('says of a map what its keys and its values are', () => {
    const queues = { type: { key: 'integer', value: { type: 'uuid' }, min: 0, max: 'unlimited' } };
    const table = (type: typeof column.map) => new LiveTable('ACL', { queues: type });
    const schema = schemaOf({ queues });
    expect(availableColumns(schema, table(column.uuidsByNumber)).wanted).toEqual(['queues']);
    expect(() => availableColumns(schema, table(column.map))).toThrow(
      'column queues of ACL is map integer to uuid, and map string was expected',
    );
  });

  it('may lack a column that older versions lack', () => {
    const available = availableColumns(schemaOf({ match }), acl);
    expect(available).toEqual({ wanted: ['match'], lacking: new Set(['tier']) });
  });

  it.each([
    ['the table', { name: 'N', tables: {} }, 'database N (schema unknown) has no table ACL'],
    ['another column', schemaOf({ tier: { type: 'integer' } }), 'has no column match of ACL'],
    [
      'the type',
      schemaOf({ match: { type: { key: 'string', min: 0, max: 'unlimited' } } }),
      'column match of ACL is set string, and one string was expected',
    ],
    ['everything', 'no schema', 'has no table ACL'],
  ])('is refused that lacks %s', (_, schema, message) => {
    expect(() => availableColumns(schema, acl)).toThrow(message);
  });
});
