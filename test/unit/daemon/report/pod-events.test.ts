import { describe, expect, it } from 'vitest';
import type { EventObject, ObjectEvent } from '../../../../src/common/kubernetes/events.ts';
import { CniError, OwnCode, tryAgain } from '../../../../src/daemon/call/error.ts';
import { CallStages } from '../../../../src/daemon/call/stage.ts';
import type { Pod } from '../../../../src/daemon/model/pod.ts';
import {
  type PodEventParts,
  PodEvents,
  redacted,
} from '../../../../src/daemon/report/pod-events.ts';
import type { AddResult } from '../../../../src/daemon/verbs/add.ts';
import { CONTAINER_ID, NETNS, requestOf } from '../support.ts';

const POD: Pod = {
  namespace: 'shop',
  name: 'web-0',
  uid: 'uid-of-web-0',
  deleting: false,
  finished: false,
  annotations: {},
};
const TAIL = 'provider=ovn interface=eth0 node=node-1';

/** A node that knows this pod. */
function setUp(pod: Pod | undefined = POD) {
  const told: { about: EventObject; event: ObjectEvent }[] = [];
  const parts = {
    nodeName: 'node-1',
    events: {
      record: (about: EventObject, event: ObjectEvent) => void told.push({ about, event }),
    },
    pods: { get: (key: string) => (key === 'shop/web-0' ? pod : undefined) },
  };
  return { told, events: new PodEvents(parts as unknown as PodEventParts) };
}

/** The event of an ADD that has failed. */
function failureOf(error: unknown, { stages = new CallStages(), pod = POD, call = {} } = {}) {
  const { told, events } = setUp(pod);
  events.configureFailed(requestOf(call), error, stages)();
  return told[0]?.event;
}

describe('an ADD that is done', () => {
  const result = {
    pod: POD,
    subnet: 'ovn-default',
    response: {
      ips: [
        { protocol: 'IPv4', ip: '10.16.0.5', cidr: '10.16.0.0/16' },
        { protocol: 'IPv6', ip: 'fd00::5', cidr: 'fd00::/64' },
      ],
      mac_address: '00:00:00:53:6b:b6',
    },
  } as unknown as AddResult;

  it('is told on the pod, with what it got', () => {
    const { told, events } = setUp();
    events.configured(requestOf(), result)();
    expect(told).toEqual([
      {
        about: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-0', uid: POD.uid },
        event: {
          type: 'Normal',
          reason: 'PodNetworkConfigured',
          message: `subnet=ovn-default ip=10.16.0.5,fd00::5 mac=00:00:00:53:6b:b6 ${TAIL}`,
        },
      },
    ]);
  });

  it('is told when the caller of the call says so, and not before', () => {
    const { told, events } = setUp();
    const tell = events.configured(requestOf(), result);
    expect(told).toEqual([]);
    tell();
    expect(told).toHaveLength(1);
  });
});

describe('an ADD that has failed', () => {
  it('is told with its stage, what is wrong, and what to do', () => {
    const stages = new CallStages();
    const error = tryAgain('waited 110 s for OVN', 'look at ovn-controller');
    stages.failed('install-flows', error);
    expect(failureOf(error, { stages })).toEqual({
      type: 'Warning',
      reason: 'PodNetworkConfigureFailed',
      message: `stage=configure-nic step=install-flows error=waited 110 s for OVN remedy=look at ovn-controller ${TAIL}`,
    });
  });

  it('keeps who and where at the end, however long the text', () => {
    const error = tryAgain('é'.repeat(5000), 'ü'.repeat(5000));
    const { message = '' } = failureOf(error) ?? {};
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
    expect(message).toMatch(/^stage=configure-nic error=é+ remedy=ü+ provider=ovn /);
    expect(message.endsWith(TAIL)).toBe(true);
  });

  it('says of names that can be none only that', () => {
    const call = { provider: `a b\n${'x'.repeat(5000)}`, if_name: 'net/1' };
    const { message = '' } = failureOf(tryAgain('no', ''), { call }) ?? {};
    expect(message).toBe(
      'stage=configure-nic error=no provider=<invalid> interface=<invalid> node=node-1',
    );
  });

  it('is the same event where only the sandbox is another one, so that repetitions are counted', () => {
    const other = 'beefbeefbeef0123456789abcdef0123456789abcdef0123456789abcdef0123';
    const text = (id: string, netns: string) =>
      failureOf(tryAgain(`cannot add port ${id.slice(0, 12)}_h of ${id} in ${netns}`, ''), {
        call: { container_id: id, net_ns: netns },
      })?.message;
    expect(text(CONTAINER_ID, NETNS)).toBe(text(other, '/run/netns/cni-beef'));
  });

  it.each([
    ['is not there', { pod_name: 'web-1' }, POD],
    ['is another one', { pod_uid: POD.uid }, { ...POD, uid: 'another' }],
    ['is being deleted', { pod_uid: POD.uid }, { ...POD, deleting: true }],
  ])('is not told where the pod %s', (_, call, pod) => {
    expect(failureOf(tryAgain('no', ''), { call, pod })).toBeUndefined();
  });

  it.each([OwnCode.podGone, OwnCode.superseded])('has no event with code %i', (code) => {
    expect(failureOf(new CniError(code, 'over', ''))).toBeUndefined();
  });
});

