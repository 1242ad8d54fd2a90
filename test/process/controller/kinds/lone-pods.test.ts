/** What a lone pod costs the API server, and what is said of its end. */
import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../lab/kubernetes/object.ts';
import { endPod, identityOf } from '../../../lab/workloads.ts';
import { CrashCluster } from '../crash/crash-cluster.ts';
import { makeNetwork, pod } from '../crash/steps.ts';

const PODS = 20;
const NAMES = Array.from({ length: PODS }, (_, index) => `pod-${index}`);
const STATUS = '/apis/kubeovn.io/v1/subnets/red/status';

/** A cluster with a network that has a pod, and all of it counted. */
async function clusterWithPod(): Promise<CrashCluster> {
  const crashCluster = await CrashCluster.start();
  crashCluster.api.create({ kind: 'Node', metadata: { name: 'node-1' } });
  crashCluster.api.create({ kind: 'Namespace', metadata: { name: 'default' } });
  makeNetwork(crashCluster.api, 'red', '10.1.0.0/24');
  pod(crashCluster.api, 'first', 'red');
  await settle(crashCluster, 1);
  return crashCluster;
}

/** Resolves when all is as it ought to be with so many pods, and the Subnet says it. */
async function settle(crashCluster: CrashCluster, pods: number): Promise<void> {
  await crashCluster.settle();
  const isSaid = ({ status }: { status?: Readonly<Record<string, unknown>> }) =>
    status?.v4usingIPs === pods && usedOf(String(status.v4usingIPrange)) === pods;
  await crashCluster.api.until('Subnet', 'red', isSaid);
}

/** Number of addresses in ranges like `10.1.0.2,10.1.0.4-10.1.0.6`. */
function usedOf(ranges: string): number {
  const last = (address = '') => Number(address.split('.')[3]);
  return ranges
    .split(',')
    .filter((range) => range !== '')
    .map((range) => range.split('-'))
    .reduce((sum, [from, to = from]) => sum + last(to) - last(from) + 1, 0);
}

const statusPatches = ({ api }: CrashCluster) =>
  api.requests.count({ verb: 'patch', path: STATUS });

const identity = ({ api }: CrashCluster, name: string) =>
  identityOf(api.get('Pod', `default/${name}`));

describe('one pod after another', () => {
  it('costs one patch of the Subnet when it comes, and one when it goes', async () => {
    await using crashCluster = await clusterWithPod();
    const before = statusPatches(crashCluster);
    for (const [index, name] of NAMES.entries()) {
      pod(crashCluster.api, name, 'red');
      await settle(crashCluster, 2 + index);
    }
    const made = statusPatches(crashCluster) - before;
    for (const [index, name] of NAMES.entries()) {
      endPod(crashCluster.api, identity(crashCluster, name));
      await settle(crashCluster, PODS - index);
    }
    const ended = statusPatches(crashCluster) - before - made;
    // A busy machine may show a watch late, in the middle of a change.
    expect(made).toBeLessThanOrEqual(PODS * 1.4);
    expect(ended).toBeLessThanOrEqual(PODS * 1.4);
  });

  it('has what somebody else writes into the status put right', async () => {
    await using crashCluster = await clusterWithPod();
    crashCluster.api.patch('Subnet', 'red', { status: { v4usingIPs: 77, v4usingIPrange: '' } });
    await settle(crashCluster, 1);
  });
});

describe('the IP objects of many pods that end at once', () => {
  it('are asked to go once each', async () => {
    await using crashCluster = await clusterWithPod();
    for (const name of NAMES) pod(crashCluster.api, name, 'red');
    await settle(crashCluster, 1 + PODS);
    // A pod that completes is ended, and again when it is deleted.
    for (const name of NAMES) {
      crashCluster.api.patch('Pod', `default/${name}`, { status: { phase: 'Succeeded' } });
      crashCluster.api.patch('Pod', `default/${name}`, { metadata: { labels: { again: 'true' } } });
    }
    for (const name of NAMES) endPod(crashCluster.api, identity(crashCluster, name));
    await settle(crashCluster, 1);
    const deletes = crashCluster.api.requests.all.filter(({ verb }) => verb === 'delete');
    const paths = deletes.map(({ path }) => path).filter((path) => path.includes('/ips/'));
    expect(paths).toHaveLength(new Set(paths).size);
    expect(paths).toHaveLength(PODS);
  });
});

describe('what was released of a pod', () => {
  it.each([
    [
      'completes',
      (crashCluster: CrashCluster) =>
        crashCluster.api.patch('Pod', 'default/last', { status: DONE }),
    ],
    [
      'is deleted',
      (crashCluster: CrashCluster) => endPod(crashCluster.api, identity(crashCluster, 'last')),
    ],
    [
      'is deleted by force',
      (crashCluster: CrashCluster) => {
        const { namespace, name } = identity(crashCluster, 'last');
        crashCluster.api.delete('Pod', keyOf({ namespace, name }), { gracePeriodSeconds: 0 });
      },
    ],
  ])('is said once where it %s', async (_, end) => {
    await using crashCluster = await clusterWithPod();
    pod(crashCluster.api, 'last', 'red');
    await settle(crashCluster, 2);
    const { uid } = identity(crashCluster, 'last');
    end(crashCluster);
    const isRelease = ({ reason, involvedObject }: Readonly<Record<string, unknown>>) =>
      reason === 'PodNetworkReleased' && (involvedObject as { uid?: string }).uid === uid;
    const event = await crashCluster.api.untilSome('Event', isRelease);
    expect(event.message).toContain('provider=red.default subnet=red ip=10.1.0.3 ');
    await settle(crashCluster, 1);
    expect(crashCluster.api.list('Event').filter(isRelease)).toHaveLength(1);
    expect(event.count).toBe(1);
  });
});

const DONE = { phase: 'Succeeded' };
