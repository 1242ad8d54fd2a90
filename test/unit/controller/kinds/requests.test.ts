/** What pods that come and go cost the API server, where changes are seen later than they were made. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { Queues } from '../../../../src/common/reconcile/queues.ts';
import { createKinds } from '../../../../src/controller/kinds.ts';
import type { NewObject } from '../../../lab/kubernetes/object.ts';
import { turns } from '../../common/reconcile/work-queue-support.ts';
import { kubeOvn, podObject } from '../support.ts';
import { setUp } from './set-up.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const FINALIZER = 'kubeovn.io/kube-ovn-controller';
const SUBNET = '/apis/kubeovn.io/v1/subnets/lan/status';

const nad: NewObject = {
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'lan', namespace: 'shop' },
  spec: {
    config: JSON.stringify({ type: 'macvlan', ipam: { type: 'kube-ovn', provider: 'lan.shop' } }),
  },
};

/** A cluster that is worked on, and shows each change some turns after it was made. */
async function setUpWork() {
  // What is counted together is told by the clock.
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const metadata = { finalizers: [FINALIZER] };
  const subnet = kubeOvn(
    'Subnet',
    'lan',
    { cidrBlock: '10.1.0.0/16', provider: 'lan.shop' },
    metadata,
  );
  const { context, fake, writes } = setUp([nad, subnet], { isPrimary: false });
  const { northbound: _, ...withoutOvn } = context;
  const queues = new Queues({ log: context.log });
  const kinds = createKinds(withoutOvn, queues);
  const ends = kinds.flatMap((kind) => kind.subscribe());
  onTestFinished(async () => {
    vi.useRealTimers();
    for (const end of ends) end();
    await queues.stop();
  });
  for (const kind of kinds) kind.addAll?.();
  fake.lagWatch(3);
  const settled = async () => {
    do {
      await queues.idle();
      await turns(20);
    } while (fake.hasUnshown);
    await queues.idle();
  };
  /** What is asked for, a second after the last change and until all is counted. */
  const requestsOf = async (act: () => void) => {
    vi.advanceTimersByTime(1000);
    await settled();
    writes.requests.length = 0;
    act();
    await settled();
    vi.advanceTimersByTime(1000);
    await settled();
    return [...writes.requests];
  };
  await settled();
  const names = (count: number) => Array.from({ length: count }, (__, index) => `pod-${index}`);
  return {
    fake,
    /** What so many pods ask for that come at once, or go. */
    come: (count: number) =>
      requestsOf(() => {
        const annotations = { [NETWORKS]: 'lan' };
        const shape = { annotations, phase: 'Pending' };
        fake.create(...names(count).map((name) => podObject(name, shape)));
      }),
    go: (count: number) =>
      requestsOf(() => {
        for (const name of names(count)) fake.delete('Pod', `shop/${name}`);
      }),
  };
}

/** Requests that were made more than once, but for the status of the Subnet and new objects. */
function twice(requests: readonly string[]): readonly string[] {
  const own = requests.filter((request) => !request.endsWith(SUBNET) && !/^create/.test(request));
  return own.filter((request, index) => own.indexOf(request) !== index);
}

it('a pod that comes is an IP object, its annotations and a count; one that goes three requests, too', async () => {
  const { come, go, fake } = await setUpWork();
  expect(await come(1)).toEqual([
    'create /apis/kubeovn.io/v1/ips',
    'patch /api/v1/namespaces/shop/pods/pod-0',
    `patch ${SUBNET}`,
  ]);
  const ip = '/apis/kubeovn.io/v1/ips/pod-0.shop.lan.shop';
  expect(await go(1)).toEqual([`delete ${ip}`, `patch ${ip}`, `patch ${SUBNET}`]);
  expect(fake.keys('IP')).toEqual([]);
});

it('of 200 pods that come at once, and go at once, no request is made twice', async () => {
  const { come, go, fake } = await setUpWork();
  const coming = await come(200);
  expect(twice(coming)).toEqual([]);
  expect(coming.filter((request) => request.startsWith('create'))).toHaveLength(200);
  const going = await go(200);
  expect(twice(going)).toEqual([]);
  expect(fake.keys('IP')).toEqual([]);
  const counts = [...coming, ...going].filter((request) => request.endsWith(SUBNET));
  // The first change at once, and those that followed it together.
  expect(counts.length).toBeLessThanOrEqual(4);
  expect(fake.get('Subnet', 'lan')?.status).toMatchObject({ v4usingIPs: 0 });
});
