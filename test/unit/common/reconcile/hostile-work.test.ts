/** Work that throws what nobody expects, or holds everything up: the queue and the process go on. */
import { Writable } from 'node:stream';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { NotDone } from '../../../../src/common/reconcile/not-done.ts';
import { WorkQueue, type WorkQueueOptions } from '../../../../src/common/reconcile/work-queue.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import { NEVER } from './work-queue-support.ts';

/** The programs' logger, which reads all that it is given. */
function realLog() {
  const lines: string[] = [];
  const write = (chunk: Buffer, _: unknown, done: () => void) => {
    lines.push(chunk.toString());
    done();
  };
  return { log: pino({}, new Writable({ write })), lines };
}

function withGetter(name: string): Error {
  return Object.defineProperty(new Error('x'), name, {
    get: () => {
      throw new Error(`${name} cannot be read`);
    },
  });
}

/** An error to which every question is answered with another one. */
const UNREADABLE = new Proxy(new Error('x'), {
  get: () => {
    throw new Error('nothing of it can be read');
  },
  getPrototypeOf: () => {
    throw new Error('nor what it is');
  },
});

const THROWN: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a text', 'broken'],
  ['an object without prototype', Object.create(null)],
  ...['message', 'name', 'stack', 'code', 'status', 'cause', 'toJSON'].map(
    (name) => [`an error whose ${name} throws`, withGetter(name)] as const,
  ),
  ['an error of which nothing can be read', UNREADABLE],
  ['a NotDone that was tampered with', Object.assign(new NotDone('x'), { waitsFor: 1 })],
];

/** How each kind of work throws it. */
const WAYS: Readonly<Record<string, (thrown: unknown) => WorkQueueOptions['work']>> = {
  'at once': (thrown) => () => {
    throw thrown;
  },
  'in a turn to come': (thrown) => async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw thrown;
  },
  'as what it returns is awaited': (thrown) => () =>
    Object.defineProperty({}, 'then', {
      get: () => {
        throw thrown;
      },
    }) as Promise<void>,
};

describe.each(Object.entries(WAYS))('work that throws %s', (_, way) => {
  it.each(THROWN)(
    '%s: the work of other keys goes on, and its own is tried again',
    async (...[, thrown]) => {
      const { log, lines } = realLog();
      const done: string[] = [];
      const bad = way(thrown);
      const work = (key: string) =>
        key === 'bad' ? bad(key) : Promise.resolve(void done.push(key));
      const queue = new WorkQueue({ concurrency: 1, pauses: NEVER, what: 'the work', log, work });
      for (const key of ['bad', 'good']) queue.add(key);
      await queue.idle();
      expect(done).toEqual(['good']);
      expect(queue.figures).toMatchObject({ failures: 1, paused: 1, running: 0 });
      expect(lines.join('')).toContain('the work: ');
      await queue.stop();
    },
  );
});

it('work that throws while its options are read is a failure like others', async () => {
  const log = new RecordingLog();
  const options: Partial<WorkQueueOptions> = {
    concurrency: 1,
    pauses: NEVER,
    what: 'the work',
    log,
  };
  const queue = new WorkQueue(
    Object.defineProperty(options, 'work', {
      get: () => {
        throw new Error('no work');
      },
    }) as WorkQueueOptions,
  );
  queue.add('a');
  await queue.idle();
  expect(queue.figures).toMatchObject({ failures: 1, paused: 1 });
  await queue.stop();
});

describe('work that holds the event loop', () => {
  const hold = (ms: number) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };

  it('for more than 50 ms is counted, and a line in the log names its key', async () => {
    const log = new RecordingLog();
    const work = async (key: string) => hold(key === 'slow' ? 60 : 0);
    const queue = new WorkQueue({ concurrency: 1, what: 'the work', log, work });
    for (const key of ['quick', 'slow', 'slow as well']) queue.add(key);
    await queue.idle();
    expect(queue.figures.longTurns).toBe(1);
    expect(log.lines).toMatchObject([{ fields: { key: 'slow' }, message: HELD }]);
  });

  it('is told once in ten seconds, however many keys do', async () => {
    const log = new RecordingLog();
    const work = async () => hold(51);
    const queue = new WorkQueue({ concurrency: 1, what: 'the work', log, work });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await queue.idle();
    expect(queue.figures.longTurns).toBe(3);
    expect(log.lines).toHaveLength(1);
  });

  it('is counted also where it throws', async () => {
    const work = () => {
      hold(51);
      throw new Error('slow, and wrong');
    };
    const log = new RecordingLog();
    const queue = new WorkQueue({ concurrency: 1, pauses: NEVER, what: 'the work', log, work });
    queue.add('a');
    await queue.idle();
    expect(queue.figures).toMatchObject({ longTurns: 1, failures: 1 });
    await queue.stop();
  });
});

const HELD = 'the work: held the event loop: everything else waited';
