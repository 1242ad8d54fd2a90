import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  deletionOf,
  recordName,
  type Scene,
  setScene,
} from '../../../unit/daemon/verbs/recorded-dels-support.ts';

const { signal } = new AbortController();

/** Lets everything that can go on go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the directory of recorded DELs', () => {
  it('is made, for the daemon alone', async () => {
    const scene = setScene();
    rmdirSync(scene.directory);
    await scene.deletions.start();
    scene.record('c1');
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['c1']);
  });

  it.each([0o755, 0o770, 0o701])('is refused at the start with mode %o', async (mode) => {
    const scene = setScene();
    chmodSync(scene.directory, mode);
    scene.record('c1');
    await expect(scene.deletions.start()).rejects.toThrow(`${scene.directory} must be a directory`);
    expect(scene.begun).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)("is refused where it is another user's", async () => {
    const scene = setScene();
    chownSync(scene.directory, 1, 0);
    await expect(scene.deletions.start()).rejects.toThrow('move it away');
  });

  it('is refused where it is a link', async () => {
    const scene = setScene();
    rmdirSync(scene.directory);
    const target = `${scene.directory}.target`;
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, scene.directory);
    await expect(scene.deletions.start()).rejects.toThrow(`${scene.directory} must be a directory`);
  });

  it('is refused where it is a file', async () => {
    const scene = setScene();
    rmdirSync(scene.directory);
    writeFileSync(scene.directory, '', { mode: 0o600 });
    await expect(scene.deletions.start()).rejects.toThrow(scene.directory);
  });

  it('may be removed while the daemon runs, and made again', async () => {
    const scene = setScene();
    await scene.deletions.start();
    rmSync(scene.directory, { recursive: true });
    await scene.deletions.drained(signal);
    mkdirSync(scene.directory, { mode: 0o700 });
    scene.record('c1');
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['c1']);
    expect(scene.files()).toEqual([]);
  });

  it('may be replaced by a file while the daemon runs, which fails no call', async () => {
    const scene = setScene();
    await scene.deletions.start();
    rmSync(scene.directory, { recursive: true });
    writeFileSync(scene.directory, '');
    await scene.deletions.drained(signal);
    await turn();
    expect(scene.log.lines).toEqual([]);
  });

  it('may be removed while a DEL is done, which then is no failure', async () => {
    const scene: Scene = setScene({
      del: async () => rmSync(scene.directory, { recursive: true }),
    });
    scene.record('c1');
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.log.lines.map(({ level }) => level)).toEqual(['info']);
  });
});

describe('a node without an inotify instance left', () => {
  it('has its recorded DELs done at the start and at each call', async () => {
    const { directory, record, files } = setScene();
    record('c1');
    const program = `${import.meta.dirname}/recorded-dels-program.ts`;
    // A limit of a user namespace of its own.
    const limit = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"';
    const later = deletionOf('c2');
    const words = [program, directory, recordName(later), JSON.stringify(later)];
    const shell = ['sh', '-c', limit, 'sh', process.execPath, ...words];
    const options = ['--user', '--map-root-user', '--', ...shell];
    const output = execFileSync('unshare', options, { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({
      begun: ['c1', 'c2'],
      errors: ['recorded DELs are only seen at the next call of their attachment'],
    });
    expect(files()).toEqual([]);
  });
});
