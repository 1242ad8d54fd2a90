/**
 * The daemon is killed at each child process of a change of limits: the next one brings the node to
 * what is annotated, and leaves nothing.
 */
import { once } from 'node:events';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Crash } from '../lab/tool-shims.ts';
import { type Attached, expectHealthy } from './check-fixture.ts';
import { CrashLab, crashPoints, IF_NAME, type LabPod } from './crash-fixture.ts';
import { ovnConfig } from './fixture.ts';
import { NONE, tracesOf } from './garbage-support.ts';
import {
  type AnnotatedChange,
  becomes,
  expectLimits,
  type Has,
  LIMITED,
  reannotate,
} from './limits-fixture.ts';
import { hostName, mustAdd, mustDelete } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

const lab = await CrashLab.start();
const watch = await OvsWatch.start();
const { fixture, shims } = lab;
afterAll(async () => {
  watch[Symbol.dispose]();
  await lab[Symbol.asyncDispose]();
});
beforeEach(() => lab.repair());

/** There is one transaction: what was there before is known. */
const WRITE = ['ovs-vsctl.1'];

interface Change {
  readonly what: string;
  /** Annotated before, and what the pod has by it. */
  readonly first?: { readonly annotated: AnnotatedChange; readonly has: Partial<Has> };
  readonly annotated: AnnotatedChange;
  readonly wanted: Partial<Has>;
  /** Rows of QoS and of queues that the pod then has. */
  readonly rows: Partial<typeof NONE>;
  /** Calls of tools that it makes. */
  readonly calls: readonly string[];
}

const CHANGES: readonly Change[] = [
  {
    what: 'rates change',
    annotated: { ingress_rate: '30', egress_rate: '40' },
    wanted: { shaping: '30000000/3000000', policing: '40000/32000' },
    rows: { qos: 1, queues: 1 },
    calls: WRITE,
  },
  {
    what: 'a rate gives way to netem',
    annotated: { ingress_rate: null, latency: '5' },
    wanted: { policing: LIMITED.policing, netem: 'latency=5000' },
    rows: { qos: 1 },
    calls: WRITE,
  },
  {
    what: 'netem gives way to other netem',
    first: {
      annotated: { ingress_rate: null, latency: '5' },
      has: { policing: LIMITED.policing, netem: 'latency=5000' },
    },
    annotated: { latency: '6' },
    wanted: { policing: LIMITED.policing, netem: 'latency=6000' },
    rows: { qos: 1 },
    // OVS must see the port without.
    calls: [...WRITE, 'ovs-vsctl.2'],
  },
  {
    what: 'all limits go, and the mirror comes',
    annotated: { ingress_rate: null, egress_rate: null, mirror: 'true' },
    wanted: { mirror: 'on' },
    rows: {},
    calls: WRITE,
  },
];

/** A pod with limits and its interface. */
async function madePod(
  first: Change['first'],
): Promise<LabPod & { attached: Attached; host: string }> {
  const made = await lab.pod();
  const config = ovnConfig({ cniVersion: '1.1.0' });
  const result = await mustAdd(made.sandbox, IF_NAME, config);
  const attached = { sandbox: made.sandbox, result };
  const host = hostName(made.sandbox, IF_NAME);
  if (first !== undefined) {
    reannotate(fixture, made.sandbox, first.annotated);
    await becomes(watch, host, first.has);
    // The change is over when a CHECK has its turn.
    await expectHealthy(attached);
  }
  return { ...made, attached, host };
}

/** Changes limits, and kills the daemon at one of the calls that it makes for that. */
async function crash(
  { sandbox }: LabPod,
  annotated: AnnotatedChange,
  { call, how }: { call: string; how: Crash },
): Promise<void> {
  const { process } = fixture.daemon;
  const gone = once(process, 'exit');
  const words = await lab.wordsOf(sandbox);
  await shims.arm(words, { call, how, pid: process.pid as number });
  reannotate(fixture, sandbox, annotated);
  await gone;
  expect(await shims.disarm()).toContain(call);
}

describe.each(CHANGES)('when $what', ({ first, annotated, wanted, rows, calls }) => {
  test('the calls of tools at which the daemon is killed are those of the whole change', async () => {
    const made = await madePod(first);
    await shims.arm(await lab.wordsOf(made.sandbox));
    reannotate(fixture, made.sandbox, annotated);
    await becomes(watch, made.host, wanted);
    expect(await shims.disarm()).toEqual(calls);
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.discard(made);
  });

  test.each(crashPoints(calls))('and it is killed %s, the next one goes on', async (_, point) => {
    const before = await lab.census();
    const made = await madePod(first);
    await crash(made, annotated, point);
    await lab.startDaemon();
    await becomes(watch, made.host, wanted);
    await expectHealthy(made.attached);
    await expectLimits(watch, made.host, wanted);
    const traces = await tracesOf(fixture.node, made.sandbox, IF_NAME);
    expect(traces).toEqual({ ...NONE, rows: 1, links: 1, ...rows });
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.expectAsBefore(before);
    await lab.discard(made);
  });

  test.each(crashPoints(calls))('and it is killed %s, a DEL leaves nothing', async (_, point) => {
    const before = await lab.census();
    const made = await madePod(first);
    await crash(made, annotated, point);
    // Recorded by the executable: the next daemon does it before it takes other calls.
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.startDaemon();
    await fixture.daemon.logged('DEL done that was recorded');
    await lab.expectAsBefore(before);
    await lab.discard(made);
  });
});