describe('a DEL', () => {
  it('that found a port is told on the pod that its rows say', () => {
    const { told, events } = setUp();
    events.removed(requestOf(), { hadPort: true, podUid: POD.uid })();
    expect(told.map(({ event }) => event)).toEqual([
      { type: 'Normal', reason: 'PodNetworkRemoved', message: TAIL },
    ]);
  });

  it.each([
    ['found nothing', { hadPort: false, podUid: POD.uid }, {}],
    ['is for a pod that was replaced', { hadPort: true, podUid: 'older' }, {}],
    ['is for one that nobody names by UID', { hadPort: true, podUid: undefined }, {}],
    ['is for a UID of another one', { hadPort: true, podUid: POD.uid }, { pod_uid: 'older' }],
  ])('that %s is not told', (_, removed, call) => {
    const { told, events } = setUp();
    events.removed(requestOf(call), removed)();
    expect(told).toEqual([]);
  });

  it('that has failed is told with its stage, also while the pod is being deleted', () => {
    const { told, events } = setUp({ ...POD, deleting: true });
    const call = requestOf({ pod_uid: POD.uid });
    events.removeFailed(call, tryAgain('OVS is away', 'start it'), new CallStages())();
    expect(told.map(({ event }) => event)).toEqual([
      {
        type: 'Warning',
        reason: 'PodNetworkRemoveFailed',
        message: `stage=delete-nic error=OVS is away remedy=start it ${TAIL}`,
      },
    ]);
  });
});

describe('what only the runtime knows is left out:', () => {
  const call = requestOf({ if_name: 'net1', deviceID: '0000:65:00.1' });
  it.each([
    ['a container id', CONTAINER_ID],
    ['its beginning', CONTAINER_ID.slice(0, 12)],
    ['a path of a namespace', NETNS],
    ['that of another one', '/var/run/netns/cni-0-1.a'],
    ['that of a process', '/proc/4711/ns/net'],
    ['another container id', 'ab'.repeat(32)],
    ['a device', '0000:65:00.1'],
    ['the host end', `${CONTAINER_ID.slice(0, 8)}_net1_h`],
    ['the alias of the other end', `${CONTAINER_ID.slice(0, 8)}_net1_c`],
  ])('%s', (_, secret) => {
    expect(redacted(`at ${secret}: boom (${secret})`, call)).toBe(
      'at <redacted>: boom (<redacted>)',
    );
  });

  it('and no part of other words, however short a container id is', () => {
    const short = requestOf({ container_id: 'e' });
    expect(redacted('e gateway e', short)).toBe('<redacted> gateway <redacted>');
  });

  it('may be long, and are not read as anything but text', () => {
    const net_ns = `/${'.*\n('.repeat(30_000)}`;
    expect(redacted(`at ${net_ns}: boom`, { ...call, net_ns })).toBe('at <redacted>: boom');
    const dots = { ...call, container_id: 'aa' };
    expect(redacted('aa aaa aaaa (aa)', dots)).toBe('<redacted> aaa aaaa (<redacted>)');
  });
});
