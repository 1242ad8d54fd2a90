/** Controllers that are killed, stopped, displaced and refused, as processes of their own. */
import { describe, expect, it } from 'vitest';
import { abortable, startDeadline } from '../../../src/common/concurrency/deadline.ts';
import { FakeApiServer } from '../../lab/kubernetes/api.ts';
import { AddressRecorder } from './crash/address-recorder.ts';
import { ControllerProcesses } from './crash/controller-process.ts';
import { problemsOf, written } from './crash/oracle.ts';
import { burst, copyOf, makeNetwork, pod } from './crash/steps.ts';
import { LEASE, LEASES, microTime } from './leadership/support.ts';

const KEY = 'kube-system/kube-ovn-controller';
/** Far above what anything takes here that comes at all. */
const SETTLES_WITHIN_MS = 120_000;
const TIMEOUT_MS = 300_000;

/** A cluster with a network, no pods yet, and controllers. */
async function setUp() {
  const api = await FakeApiServer.start();
  const controllers = await ControllerProcesses.of(api);
  const recorder = new AddressRecorder(api);
  api.create({ kind: 'Node', metadata: { name: 'node-1' } });
  api.create({ kind: 'Namespace', metadata: { name: 'default' } });
  makeNetwork(api, 'red', '10.1.0.0/22');
  makeNetwork(api, 'blue', '10.2.0.0/24,fd00:2::/112');
  const dispose = async () => {
    await controllers[Symbol.asyncDispose]();
    await api.close();
  };
  return { api, controllers, recorder, [Symbol.asyncDispose]: dispose };
}

/** Resolves when nothing is left to be done. */
async function settled(api: FakeApiServer): Promise<void> {
  using deadline = startDeadline(SETTLES_WITHIN_MS);
  // The last thing to change is the status of a Subnet.
  const isCalm = () => problemsOf(api).length === 0;
  const calm = api.untilSome('Subnet', ({ metadata }) => metadata.name === 'red' && isCalm());
  await abortable(calm, deadline.signal).catch(() => {
    throw new Error(problemsOf(api).slice(0, 20).join('\n'));
  });
}

function holdLease(api: FakeApiServer, holderIdentity: string): void {
  const now = microTime();
  const spec = { holderIdentity, leaseDurationSeconds: 30, acquireTime: now, renewTime: now };
  if (api.list('Lease').length > 0) api.patch('Lease', KEY, { spec });
  else {
    const metadata = { name: 'kube-ovn-controller', namespace: 'kube-system' };
    api.create({ kind: 'Lease', metadata, spec });
  }
}

describe('a standby', () => {
  it(
    'takes over from leaders that are killed in a burst of 200 pods',
    async () => {
      await using all = await setUp();
      const { api, controllers, recorder } = all;
      let leader = controllers.begin();
      await leader.leads();
      const before = controllers.writes().length;
      burst(api, 200);
      // An IP object and a patch for each: the pods are told at the end of that.
      for (const part of [20, 200]) {
        const standby = controllers.begin();
        await standby.standsBy();
        await controllers.written(before + part);
        await leader.stop('SIGKILL');
        await standby.leads();
        leader = standby;
      }
      await settled(api);
      expect(recorder.crimes).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'has the cluster for itself when the leader wakes up that was stopped',
    async () => {
      await using all = await setUp();
      const { api, controllers, recorder } = all;
      const leader = controllers.begin();
      await leader.leads();
      const standby = controllers.begin();
      await standby.standsBy();
      const before = controllers.writes().length;
      burst(api, 50);
      await controllers.written(before + 30);
      leader.process.kill('SIGSTOP');
      await standby.leads();
      pod(api, 'late', 'red');
      await settled(api);
      const writes = controllers.writes().length;
      leader.process.kill('SIGCONT');
      expect(await leader.ended()).toBe(1);
      // What was on its way when it was stopped still goes out, one request for each place at most.
      expect(controllers.writes().length - writes).toBeLessThanOrEqual(32);
      await settled(api);
      expect(recorder.crimes).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe('a leader', () => {
  it(
    'writes nothing more when another one has taken its Lease',
    async () => {
      await using all = await setUp();
      const { api, controllers } = all;
      const leader = controllers.begin();
      await leader.leads();
      const before = controllers.writes().length;
      burst(api, 200);
      await controllers.written(before + 20);
      holdLease(api, 'kube-ovn-ts/another/1');
      await leader.logged('ending');
      pod(api, 'late', 'red,blue');
      expect(await leader.ended()).toBe(1);
      expect(written(api.get('Pod', 'default/late'), 'red.default', 'allocated')).toBe('');
      const records = api.list('IP').map(({ spec }) => spec?.podName);
      expect(records).not.toContain('late');
      expect(leader.log.join('\n')).toContain('kube-ovn-ts/another/1');
      expect(api.get('Lease', KEY).spec?.holderIdentity).toBe('kube-ovn-ts/another/1');
    },
    TIMEOUT_MS,
  );

  it(
    "ends with a message beside Kube-OVN's own controller, and writes nothing",
    async () => {
      await using all = await setUp();
      const { api, controllers } = all;
      holdLease(api, 'kube-ovn-controller-7c9d5b6f4-x2x7k');
      const controller = controllers.begin();
      await controller.standsBy();
      await api.requests.waitFor({ verb: 'get', path: LEASE }, 1);
      // The Lease may be one that was left behind, until it is renewed.
      await api.requests.waitFor({ verb: 'watch', path: LEASES }, 1);
      await api.watches.waitForCount(1);
      holdLease(api, 'kube-ovn-controller-7c9d5b6f4-x2x7k');
      expect(await controller.ended()).toBe(1);
      const last = JSON.parse(controller.log.at(-1) ?? '{}');
      expect(last).toMatchObject({
        error: expect.stringContaining('another kind of controller manages this cluster'),
        details: expect.stringContaining('scale'),
      });
      expect(last.error).toContain('kube-ovn-controller-7c9d5b6f4-x2x7k');
      expect(controllers.writes()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe('a pod that was made with another one’s annotations', () => {
  it(
    'never gets its address, also not from the next controller',
    async () => {
      await using all = await setUp();
      const { api, controllers } = all;
      const first = controllers.begin();
      await first.leads();
      pod(api, 'a', 'red');
      await settled(api);
      copyOf(api, 'a', 'copy');
      await copyIsRefused(api);
      // The node's daemon would go by what was copied.
      const untold = await api.until('Pod', 'default/copy', ({ metadata }) => {
        return metadata.annotations?.['red.default.kubernetes.io/allocated'] === undefined;
      });
      expect(untold.metadata.annotations).toMatchObject({
        'red.default.kubernetes.io/ip_address': '10.1.0.2',
      });
      await first.stop('SIGKILL');
      copyOf(api, 'a', 'another');
      const second = controllers.begin();
      await second.leads();
      await api.untilSome('Event', ({ reason, involvedObject }) => {
        const { name } = involvedObject as { name: string };
        return reason === 'AcquireAddressFailed' && name === 'another';
      });
      expect(api.list('IP').map(({ metadata }) => metadata.name)).toEqual([
        'a.default.red.default',
      ]);
    },
    TIMEOUT_MS,
  );
});

async function copyIsRefused(api: FakeApiServer): Promise<void> {
  await api.untilSome('Event', ({ reason, message }) => {
    return reason === 'AcquireAddressFailed' && String(message).includes('10.1.0.2');
  });
}
