/** What else can be found where DELs are recorded: it is no DEL, and holds up none. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  deletionOf,
  recordName,
  type Scene,
  setScene,
} from '../../../unit/daemon/verbs/recorded-dels-support.ts';

const { signal } = new AbortController();
const NAME = recordName(deletionOf('garbage'));
const BODY = JSON.stringify(deletionOf('garbage'));

/** All that is recorded is done, and a DEL among it, too. */
async function run(scene: Scene): Promise<void> {
  scene.record('good');
  await scene.deletions.start();
  await scene.deletions.drained(signal);
  expect(scene.begun).toEqual(['good']);
  expect(scene.files()).not.toContain(recordName(deletionOf('good')));
}

describe('a file that is no record', () => {
  it.each([
    'README',
    'record.json',
    `${NAME}.failed`,
    `x${NAME}`,
    NAME.toUpperCase(),
    `${NAME}~`,
    '.hidden',
  ])('by its name is left alone: %s', async (name) => {
    const scene = setScene();
    scene.put(name, BODY);
    await run(scene);
    expect(scene.files()).toEqual([name]);
    expect(scene.log.lines.every(({ level }) => level === 'info')).toBe(true);
  });

  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['half of a DEL', BODY.slice(0, 50)],
    ['no JSON', 'rm -rf /'],
    ['bytes', Buffer.from([0xff, 0xfe, 0, 1])],
    ['null', 'null'],
    ['a list', `[${BODY}]`],
    ['no DEL', '{"pod_name":"web-0"}'],
    ['a field of another type', JSON.stringify({ ...deletionOf('garbage'), net_ns: 1 })],
    ['a nested value', '['.repeat(100_000)],
    ['1 MB', JSON.stringify({ ...deletionOf('garbage'), more: 'x'.repeat(1024 * 1024) })],
  ])('by what is in it is set aside and reported once: %s', async (_, content) => {
    const scene = setScene();
    scene.put(NAME, content);
    await run(scene);
    expect(scene.files()).toEqual([`${NAME}.failed`]);
    expect(scene.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('a name of a record that is no file', () => {
  it('but a link is set aside, and what it leads to stays', async () => {
    const scene = setScene();
    const target = join(scene.directory, '..', 'target');
    writeFileSync(target, BODY);
    symlinkSync(target, join(scene.directory, NAME));
    await run(scene);
    expect(scene.files()).toEqual([`${NAME}.failed`]);
    expect(readFileSync(target, 'utf8')).toBe(BODY);
  });

  it('but a directory is set aside', async () => {
    const scene = setScene();
    mkdirSync(join(scene.directory, NAME));
    await run(scene);
    expect(scene.files()).toEqual([`${NAME}.failed`]);
  });

  it('but a pipe is set aside, and nobody waits for a writer', async () => {
    const scene = setScene();
    execFileSync('mkfifo', [join(scene.directory, NAME)]);
    await run(scene);
    expect(scene.files()).toEqual([`${NAME}.failed`]);
  });

  it('and cannot be set aside either is reported once, and holds up no call', async () => {
    const scene = setScene();
    mkdirSync(join(scene.directory, NAME));
    scene.put(`${NAME}.failed`, 'of an earlier time');
    await run(scene);
    expect(scene.files()).toEqual([NAME, `${NAME}.failed`]);
    expect(scene.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    scene.record('later');
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['good', 'later']);
    expect(scene.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('a file that an executable did not finish', () => {
  const age = (path: string, seconds: number) => {
    const time = Date.now() / 1000 - seconds;
    utimesSync(path, time, time);
  };

  it('goes when it is old, and stays when it may still be finished', async () => {
    const scene = setScene();
    for (const [name, seconds] of [
      ['old', 3600],
      ['young', 1],
    ] as const) {
      scene.put(`.${name}.json.17.tmp`, BODY);
      age(join(scene.directory, `.${name}.json.17.tmp`), seconds);
    }
    await run(scene);
    expect(scene.files()).toEqual(['.young.json.17.tmp']);
  });

  it('goes by itself, not what it leads to', async () => {
    const scene = setScene();
    const target = join(scene.directory, '..', 'target');
    writeFileSync(target, BODY);
    const link = join(scene.directory, '.link.tmp');
    symlinkSync(target, link);
    execFileSync('touch', ['--no-dereference', '--date=2000-01-01', link]);
    await run(scene);
    expect(scene.files()).toEqual([]);
    expect(readFileSync(target, 'utf8')).toBe(BODY);
  });

  it('may be a directory, which keeps no daemon from starting', async () => {
    const scene = setScene();
    mkdirSync(join(scene.directory, '.dir.tmp'));
    age(join(scene.directory, '.dir.tmp'), 3600);
    await run(scene);
    expect(scene.files()).toEqual(['.dir.tmp']);
  });
});
