import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import {
  type EventPod,
  EventRecorder,
  type PodEvent,
} from '../../../../src/common/kubernetes/events.ts';
import { KubernetesApiDouble } from '../../../lab/kubernetes/api.ts';
import { configOf, LogDouble } from './support.ts';

const EVENTS = '/api/v1/namespaces/shop/events';
const WEB: EventPod = { namespace: 'shop', name: 'web-0', uid: 'uid-of-web-0' };
const FAILED: PodEvent = {
  type: 'Warning',
  reason: 'PodNetworkConfigureFailed',
  message: 'the subnet has no gateway',
};

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function setUp() {
  const double = await KubernetesApiDouble.start();
  const api = new KubernetesApi(configOf(double));
  const log = new LogDouble();
  const recorder = new EventRecorder({ api, nodeName: 'node-1', log });
  /** Records an event about `web-0` that differs in its message. */
  const say = (message: string) => recorder.record(WEB, { ...FAILED, message });
  /** Messages of the events on the server, in the order in which they were written. */
  const said = () =>
    double
      .list('Event')
      .sort((one, other) => versionOf(one) - versionOf(other))
      .map(({ message }) => message);
  const dispose = async () => {
    api.destroy();
    await double.close();
  };
  return { double, log, recorder, say, said, [Symbol.asyncDispose]: dispose };
}

function versionOf({ metadata }: { metadata: { resourceVersion?: string } }): number {
  return Number(metadata.resourceVersion);
}

/** From now on it is this time; nothing else about time changes. */
function itIs(time: string): void {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) });
}

/** Messages that differ, as many as asked for. */
function messages(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `message ${index}`);
}

describe('an event', () => {
  it('is written with all that people and their tools look for', async () => {
    await using all = await setUp();
    itIs('2026-03-04T05:06:07.890Z');
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    const [event, ...others] = all.double.list('Event');
    expect(others).toEqual([]);
    const { metadata, ...body } = event ?? expect.unreachable('there is none');
    expect(metadata.name).toMatch(/^web-0\.[0-9a-f]{16}$/);
    expect(metadata.namespace).toBe('shop');
    expect(body).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: 'shop',
        name: 'web-0',
        uid: 'uid-of-web-0',
      },
      type: 'Warning',
      reason: 'PodNetworkConfigureFailed',
      message: 'the subnet has no gateway',
      source: { component: 'node-1', host: 'node-1' },
      reportingComponent: 'kube-ovn-cni',
      reportingInstance: 'node-1',
      firstTimestamp: '2026-03-04T05:06:07Z',
      lastTimestamp: '2026-03-04T05:06:07Z',
      count: 1,
    });
    expect(all.log.lines).toEqual([]);
  });

  it('has the time at which it was recorded, not that at which it was written', async () => {
    await using all = await setUp();
    all.double.silence();
    itIs('2026-03-04T05:06:07Z');
    all.say('a');
    all.say('b');
    itIs('2026-03-04T06:00:00Z');
    all.double.resume();
    await all.recorder.idle;
    expect(all.double.list('Event').map(({ lastTimestamp }) => lastTimestamp)).toEqual([
      '2026-03-04T05:06:07Z',
      '2026-03-04T05:06:07Z',
    ]);
  });

  it.each([
    // 236 characters and the suffix are 253. What is left must end in a letter or digit.
    ['a name that is short enough', 'a'.repeat(236), 'a'.repeat(236)],
    ['a name that is too long', 'a'.repeat(253), 'a'.repeat(236)],
    ['a name with a dot at the cut', `${'a'.repeat(235)}.${'b'.repeat(17)}`, 'a'.repeat(235)],
    ['a name with dashes at the cut', `${'a'.repeat(200)}${'-'.repeat(52)}b`, 'a'.repeat(200)],
    ['a name with both at the cut', `${'a'.repeat(233)}-.-${'b'.repeat(17)}`, 'a'.repeat(233)],
  ])('has a name that the server takes for a pod with %s', async (_, name, cut) => {
    await using all = await setUp();
    all.recorder.record({ ...WEB, name }, FAILED);
    await all.recorder.idle;
    const [event] = all.double.list('Event');
    expect(event?.metadata.name).toMatch(new RegExp(`^${cut}\\.[0-9a-f]{16}$`));
    expect(event?.metadata.name.length).toBeLessThanOrEqual(253);
    expect(event?.involvedObject).toMatchObject({ name });
  });

  it.each([
    ['1024 bytes', 'a'.repeat(1024), 'a'.repeat(1024)],
    ['1025 bytes', 'a'.repeat(1025), 'a'.repeat(1024)],
    ['a character of 2 bytes at the cut', `${'a'.repeat(1023)}éé`, 'a'.repeat(1023)],
    ['one of 2 bytes before the cut', `${'a'.repeat(1022)}éé`, `${'a'.repeat(1022)}é`],
    ['one of 3 bytes at the cut', `${'a'.repeat(1022)}網絡`, 'a'.repeat(1022)],
    ['one of 4 bytes at the cut', `${'a'.repeat(1021)}😀😀`, 'a'.repeat(1021)],
    ['one of 4 bytes before the cut', `${'a'.repeat(1020)}😀😀`, `${'a'.repeat(1020)}😀`],
    ['many of 4 bytes', '😀'.repeat(1000), '😀'.repeat(256)],
  ])('has a message of whole characters: %s', async (_, message, cut) => {
    await using all = await setUp();
    all.say(message);
    await all.recorder.idle;
    expect(all.said()).toEqual([cut]);
  });
});

