import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_BYTES_MAX, MessageFramer } from '../../../../src/common/ovsdb/framer.ts';

interface Seen {
  readonly rows: (readonly [table: string, uuid: string, update: unknown])[];
  readonly messages: unknown[];
}

/** What comes of a text that arrives in pieces of these lengths, over and over. */
function frame(text: string, lengths: readonly number[] = [text.length * 4]): Seen {
  const seen: Seen = { rows: [], messages: [] };
  const framer = new MessageFramer({
    row: (...row) => void seen.rows.push(row),
    message: (message) => void seen.messages.push(message),
  });
  const bytes = Buffer.from(text);
  let at = 0;
  for (let piece = 0; at < bytes.length; piece += 1) {
    const length = lengths[piece % lengths.length] ?? 1;
    framer.feed(bytes.subarray(at, at + length));
    at += length;
  }
  return seen;
}

const uuid = fc.uuid({ version: 4 });
const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((each) => each.isWellFormed());
const atom = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  uuid.map((each) => ['uuid', each]),
);
const value = fc.oneof(
  atom,
  fc.array(atom, { maxLength: 5 }).map((members) => ['set', members]),
  fc.array(fc.tuple(text, text), { maxLength: 5 }).map((entries) => ['map', entries]),
);
const row = fc.dictionary(fc.constantFrom('name', 'ports', 'external_ids'), value);
const update = fc.oneof(
  row.map((initial) => ({ initial })),
  fc.constant({ delete: null }),
  fc.record({ old: row, new: row }),
);
const updates = fc.dictionary(
  fc.constantFrom('Logical_Switch', 'ACL', 'Database'),
  fc.uniqueArray(fc.tuple(uuid, update), { maxLength: 4, selector: ([key]) => key }),
);
type Updates = Record<string, [string, unknown][]>;
const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

/** As the server sends them, and without rows. */
function written(tables: Updates): object {
  return Object.fromEntries(
    Object.entries(tables).map(([name, rows]) => [name, Object.fromEntries(rows)]),
  );
}
const bare = (tables: Updates) => Object.fromEntries(Object.keys(tables).map((name) => [name, {}]));
const rowsOf = (tables: Updates) =>
  Object.entries(tables).flatMap(([name, rows]) => rows.map(([key, each]) => [name, key, each]));

describe('messages', () => {
  it('come whole, with their rows before them, whatever pieces they arrive in', () => {
    fc.assert(
      fc.property(updates, updates, pieces, uuid, (tables, others, lengths, last) => {
        const messages = [
          { id: 1, result: [false, last, written(tables)], error: null },
          { method: 'update3', params: ['rows', last, written(others)], id: null },
          { id: null, method: 'update', params: ['rows', written(tables)] },
          { error: null, id: 7, result: written(others) },
          { id: 8, result: [{ uuid: ['uuid', last] }, { count: 1 }, {}], error: null },
        ];
        const seen = frame(messages.map((each) => JSON.stringify(each)).join('\n'), lengths);
        expect(seen.messages).toEqual([
          { id: 1, result: [false, last, bare(tables)], error: null },
          { method: 'update3', params: ['rows', last, bare(others)], id: null },
          { id: null, method: 'update', params: ['rows', bare(tables)] },
          { error: null, id: 7, result: bare(others) },
          messages[4],
        ]);
        expect(seen.rows).toEqual([tables, others, tables, others].flatMap(rowsOf));
      }),
    );
  });

  it('may have white space between and within them', () => {
    const { messages } = frame(' {"id" : 1,\n "result": [ ] }\t\n {"id":2}');
    expect(messages).toEqual([{ id: 1, result: [] }, { id: 2 }]);
  });

  it('keep a member with a UUID for its name whose value is no object', () => {
    const key = 'a3c0e2f0-0000-4000-8000-000000000000';
    expect(frame(`{"id":1,"result":{"${key}":5}}`).messages).toEqual([
      { id: 1, result: { [key]: 5 } },
    ]);
  });
});

describe('what is no message', () => {
  it.each([
    ['text', 'HTTP/1.1 400 Bad Request'],
    ['a string', '"x"'],
    ['an array', '[1]'],
    ['a bracket that closes nothing', '{"id":1}}'],
    ['no JSON between brackets', '{"id":nothing}'],
    ['brackets that do not match', '{"id":[1}]'],
    ['very many brackets', '{"a":'.repeat(1000)],
    [
      'very many brackets in a row',
      `{"T":{"a3c0e2f0-0000-4000-8000-000000000000":{"new":${'['.repeat(1000)}`,
    ],
    ['no JSON in a row', '{"T":{"a3c0e2f0-0000-4000-8000-000000000000":{new}}}'],
    ['a row that is no object', '{"T":{"a3c0e2f0-0000-4000-8000-000000000000":{},"x":[]}}'],
  ])('is refused with its beginning: %s', (_, sent) => {
    expect(() => frame(sent)).toThrow(/the server sent/);
    expect(() => frame(sent, [1])).toThrow(/the server sent/);
  });

  it('is refused where it has no end', () => {
    const endless = `{"id":"${'x'.repeat(MESSAGE_BYTES_MAX)}`;
    expect(() => frame(endless, [65_536])).toThrow(
      'a message without its rows has more than 8 MiB',
    );
  });
});
