import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EventObject, ObjectEvent } from '../../../../src/common/kubernetes/events.ts';
import { FAILED, messages, setUp, WEB } from './events-support.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** From now on it is this time; nothing else about time changes. */
function itIs(time: string): void {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) });
}

describe('an event', () => {
  it('is written with all that people and their tools look for', async () => {
    await using all = await setUp();
    itIs('2026-03-04T05:06:07.890Z');
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    const [event, ...others] = all.server.list('Event');
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
      reportingComponent: 'reporter',
      reportingInstance: 'instance',
      firstTimestamp: '2026-03-04T05:06:07Z',
      lastTimestamp: '2026-03-04T05:06:07Z',
      count: 1,
    });
    expect(all.log.lines).toEqual([]);
  });

  it('about an object without a namespace is in the namespace default', async () => {
    await using all = await setUp();
    const about = { apiVersion: 'kubeovn.io/v1', kind: 'Subnet', name: 'shop', uid: 'uid-of-shop' };
    const event = { type: 'Normal', reason: 'SetNonOvnSubnetSuccess', message: '' } as const;
    all.recorder.record(about, event);
    all.recorder.record(about, event);
    await all.recorder.idle;
    const [written, ...others] = all.server.list('Event');
    expect(others).toEqual([]);
    expect(written).toMatchObject({ metadata: { namespace: 'default' }, ...event, count: 2 });
    expect(written?.metadata.name).toMatch(/^shop\.[0-9a-f]{16}$/);
    expect(written?.involvedObject).toEqual(about);
    expect(all.log.lines).toEqual([]);
  });

  it('of a reporter that is there for the whole cluster names no node', async () => {
    const reporter = {
      component: 'kube-ovn-controller',
      reportingComponent: 'kube-ovn-controller',
      reportingInstance: 'kube-ovn-controller-5d4f8-x2x7q',
    };
    await using all = await setUp({ reporter });
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    const [event] = all.server.list('Event');
    expect(event?.source).toEqual({ component: 'kube-ovn-controller' });
    expect(event).toMatchObject({
      reportingComponent: 'kube-ovn-controller',
      reportingInstance: 'kube-ovn-controller-5d4f8-x2x7q',
    });
  });

  it('has the time at which it was recorded, not that at which it was written', async () => {
    await using all = await setUp();
    all.server.silence();
    itIs('2026-03-04T05:06:07Z');
    all.say('a');
    all.say('b');
    itIs('2026-03-04T06:00:00Z');
    all.server.resume();
    await all.recorder.idle;
    expect(all.server.list('Event').map(({ lastTimestamp }) => lastTimestamp)).toEqual([
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
  ])('has a name that the server takes for an object with %s', async (_, name, cut) => {
    await using all = await setUp();
    all.recorder.record({ ...WEB, name }, FAILED);
    await all.recorder.idle;
    const [event] = all.server.list('Event');
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
    const events = all.server.list('Event');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      count: 3,
      firstTimestamp: '2026-03-04T05:06:07Z',
      lastTimestamp: '2026-03-04T05:20:00Z',
    });
    expect(all.server.requests.all.map(({ verb }) => verb)).toEqual(['create', 'patch', 'patch']);
  });

  it.each<[string, Partial<EventObject>, Partial<ObjectEvent>]>([
    ['another object of that name', { uid: 'another' }, {}],
    ['another type', {}, { type: 'Normal' }],
    ['another reason', {}, { reason: 'PodNetworkRemoveFailed' }],
    ['another message', {}, { message: 'the subnet has no CIDR' }],
  ])('is none with %s', async (_, about, event) => {
    await using all = await setUp();
    all.recorder.record(WEB, FAILED);
    all.recorder.record({ ...WEB, ...about }, { ...FAILED, ...event });
    await all.recorder.idle;
    expect(all.server.list('Event').map(({ count }) => count)).toEqual([1, 1]);
  });

  it('is one where messages differ only behind the cut', async () => {
    await using all = await setUp();
    all.say(`${'a'.repeat(1024)}b`);
    all.say(`${'a'.repeat(1024)}c`);
    await all.recorder.idle;
    expect(all.server.list('Event')).toMatchObject([{ count: 2 }]);
  });

  it('is written as a new event where the old one is gone', async () => {
    await using all = await setUp();
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    const [old] = all.server.list('Event');
    all.server.delete('Event', `shop/${old?.metadata.name}`);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.server.list('Event')).toMatchObject([{ count: 1 }]);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.server.list('Event')).toMatchObject([{ count: 2 }]);
    expect(all.log.lines).toEqual([]);
  });

  it('makes up for one that could not be written', async () => {
    await using all = await setUp();
    all.recorder.record(WEB, FAILED);
    all.server.faults.failNext(2, 503, { verb: 'patch' });
    for (const _ of [1, 2, 3]) all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.server.list('Event')).toMatchObject([{ count: 4 }]);
  });

  it('is known of so many events that were used last', async () => {
    await using all = await setUp({ remembered: 256 });
    for (const message of messages(256)) {
      all.say(message);
      await all.recorder.idle;
    }
    all.say('message 0');
    all.say('one more');
    await all.recorder.idle;
    all.server.requests.clear();
    // In this order: a new event makes the recorder forget another one.
    for (const message of ['message 0', 'message 2', 'message 255', 'message 1']) all.say(message);
    await all.recorder.idle;
    const verbs = all.server.requests.all.map(({ verb }) => verb);
    expect(verbs).toEqual(['patch', 'patch', 'patch', 'create']);
  });
});

describe('recorded events', () => {
  it('are written one after another, in order', async () => {
    await using all = await setUp();
    all.server.silence();
    for (const message of messages(20)) all.say(message);
    await all.sent(1);
    expect(all.server.requests.count({ verb: 'create' })).toBe(1);
    all.server.resume();
    await all.recorder.idle;
    expect(all.said()).toEqual(messages(20));
  });

  it('are idle at once where nothing was recorded', async () => {
    await using all = await setUp();
    await all.recorder.idle;
    expect(all.server.requests.count()).toBe(0);
  });

  it('wait in bounded number: what comes then is dropped, with one line for a run of drops', async () => {
    await using all = await setUp();
    all.server.silence();
    for (const message of messages(150)) all.say(message);
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields).toEqual({ reason: '100 events wait' });
    all.server.resume();
    await all.server.requests.waitFor({ verb: 'create' }, 40);
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
    all.server.silence();
    all.say('a');
    all.say('b');
    await all.recorder.idle;
    expect(asked.mock.calls).toEqual([[30_000], [30_000]]);
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields.reason).toContain('timeout');
    asked.mockRestore();
    all.server.resume();
    all.say('c');
    await all.recorder.idle;
    expect(all.said()).toContain('c');
    expect(all.log.levels).toEqual(['warn', 'info']);
  });
});
