import { describe, expect, it } from 'vitest';
import { untilDone } from '../../../../src/common/concurrency/retry.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';

describe('what must succeed some time', () => {
  it('is not logged where it succeeds at once', async () => {
    const log = new RecordingLog();
    expect(await untilDone('cannot', async () => 'done', log)).toBe('done');
    expect(log.lines).toEqual([]);
  });

  it('is tried again, with one line for what went wrong', async () => {
    const log = new RecordingLog();
    let tries = 0;
    const task = async () => {
      tries += 1;
      if (tries < 2) throw new Error('not yet');
      return tries;
    };
    expect(await untilDone('cannot begin', task, log)).toBe(2);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]?.level).toBe('error');
    expect(log.lines[0]?.message).toContain('cannot begin: not yet');
  });

  it('is given up when nobody waits any longer', async () => {
    const controller = new AbortController();
    const never = () => Promise.reject(new Error('not yet'));
    const done = untilDone('cannot', never, new RecordingLog(), controller.signal);
    controller.abort();
    await expect(done).rejects.toThrow(/aborted/);
  });
});
