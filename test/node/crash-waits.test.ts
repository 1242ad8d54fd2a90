/** The daemon is killed while ADDs wait, after their answers, and with many calls in flight. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { allocationAnnotations, portName } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import type { KubernetesObject } from '../lab/kubernetes/object.ts';
import { cni, deleteSandbox } from '../lab/runtime.ts';
import {
  CrashLab,
  expectPings,
  IF_NAME,
  type LabPod,
  REPLAYS,
  type Verb,
} from './crash-fixture.ts';
import { ATTACHNET, ovnConfig } from './fixture.ts';
import {
  hostName,
  mustAdd,
  mustDelete,
  portAppears,
  type RunningCall,
  startAdd,
  Tap,
} from './observe.ts';
import { expectError } from './refusal.ts';

const TAP = '/run/tap.sock';
const GATEWAY = `${ATTACHNET}.kubernetes.io/gateway`;

const lab = await CrashLab.start();
const { cluster, api, node } = lab.fixture;
const tap = await Tap.start(TAP, SOCKET);
afterAll(async () => {
  await tap[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

beforeEach(() => lab.repair());

interface Stuck {
  readonly made: LabPod;
  readonly add: RunningCall;
  /** Does what the ADD waited for. */
  readonly mend: () => void | Promise<void>;
}

/** What an ADD can wait for, and how to have it do so. */
const WAITS: readonly (readonly [what: string, stuck: () => Promise<Stuck>])[] = [
  [
    'its address',
    async () => {
      const made = await lab.newPod();
      const config = ovnConfig({ server_socket: TAP });
      const add = await tap.passedOn(() => startAdd(made.sandbox, IF_NAME, config));
      return { made, add, mend: () => cluster.allocate(made.pod, made.nic) };
    },
  ],
  [
    'the flows of its port',
    async () => {
      const made = await lab.newPod();
      cluster.writeIp(made.pod, made.nic);
      cluster.annotate(made.pod, allocationAnnotations(made.nic));
      const add = await startAdd(made.sandbox, IF_NAME, ovnConfig());
      await portAppears(hostName(made.sandbox, IF_NAME));
      return { made, add, mend: () => cluster.allocate(made.pod, made.nic) };
    },
  ],
  ['its IPv4 gateway', () => withSilentGateway('172.17.255.1,fd00:172:17::1', 'nsenter-arping.1')],
  ['its IPv6 gateway', () => withSilentGateway('172.17.0.1,fd00:172:17::ffff', 'nsenter-ping.1')],
];

async function withSilentGateway(gateways: string, probe: string): Promise<Stuck> {
  const made = await lab.pod();
  const { pod, sandbox, nic } = made;
  cluster.annotate(pod, { [GATEWAY]: gateways });
  const add = await lab.startHeld('ADD', sandbox, probe);
  await lab.shims.release();
  await lab.shims.disarm();
  return { made, add, mend: () => cluster.annotate(pod, { [GATEWAY]: nic.subnet.gateway }) };
}

describe.each(WAITS)('an ADD whose daemon is killed while it waits for %s', (_, stuck) => {
  test.each(REPLAYS)('and that is %s leaves nothing', async (_, replay) => {
    const before = await lab.census();
    const { made, add, mend } = await stuck();
    await lab.fixture.daemon.stop('SIGKILL');
    expectError(await add.outcome, { code: 11, says: ['no answer from the node daemon'] });
    await lab.startDaemon();
    await mend();
    await replay(lab, made, before);
  });
});

test('a port that a tool makes after its daemon was killed and its DEL done goes with its sandbox', async () => {
  const before = await lab.census();
  const { sandbox, pod, nic } = await lab.pod();
  const add = await lab.startHeld('ADD', sandbox, 'ovs-vsctl.1');
  await lab.fixture.daemon.stop('SIGKILL');
  await add.outcome;
  await lab.startDaemon();
  await mustDelete(sandbox, IF_NAME, ovnConfig());
  await lab.shims.release();
  await portAppears(hostName(sandbox, IF_NAME));
  await deleteSandbox(sandbox);
  await cluster.deletePod(pod, [nic]);
  await lab.fixture.daemon.logged('removed a port whose sandbox is gone');
  await lab.expectAsBefore(before);
});

