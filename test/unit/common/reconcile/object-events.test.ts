import { describe, expect, it } from 'vitest';
import { ObjectEvents } from '../../../../src/common/reconcile/object-events.ts';
import { aboutOwn, aboutPod } from '../../../../src/controller/model/about.ts';
import type { ObjectEvent } from '../../../../src/controller/model/events.ts';
import { subnetObject } from '../../controller/kinds/object-support.ts';
import { podOf } from '../../controller/networks/support.ts';
import { sizeOfPrivate } from '../../daemon/support.ts';
import { setUp } from '../kubernetes/events-support.ts';

const EMPTY: ObjectEvent = {
  type: 'Warning',
  reason: 'AcquireAddressFailed',
  message: 'NoAvailableAddress',
};
const INFO: ObjectEvent = {
  type: 'Normal',
  reason: 'PodNetworkAllocated',
  message: 'provider=ovn',
};
const pod = aboutPod(podOf({}, { name: 'a', namespace: 'shop' }));

async function setUpObjectEvents() {
  const all = await setUp();
  const events = new ObjectEvents(all.recorder);
  /** Events on the server, with how often each was recorded. */
  const said = async () => {
    await events.idle;
    return all.server.list('Event').map(({ message, count }) => [message, count]);
  };
  return { ...all, events, said, [Symbol.asyncDispose]: all[Symbol.asyncDispose] };
}

it('an event is about its pod', async () => {
  await using all = await setUpObjectEvents();
  all.events.record(pod, INFO);
  await all.events.idle;
  const involvedObject = { kind: 'Pod', namespace: 'shop', name: 'a', uid: 'uid-a' };
  expect(all.server.list('Event')).toMatchObject([{ ...INFO, involvedObject }]);
});

it('an event is about its object, which is of no namespace', async () => {
  await using all = await setUpObjectEvents();
  all.events.record(aboutOwn('Subnet', subnetObject('front', {}).meta), EMPTY);
  await all.events.idle;
  const involvedObject = {
    apiVersion: 'kubeovn.io/v1',
    kind: 'Subnet',
    name: 'front',
    uid: 'uid-front',
  };
  const [event] = all.server.list('Event');
  expect(event).toMatchObject({ ...EMPTY, involvedObject });
});

it('what was done is said each time', async () => {
  await using all = await setUpObjectEvents();
  all.events.record(pod, INFO);
  all.events.record(pod, INFO);
  expect(await all.said()).toEqual([[INFO.message, 2]]);
});

describe('what is wrong with an object', () => {
  it('is said once, and so is each other thing', async () => {
    await using all = await setUpObjectEvents();
    const other = { ...EMPTY, message: 'AddressConflict' };
    for (const event of [EMPTY, other, EMPTY, other]) all.events.warnOnce(pod, event);
    expect(await all.said()).toEqual(
      expect.arrayContaining([
        [EMPTY.message, 1],
        [other.message, 1],
      ]),
    );
  });

  it('is said of each object, and of one that was made anew', async () => {
    await using all = await setUpObjectEvents();
    const anew = { ...pod, uid: 'another' };
    for (const each of [pod, anew, anew]) all.events.warnOnce(each, EMPTY);
    expect(await all.said()).toEqual([
      [EMPTY.message, 1],
      [EMPTY.message, 1],
    ]);
  });

  it('is said again after all was well', async () => {
    await using all = await setUpObjectEvents();
    all.events.warnOnce(pod, EMPTY);
    all.events.clear(pod);
    all.events.warnOnce(pod, EMPTY);
    expect(await all.said()).toEqual([[EMPTY.message, 2]]);
  });
});

it('what is to be known is said once, however well the object is', async () => {
  await using all = await setUpObjectEvents();
  for (let round = 0; round < 2; round++) {
    all.events.infoOnce(pod, EMPTY);
    all.events.clear(pod);
  }
  expect(await all.said()).toEqual([[EMPTY.message, 1]]);
});

it('of an object that changes for ever the oldest texts are forgotten', async () => {
  await using all = await setUpObjectEvents();
  all.events.infoOnce(pod, EMPTY);
  for (let round = 0; round < 64; round++) {
    all.events.infoOnce(pod, { ...EMPTY, message: `round ${round}` });
    await all.events.idle;
  }
  all.events.infoOnce(pod, EMPTY);
  expect(await all.said()).toContainEqual([EMPTY.message, 2]);
});

it('of an object that has gone nothing is kept', async () => {
  await using all = await setUpObjectEvents();
  all.events.warnOnce(pod, EMPTY);
  all.events.infoOnce(pod, EMPTY);
  all.events.forget(pod.uid);
  expect(await sizeOfPrivate(all.events, '#warnings')).toBe(0);
  expect(await sizeOfPrivate(all.events, '#infos')).toBe(0);
});