describe('a repetition', () => {
  it('raises the count of the event that is there', async () => {
    await using all = await setUp();
    itIs('2026-03-04T05:06:07Z');
    all.recorder.record(WEB, FAILED);
    itIs('2026-03-04T05:10:00Z');
    all.recorder.record(WEB, FAILED);
    itIs('2026-03-04T05:20:00Z');
    all.recorder.record({ ...WEB }, { ...FAILED });
    await all.recorder.idle;
    const events = all.double.list('Event');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      count: 3,
      firstTimestamp: '2026-03-04T05:06:07Z',
      lastTimestamp: '2026-03-04T05:20:00Z',
    });
    expect(all.double.requests.all.map(({ verb }) => verb)).toEqual(['create', 'patch', 'patch']);
  });

  it.each<[string, Partial<EventPod>, Partial<PodEvent>]>([
    ['another pod of that name', { uid: 'another' }, {}],
    ['another type', {}, { type: 'Normal' }],
    ['another reason', {}, { reason: 'PodNetworkRemoveFailed' }],
    ['another message', {}, { message: 'the subnet has no CIDR' }],
  ])('is none with %s', async (_, pod, event) => {
    await using all = await setUp();
    all.recorder.record(WEB, FAILED);
    all.recorder.record({ ...WEB, ...pod }, { ...FAILED, ...event });
    await all.recorder.idle;
    expect(all.double.list('Event').map(({ count }) => count)).toEqual([1, 1]);
  });

  it('is one where messages differ only behind the cut', async () => {
    await using all = await setUp();
    all.say(`${'a'.repeat(1024)}b`);
    all.say(`${'a'.repeat(1024)}c`);
    await all.recorder.idle;
    expect(all.double.list('Event')).toMatchObject([{ count: 2 }]);
  });

  it('is written as a new event where the old one is gone', async () => {
    await using all = await setUp();
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    const [old] = all.double.list('Event');
    all.double.delete('Event', `shop/${old?.metadata.name}`);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.double.list('Event')).toMatchObject([{ count: 1 }]);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.double.list('Event')).toMatchObject([{ count: 2 }]);
    expect(all.log.lines).toEqual([]);
  });

  it('makes up for one that could not be written', async () => {
    await using all = await setUp();
    all.recorder.record(WEB, FAILED);
    all.double.faults.failNext(2, 503, { verb: 'patch' });
    for (const _ of [1, 2, 3]) all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.double.list('Event')).toMatchObject([{ count: 4 }]);
  });

  it('is known of the 256 events that were used last', async () => {
    await using all = await setUp();
    for (const message of messages(256)) {
      all.say(message);
      await all.recorder.idle;
    }
    all.say('message 0');
    all.say('one more');
    await all.recorder.idle;
    all.double.requests.clear();
    // In this order: a new event makes the recorder forget another one.
    for (const message of ['message 0', 'message 2', 'message 255', 'message 1']) all.say(message);
    await all.recorder.idle;
    const verbs = all.double.requests.all.map(({ verb }) => verb);
    expect(verbs).toEqual(['patch', 'patch', 'patch', 'create']);
  });
});

