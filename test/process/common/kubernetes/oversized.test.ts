/** Objects, lines and lists that are large: what is kept of them, and for how long they take over. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListItems } from '../../../../src/common/kubernetes/list-items.ts';
import { OversizedObject } from '../../../../src/common/kubernetes/oversized.ts';
import { WatchLines } from '../../../../src/common/kubernetes/watch-lines.ts';
import { pod, project, setUp, setUpStarted } from '../../../unit/common/kubernetes/support.ts';

const MIB = 1024 * 1024;

/** Cuts a text into pieces, as a network does. */
function pieces(text: string, size: number): Uint8Array[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

function readList(text: string, size: number) {
  const list = new ListItems();
  const items = pieces(text, size).flatMap((piece) => [...list.feed(piece)]);
  return { items, around: list.end() };
}

function readLines(text: string, size: number) {
  const lines = new WatchLines();
  return pieces(text, size).flatMap((piece) => [...lines.feed(piece)]);
}

describe('the objects of a list', () => {
  it('are what JSON.parse makes of it, however it is cut, wherever its metadata is', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.array(object, { maxLength: 5 }),
        object,
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 2 }),
        (items, metadata, isMetadataFirst, size, indent) => {
          const list = isMetadataFirst
            ? { kind: 'List', metadata, items }
            : { items, kind: 'List', metadata };
          const read = readList(JSON.stringify(list, undefined, indent), size);
          const parsed = JSON.parse(JSON.stringify(list));
          expect(read.items).toEqual(parsed.items);
          expect(read.around).toEqual({ ...parsed, items: [] });
        },
      ),
    );
  });

  it.each([
    '{"items":[null]}',
    '{"items":[[{}]]}',
    '{"items":["a"]}',
    '{"items":[1]}',
    '<html>',
    '{',
  ])('are not found in %s', (text) => {
    // A string is dropped, and then the list is no JSON.
    expect(() => readList(text, 3)).toThrow();
  });
});

describe('an object that is too large', () => {
  const annotations = { junk: 'x"\\{}[]'.repeat(MIB) };
  const metadata = { annotations, name: 'a', namespace: 'b', resourceVersion: '7', uid: 'u' };
  const spec = { metadata: { name: 'not-it' }, 'metadata.name': 'nor-this' };

  it('in a list is known by its metadata, and the others are read', () => {
    const small = { metadata: { name: 'small' } };
    const text = JSON.stringify({ items: [small, { spec, metadata }, small], metadata: {} });
    const [first, large, last] = readList(text, 65_536).items;
    expect([first, last]).toEqual([small, small]);
    expect(large).toBeInstanceOf(OversizedObject);
    const { annotations: _, ...identity } = metadata;
    expect((large as OversizedObject).metadata).toEqual(identity);
  });

  it('in a watch is known by its metadata, and the next event is read', () => {
    const line = JSON.stringify({ type: 'MODIFIED', object: { spec, metadata } });
    const next = JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'small' } } });
    const [large, small] = readLines(`${line}\n${next}\n`, 65_536);
    expect(large?.type).toBe('MODIFIED');
    expect(large?.object).toBeInstanceOf(OversizedObject);
    expect(large?.object).toMatchObject({ metadata: { name: 'a', uid: 'u' } });
    expect(small).toEqual(JSON.parse(next));
  });

  it('stays as it was in a WatchCache, is logged, and goes when it is deleted', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    const large = all.server.patch('Pod', 'default/a', {
      metadata: { labels: { color: 'blue' } },
      spec: { junk: 'x'.repeat(5 * MIB) },
    });
    all.server.create(pod('b'));
    await all.sees('b', 'red');
    expect(large.metadata.labels).toEqual({ color: 'blue' });
    expect(all.cache.get('default/a')?.color).toBe('red');
    expect(all.log.lines[0]?.fields).toMatchObject({ key: 'default/a' });
    expect(all.log.lines[0]?.fields.error).toContain('more than 4.0 MiB are not read');
    all.server.delete('Pod', 'default/a', { gracePeriodSeconds: 0 });
    await all.sees('a', undefined);
  });

  it.each(['watch', 'list'])('takes no more memory however large it is: %s', async (what) => {
    const program = join(import.meta.dirname, 'oversized-program.ts');
    const run = (mib: number) =>
      promisify(execFile)(process.execPath, [program, what, String(mib)]).then(({ stdout }) =>
        Number(stdout),
      );
    // Peaks of the resident set, MiB: the larger one has some 300 MiB more to read.
    const [small, large] = await Promise.all([run(30), run(330)]);
    expect(large).toBeLessThan(small + 100);
  });
});

describe('a list of many objects', () => {
  it('leaves the event loop to others between them', async () => {
    const pods = Array.from({ length: 300 }, (_, index) => `pod-${index}`);
    // As if each took a millisecond to be read.
    const slowly = (raw: unknown) => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return project(raw);
    };
    const limits = { listTimeoutMs: 10_000 };
    await using all = await setUp({ pods, project: slowly, limits });
    let turns = 0;
    const turn = () => {
      turns += 1;
      if (!all.cache.isSynced && turns < 1000) setImmediate(turn);
    };
    all.server.faults.silence();
    all.cache.start();
    await all.server.requests.waitFor({ verb: 'list' }, 1);
    all.server.faults.resume();
    turn();
    await all.cache.synced;
    // 300 ms in turns of some 10 ms; it would be one for each piece of the answer otherwise.
    expect(turns).toBeGreaterThanOrEqual(20);
  });
});
