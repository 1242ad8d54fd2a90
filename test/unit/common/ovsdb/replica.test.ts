import { describe, expect, it } from 'vitest';
import { column } from '../../../../src/common/ovsdb/column.ts';
import { type Change, Replica } from '../../../../src/common/ovsdb/replica.ts';
import { LiveTable } from '../../../../src/common/ovsdb/table.ts';

const ONE = '00000001-0000-4000-8000-000000000000';
const TWO = '00000002-0000-4000-8000-000000000000';
const PORT = '00000009-0000-4000-8000-000000000000';
const OTHER_PORT = '0000000a-0000-4000-8000-000000000000';
const uuids = (...members: string[]) => ['set', members.map((each) => ['uuid', each])];

function setUp() {
  const table = new LiveTable('Logical_Switch', {
    name: column.string,
    ports: column.manyUuids,
    external_ids: column.map,
  });
  const named = table.index(({ name }) => [name]);
  const holding = table.indexOfMembers('ports');
  const replica = new Replica([table]);
  const changes: Change[] = [];
  replica.onChange((all) => void changes.push(...all));
  const take = (uuid: string, update: object) => replica.takeRow('Logical_Switch', uuid, update);
  return { table, named, holding, replica, changes, take };
}

describe('the first contents', () => {
  it('are there when they have come, and are no changes', () => {
    const { table, named, holding, replica, changes, take } = setUp();
    take(ONE, { initial: { name: 'front', ports: ['uuid', PORT] } });
    take(TWO, { initial: { name: 'back' } });
    expect(replica.isWhole).toBe(false);
    replica.begin(false, 'first');
    expect([replica.isWhole, replica.lastTransaction]).toEqual([true, 'first']);
    expect([...table.rows.keys()]).toEqual([ONE, TWO]);
    expect(named('front')[0]).toMatchObject({ uuid: ONE, external_ids: {} });
    expect(holding(PORT)).toEqual(named('front'));
    expect(changes).toEqual([]);
  });

  it('of which the end did not come are forgotten', () => {
    const { table, named, replica, take } = setUp();
    take(ONE, { initial: { name: 'front' } });
    replica.abandon();
    expect([table.rows.size, named('front')]).toEqual([0, []]);
  });

  it('may be rows that are new, of the monitor of RFC 7047', () => {
    const { named, replica, changes, take } = setUp();
    take(ONE, { new: { name: 'front' } });
    replica.begin(false, 'none');
    expect(named('front')).toHaveLength(1);
    expect(changes).toEqual([]);
  });
});

describe('an update', () => {
  function filled() {
    const all = setUp();
    all.take(ONE, { initial: { name: 'front', ports: uuids(PORT) } });
    all.replica.begin(false, 'first');
    return all;
  }

  it('takes effect when it has ended, with all its rows', () => {
    const { table, named, holding, replica, changes, take } = filled();
    take(ONE, { modify: { name: 'middle', ports: uuids(PORT, OTHER_PORT) } });
    take(TWO, { insert: { name: 'back' } });
    expect([named('front').length, table.rows.size]).toEqual([1, 1]);
    replica.commit('second');
    expect(named('front')).toEqual([]);
    expect(named('middle')[0]?.ports).toEqual(new Set([OTHER_PORT]));
    expect([holding(PORT), holding(OTHER_PORT)]).toEqual([[], named('middle')]);
    expect(changes).toMatchObject([
      { kind: 'modify', before: { name: 'front' }, columns: ['name', 'ports'] },
      { kind: 'insert', row: { uuid: TWO } },
    ]);
    take(ONE, { delete: null });
    replica.commit('third');
    expect([table.rows.size, holding(OTHER_PORT)]).toEqual([1, []]);
    expect(changes.at(-1)).toMatchObject({ kind: 'delete', row: { uuid: ONE, name: 'middle' } });
  });

  it('of the monitor of RFC 7047 has whole rows', () => {
    const { named, holding, replica, changes, take } = filled();
    take(ONE, { old: { name: 'front' }, new: { name: 'middle', ports: uuids(OTHER_PORT) } });
    replica.commit('none');
    expect([holding(PORT), holding(OTHER_PORT)]).toEqual([[], named('middle')]);
    expect(changes).toMatchObject([{ kind: 'modify', columns: ['name', 'ports'] }]);
    take(ONE, { old: { name: 'middle' } });
    replica.commit('none');
    expect(named('middle')).toEqual([]);
  });

  it('that cannot be right makes all contents be asked for again', () => {
    const { replica, take } = filled();
    take(TWO, { modify: { name: 'x' } });
    expect(() => replica.commit('second')).toThrow(`changes row ${TWO}`);
    expect(replica.lastTransaction).toMatch(/^0+-/);
    const wrong = () => take(TWO, { insert: { name: 7 } });
    expect(wrong).toThrow(`column name of row ${TWO} of table Logical_Switch: expected a string`);
  });
});

describe('contents that come again', () => {
  it('are told by what differs, and rows that are the same stay the same objects', () => {
    const { table, named, holding, replica, changes, take } = setUp();
    take(ONE, { initial: { name: 'front', ports: uuids(PORT, OTHER_PORT) } });
    take(TWO, { initial: { name: 'back' } });
    replica.begin(false, 'first');
    const front = named('front')[0];
    replica.abandon();
    expect(table.rows.size).toBe(2);
    take(ONE, { initial: { name: 'front', ports: uuids(OTHER_PORT, PORT) } });
    take(PORT, { initial: { name: 'new', ports: uuids(OTHER_PORT) } });
    expect(table.rows.size).toBe(2);
    replica.begin(false, 'other');
    expect(named('front')[0]).toBe(front);
    expect(holding(OTHER_PORT).map(({ name }) => name)).toEqual(['front', 'new']);
    expect(changes).toMatchObject([
      { kind: 'delete', row: { name: 'back' } },
      { kind: 'insert', row: { name: 'new' } },
    ]);
  });

  it('go on from the last transaction where the server has it', () => {
    const { named, replica, changes, take } = setUp();
    take(ONE, { initial: { name: 'front' } });
    replica.begin(false, 'first');
    replica.abandon();
    take(ONE, { modify: { name: 'back' } });
    replica.begin(true, 'second');
    expect(named('back')).toHaveLength(1);
    expect([changes.length, replica.lastTransaction]).toEqual([1, 'second']);
  });
});