test('a port that a tool makes after its daemon was killed does not cut off a newer sandbox', async () => {
  const before = await lab.census();
  const made = await lab.pod();
  const add = await lab.startHeld('ADD', made.sandbox, 'ovs-vsctl.1');
  await lab.fixture.daemon.stop('SIGKILL');
  await add.outcome;
  await lab.startDaemon();
  const newer = await lab.addNewer(made);
  await lab.shims.release();
  await portAppears(hostName(made.sandbox, IF_NAME));
  await lab.fixture.daemon.logged('older sandboxes lost a logical switch port');
  await expectPings(newer);
  for (const sandbox of [made.sandbox, newer]) await mustDelete(sandbox, IF_NAME, ovnConfig());
  await cluster.deletePod(made.pod, [made.nic]);
  await lab.expectAsBefore(before);
});

describe('a daemon that is killed after an ADD', () => {
  /** Runs an ADD and resolves when the daemon has begun to write the node into the IP object. */
  async function untilAsked({ pod, nic, sandbox }: LabPod, verb: 'get' | 'update'): Promise<void> {
    const path = `/apis/kubeovn.io/v1/ips/${portName(pod, nic)}`;
    const asked = api.requests.waitFor({ verb, path }, 1);
    await mustAdd(sandbox, IF_NAME, ovnConfig());
    await asked;
  }

  test.each([
    ['before its write to the IP object is done', true],
    ['when the IP object is written', false],
  ])('%s: the interface works on, and goes with its DEL', async (_, isLost) => {
    const before = await lab.census();
    const made = await lab.pod();
    if (isLost) api.faults.silence();
    // Where nothing is answered, it does not come further than to the read before the write.
    await untilAsked(made, isLost ? 'get' : 'update');
    await lab.fixture.daemon.stop('SIGKILL');
    api.faults.resume();
    const state = await lab.stateOf(made.sandbox);
    await expectPings(made.sandbox);
    await lab.startDaemon();
    expect(await lab.stateOf(made.sandbox)).toEqual(state);
    await expectPings(made.sandbox);

    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.expectAsBefore(before);
    const newer = await lab.addNewer(made);
    const isOnNode = ({ spec }: KubernetesObject) => spec?.nodeName === node.chassis;
    await api.until('IP', portName(made.pod, made.nic), isOnNode);
    await mustDelete(newer, IF_NAME, ovnConfig());
    await lab.expectAsBefore(before);
    await lab.discard(made, newer);
  });
});

describe('a daemon that is killed with twelve calls in flight', () => {
  test.each(['ip.1', 'ovs-vsctl.1', 'nsenter-ip.1'])(
    'at %s of one of them leaves nothing once they are replayed, and harms nobody',
    async (call) => {
      const before = await lab.census();
      const pods = await Promise.all(Array.from({ length: 12 }, () => lab.pod()));
      const [victim, ...others] = pods as [LabPod, ...LabPod[]];
      const [deleted, added] = [others.slice(0, 4), others.slice(4)];
      for (const { sandbox } of deleted) await mustAdd(sandbox, IF_NAME, ovnConfig());
      const start = (verb: Verb, calls: readonly LabPod[]) =>
        calls.map(({ sandbox }) => cni(verb, sandbox, IF_NAME, ovnConfig()));
      const running = [...start('DEL', deleted), ...start('ADD', added)];
      const outcome = await lab.crash('ADD', victim.sandbox, { call, how: 'before' });
      expectError(outcome, { code: 11, says: ['no answer from the node daemon'] });
      await lab.startDaemon();
      // Those that had not reached the first daemon may reach the second.
      await Promise.all(running);
      await Promise.all(pods.map(({ sandbox }) => mustDelete(sandbox, IF_NAME, ovnConfig())));
      await lab.expectAsBefore(before);
      for (const made of pods) await lab.discard(made);
    },
  );
});
