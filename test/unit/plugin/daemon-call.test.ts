import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { callDaemon } from '../../../src/plugin/daemon-call.ts';
import { errorBody } from '../../../src/plugin/error.ts';
import { rejectionOf } from './attempt.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from './fake-daemon.ts';

function call(socketPath: string, timeoutMs = 5000, unanswered = rethrow) {
  const post = { socketPath, path: '/api/v1/add', body: '{}', timeoutMs };
  return callDaemon({ ...post, socketWaitMs: 0 }, unanswered);
}

async function rethrow(failure: Error): Promise<void> {
  throw failure;
}

const HINT = "look at this node's pod of the DaemonSet kube-ovn-cni";

async function failureOfAnswer(status: number, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return await rejectionOf(call((await httpDaemon(status, text)).socketPath));
}

describe('a successful answer', () => {
  it('is the JSON object in it', async () => {
    const { socketPath } = await httpDaemon(200, '{"ips":null,"error":""}');
    expect(await call(socketPath)).toEqual({ ips: null, error: '' });
  });

  it('may be without a body, or with one that says nothing', async () => {
    expect(await call((await httpDaemon(204, '')).socketPath)).toEqual({});
    expect(await call((await httpDaemon(200, 'OK')).socketPath)).toEqual({});
  });
});

describe('a failure that the daemon reports', () => {
  it('is its CNI error as it is', async () => {
    const said = { code: 7, msg: 'no such subnet', details: 'subnet "x"' };
    expect(await failureOfAnswer(400, { error: 'old text', cni_error: said })).toEqual(said);
  });

  it('is error 11 with the text of a Go daemon', async () => {
    expect(await failureOfAnswer(500, { ips: null, error: 'no address yet' })).toEqual({
      code: 11,
      msg: 'the node daemon failed',
      details: '/api/v1/add (500): no address yet',
    });
  });

  it('is error 11 with a body that is plain text', async () => {
    const { code, details } = await failureOfAnswer(400, 'delete nic failed\n');
    expect([code, details]).toEqual([11, '/api/v1/add (400): delete nic failed']);
  });

  it.each([
    null,
    'text',
    { code: '7', msg: 'm', details: 'd' },
    { code: 0, msg: 'm', details: 'd' },
    { code: 1.5, msg: 'm', details: 'd' },
    { code: 7, msg: 'm' },
    { code: 7, msg: {}, details: 'd' },
    { code: 7, msg: '', details: 'd' },
  ])('is error 11 with its text where its CNI error is %j', async (said) => {
    const failure = await failureOfAnswer(500, { error: 'text of it', cni_error: said });
    expect(failure).toMatchObject({ code: 11, details: '/api/v1/add (500): text of it' });
  });

  it('counts even if the status says success', async () => {
    expect(await failureOfAnswer(200, { error: 'but no' })).toMatchObject({
      code: 11,
      details: '/api/v1/add (200): but no',
    });
  });

  it('is cut where its text is long', async () => {
    const { details } = await failureOfAnswer(500, { error: 'x'.repeat(100_000) });
    expect(details.length).toBeLessThan(5000);
  });

  it('is that it lacks the command where it does not know the path', async () => {
    const body = { statusCode: 404, error: 'Not Found', message: 'Route not found' };
    const { code, msg, details } = await failureOfAnswer(404, body);
    expect([code, msg]).toEqual([11, 'the node daemon does not have this command']);
    expect(details).toContain('does not know /api/v1/add');
  });
});

describe('a daemon that gives no answer', () => {
  it('is said not to run where the socket does not exist, with where to look', async () => {
    const socketPath = freeSocketPath();
    const { code, msg, details } = await rejectionOf(call(socketPath));
    expect([code, msg]).toEqual([11, 'the node daemon is not running']);
    expect(details).toContain(`${socketPath}: ENOENT`);
    expect(details).toContain(HINT);
  });

  it('is said not to run where nothing listens on the socket', async () => {
    const socketPath = freeSocketPath();
    writeFileSync(socketPath, '');
    expect((await rejectionOf(call(socketPath))).details).toContain(`${socketPath}: ECONNREFUSED`);
  });

  it('is error 11 where it closes the connection early', async () => {
    const socketPath = await rawDaemon((socket) => socket.end());
    expect(await rejectionOf(call(socketPath))).toEqual({
      code: 11,
      msg: 'no answer from the node daemon',
      details: `the daemon on ${socketPath} closed the connection without an answer; ${HINT}`,
    });
  });

  it('is error 11 where it drops the connection before it reads', async () => {
    const socketPath = freeSocketPath();
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const failure = await rejectionOf(call(socketPath));
    server.close();
    expect(failure).toMatchObject({ code: 11, msg: 'no answer from the node daemon' });
  });

  it('is error 11 where it stays silent until the deadline', async () => {
    const socketPath = await rawDaemon(() => {});
    const { code, details } = await rejectionOf(call(socketPath, 50));
    expect([code, details]).toEqual([
      11,
      `the daemon on ${socketPath} did not answer within 50 ms; ${HINT}`,
    ]);
  });

  it('is error 11 where it sends garbage', async () => {
    const socketPath = await rawDaemon((socket) => socket.end('\x15\x03\x01\0\x02'));
    const { code, details } = await rejectionOf(call(socketPath));
    expect(code).toBe(11);
    expect(details).toContain('not a whole HTTP answer');
  });

  it('may be made up for by the caller, for whom the answer is then empty', async () => {
    const failures: unknown[] = [];
    const makeUp = async (failure: Error) => {
      failures.push(errorBody(failure).code);
    };
    expect(await call(freeSocketPath(), 5000, makeUp)).toEqual({});
    expect(await call(await rawDaemon((socket) => socket.end('HTTP')), 5000, makeUp)).toEqual({});
    expect(await call(await rawDaemon(() => {}), 50, makeUp)).toEqual({});
    expect(failures).toEqual([11, 11, 11]);
  });

  it('is not one that reports a failure: the caller cannot make up for that', async () => {
    const { socketPath } = await httpDaemon(500, '{"error":"no"}');
    const makeUp = vi.fn(async () => {});
    expect((await rejectionOf(call(socketPath, 5000, makeUp))).code).toBe(11);
    expect(makeUp).not.toHaveBeenCalled();
  });
});
