import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ToolError } from '../../../../src/common/process/run.ts';
import { createVsctl, quoted } from '../../../../src/daemon/ovs/vsctl.ts';
import { HOSTILE_TEXTS } from '../../../unit/daemon/support.ts';
import { OvsDatabase } from './database.ts';

let database: OvsDatabase;
beforeAll(async () => {
  database = await OvsDatabase.start();
});
afterAll(() => database[Symbol.asyncDispose]());

/** Writes texts as values of one map, in one transaction, and reads them again. */
async function written(texts: readonly string[]): Promise<string[]> {
  const words = texts.map((text, index) => `external_ids:k${index}=${quoted(text)}`);
  await database.vsctl(['--', 'clear', 'Bridge', 'br-int', 'external_ids']);
  await database.vsctl(['--', 'set', 'Bridge', 'br-int', ...words]);
  const [[map] = []] = (await database.rows('Bridge', 'external_ids')) as [
    [unknown, [string, string][]],
  ][];
  const values = new Map(map?.[1]);
  return texts.map((_, index) => values.get(`k${index}`) ?? 'nothing');
}

/** OVSDB's strings are UTF-8 without NUL. */
const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0');

describe('a quoted value', () => {
  it('is read back by JSON', async () => {
    await fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(quoted(text))).toBe(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that we look for
        expect(quoted(text)).toMatch(/^"[^\0-\x1f]*"$/);
      }),
    );
  });

  it('is stored by OVS as it is, whatever it is', async () => {
    const texts = fc.sample(fc.string({ unit: 'binary', minLength: 1 }), 200).filter(isStorable);
    const commonTexts = ['a,b', 'a b', '{a=b}', '[1,2]', 'a=b', '"', '\\', '\n', '@port', '-x', ''];
    const all = [...commonTexts, ...texts];
    expect(await written(all)).toEqual(all);
  });

  it('is stored by OVS as it is when it is hostile', async () => {
    const texts = HOSTILE_TEXTS.filter((text) => isStorable(text) && text.length < 1000);
    expect(await written(texts)).toEqual(texts);
  });

  it('with NUL is refused by OVS, not cut off', async () => {
    await expect(written(['a\0b'])).rejects.toBeInstanceOf(ToolError);
  });
});

describe('ovs-vsctl', () => {
  it('runs several commands in one transaction: all or nothing', async () => {
    const commands = ['--', 'add-br', 'br-x', '--', 'list-ports', 'br-missing'];
    await expect(database.vsctl(commands)).rejects.toThrow(/no bridge named br-missing/);
    expect(await database.vsctl(['--', 'list-br'])).toBe('br-int\n');
  });

  it('does not wait for ovs-vswitchd, which does not run here', async () => {
    const startedMs = performance.now();
    await database.vsctl(['--', 'add-br', 'br-y']);
    await database.vsctl(['--', 'del-br', 'br-y']);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  it('fails at once where no database listens, and says which', async () => {
    const vsctl = createVsctl('unix:/nowhere/db.sock');
    await expect(vsctl(['--', 'list-br'])).rejects.toThrow(/unix:\/nowhere\/db\.sock/);
  });

  it('is told where the database is, its own time limit and the format', async () => {
    const vsctl = createVsctl('unix:/nowhere/db.sock');
    const error = await vsctl(['--', 'list-br']).catch((reason: Error) => reason);
    expect((error as Error).message).toContain(
      '"ovs-vsctl --db=unix:/nowhere/db.sock --timeout=20 --no-wait --format=json -- list-br"',
    );
  });
});
