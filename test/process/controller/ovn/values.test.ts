import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mapOf, setOf } from '../../../../src/common/ovsdb/value.ts';
import {
  newTransactionBuilder,
  rowAtom,
} from '../../../../src/controller/ovn/transaction-builder.ts';
import { startDatabase } from './database.ts';
import { rowNamed } from './picture.ts';

const word = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((each) => each.isWellFormed() && !each.includes('\0'));

it('values arrive as they are, whatever is in them', async () => {
  const database = await startDatabase();
  const samples = fc.sample(fc.tuple(word, word, word, fc.uniqueArray(word)), 20);
  for (const [index, [name, key, value, addresses]] of samples.entries()) {
    const own = `${index}${name}`;
    await database.apply(() => {
      const builder = newTransactionBuilder();
      const columns = { name: own, external_ids: mapOf({ [key]: value }) };
      const parent = builder.parent('Port_Group', undefined, columns);
      const acl = { direction: 'to-lport', priority: 1, match: value, action: 'drop' };
      parent.attach('acls', [rowAtom(builder.create('ACL', acl))]);
      builder.create('Address_Set', { name: own, addresses: setOf(addresses) });
      return builder.done();
    });
    expect(await rowNamed(database, 'Port_Group', own)).toMatchObject({
      external_ids: { [key]: value },
      acls: [{ match: value }],
    });
    const { addresses: stored = [] } = await rowNamed(database, 'Address_Set', own);
    expect(stored).toEqual([...addresses].sort());
  }
});

it('keys of a map are set, changed and removed one by one', async () => {
  const database = await startDatabase();
  await database.by('ls-add', 'front');
  await database.by('set', 'Logical_Switch', 'front', 'external_ids={a=1,b=2,c=3}');
  await database.apply((state) => {
    const builder = newTransactionBuilder();
    const [row = { uuid: '' }] = state.switchesNamed('front');
    builder.setKeys('Logical_Switch', row, 'external_ids', { a: 'x', d: '4' });
    builder.removeKeys('Logical_Switch', row, 'external_ids', ['b']);
    return builder.done();
  });
  const { external_ids: ids } = await rowNamed(database, 'Logical_Switch', 'front');
  expect(ids).toEqual({ a: 'x', c: '3', d: '4' });
});
