/**
 * Limits that change while sandboxes of the pod come and go: the one that has the logical switch
 * port has what is annotated, and of the others nothing is left.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { outcomeOf } from '../lab/command.ts';
import { cni, createSandbox, type Sandbox } from '../lab/runtime.ts';
import { expectHealthy } from './check-fixture.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import {
  type AnnotatedChange,
  BOTH,
  becomes,
  expectLimits,
  LIMITED,
  type LimitRows,
  limitsOf,
  reannotate,
} from './limits-fixture.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  hostName,
  interfacesOf,
  mustAdd,
  mustDelete,
} from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

const GATEWAY = '172.17.0.1';
const FLAGS = ['--add-timeout-seconds=30'];
/** Rows of every kind change with it: QoS and Queue go and another QoS comes. */
const CHANGE: AnnotatedChange = {
  ...{ ingress_rate: null, latency: '5' },
  ...{ egress_rate: '30', mirror: 'true' },
};
const CHANGED = { policing: '30000/24000', netem: 'latency=5000', mirror: 'on' } as const;

let fixture: Fixture;
let watch: OvsWatch;
let before: Census;
beforeAll(async () => {
  fixture = await Fixture.start(FLAGS);
  watch = await OvsWatch.start();
  before = await census(fixture.node);
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** Sandboxes of a test; they go after it, and nothing is left. */
let sandboxes: Sandbox[];
beforeEach(() => {
  sandboxes = [];
});
afterEach(async () => {
  for (const sandbox of sandboxes) {
    const rows = await interfacesOf(fixture.node, sandbox);
    if (rows.length > 0) await mustDelete(sandbox, 'net1', ovnConfig());
    await outcomeOf('ip', ['netns', 'delete', sandbox.netnsName]);
  }
  await expectNode(fixture.node, before);
});

const hostOf = (sandbox: Sandbox) => hostName(sandbox, 'net1');

/** A pod with limits and a sandbox. */
async function limitedPod(): Promise<Sandbox> {
  const { sandbox } = await fixture.pod({ nic: (nic: NicPlan) => ({ ...nic, more: BOTH }) });
  sandboxes.push(sandbox);
  return sandbox;
}

/** A pod with limits, and two sandboxes that both have their port. */
async function limitedPair(): Promise<{ older: Sandbox; newer: Sandbox }> {
  const older = await limitedPod();
  const newer = await createSandbox(older.pod);
  sandboxes.push(newer);
  for (const sandbox of [older, newer]) await mustAdd(sandbox, 'net1', ovnConfig());
  return { older, newer };
}

/** Rows without what says who has the logical switch port: the older has it back without the newer. */
function limitsAlone({ interface: row, ...rows }: LimitRows): object {
  const { external_ids: externalIds, ...columns } = row;
  const own = Object.entries(externalIds).filter(([key]) => !/iface-id$|^ovn-/.test(key));
  return { ...rows, interface: { ...columns, external_ids: Object.fromEntries(own) } };
}

describe('of two sandboxes of a pod', () => {
  test('only the newer one has its limits changed', async () => {
    const { older, newer } = await limitedPair();
    const untouched = await limitsOf(watch, older);
    reannotate(fixture, newer, CHANGE);
    await becomes(watch, hostOf(newer), CHANGED);
    expect(await limitsOf(watch, older)).toEqual(untouched);
    await mustDelete(older, 'net1', ovnConfig());
    await expectLimits(watch, hostOf(newer), CHANGED);
    expect(await canPing(newer, GATEWAY)).toBe(true);
  });

  test('also after a daemon came that knows of neither', async () => {
    const { older, newer } = await limitedPair();
    const untouched = await limitsOf(watch, older);
    await fixture.daemon.stop('SIGKILL');
    reannotate(fixture, newer, CHANGE);
    await fixture.restartDaemon(FLAGS);
    await becomes(watch, hostOf(newer), CHANGED);
    expect(await limitsOf(watch, older)).toEqual(untouched);
  });

  describe.each(['older', 'newer'] as const)('the DEL of the %s first', (first) => {
    const second = first === 'older' ? 'newer' : 'older';

    test('leaves the other as it is, and both leave nothing, with a change between them', async () => {
      const pair = await limitedPair();
      const other = await limitsOf(watch, pair[second]);
      await mustDelete(pair[first], 'net1', ovnConfig());
      expect(limitsAlone(await limitsOf(watch, pair[second]))).toEqual(limitsAlone(other));
      reannotate(fixture, pair.newer, CHANGE);
      if (second === 'newer') await becomes(watch, hostOf(pair.newer), CHANGED);
      await mustDelete(pair[second], 'net1', ovnConfig());
      await expectNode(fixture.node, before);
    });

    test('and that of the other leave nothing, beside a change', async () => {
      const pair = await limitedPair();
      reannotate(fixture, pair.newer, CHANGE);
      await mustDelete(pair[first], 'net1', ovnConfig());
      if (second === 'newer') await becomes(watch, hostOf(pair.newer), CHANGED);
      reannotate(fixture, pair.newer, { ...BOTH, mirror: null });
      await mustDelete(pair[second], 'net1', ovnConfig());
      await expectNode(fixture.node, before);
    });
  });

  test('the newer one has what is annotated while its ADD takes the port from the older', async () => {
    for (let count = 0; count < 10; count += 1) {
      const older = await limitedPod();
      await mustAdd(older, 'net1', ovnConfig());
      const newer = await createSandbox(older.pod);
      sandboxes.push(newer);
      const adding = mustAdd(newer, 'net1', ovnConfig());
      await trips(count * 10);
      reannotate(fixture, newer, CHANGE);
      await adding;
      await becomes(watch, hostOf(newer), CHANGED);
      await mustDelete(older, 'net1', ovnConfig());
      await expectLimits(watch, hostOf(newer), CHANGED);
    }
  });
});

/** A short while, another one each time: so many messages to OVS's database and back. */
async function trips(count: number): Promise<void> {
  for (let trip = 0; trip < count; trip += 1) await watch.caughtUp();
}

/** Thirty pods, ten at a time; each has its own moment in a call at which its limits change. */
async function thirtyTimes(each: (sandbox: Sandbox, count: number) => Promise<void>) {
  for (let round = 0; round < 3; round += 1) {
    const ten: Sandbox[] = [];
    for (let count = 0; count < 10; count += 1) ten.push(await limitedPod());
    await Promise.all(ten.map((sandbox, index) => each(sandbox, round * 10 + index)));
  }
}

test('changes beside a DEL leave nothing, and no complaint', async () => {
  await thirtyTimes(async (sandbox, count) => {
    await mustAdd(sandbox, 'net1', ovnConfig());
    const deleting = mustDelete(sandbox, 'net1', ovnConfig());
    await trips(count * 5);
    reannotate(fixture, sandbox, CHANGE);
    await deleting;
  });
  await expectNode(fixture.node, before);
  expect(fixture.daemon.logLines('cannot bring')).toEqual([]);
});

test('changes beside an ADD are in OVS after it', async () => {
  await thirtyTimes(async (sandbox, count) => {
    const adding = cni('ADD', sandbox, 'net1', ovnConfig());
    await trips(count * 20);
    reannotate(fixture, sandbox, CHANGE);
    const { exitCode, stdout, result } = await adding;
    expect(exitCode, stdout).toBe(0);
    await becomes(watch, hostOf(sandbox), CHANGED);
    await expectHealthy({ sandbox, result: result ?? { cniVersion: '' } });
  });
});

test('changes beside ADD and DEL of one sandbox after the other leave the last state', async () => {
  const { pod, sandbox } = await fixture.pod({ nic: (nic) => ({ ...nic, more: BOTH }) });
  sandboxes.push(sandbox);
  for (let count = 0; count < 10; count += 1) {
    const adding = mustAdd(sandbox, 'net1', ovnConfig());
    await trips(count * 10);
    reannotate(fixture, { pod }, CHANGE);
    await adding;
    const deleting = mustDelete(sandbox, 'net1', ovnConfig());
    await trips(count * 2);
    reannotate(fixture, { pod }, { ...BOTH, latency: null, mirror: null });
    await deleting;
    await expectNode(fixture.node, before);
  }
  await mustAdd(sandbox, 'net1', ovnConfig());
  await becomes(watch, hostOf(sandbox), LIMITED);
});

test('annotations of a pod without a sandbox change nothing', async () => {
  const { name, v4: ip, mac } = fixture.next();
  const pod = fixture.cluster.createPod(name);
  const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip, mac, more: BOTH };
  await fixture.cluster.allocate(pod, nic);
  reannotate(fixture, { pod }, CHANGE);
  const other = await limitedPod();
  await mustAdd(other, 'net1', ovnConfig());
  await expectLimits(watch, hostOf(other), LIMITED);
});
