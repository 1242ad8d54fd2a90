/**
 * Annotated limits that are wrong, or without effect, on running pods: what there is stays, and an
 * event says why. At ADD they are refused: see limits-add.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ATTACHNET, Fixture } from './fixture.ts';
import {
  BOTH,
  becomes,
  eventAbout,
  eventsAbout,
  expectLimits,
  FREE,
  LIMITED,
  nicWith,
  reannotate,
  settled,
} from './limits-fixture.ts';
import { OvsWatch } from './ovs-watch.ts';

const FAILED = 'Warning PodQoSUpdateFailed';

let fixture: Fixture;
let watch: OvsWatch;
beforeAll(async () => {
  fixture = await Fixture.start();
  watch = await OvsWatch.start();
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

describe('what is annotated wrong', () => {
  test.each<[name: string, value: string, says: string]>([
    ['ingress_rate', '-1', 'a whole number of Mbit/s'],
    ['ingress_rate', 'fast', 'a whole number of Mbit/s'],
    ['egress_rate', '10000001', 'up to 10000000'],
    ['egress_burst', '1e3', 'a whole number of Mbit'],
  ])('stays as it was: %s "%s"; an event names it, and a right value counts', async (...wrong) => {
    const [name, value, says] = wrong;
    const nic = await nicWith(fixture, BOTH);
    await watch.caughtUp();
    watch.clear();
    reannotate(fixture, nic.sandbox, { [name]: value });
    const key = `annotation ${ATTACHNET}.kubernetes.io/${name}`;
    await eventAbout(fixture, nic.sandbox, key, JSON.stringify(value), says);
    await settled(watch, nic);
    expect(watch.updates).toEqual([]);
    expect(eventsAbout(fixture, nic.sandbox)).toEqual([expect.stringContaining(FAILED)]);
    reannotate(fixture, nic.sandbox, { [name]: null, ingress_rate: '30', egress_rate: '40' });
    await becomes(watch, nic.host, { shaping: '30000000/3000000', policing: '40000/32000' });
  });

  test('a burst without its rate leaves the rate', async () => {
    const nic = await nicWith(fixture, { ...BOTH, ingress_burst: '4' });
    reannotate(fixture, nic.sandbox, { ingress_rate: null });
    await eventAbout(fixture, nic.sandbox, `${ATTACHNET}.kubernetes.io/ingress_burst`);
    await expectLimits(watch, nic.host, { ...LIMITED, shaping: '10000000/500000' });
    reannotate(fixture, nic.sandbox, { ingress_burst: null });
    await becomes(watch, nic.host, { policing: LIMITED.policing });
  });

  test('netem stays, too', async () => {
    const nic = await nicWith(fixture, { latency: '10', loss: '5' });
    reannotate(fixture, nic.sandbox, { loss: '101' });
    await eventAbout(fixture, nic.sandbox, `${ATTACHNET}.kubernetes.io/loss`);
    await expectLimits(watch, nic.host, { netem: 'latency=10000 loss=5' });
    reannotate(fixture, nic.sandbox, { loss: '6' });
    await becomes(watch, nic.host, { netem: 'latency=10000 loss=6' });
  });

  test('does not hold up what is right beside it', async () => {
    const nic = await nicWith(fixture, BOTH);
    reannotate(fixture, nic.sandbox, { ingress_rate: 'fast', egress_rate: '30', mirror: 'true' });
    await becomes(watch, nic.host, { ...LIMITED, policing: '30000/24000', mirror: 'on' });
  });

  test('is none on a port without that limit', async () => {
    const nic = await nicWith(fixture);
    reannotate(fixture, nic.sandbox, { ingress_rate: 'fast', latency: 'long' });
    await eventAbout(fixture, nic.sandbox, `${ATTACHNET}.kubernetes.io/latency`);
    await settled(watch, nic);
    await expectLimits(watch, nic.host, FREE);
  });
});

test('netem beside a rate is said in an event', async () => {
  const { sandbox, host } = await nicWith(fixture, { ingress_rate: '10' });
  reannotate(fixture, sandbox, { latency: '10' });
  const keys = ['latency', 'ingress_rate'].map((name) => `${ATTACHNET}.kubernetes.io/${name}`);
  const event = await eventAbout(fixture, sandbox, 'has no effect', ...keys);
  expect(`${event.type} ${event.reason}`).toBe(FAILED);
  await expectLimits(watch, host, { shaping: LIMITED.shaping });
});
