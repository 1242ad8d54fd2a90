/** When limits of running pods are changed, and what comes of it where OVS cannot be changed. */
import { expect, it, onTestFinished } from 'vitest';
import { OvsdbError } from '../../../../src/common/ovsdb/error.ts';
import { Queues } from '../../../../src/common/reconcile/queues.ts';
import { tryAgain } from '../../../../src/daemon/call/error.ts';
import { LimitsFollower } from '../../../../src/daemon/limits/limits-follower.ts';
import { readLimits } from '../../../../src/daemon/model/limits.ts';
import { type Pod, projectPod } from '../../../../src/daemon/model/pod.ts';
import { turns } from '../../common/reconcile/work-queue-support.ts';
import { FakeObjects } from '../../controller/kinds/fake-cluster.ts';
import { stateOf } from '../ovs/rows.ts';
import { RecordingLog } from '../recording-log.ts';
import { CONTAINER_ID, NETNS } from '../support.ts';

const PREFIX = 'ovn.kubernetes.io';
const POD = { namespace: 'shop', name: 'web-0' };
const FOREVER = new AbortController().signal;

const EXTERNAL_IDS = {
  'iface-id': 'web-0.shop',
  'iface-id-ver': 'uid-1',
  vendor: 'kube-ovn',
  pod_name: 'web-0',
  pod_namespace: 'shop',
  pod_netns: NETNS,
  container_id: CONTAINER_ID,
  if_name: 'eth0',
  provider: 'ovn',
};
/** A node with this one port, which has no limits. */
const nodeWithPort = () =>
  stateOf({
    Bridge: [{ name: 'br-int', ports: new Set(['port-1']) }],
    Port: [{ uuid: 'port-1', name: 'c0ffee01_h', interfaces: ['if-1'] }],
    Interface: [{ uuid: 'if-1', name: 'c0ffee01_h', external_ids: EXTERNAL_IDS }],
  });

/** A follower of one pod with one port, which it has looked at. */
async function setUpFollower() {
  const log = new RecordingLog();
  const queues = new Queues({ log });
  const pods = new FakeObjects<Pod>('/api/v1/pods', projectPod, log);
  const calls: string[] = [];
  const said: string[] = [];
  const back = Promise.withResolvers<true>();
  let isAdding = false;
  let failure: Error | undefined;
  const ovs = { isLive: true };
  const state = nodeWithPort();
  const gates: PromiseWithResolvers<void>[] = [];
  let isGated = false;
  const call = async (what: string) => {
    calls.push(what);
    if (isGated) {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    }
    if (failure !== undefined) throw failure;
  };
  const follower = new LimitsFollower({
    pods,
    interfaces: {
      rows: state.interfaces,
      named: (name: string) => state.interfaceNamed(name),
      until: async (evaluate: () => unknown) => evaluate() ?? (await back.promise),
      synced: async () => undefined,
      get isLive() {
        return ovs.isLive;
      },
    } as never,
    ovs: {
      fresh: async () => {
        await call('read');
        return state;
      },
    },
    vsctl: async (commands) => {
      await call(commands.join(' '));
      return '';
    },
    queue: {
      runTogether: <T>(_: unknown, task: () => Promise<T>) => task(),
      isAdding: () => isAdding,
    } as never,
    locks: { ofHostInterfaces: <T>(_: unknown, task: () => Promise<T>) => task() } as never,
    mirror: { all: false, settled: new Promise<void>(() => undefined), ask: () => undefined },
    events: {
      record: (_, { reason, message }) => void said.push(`${reason}: ${message}`),
      idle: Promise.resolve(),
    },
    queues,
    log,
  });
  let version = 0;
  /** The pod's annotations are these, and it was allocated. */
  const annotate = (annotations: Readonly<Record<string, string>>) => {
    version += 1;
    const own = Object.entries(annotations).map(([name, value]) => [`${PREFIX}/${name}`, value]);
    const metadata = {
      ...{ ...POD, uid: 'uid-1', resourceVersion: `${version}` },
      annotations: { [`${PREFIX}/allocated`]: 'true', ...Object.fromEntries(own) },
    };
    pods.show('shop/web-0', { kind: 'Pod', apiVersion: 'v1', metadata, spec: {} } as never);
  };
  annotate({});
  follower.start();
  onTestFinished(() => follower.stop());
  await turns();
  await follower.settled(POD, FOREVER);
  calls.length = 0;
  return {
    follower,
    annotate,
    calls,
    said,
    log,
    queues,
    ovs,
    /** What every read and every call of ovs-vsctl fails with from now on. */
    fail: (error: Error | undefined) => {
      failure = error;
    },
    comesBack: () => {
      ovs.isLive = true;
      failure = undefined;
      back.resolve(true);
    },
    gate: (on: boolean) => {
      isGated = on;
      for (const gate of gates.splice(0)) gate.resolve();
    },
    adds: (on: boolean) => {
      isAdding = on;
    },
    settled: () => follower.settled(POD, FOREVER),
  };
}

