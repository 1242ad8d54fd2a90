/**
 * How much work limits that follow their annotations are: many changes are few transactions, a
 * change is in OVS soon, and one that has nothing to do with limits costs nothing.
 */
import { setImmediate as turnOver } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ToolRecord } from '../lab/tool-record.ts';
import { expectHealthy, type HealthyNic, podsArrive } from './check-fixture.ts';
import { Fixture } from './fixture.ts';
import {
  BOTH,
  becomes,
  expectLimits,
  LIMITED,
  nicWith,
  reannotate,
  settled,
} from './limits-fixture.ts';
import { OvsWatch } from './ovs-watch.ts';

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

describe('many changes', () => {
  test.each([
    ['at once', async () => {}],
    ['one after another', turnOver],
  ])('%s end in the last state, with few transactions', async (_, between) => {
    const nic = await nicWith(fixture, BOTH);
    watch.clear();
    for (let rate = 1; rate <= 50; rate += 1) {
      reannotate(fixture, nic.sandbox, { ingress_rate: `${rate}`, egress_rate: `${rate}` });
      await between();
    }
    await becomes(watch, nic.host, { shaping: '50000000/5000000', policing: '50000/40000' });
    await settled(watch, nic);
    console.log(`50 changes, ${watch.updates.length} transactions`);
    expect(watch.updates.length).toBeLessThanOrEqual(10);
  });

  test('to and fro end where they began', async () => {
    const nic = await nicWith(fixture, BOTH);
    for (let count = 0; count < 25; count += 1) {
      reannotate(fixture, nic.sandbox, { ingress_rate: null });
      await turnOver();
      reannotate(fixture, nic.sandbox, { ingress_rate: '10' });
      await turnOver();
    }
    await podsArrive(fixture);
    await settled(watch, nic);
    await expectLimits(watch, nic.host, LIMITED);
  });
});

test('a CHECK right after a change finds what is annotated, always', async () => {
  const nic = await nicWith(fixture, BOTH);
  for (let count = 1; count <= 20; count += 1) {
    reannotate(fixture, nic.sandbox, { ingress_rate: count % 3 === 0 ? null : `${count}` });
    await expectHealthy(nic);
  }
});

test('a change is in OVS soon after it was made', async () => {
  const nic = await nicWith(fixture, BOTH);
  const times: number[] = [];
  for (let rate = 1; rate <= 20; rate += 1) {
    const startedMs = performance.now();
    reannotate(fixture, nic.sandbox, { ingress_rate: `${rate}` });
    const shaping = `${rate}000000/${rate}00000`;
    await becomes(watch, nic.host, { ...LIMITED, shaping });
    times.push(performance.now() - startedMs);
  }
  const sorted = times.map(Math.round).sort((one, other) => one - other);
  console.log(`from patch to row, 20 times, ms: ${sorted.join(' ')}`);
  expect(Math.max(...times)).toBeLessThan(2000);
});

describe('tools of the system', () => {
  let record: ToolRecord;
  let nic: HealthyNic;
  beforeAll(async () => {
    record = await ToolRecord.create('/run/tool-record', ['ip', 'ovs-vsctl', 'nsenter', 'tc']);
    await fixture.restartDaemon([], 'SIGTERM', { PATH: record.path });
    nic = await nicWith(fixture, BOTH);
  });
  afterAll(async () => {
    await fixture.restartDaemon([]);
    await record[Symbol.asyncDispose]();
  });

  /** What was run to look at limits, or to change them. */
  async function runs(): Promise<string[]> {
    const begun = (await record.events()).filter(({ what }) => what === 'begin');
    return begun.map(({ words }) => words).filter((words) => /ingress_policing|Queue/.test(words));
  }

  test('are one for a change', async () => {
    await record.clear();
    reannotate(fixture, nic.sandbox, { ingress_rate: '30' });
    await becomes(watch, nic.host, { ...LIMITED, shaping: '30000000/3000000' });
    expect(await runs()).toEqual([expect.stringMatching(/^ovs-vsctl .* set Queue/)]);
  });

  test('are none for a change that has nothing to do with limits', async () => {
    await record.clear();
    reannotate(fixture, nic.sandbox, { routes: '[]', priority: '1' });
    fixture.cluster.annotate(nic.sandbox.pod, { note: 'new', 'example.com/ingress_rate': '99' });
    // A limit that says in another way what it said.
    reannotate(fixture, nic.sandbox, { ingress_rate: '030' });
    await podsArrive(fixture);
    expect(await runs()).toEqual([]);
  });

  test('are one for each of ten pods that change at once', async () => {
    const nics = await Promise.all(Array.from({ length: 10 }, () => nicWith(fixture, BOTH)));
    await record.clear();
    for (const { sandbox } of nics) reannotate(fixture, sandbox, { ingress_rate: '30' });
    for (const { host } of nics) {
      await becomes(watch, host, { ...LIMITED, shaping: '30000000/3000000' });
    }
    const words = await runs();
    expect(words).toHaveLength(10);
    expect(words.filter((run) => run.includes('set Queue'))).toHaveLength(10);
  });
});
