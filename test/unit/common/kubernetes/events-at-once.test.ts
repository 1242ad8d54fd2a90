import { setImmediate as turnOver } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { EventRecorder, podReference } from '../../../../src/common/kubernetes/events.ts';
import { FAILED, LIMITS, messages, REPORTER, setUp } from './events-support.ts';
import { RecordingLog } from './support.ts';

function pod(name: string) {
  return podReference({ namespace: 'shop', name, uid: `uid-of-${name}` });
}

/** Pods that differ, as many as asked for. */
function pods(count: number) {
  return Array.from({ length: count }, (_, index) => pod(`web-${index}`));
}

describe('events about several objects', () => {
  it('are written at once, as many as may be', async () => {
    await using all = await setUp({ atOnce: 4 });
    all.server.silence();
    for (const about of pods(10)) all.recorder.record(about, FAILED);
    await all.sent(4);
    expect(all.server.requests.count({ verb: 'create' })).toBe(4);
    all.server.resume();
    await all.recorder.idle;
    expect(all.server.list('Event')).toHaveLength(10);
  });

  it('are idle when all are written, and not when the last one is', async () => {
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const fast = Promise.withResolvers<void>();
    const create = async (_: string, { message }: { message?: string }) => {
      if (message === 'slow') await gate.promise;
      else fast.resolve();
      done.push(String(message));
    };
    const api = { create, mergePatch: expect.unreachable };
    const limits = { ...LIMITS, atOnce: 2 };
    const recorder = new EventRecorder({
      api,
      reporter: REPORTER,
      limits,
      log: new RecordingLog(),
    });
    recorder.record(pod('web-0'), { ...FAILED, message: 'slow' });
    recorder.record(pod('web-1'), { ...FAILED, message: 'fast' });
    const idle = recorder.idle.then(() => done.push('idle'));
    await fast.promise;
    // All that follows from it is done in this turn of the event loop.
    await turnOver();
    gate.resolve();
    await idle;
    expect(done).toEqual(['fast', 'slow', 'idle']);
  });

  it('wait in bounded number besides those that are written', async () => {
    await using all = await setUp({ waiting: 5, atOnce: 4 });
    all.server.silence();
    for (const about of pods(12)) all.recorder.record(about, FAILED);
    expect(all.log.lines.map(({ fields }) => fields)).toEqual([{ reason: '5 events wait' }]);
    all.server.resume();
    await all.recorder.idle;
    expect(all.server.list('Event')).toHaveLength(9);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });

  it('are all written where a thousand pods have one at once', async () => {
    await using all = await setUp({ waiting: 20_000, atOnce: 4 });
    for (const about of pods(1000)) all.recorder.record(about, FAILED);
    await all.recorder.idle;
    const names = all.server.list('Event').map(({ metadata }) => metadata.name.split('.')[0]);
    expect(names.sort()).toEqual(
      pods(1000)
        .map(({ name }) => name)
        .sort(),
    );
    expect(all.log.lines).toEqual([]);
  });
});

describe('events about one object', () => {
  it('are written one after another, in order, beside those about others', async () => {
    await using all = await setUp({ atOnce: 4 });
    all.server.silence();
    for (const message of messages(3)) all.say(message);
    all.say('of another', pod('web-1'));
    await all.sent(2);
    expect(all.server.requests.count({ verb: 'create' })).toBe(2);
    all.server.resume();
    await all.recorder.idle;
    expect(all.said().filter((message) => message !== 'of another')).toEqual(messages(3));
    expect(all.said()).toContain('of another');
  });

  it('are counted where they repeat, however fast', async () => {
    await using all = await setUp({ atOnce: 4 });
    for (const _ of messages(4)) all.say('again');
    await all.recorder.idle;
    expect(all.server.list('Event')).toMatchObject([{ count: 4 }]);
  });
});
