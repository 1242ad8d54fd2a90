import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newDraft, pairs, text, texts } from '../../../../src/controller/ovn/draft.ts';
import { createNbctl } from '../../../../src/controller/ovn/nbctl.ts';
import { failureOf } from '../../../unit/controller/ovn/support.ts';
import { startDatabase } from './database.ts';
import { rowNamed, rowsOf } from './picture.ts';

describe('ovn-nbctl', () => {
  it('runs all commands in one transaction, or none', async () => {
    const database = await startDatabase();
    const commands = ['--', 'ls-add', 'one', '--', 'lsp-add', 'two', 'port'];
    const failure = await failureOf(() => database.nbctl(commands));
    expect(failure.reason).toBe('refused');
    expect(failure.message).toContain('two');
    expect(await rowsOf(database, 'Logical_Switch')).toEqual([]);
  });

  it('says what the database has against a transaction, and what helps', async () => {
    const database = await startDatabase();
    await database.by('ls-add', 'one', '--', 'lsp-add', 'one', 'port');
    const again = ['--', '--id=@p', 'create', 'Logical_Switch_Port', 'name=port'];
    const failure = await failureOf(() =>
      database.nbctl([...again, '--', 'add', 'Logical_Switch', 'one', 'ports', '@p']),
    );
    expect(failure.reason).toBe('refused');
    expect(failure.message).toContain('for index on column \\"name\\"');
    expect(failure.details).toContain('reading again');
  });

  it('says where it looked for a database that is not there', async () => {
    const database = await startDatabase();
    await database.stopServer();
    const failure = await failureOf(() => database.read());
    expect(failure.reason).toBe('unreachable');
    expect(failure.details).toContain(`ovn-nbctl --db=${database.remote} show`);
  });

  it('talks TLS, with its own certificate', async () => {
    const database = await startDatabase();
    const tls = await database.createTls();
    const remote = await database.listenWithTls(tls);
    const nbctl = createNbctl({ database: remote, tls });
    await nbctl(['--', 'ls-add', 'one']);
    expect(await rowNamed(database, 'Logical_Switch', 'one')).toEqual({ name: 'one' });
    const without = await failureOf(() => createNbctl({ database: remote })(['--', 'show']));
    expect(without.reason).toBe('unreachable');
    expect(without.message).toContain('Private key must be configured');
  });
});

describe('values', () => {
  const word = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 30 })
    .filter((each) => each.isWellFormed() && !each.includes('\0'));

  it('arrive as they are, whatever is in them', async () => {
    const database = await startDatabase();
    const samples = fc.sample(fc.tuple(word, word, word, fc.uniqueArray(word)), 20);
    for (const [index, [name, key, value, addresses]] of samples.entries()) {
      const own = `${index}${name}`;
      const draft = newDraft();
      const columns = { name: text(own), external_ids: pairs({ [key]: value }) };
      const parent = draft.parent('Port_Group', undefined, columns);
      const acl = { direction: 'to-lport', priority: '1', match: text(value), action: 'drop' };
      parent.attach('acls', [draft.create('ACL', acl)]);
      draft.create('Address_Set', { name: text(own), addresses: texts(addresses) });
      for (const transaction of draft.done().transactions) await database.nbctl(transaction);
      expect(await rowNamed(database, 'Port_Group', own)).toMatchObject({
        external_ids: { [key]: value },
        acls: [{ match: value }],
      });
      const { addresses: stored = [] } = await rowNamed(database, 'Address_Set', own);
      expect(stored).toEqual([...addresses].sort());
    }
  });
});
