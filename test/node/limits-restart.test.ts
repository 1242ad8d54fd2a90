/**
 * Limits that were annotated while the daemon, OVS or the API server was away: they are in OVS when
 * it is back, and what is right already is not touched.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSandbox } from '../lab/runtime.ts';
import { expectHealthy, podsArrive } from './check-fixture.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { addAsGo } from './garbage-support.ts';
import {
  BOTH,
  becomes,
  eventAbout,
  expectLimits,
  FREE,
  type Has,
  LIMITED,
  limitRows,
  nicWith,
  prefixed,
  reannotate,
  settled,
} from './limits-fixture.ts';
import { census, expectNode, hostName, mustAdd, mustDelete } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

const FLAGS = ['--add-timeout-seconds=10'];
const HIGHER = { ...LIMITED, shaping: '30000000/3000000' };
const LOST = "lost touch with OVS's database";

let fixture: Fixture;
let watch: OvsWatch;
beforeAll(async () => {
  fixture = await Fixture.start(FLAGS);
});
afterAll(() => fixture[Symbol.asyncDispose]());
// OVS's database goes away with its connections.
beforeEach(async () => {
  watch = await OvsWatch.start();
  return () => watch[Symbol.dispose]();
});

describe.each(['SIGTERM', 'SIGKILL'] as const)('a daemon that was ended by %s', (signal) => {
  test('brings what was annotated meanwhile, touching each row once', async () => {
    const make = async (more: Record<string, string>) => (await nicWith(fixture, more)).sandbox;
    const steps = [
      [await make({}), BOTH, LIMITED],
      [await make(BOTH), { ingress_rate: '30' }, HIGHER],
      [await make(BOTH), { ingress_rate: null, egress_rate: null }, FREE],
      [
        await make(BOTH),
        { ingress_rate: null, latency: '5' },
        { ...LIMITED, shaping: 'none', netem: 'latency=5000' },
      ],
      [await make({ latency: '5' }), { mirror: 'true' }, { netem: 'latency=5000', mirror: 'on' }],
    ] as const;
    await fixture.daemon.stop(signal);
    for (const [sandbox, change] of steps) reannotate(fixture, sandbox, change);
    watch.clear();
    await fixture.restartDaemon(FLAGS);
    for (const [sandbox, , wanted] of steps) {
      await becomes(watch, hostName(sandbox, 'net1'), wanted);
    }
    // Each row at most once.
    const touched = watch.changes.map(({ uuid }) => uuid);
    expect(new Set(touched).size).toBe(touched.length);
  });

  test('touches nothing where all is right, or where nobody knows what is', async () => {
    const right = await nicWith(fixture, { ...BOTH, mirror: 'true' });
    const netem = await nicWith(fixture, { latency: '5' });
    const bandwidth = { ingressRate: 8_000_000, egressRate: 4_000_000 };
    const runtime = await nicWith(fixture, {}, { runtimeConfig: { bandwidth } });
    const wrong = await nicWith(fixture, BOTH);
    await fixture.daemon.stop(signal);
    reannotate(fixture, wrong.sandbox, { ingress_rate: 'fast', egress_rate: '-1' });
    await watch.caughtUp();
    watch.clear();
    await fixture.restartDaemon(FLAGS);
    await eventAbout(fixture, wrong.sandbox, `${ATTACHNET}.kubernetes.io/egress_rate`);
    for (const nic of [right, netem, runtime, wrong]) await settled(watch, nic);
    expect(watch.updates).toEqual([]);
    await expectLimits(watch, wrong.host, LIMITED);
  });

  test('lets no CHECK find a difference that it is about to mend', async () => {
    const nic = await nicWith(fixture, BOTH);
    for (let rate = 11; rate <= 20; rate += 1) {
      await fixture.daemon.stop(signal);
      reannotate(fixture, nic.sandbox, { ingress_rate: `${rate}` });
      await fixture.restartDaemon(FLAGS);
      await expectHealthy(nic);
    }
  });
});

/** A pod whose interface Kube-OVN's Go daemon made, with 10 Mbit/s to the pod, while ours was away. */
async function goPod(ifName: 'eth0' | 'net1', more: Record<string, string>) {
  const prefix = ifName === 'eth0' ? 'ovn' : ATTACHNET;
  const cidr = '172.17.0.0/16';
  const annotations = prefixed(
    { allocated: 'true', ip_address: '172.17.9.9', cidr, ...more },
    prefix,
  );
  const { sandbox } = await fixture.pod({ annotations, nic: () => undefined });
  await addAsGo(fixture.node, sandbox, {
    ifName,
    ...(ifName === 'eth0' ? {} : { provider: ATTACHNET }),
  });
  return {
    sandbox,
    prefix,
    host: hostName(sandbox, ifName),
    config: ovnConfig({ provider: prefix }),
  };
}

