import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/plugin/run.ts';
import { whenListening } from '../../../src/plugin/socket-wait.ts';
import { ADDED, ENV, stdin } from '../../unit/plugin/call.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from '../../unit/plugin/fake-daemon.ts';

/** Longer than any test may take. */
const FOREVER_MS = 600_000;

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('waiting for a socket', () => {
  it('tries again at once: the daemon may have come before the watch', async () => {
    const wait = { socketPath: freeSocketPath(), socketWaitMs: FOREVER_MS };
    expect(await whenListening(wait, systemError('ENOENT'), async () => 'there')).toBe('there');
  });

  it('misses no change that happens while it tries', async () => {
    const socketPath = freeSocketPath();
    let attempts = 0;
    const attempt = async () => {
      attempts += 1;
      if (attempts > 1) return 'there';
      writeFileSync(socketPath, '');
      // Only then the attempt fails, with what it saw before.
      await sleep(100);
      throw systemError('ENOENT');
    };
    const wait = { socketPath, socketWaitMs: FOREVER_MS };
    expect(await whenListening(wait, systemError('ENOENT'), attempt)).toBe('there');
  });

  it('does not try for a change of another file, and a last time when the time is up', async () => {
    const socketPath = freeSocketPath();
    let attempts = 0;
    const attempt = async () => {
      attempts += 1;
      if (attempts === 1) writeFileSync(join(dirname(socketPath), 'other'), '');
      throw systemError('ECONNREFUSED');
    };
    const waiting = whenListening({ socketPath, socketWaitMs: 200 }, undefined, attempt);
    await expect(waiting).rejects.toMatchObject({ code: 'ECONNREFUSED', waitedMs: 200 });
    expect(attempts).toBe(2);
  });

  it('ends with any other failure', async () => {
    const wait = { socketPath: freeSocketPath(), socketWaitMs: FOREVER_MS };
    const attempt = () => Promise.reject(systemError('ECONNRESET'));
    await expect(whenListening(wait, undefined, attempt)).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });

  it('ends at once with the first failure where the directory is missing', async () => {
    const socketPath = freeSocketPath();
    const wait = { socketPath: join(dirname(socketPath), 'none/s'), socketWaitMs: FOREVER_MS };
    const failure = systemError('ENOENT');
    const attempt = () => Promise.reject(new Error('tried'));
    await expect(whenListening(wait, failure, attempt)).rejects.toBe(failure);
  });
});

describe.each(['ADD', 'CHECK'])('%s', (command) => {
  const env = { ...ENV, CNI_COMMAND: command };
  const PREV = { prevResult: {} };

  it('goes on when the daemon listens', async () => {
    const socketPath = freeSocketPath();
    const outcome = run(env, stdin(socketPath, PREV), { socketWaitMs: FOREVER_MS });
    await sleep(100);
    const { received } = await httpDaemon(200, ADDED, socketPath);
    expect((await outcome).exitCode).toBe(0);
    expect(received).toHaveLength(1);
  });

  it('goes on when a daemon takes the place of one that was killed', async () => {
    const socketPath = freeSocketPath();
    writeFileSync(socketPath, '');
    const outcome = run(env, stdin(socketPath, PREV), { socketWaitMs: FOREVER_MS });
    await sleep(100);
    rmSync(socketPath);
    await httpDaemon(200, ADDED, socketPath);
    expect((await outcome).exitCode).toBe(0);
  });

  it('is error 11 that says how long was waited where none comes', async () => {
    const socketPath = freeSocketPath();
    const { exitCode, stdout } = await run(env, stdin(socketPath, PREV), { socketWaitMs: 50 });
    expect(exitCode).toBe(1);
    const { code, msg, details } = JSON.parse(stdout);
    expect([code, msg]).toEqual([11, 'the node daemon is not running']);
    expect(details).toContain(`${socketPath}: ENOENT, waited 50 ms for it; look at`);
  });

  it('has no more time after the wait than was left', async () => {
    const socketPath = freeSocketPath();
    const limits = { timeoutMs: 3000, socketWaitMs: 2700 };
    const outcome = run(env, stdin(socketPath, PREV), limits);
    await sleep(300);
    await rawDaemon(() => {}, socketPath);
    const { details } = JSON.parse((await outcome).stdout);
    const [, leftMs] = /did not answer within (\d+) ms/.exec(details) ?? [];
    expect(Number(leftMs)).toBeLessThan(2800);
  });
});
