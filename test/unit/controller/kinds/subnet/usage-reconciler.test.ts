/** What the count of a Subnet's addresses writes, and when it does not. */
import { expect, it } from 'vitest';
import { UsageReconciler } from '../../../../../src/controller/kinds/subnet/usage.ts';
import { frontSubnet, ipOf } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { setUp } from '../set-up.ts';

function setUpUsage() {
  const pool = kubeOvn('IPPool', 'some', { subnet: 'front', ips: ['10.1.0.5..10.1.0.6'] });
  const all = setUp([frontSubnet(), pool, ipOf('web', '10.1.0.2')]);
  const reconciler = new UsageReconciler(all.context);
  const front = () => all.context.cluster.subnets.get('front');
  return {
    ...all,
    count: () => reconciler.reconcile('front'),
    isCounted: () => {
      const object = front();
      return object !== undefined && reconciler.isCounted(object);
    },
    statusOf: (kind: string, name: string) => all.fake.get(kind, name)?.status,
  };
}

it('a Subnet and its IPPools say how many addresses are in use and free', async () => {
  const { count, statusOf } = setUpUsage();
  await count();
  expect(statusOf('Subnet', 'front')).toMatchObject({
    v4usingIPs: 1,
    v4usingIPrange: '10.1.0.2',
    v4availableIPs: 4,
  });
  expect(statusOf('IPPool', 'some')).toMatchObject({ v4UsingIPs: 0, v4AvailableIPs: 2 });
});

it('nothing is written where that is what they say', async () => {
  const { count, writes } = setUpUsage();
  await count();
  writes.requests.length = 0;
  await count();
  expect(writes.requests).toEqual([]);
});

it('our own write is no reason to count again, and another’s is', async () => {
  const { count, isCounted, fake } = setUpUsage();
  expect(isCounted()).toBe(false);
  await count();
  expect(isCounted()).toBe(true);
  fake.patch('Subnet', 'front', { status: { v4usingIPs: 99 } });
  expect(isCounted()).toBe(false);
});

it('a count that could not be written is not taken for one that was', async () => {
  const { count, isCounted, writes, statusOf } = setUpUsage();
  writes.failNext('patch', new Error('no answer'));
  await expect(count()).rejects.toThrow('no answer');
  expect(isCounted()).toBe(false);
  await count();
  expect(statusOf('Subnet', 'front')).toMatchObject({ v4usingIPs: 1 });
});
