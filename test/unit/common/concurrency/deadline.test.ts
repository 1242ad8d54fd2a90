import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  abortable,
  DeadlinePassed,
  startDeadline,
} from '../../../../src/common/concurrency/deadline.ts';
import { CniError } from '../../../../src/daemon/call/error.ts';
import { waiting } from '../../../../src/daemon/call/waiting.ts';
import { rejectionOf } from '../../daemon/support.ts';

const never = new Promise<never>(() => {});
const caller = () => new AbortController();

/** The reason why a signal is aborted, once it is. */
function reasonOf(signal: AbortSignal): Promise<unknown> {
  return abortable(never, signal).catch((reason: unknown) => reason);
}

describe('a deadline', () => {
  it('passes after its time, and says after how long', async () => {
    using deadline = startDeadline(20, caller().signal);
    const reason = await reasonOf(deadline.signal);
    expect(reason).toBeInstanceOf(DeadlinePassed);
    expect(reason).toMatchObject({ afterMs: 20, message: 'no result within 0.02 s' });
  });

  it('ends when its caller leaves, for the reason that the caller has', async () => {
    const controller = caller();
    using deadline = startDeadline(60_000, controller.signal);
    const reason = new Error('the caller left');
    controller.abort(reason);
    expect(await reasonOf(deadline.signal)).toBe(reason);
  });

  it('has ended already, for the same reason, where its caller has left before', () => {
    const reason = new Error('gone');
    using deadline = startDeadline(60_000, AbortSignal.abort(reason));
    expect(deadline.signal.aborted).toBe(true);
    expect(deadline.signal.reason).toBe(reason);
  });

  it('may have no caller', async () => {
    using deadline = startDeadline(20);
    expect(await reasonOf(deadline.signal)).toMatchObject({ afterMs: 20 });
  });

  it('counts what has passed already, and says the whole', async () => {
    using late = startDeadline(60_000, caller().signal, 59_990);
    expect(await reasonOf(late.signal)).toMatchObject({ afterMs: 60_000 });
    using past = startDeadline(60_000, caller().signal, 90_000);
    expect(await reasonOf(past.signal)).toBeInstanceOf(DeadlinePassed);
  });

  it('leaves nothing on a caller that lives on, however it ends', () => {
    const { signal } = caller();
    for (let count = 0; count < 20; count++) {
      using deadline = startDeadline(60_000, signal);
      if (count % 2 === 0) deadline.abort(new Error('early'));
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends early with a reason, and the first one counts', async () => {
    using deadline = startDeadline(60_000, caller().signal);
    const first = new Error('first');
    deadline.abort(first);
    deadline.abort(new Error('second'));
    expect(await reasonOf(deadline.signal)).toBe(first);
  });

  it('does not pass after it was disposed of', async () => {
    let signal: AbortSignal;
    {
      using deadline = startDeadline(10, caller().signal);
      signal = deadline.signal;
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(signal.aborted).toBe(false);
  });
});

describe('a wait', () => {
  const wait = { what: 'a sign', lookAt: 'the sky' };

  it('gives what it waited for', async () => {
    expect(await waiting(wait, Promise.resolve(1))).toBe(1);
  });

  it('says what it waited for, how long and where to look when time is up', async () => {
    const passed = new DeadlinePassed(1500);
    const error = await rejectionOf(waiting(wait, Promise.reject(passed)));
    expect(error.code).toBe(11);
    expect(error.message).toBe('waited 1.5 s for a sign');
    expect(error.details).toBe('look at the sky');
    expect(error.cause).toBe(passed);
  });

  it('says first what it is known as, where it is known', async () => {
    const known = { ...wait, knownAs: 'no sign for pod a/b' };
    const error = await rejectionOf(waiting(known, Promise.reject(new DeadlinePassed(1500))));
    expect(error.message).toBe('no sign for pod a/b: waited 1.5 s for a sign');
  });

  it('with stages says the one that it is in when time is up', async () => {
    let stage = 'first';
    const task = Promise.withResolvers<never>();
    const error = rejectionOf(waiting(() => ({ what: stage, lookAt: '' }), task.promise));
    stage = 'second';
    task.reject(new DeadlinePassed(1000));
    expect((await error).message).toBe('waited 1 s for second');
  });

  it('passes every other failure on as it is', async () => {
    for (const failure of [new Error('other'), new CniError(7, 'm', 'd'), 'text']) {
      const outcome = waiting(wait, Promise.reject(failure)).catch((error: unknown) => error);
      expect(await outcome).toBe(failure);
    }
  });

  it('through a real deadline ends in time', async () => {
    using deadline = startDeadline(20, caller().signal);
    const error = await rejectionOf(waiting(wait, abortable(never, deadline.signal)));
    expect(error.message).toBe('waited 0.02 s for a sign');
  });
});

describe('a task that can be aborted', () => {
  it('gives its result, or its own failure', async () => {
    const { signal } = caller();
    const failure = new Error('own');
    expect(await abortable(Promise.resolve(1), signal)).toBe(1);
    await expect(abortable(Promise.reject(failure), signal)).rejects.toBe(failure);
  });

  it('gives up at once for a signal that was aborted before', async () => {
    const reason = new Error('before');
    await expect(abortable(never, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('may fail after it was given up without anybody noticing', async () => {
    const controller = caller();
    const task = Promise.withResolvers<never>();
    const outcome = abortable(task.promise, controller.signal);
    controller.abort(new Error('given up'));
    await expect(outcome).rejects.toThrow('given up');
    // An unhandled rejection would fail the whole run.
    task.reject(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('leaves no listener on the signal, however it ends', async () => {
    const { signal } = caller();
    await abortable(Promise.resolve(), signal);
    await abortable(Promise.reject(new Error('own')), signal).catch(() => {});
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const aborted = caller();
    const outcome = abortable(never, aborted.signal).catch(() => {});
    aborted.abort(new Error('x'));
    await outcome;
    expect(getEventListeners(aborted.signal, 'abort')).toEqual([]);
  });
});