describe.each(['eth0', 'net1'] as const)("of %s, which Kube-OVN's Go daemon made,", (ifName) => {
  const SHAPED: Partial<Has> = { shaping: '10000000/1000000' };

  test('limits that are right are not touched, and later changes are followed', async () => {
    const { sandbox, host, prefix } = await goPod(ifName, { ingress_rate: '10' });
    await becomes(watch, host, SHAPED);
    watch.clear();
    await fixture.restartDaemon(FLAGS);
    await podsArrive(fixture);
    await expectLimits(watch, host, SHAPED);
    const before = limitRows(watch, host);
    reannotate(fixture, sandbox, { ingress_rate: '30' }, prefix);
    await becomes(watch, host, { shaping: '30000000/3000000' });
    expect(limitRows(watch, host)?.queue?._uuid).toBe(before?.queue?._uuid);
    const own = watch.changes.filter(({ uuid }) => uuid === before?.queue?._uuid);
    expect(own).toHaveLength(1);
  });

  test('others are brought to what is annotated, and its DEL leaves nothing', async () => {
    const before = await census(fixture.node);
    await fixture.daemon.stop();
    const { sandbox, host, config } = await goPod(ifName, { egress_rate: '20', latency: '5' });
    await fixture.restartDaemon(FLAGS);
    await becomes(watch, host, { policing: '20000/16000', netem: 'latency=5000' });
    await mustDelete(sandbox, ifName, config);
    await expectNode(fixture.node, before);
  });
});

describe('a newer pod of the same name', () => {
  test('does not change the port of the older one, which still runs', async () => {
    const { api, cluster } = fixture;
    const older = await nicWith(fixture, BOTH);
    const { namespace, name } = older.sandbox.pod;
    await watch.caughtUp();
    watch.clear();
    api.delete('Pod', `${namespace}/${name}`, { gracePeriodSeconds: 0 });
    const pod = cluster.createPod(name, {});
    const { v4: ip, mac } = fixture.next();
    await fixture.node.nbctl('lsp-del', older.port);
    api.delete('IP', older.port);
    const nic = {
      provider: ATTACHNET,
      subnet: fixture.attachnet,
      ip,
      mac,
      more: { ingress_rate: '30' },
    };
    await cluster.allocate(pod, nic);
    await podsArrive(fixture);
    await fixture.restartDaemon(FLAGS);
    await podsArrive(fixture);
    await expectLimits(watch, older.host, LIMITED);
    const newer = await createSandbox(pod);
    await mustAdd(newer, 'net1', ovnConfig());
    await expectLimits(watch, hostName(newer, 'net1'), { shaping: '30000000/3000000' });
    await expectLimits(watch, older.host, LIMITED);
    await mustDelete(older.sandbox, 'net1', ovnConfig());
    reannotate(fixture, { pod }, { ingress_rate: '10' });
    await becomes(watch, hostName(newer, 'net1'), { shaping: '10000000/1000000' });
  });
});

test('changes while ovsdb-server is away are in OVS when it is back', async () => {
  const { node, daemon } = fixture;
  const nic = await nicWith(fixture, BOTH);
  await node.killPart('ovsdb-server');
  await daemon.logged(LOST);
  reannotate(fixture, nic.sandbox, { ingress_rate: '5' });
  const event = await eventAbout(fixture, nic.sandbox, 'cannot set its limits', 'tried again');
  expect(event).toMatchObject({ type: 'Warning', reason: 'PodQoSUpdateFailed' });
  reannotate(fixture, nic.sandbox, { ingress_rate: '30' });
  await node.startPart('ovsdb-server');
  using back = await OvsWatch.start();
  await becomes(back, nic.host, HIGHER);
  await settled(back, nic);
});

describe('without the API server', () => {
  test('a change is in OVS when it is back', async () => {
    const nic = await nicWith(fixture, BOTH);
    await fixture.api.close();
    reannotate(fixture, nic.sandbox, { ingress_rate: '30' });
    await fixture.api.start();
    await becomes(watch, nic.host, HIGHER);
  });

  test('a daemon that starts touches nothing until it is back', async () => {
    const [nic, other] = [await nicWith(fixture, BOTH), await nicWith(fixture)];
    await fixture.daemon.stop();
    await fixture.api.close();
    reannotate(fixture, nic.sandbox, { ingress_rate: '30' });
    await watch.caughtUp();
    watch.clear();
    await fixture.restartDaemon(FLAGS);
    await expectHealthy(other);
    await watch.caughtUp();
    expect(watch.updates).toEqual([]);
    await fixture.api.start();
    await becomes(watch, nic.host, HIGHER);
  });
});
