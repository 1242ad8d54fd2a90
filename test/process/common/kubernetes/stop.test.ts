import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { pod, setUp, setUpStarted } from '../../../unit/common/kubernetes/support.ts';

describe('stop', () => {
  it('closes the connections of an open watch and shows the last state', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    all.cache.stop();
    await all.server.watches.waitForCount(0);
    all.server.create(pod('b'));
    expect(all.cache.get('default/a')?.color).toBe('red');
    expect(all.cache.get('default/b')).toBeUndefined();
    expect(all.log.lines).toEqual([]);
    expect(all.server.requests.count()).toBe(2);
  });

  it('delivers nothing any more, also of what is on its way', async () => {
    await using all = await setUpStarted();
    all.server.create(pod('a'));
    all.cache.stop();
    await all.server.watches.waitForCount(0);
    expect(all.changes).toEqual([]);
  });

  it('before the start leads to a start that does nothing', async () => {
    await using all = await setUp();
    all.cache.stop();
    all.cache.start();
    expect(all.server.requests.count()).toBe(0);
  });

  it('may be called twice', async () => {
    await using all = await setUpStarted();
    all.cache.stop();
    all.cache.stop();
  });
});

describe('a process with a stopped cache ends by itself', () => {
  it.each([
    ['while a watch is open', 'watching'],
    ['while a watch request has no answer', 'silent-watch'],
    ['while a list has no answer', 'silent-list'],
    ['during a pause after a failure', 'pausing'],
  ])('%s', async (_when, state) => {
    await using server = await FakeApiServer.start();
    const folder = await mkdtemp(join(tmpdir(), 'watch-cache-'));
    try {
      const kubeconfig = join(folder, 'kubeconfig');
      await server.writeKubeconfig(kubeconfig);
      if (state === 'silent-list') server.silence();
      if (state === 'pausing') server.faults.failAll(503);
      const program = join(import.meta.dirname, 'stop-program.ts');
      const child = spawn(process.execPath, [program, kubeconfig, state], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      if (state === 'silent-watch') {
        await server.watches.waitForCount(1);
        server.silence();
        server.resetConnections();
        await server.requests.waitFor({ verb: 'watch' }, 2);
      } else if (state === 'watching') {
        await server.watches.waitForCount(1);
      } else {
        await server.requests.waitFor({ verb: 'list' }, 1);
      }
      // The program stops its cache when its stdin ends, and counts the time until it exits.
      child.stdin.end();
      const [[output]] = (await Promise.all([once(child.stdout, 'data'), exited])) as [
        [Buffer],
        unknown,
      ];
      expect(Number(output.toString())).toBeLessThan(2_000);
      expect(child.exitCode).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
