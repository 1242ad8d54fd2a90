import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AppParts, buildApp } from '../../../src/daemon/app.ts';
import type { CallSeen } from '../../../src/daemon/call/observers.ts';
import { AttachmentQueue } from '../../../src/daemon/ownership/attachment-queue.ts';
import { ADD_PATH, GC_PATH } from '../../../src/wire/messages.ts';
import { HOSTILE_TEXTS, requestOf } from './support.ts';

const log: string[] = [];
const logger = pino({ base: null }, { write: (line) => void log.push(line) });
const parts = {
  addTimeoutMs: 1000,
  recordedDels: { done: async () => {} },
  queue: new AttachmentQueue(),
  podEvents: { configureFailed: () => () => {} },
} as unknown as AppParts;
const app = buildApp(parts, logger);
beforeAll(async () => {
  await app.ready();
});
afterAll(() => app.close());
beforeEach(() => {
  log.length = 0;
});

/** Posts a body that is refused, and returns the CNI error. */
async function refusalOf(body: string, url = ADD_PATH) {
  const headers = { 'content-type': 'application/json' };
  const { statusCode, body: answer } = await app.inject({ method: 'POST', url, headers, body });
  const { cni_error: error, ...others } = JSON.parse(answer);
  expect(others).toMatchObject({ ips: null, routes: null, nicname: '' });
  return { statusCode, ...error };
}

describe('a refusal', () => {
  it('says whose call it was', async () => {
    const refusal = await refusalOf(JSON.stringify(requestOf({ net_ns: '' })));
    expect(refusal).toMatchObject({ statusCode: 400, code: 4 });
    expect(refusal.msg).toMatch(/^ADD of eth0 for pod shop\/web-0: CNI_NETNS /);
    const [line = ''] = log;
    expect(JSON.parse(line)).toMatchObject({ pod: 'shop/web-0', ifName: 'eth0', code: 4 });
  });

  it.each([
    '{"toString":1}',
    '{"toString":null,"valueOf":null}',
    '['.repeat(50_000) + ']'.repeat(50_000),
    'null',
    '[{}]',
  ])('is an answer where the names are %.40s', async (value) => {
    const body = `{"pod_name":${value},"pod_namespace":${value},"if_name":${value}}`;
    expect(await refusalOf(body)).toMatchObject({ statusCode: 400, code: 7 });
  });

  it.each([
    ['{"ingress_rate":"1000"}', '/bandwidth/ingress_rate must be integer'],
    ['{"egress_rate":-1}', '/bandwidth/egress_rate must be >= 0'],
    ['{"egress_burst":1e300}', '/bandwidth/egress_burst must be <= 9007199254740991'],
    ['{"egress_burst":null}', '/bandwidth/egress_burst must be integer'],
    ['null', '/bandwidth must be object'],
  ])('names what is wrong in the bandwidth %s', async (bandwidth, says) => {
    const body = JSON.stringify({ ...requestOf(), bandwidth: {} });
    const refusal = await refusalOf(body.replace('"bandwidth":{}', `"bandwidth":${bandwidth}`));
    expect(refusal).toMatchObject({ statusCode: 400, code: 7 });
    expect(refusal.msg).toContain(says);
  });

  it('is one short line, whatever the names are', async () => {
    for (const text of HOSTILE_TEXTS) {
      const names = { pod_name: text, pod_namespace: text, if_name: text, container_id: text };
      const { msg } = await refusalOf(JSON.stringify(requestOf(names)));
      expect(msg.length).toBeLessThan(1500);
      expect(msg).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    }
    expect(Math.max(...log.map((line) => line.length))).toBeLessThan(5000);
  });

  it('of a call without a pod names none', async () => {
    const { msg } = await refusalOf('{"cni_type":1}', GC_PATH);
    expect(msg).toMatch(/^GC: the request is wrong/);
    expect(JSON.parse(log[0] ?? '')).not.toHaveProperty('ifName');
  });
});

describe('the line in the log about a call', () => {
  const failed = { net_ns: '', network: 'net' };

  it('has the operation id that the executable gave it, as the details of the error have', async () => {
    const operation_id = '0123456789ab';
    const { details } = await refusalOf(JSON.stringify({ ...requestOf(failed), operation_id }));
    expect(details).toContain(`operation ${operation_id}`);
    expect(log).toHaveLength(1);
    expect(JSON.parse(log[0] ?? '')).toMatchObject({
      ...{ verb: 'ADD', operation: operation_id, namespace: 'shop', pod: 'shop/web-0' },
      ...{ ifName: 'eth0', provider: 'ovn', network: 'net', outcome: 'failed' },
      ...{ stage: 'validate-request', code: 4, ms: expect.any(Number) },
    });
  });

  it.each([undefined, '', 'xyz', '0123', 'a'.repeat(33), '\n"level":50', 5, {}])(
    'has one of the daemon where the executable gave %j',
    async (operation_id) => {
      const { details } = await refusalOf(JSON.stringify({ ...requestOf(failed), operation_id }));
      const { operation } = JSON.parse(log[0] ?? '');
      expect(operation).toMatch(/^[0-9a-f]{12}$/);
      expect(details).toContain(`operation ${operation}`);
    },
  );

  it('has no stack where the error had to be expected', async () => {
    await refusalOf('{');
    expect(log).toHaveLength(1);
    expect(log[0]).not.toContain('stack');
  });
});

it('goes on where a connection could not be taken', async () => {
  app.server.emit('error', Object.assign(new Error('accept ENFILE'), { syscall: 'accept' }));
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, error: 'accept ENFILE', msg: 'a connection of the socket could not be taken' },
  ]);
  expect(await refusalOf('{')).toMatchObject({ statusCode: 400 });
});

describe('an observer of calls', () => {
  it('is told of each that was answered, under a name that no caller chooses', async () => {
    const seen: CallSeen[] = [];
    const observers = { call: (call: CallSeen) => void seen.push(call), removed: () => {} };
    const observed = buildApp({ ...parts, observers }, logger);
    await observed.inject({ method: 'POST', url: ADD_PATH, body: requestOf({ net_ns: '' }) });
    await observed.inject({ method: 'POST', url: '/api/v1/mischief', body: {} });
    await observed.inject({ method: 'POST', url: '/%zz', body: {} });
    await observed.inject({ method: 'GET', url: ADD_PATH });
    expect(seen).toMatchObject([
      { verb: 'ADD', path: ADD_PATH, status: 400, failure: { code: 4, stage: 'validate-request' } },
      { verb: 'other', path: 'other', status: 404 },
      { verb: 'other', path: 'other', status: 404 },
      { verb: 'ADD', path: ADD_PATH, status: 404 },
    ]);
    await observed.close();
  });
});
