/**
 * Calls and clean-ups that come while a change of limits is being written, and a change that comes
 * while a DEL removes its port: each has its turn, and nothing is left.
 */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { portName } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw } from '../lab/raw-http.ts';
import { cni, createSandbox, deleteSandbox } from '../lab/runtime.ts';
import { podsArrive } from './check-fixture.ts';
import { CrashLab, IF_NAME, type LabPod } from './crash-fixture.ts';
import { ATTACHNET, ovnConfig } from './fixture.ts';
import { addAsGo, expectGone, expectTraces, NONE } from './garbage-support.ts';
import { becomes, reannotate } from './limits-fixture.ts';
import { hostName, mustAdd, mustDelete, startCall } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

/** Rows of every kind change with it. */
const CHANGE = { ingress_rate: null, latency: '5', egress_rate: '30', mirror: 'true' };
const CHANGED = { policing: '30000/24000', netem: 'latency=5000', mirror: 'on' } as const;

const lab = await CrashLab.start();
const watch = await OvsWatch.start();
const { fixture, shims } = lab;
afterAll(async () => {
  watch[Symbol.dispose]();
  await lab[Symbol.asyncDispose]();
});
// Here the shims are disarmed, too: in the middle of a test somebody may just be reading their plan.
beforeEach(() => lab.repair());

/** An interface whose limits are being changed: the transaction is held. */
interface HeldChange extends LabPod {
  readonly config: ReturnType<typeof ovnConfig>;
  /** Lets the transaction go on, when what came before has reached the daemon. */
  readonly release: () => Promise<void>;
}

async function heldChange(): Promise<HeldChange> {
  const made = await lab.pod();
  const prevResult = await mustAdd(made.sandbox, IF_NAME, ovnConfig({ cniVersion: '1.1.0' }));
  const words = await lab.wordsOf(made.sandbox);
  await shims.arm(words, { call: 'ovs-vsctl.1', how: 'hold', pid: 0 });
  reannotate(fixture, made.sandbox, CHANGE);
  await shims.held();
  const release = async () => {
    await podsArrive(fixture);
    await shims.release();
  };
  return { ...made, config: ovnConfig({ cniVersion: '1.1.0', prevResult }), release };
}

describe('while limits are changed', () => {
  test('a DEL waits, and leaves nothing', async () => {
    const { sandbox, config, release, ...made } = await heldChange();
    const del = await startCall('DEL', sandbox, IF_NAME, config);
    await release();
    expect(await del.outcome).toMatchObject({ exitCode: 0, stdout: '' });
    await expectTraces(fixture, sandbox, NONE);
    await lab.discard({ ...made, sandbox });
  });

  test('a CHECK waits, and finds nothing', async () => {
    const { sandbox, config, release, ...made } = await heldChange();
    const check = await startCall('CHECK', sandbox, IF_NAME, config);
    await release();
    expect(await check.outcome).toMatchObject({ exitCode: 0, stdout: '' });
    await mustDelete(sandbox, IF_NAME, config);
    await lab.discard({ ...made, sandbox });
  });

  test('a GC waits, and removes what is no longer valid', async () => {
    const { sandbox, release, ...made } = await heldChange();
    const body = { cni_type: 'kube-ovn', provider: ATTACHNET, network: 'net' };
    const marks = watch.rows('Interface').map(({ external_ids }) => external_ids);
    const valid_attachments = marks
      .filter(({ container_id: id }) => id !== undefined && id !== sandbox.containerId)
      .map(({ container_id, if_name }) => ({ container_id, if_name }));
    const text = JSON.stringify({ ...body, valid_attachments });
    const gc = callRaw(SOCKET, { path: '/api/v1/gc', body: text });
    await release();
    expect(await gc).toMatchObject({ status: 204 });
    await expectTraces(fixture, sandbox, NONE);
    await lab.discard({ ...made, sandbox });
  });

  test('a sandbox that is lost is cleaned up afterwards', async () => {
    const { sandbox, pod, nic, release } = await heldChange();
    await deleteSandbox(sandbox);
    await release();
    await expectGone(fixture, sandbox);
    await fixture.cluster.deletePod(pod, [nic]);
  });

  test('a newer sandbox takes the port, with what is annotated', async () => {
    const { sandbox, config, release, ...made } = await heldChange();
    const newer = await createSandbox(made.pod);
    const add = cni('ADD', newer, IF_NAME, ovnConfig());
    await release();
    expect(await add).toMatchObject({ exitCode: 0 });
    await becomes(watch, hostName(newer, IF_NAME), CHANGED);
    await lab.deleteOlder(sandbox, newer);
    await becomes(watch, hostName(newer, IF_NAME), CHANGED);
    await mustDelete(newer, IF_NAME, config);
    await lab.discard({ ...made, sandbox }, newer);
  });
});

test('a change at the transaction of a DEL makes nothing', async () => {
  const made = await lab.pod();
  await mustAdd(made.sandbox, IF_NAME, ovnConfig());
  const del = await lab.startHeld('DEL', made.sandbox, 'ovs-vsctl.1');
  reannotate(fixture, made.sandbox, CHANGE);
  await podsArrive(fixture);
  await shims.release();
  expect(await del.outcome).toMatchObject({ exitCode: 0, stdout: '' });
  await expectTraces(fixture, made.sandbox, NONE);
  expect(fixture.daemon.logLines('cannot bring')).toEqual([]);
  await lab.discard(made);
});

test("a change beside a DEL of a port that Kube-OVN's Go daemon made leaves nothing", async () => {
  const rate = { ingress_rate: '10' };
  const made = await fixture.pod({ nic: (nic) => ({ ...nic, more: rate }) });
  const { sandbox } = made;
  await addAsGo(fixture.node, sandbox, { ifName: IF_NAME, provider: ATTACHNET });
  const host = hostName(sandbox, IF_NAME);
  await becomes(watch, host, { shaping: '10000000/1000000' });
  const del = await lab.startHeld('DEL', sandbox, 'ovs-vsctl.1');
  reannotate(fixture, sandbox, CHANGE);
  await podsArrive(fixture);
  await shims.release();
  expect(await del.outcome).toMatchObject({ exitCode: 0, stdout: '' });
  await watch.caughtUp();
  // Its rows say whose they are by this alone.
  const ifaceId = portName(made.pod, made.nic);
  const rows = (['Interface', 'QoS', 'Queue'] as const).flatMap((table) => watch.rows(table));
  expect(rows.filter(({ external_ids: ids }) => ids['iface-id'] === ifaceId)).toEqual([]);
  await lab.discard(made);
});
