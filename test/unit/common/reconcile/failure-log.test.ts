import { describe, expect, it } from 'vitest';
import { KubernetesError } from '../../../../src/common/kubernetes/error.ts';
import { FailureLog } from '../../../../src/common/reconcile/failure-log.ts';
import { NotDone } from '../../../../src/common/reconcile/not-done.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import { sizeOfPrivate } from '../../daemon/support.ts';

function failureLog() {
  const log = new RecordingLog();
  return { log, failures: new FailureLog('the work', log) };
}

describe('the log of failures', () => {
  it('names some of the keys that have the same reason, and says that there may be more', () => {
    const { log, failures } = failureLog();
    for (let key = 0; key < 50; key++) failures.failed(`${key}`, new Error('away'));
    const messages = log.lines.map(({ message }) => message);
    expect(messages).toHaveLength(10);
    expect(messages[0]).toBe('the work: away; trying again');
    expect(messages[9]).toBe(
      'the work: away; trying again; others with this reason are not logged',
    );
  });

  it('tells a reason again when those that had it are done', () => {
    const { log, failures } = failureLog();
    for (let round = 0; round < 2; round++) {
      for (let key = 0; key < 12; key++) failures.failed(`${key}`, new Error('away'));
      for (let key = 0; key < 12; key++) failures.succeeded(`${key}`);
    }
    expect(log.lines).toHaveLength(20);
  });

  it('does not tell of reasons without end', () => {
    const { log, failures } = failureLog();
    for (let count = 0; count < 100; count++) failures.failed('a', new Error(`after ${count} ms`));
    expect(log.lines).toHaveLength(10);
    failures.succeeded('a');
    failures.failed('a', new Error('after 7 ms'));
    expect(log.lines).toHaveLength(11);
  });

  it('remembers nothing of what is done', async () => {
    const { failures } = failureLog();
    for (let key = 0; key < 50; key++) {
      failures.failed(`${key}`, new Error('away'));
      failures.failed(`${key}`, new Error(`own ${key}`));
    }
    for (let key = 0; key < 50; key++) failures.succeeded(`${key}`);
    expect(await sizeOfPrivate(failures, '#reasons')).toBe(0);
    expect(await sizeOfPrivate(failures, '#keyCounts')).toBe(0);
  });

  it('tells of a conflict only where it does not end', () => {
    const { log, failures } = failureLog();
    const request = { verb: 'patch', path: '/apis/kubeovn.io/v1/subnets/a' } as const;
    const conflict = new KubernetesError({ ...request, status: 409, reason: 'Conflict' }, '');
    for (let count = 1; count < 5; count++) failures.failed('a', conflict, count);
    expect(log.lines).toEqual([]);
    failures.failed('a', conflict, 5);
    expect(log.lines).toHaveLength(1);
  });

  it('takes whatever is thrown', () => {
    const { log, failures } = failureLog();
    failures.failed('a', 'a text');
    expect(log.lines[0]?.message).toBe('the work: a text; trying again');
  });
});

describe('work that something else stands in the way of', () => {
  const wrong = new NotDone('subnet front is not valid');
  const waiting = new NotDone('vpc tenant is not ready', { isTransient: true });

  it('is a warning without a stack, and what fails is an error with one', () => {
    const { log, failures } = failureLog();
    const broken = new Error('broken');
    failures.failed('a', wrong);
    failures.failed('a', broken);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        fields: { key: 'a' },
        message: 'the work: subnet front is not valid; trying again',
      },
      {
        level: 'error',
        fields: {
          key: 'a',
          err: expect.objectContaining({ message: 'broken', stack: broken.stack }),
        },
        message: 'the work: broken; trying again',
      },
    ]);
  });

  it('is not told of as long as that may pass by itself, and then once', () => {
    const { log, failures } = failureLog();
    for (let count = 1; count < 5; count++) failures.failed('a', waiting, count);
    expect(log.lines).toEqual([]);
    for (let count = 5; count < 9; count++) failures.failed('a', waiting, count);
    expect(log.lines).toMatchObject([{ level: 'warn' }]);
  });

  it('has no part in how often a reason was told before it was told', () => {
    const { log, failures } = failureLog();
    for (let key = 0; key < 50; key++) failures.failed(`${key}`, waiting);
    failures.failed('a', waiting, 5);
    expect(log.lines).toHaveLength(1);
  });
});