describe('recorded events', () => {
  it('are written one after another, in order', async () => {
    await using all = await setUp();
    all.double.silence();
    for (const message of messages(20)) all.say(message);
    await all.double.requests.waitFor({ verb: 'create', path: EVENTS }, 1);
    // A second create would arrive no later than this.
    const other = fetch(`${all.double.url}/another`);
    await all.double.requests.waitFor({ path: '/another' }, 1);
    expect(all.double.requests.count({ verb: 'create' })).toBe(1);
    all.double.resume();
    await Promise.all([other, all.recorder.idle]);
    expect(all.said()).toEqual(messages(20));
  });

  it('are idle at once where nothing was recorded', async () => {
    await using all = await setUp();
    await all.recorder.idle;
    expect(all.double.requests.count()).toBe(0);
  });

  it('wait in bounded number: what comes then is dropped, with one line for a run of drops', async () => {
    await using all = await setUp();
    all.double.silence();
    for (const message of messages(150)) all.say(message);
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields).toEqual({ reason: '100 events wait' });
    all.double.resume();
    await all.double.requests.waitFor({ verb: 'create' }, 40);
    // There is room again, but the run of drops is not over.
    for (const message of messages(150)) all.say(`later ${message}`);
    await all.recorder.idle;
    expect(all.said().slice(0, 101)).toEqual(messages(101));
    expect(all.said().length).toBeGreaterThan(101);
    expect(all.said().length).toBeLessThan(251);
    expect(all.log.levels).toEqual(['warn', 'info']);
    all.say('after that');
    await all.recorder.idle;
    expect(all.said().at(-1)).toBe('after that');
    expect(all.log.lines).toHaveLength(2);
  });

  it('are given up one by one while the server does not answer', async () => {
    await using all = await setUp();
    const { timeout } = AbortSignal;
    const asked = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 300));
    all.double.silence();
    all.say('a');
    all.say('b');
    await all.recorder.idle;
    expect(asked.mock.calls).toEqual([[30_000], [30_000]]);
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields.reason).toContain('timeout');
    asked.mockRestore();
    all.double.resume();
    all.say('c');
    await all.recorder.idle;
    expect(all.said()).toContain('c');
    expect(all.log.levels).toEqual(['warn', 'info']);
  });
});

describe('events that cannot be written', () => {
  it('are lost while the server is away, with one line, and later ones are not', async () => {
    await using all = await setUp();
    all.say('before');
    await all.recorder.idle;
    await all.double.close();
    for (const message of ['before', ...messages(50)]) all.say(message);
    await all.recorder.idle;
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields.reason).toContain('Unreachable');
    await all.double.start();
    all.say('after');
    all.say('before');
    await all.recorder.idle;
    expect(all.said()).toEqual(['after', 'before']);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });

  it('are lost while the server fails, with one line', async () => {
    await using all = await setUp();
    all.double.faults.failNext(20, 503);
    for (const message of messages(21)) all.say(message);
    await all.recorder.idle;
    expect(all.said()).toEqual(['message 20']);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.fields.reason).toContain(`create ${EVENTS}: 503 ServiceUnavailable`);
  });

  it('are lost without the permission to create them: the line says what to grant', async () => {
    await using all = await setUp();
    all.double.faults.failNext(20, 403);
    for (const message of messages(21)) all.say(message);
    await all.recorder.idle;
    expect(all.said()).toEqual(['message 20']);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.message).toContain('verbs create and patch on events');
    expect(all.log.lines[0]?.fields).toMatchObject({ verb: 'create' });
    expect(all.log.lines[0]?.fields.reason).toContain('403 Forbidden');
  });

  it('are not told one by one where only repetitions are forbidden', async () => {
    await using all = await setUp();
    all.double.faults.failNext(20, 403, { verb: 'patch' });
    for (const message of messages(20)) {
      all.say(message);
      all.say(message);
      await all.recorder.idle;
    }
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields).toMatchObject({ verb: 'patch' });
  });
});

/** A recorder whose API server has this one answer, as a Status object. */
async function setUpAnswer(code: number, reason: string, message: string) {
  const status = JSON.stringify({ kind: 'Status', apiVersion: 'v1', code, reason, message });
  const server = createServer((_, response) => response.writeHead(code).end(status));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const config = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
  const api = new KubernetesApi(config);
  const log = new LogDouble();
  const dispose = () => {
    api.destroy();
    server.close();
  };
  const recorder = new EventRecorder({ api, nodeName: 'node-1', log });
  return { recorder, log, [Symbol.dispose]: dispose };
}

describe('an event that the API server refuses', () => {
  it.each([
    ['is gone', 404, 'NotFound', 'namespaces "shop" not found'],
    [
      'is being terminated',
      403,
      'Forbidden',
      'events "web-0.0123456789abcdef" is forbidden: unable to create new content in namespace shop because it is being terminated',
    ],
  ])('since its namespace %s is given up quietly', async (_, code, reason, message) => {
    using all = await setUpAnswer(code, reason, message);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.log.lines).toEqual([]);
  });

  it.each([
    ['another 404', 404, 'NotFound', 'the server could not find the requested resource'],
    [
      'the 403 of RBAC',
      403,
      'Forbidden',
      'events is forbidden: User "system:serviceaccount:kube-system:ovn" cannot create resource "events" in API group "" in the namespace "shop"',
    ],
  ])('with %s is told', async (_, code, reason, message) => {
    using all = await setUpAnswer(code, reason, message);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields.reason).toContain(message);
  });
});
