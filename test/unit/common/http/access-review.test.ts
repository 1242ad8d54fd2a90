import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { AccessReview } from '../../../../src/common/http/access-review.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';

const SIGNAL = new AbortController().signal;
const PROMETHEUS = {
  username: 'system:serviceaccount:monitoring:prometheus',
  uid: 'u1',
  groups: ['system:serviceaccounts'],
  extra: { 'authentication.kubernetes.io/pod-name': ['prometheus-0'] },
};

function call(authorization?: string, url = '/metrics'): IncomingMessage {
  return { headers: authorization === undefined ? {} : { authorization }, url } as IncomingMessage;
}

/** An API server that knows `good` and lets it read, and knows `poor` and does not. */
function setUp(fails?: () => Error | undefined) {
  const asked: { path: string; body: unknown }[] = [];
  const create = async (path: string, body: object): Promise<unknown> => {
    asked.push({ path, body });
    const failure = fails?.();
    if (failure !== undefined) throw failure;
    const { spec } = body as { spec: { token?: string; user?: string } };
    if (path.endsWith('tokenreviews')) {
      const isKnown = spec.token === 'good' || spec.token === 'poor';
      const user = {
        ...PROMETHEUS,
        username: spec.token === 'good' ? PROMETHEUS.username : 'poor',
      };
      return { status: isKnown ? { authenticated: true, user } : { authenticated: false } };
    }
    return { status: { allowed: spec.user === PROMETHEUS.username } };
  };
  const log = new RecordingLog();
  return { review: new AccessReview({ create }, log), asked, lines: log.lines };
}

describe('whoever reads metrics with secure serving', () => {
  it('is let in where the API server knows the token and lets it get the path', async () => {
    const { review, asked } = setUp();
    expect((await review.decide(call('Bearer good'), SIGNAL)).status).toBe(200);
    expect(asked).toEqual([
      {
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec: { token: 'good' },
        },
      },
      {
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: PROMETHEUS.username,
            uid: 'u1',
            groups: PROMETHEUS.groups,
            extra: PROMETHEUS.extra,
            nonResourceAttributes: { path: '/metrics', verb: 'get' },
          },
        },
      },
    ]);
  });

  it('is 401 without a token, and the API server is not asked', async () => {
    const { review, asked } = setUp();
    for (const header of [undefined, '', 'Basic Z29vZA==', 'Bearer', 'Bearer a b', 'Bearer "x"']) {
      expect((await review.decide(call(header), SIGNAL)).status).toBe(401);
    }
    expect(asked).toEqual([]);
  });

  it('is 401 with a token that nobody knows, and 403 with one that may not', async () => {
    const { review } = setUp();
    expect((await review.decide(call('Bearer forged'), SIGNAL)).status).toBe(401);
    expect(await review.decide(call('Bearer poor'), SIGNAL)).toMatchObject({
      status: 403,
      reason: expect.stringContaining('/metrics'),
    });
  });

  it('is asked about once for a while, for good and for bad', async () => {
    const { review, asked } = setUp();
    for (let time = 0; time < 5; time += 1) {
      expect((await review.decide(call('Bearer good'), SIGNAL)).status).toBe(200);
      expect((await review.decide(call('Bearer forged'), SIGNAL)).status).toBe(401);
    }
    expect(asked).toHaveLength(3);
  });

  it('is 503 while the API server does not answer, with one line in the log', async () => {
    let failure: Error | undefined = new Error('connection refused');
    const { review, lines } = setUp(() => failure);
    for (let time = 0; time < 5; time += 1) {
      expect((await review.decide(call('Bearer good'), SIGNAL)).status).toBe(503);
    }
    expect(lines).toHaveLength(1);
    failure = undefined;
    expect((await review.decide(call('Bearer good'), SIGNAL)).status).toBe(200);
    expect(lines).toHaveLength(2);
  });

  it('is 503 where the answer is no review', async () => {
    const log = new RecordingLog();
    for (const answer of [null, {}, { status: {} }, { status: { authenticated: 'yes' } }]) {
      const review = new AccessReview({ create: async () => answer }, log);
      const access = await review.decide(call('Bearer good'), SIGNAL);
      expect(access.status, JSON.stringify(answer)).not.toBe(200);
    }
  });

  it('cannot make it remember more than a few tokens, nor ask more than a few at a time', async () => {
    let running = 0;
    let most = 0;
    const log = new RecordingLog();
    const create = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return { status: { authenticated: false } };
    };
    const review = new AccessReview({ create }, log);
    const calls = Array.from({ length: 100 }, (_, index) =>
      review.decide(call(`Bearer forged${index}`), SIGNAL),
    );
    for (const { status } of await Promise.all(calls)) expect(status).toBe(401);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('has few questions asked by sending one token after the other, and going away at once', async () => {
    let asked = 0;
    const create = async () => {
      asked += 1;
      return { status: { authenticated: false } };
    };
    const review = new AccessReview({ create }, new RecordingLog());
    const startedAt = performance.now();
    for (let index = 0; asked < 12; index += 1) {
      const leaving = new AbortController();
      const answer = review.decide(call(`Bearer forged${index}`), leaving.signal);
      leaving.abort(new Error('the caller went away'));
      answer.catch(() => {});
      await new Promise(setImmediate);
    }
    // Four at a time, and a rest of 100 ms between the first four, the second and the third.
    expect(performance.now() - startedAt).toBeGreaterThan(190);
  });
});