const rate = (value: string) => ({ egress_rate: value });
const writes = (calls: readonly string[]) => calls.filter((call) => call !== 'read');

it('a changed annotation is one read and one write, and that is said on the pod', async () => {
  const { annotate, calls, said, settled } = await setUpFollower();
  annotate(rate('30'));
  await settled();
  expect(calls).toEqual(['read', expect.stringContaining('ingress_policing_rate=30000')]);
  expect(said).toEqual([expect.stringMatching(/^PodQoSUpdated: /)]);
});

it('a change that has nothing to do with limits costs no call, and neither does one that says the same', async () => {
  const { annotate, calls, settled } = await setUpFollower();
  annotate(rate('30'));
  await settled();
  calls.length = 0;
  annotate({ ...rate('30'), routes: '[]' });
  annotate(rate('030'));
  await settled();
  expect(calls).toEqual([]);
});

it('of changes that come during the work the last one counts', async () => {
  const { annotate, calls, gate, settled } = await setUpFollower();
  gate(true);
  annotate(rate('10'));
  await turns();
  for (const value of ['20', '30', '40']) annotate(rate(value));
  gate(false);
  await settled();
  expect(writes(calls)).toEqual([
    expect.stringContaining('ingress_policing_rate=10000'),
    expect.stringContaining('ingress_policing_rate=40000'),
  ]);
});

it('what an ADD makes is its own until it is done', async () => {
  const { annotate, calls, adds, settled } = await setUpFollower();
  adds(true);
  annotate(rate('30'));
  await settled();
  expect(calls).toEqual([]);
});

it('a failure is said once, and tried again after a pause; a new change is tried at once', async () => {
  const { annotate, calls, said, settled, fail, log } = await setUpFollower();
  fail(tryAgain("cannot read OVS's rows: no", 'hint', new Error('no')));
  annotate(rate('30'));
  await settled();
  annotate(rate('40'));
  await settled();
  expect(calls).toEqual(['read', 'read']);
  expect(said).toEqual([
    expect.stringMatching(/^PodQoSUpdateFailed: cannot set its limits .*; it is tried again$/),
  ]);
  expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    expect.stringContaining('warn the limits of a pod: '),
  ]);
  fail(undefined);
  annotate(rate('50'));
  await settled();
  expect(writes(calls)).toEqual([expect.stringContaining('ingress_policing_rate=50000')]);
});

it('while the database is away nothing is tried, and at once when it is back', async () => {
  const { annotate, calls, settled, fail, ovs, comesBack, queues } = await setUpFollower();
  ovs.isLive = false;
  fail(tryAgain("cannot read OVS's rows: no", 'hint', new Error('no')));
  annotate(rate('30'));
  await settled();
  expect(queues.figures().get('limits')).toMatchObject({ failures: 1, paused: 1 });
  comesBack();
  await turns();
  await settled();
  expect(writes(calls)).toEqual([expect.stringContaining('ingress_policing_rate=30000')]);
});

it('an outage is one event, whatever is said of it meanwhile', async () => {
  const { annotate, said, settled, fail } = await setUpFollower();
  for (const [rateKbps, reason] of [
    ['30', 'it closed the connection'],
    ['40', 'connect ECONNREFUSED'],
  ] as const) {
    const outage = new OvsdbError('unreachable', reason);
    fail(tryAgain(`cannot read OVS's rows: ${reason}`, 'hint', outage));
    annotate(rate(rateKbps));
    await settled();
  }
  expect(said).toEqual([
    "PodQoSUpdateFailed: cannot set its limits to what is annotated: OVS's database does not answer; it is tried again",
  ]);
});

it('work that throws what it must not ends nothing', async () => {
  const { annotate, settled, fail, calls, log } = await setUpFollower();
  fail(new TypeError('a fault of ours'));
  annotate(rate('30'));
  await settled();
  expect(log.lines.map(({ level }) => level)).toEqual(['error']);
  fail(undefined);
  annotate(rate('40'));
  await settled();
  expect(writes(calls)).toHaveLength(1);
});

it('what an ADD has made is what was asked for then: nothing is done about it', async () => {
  const { follower, annotate, adds, calls, settled } = await setUpFollower();
  const pod = projectPod({
    metadata: {
      ...{ ...POD, uid: 'uid-1' },
      annotations: { [`${PREFIX}/allocated`]: 'true', [`${PREFIX}/egress_rate`]: '30' },
    },
  });
  adds(true);
  annotate(rate('30'));
  await settled();
  adds(false);
  const port = { provider: 'ovn', ifName: 'eth0' };
  follower.made('c0ffee01_h', pod, readLimits(pod.annotations, port, undefined));
  await settled();
  expect(calls).toEqual([]);
  annotate(rate('40'));
  await settled();
  expect(writes(calls)).toHaveLength(1);
});
