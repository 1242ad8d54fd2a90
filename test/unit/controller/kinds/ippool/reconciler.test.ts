/** What the work on an IPPool writes, waits for and says. */
import { expect, it } from 'vitest';
import { IpPoolReconciler } from '../../../../../src/controller/kinds/ippool/reconciler.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const FINALIZER = 'kubeovn.io/kube-ovn-controller';
const pool = (spec: object = {}, metadata: object = {}) =>
  kubeOvn('IPPool', 'some', { subnet: 'front', ips: ['10.1.0.5'], ...spec }, metadata);

function setUpPools(...objects: readonly NewObject[]) {
  const all = setUp(objects);
  const reconciler = new IpPoolReconciler(all.context);
  return {
    ...all,
    reconcile: () => reconciler.reconcile('some'),
    pool: () => all.fake.get('IPPool', 'some'),
  };
}

it('an IPPool gets its finalizer, and says that its addresses are carved out', async () => {
  const all = setUpPools(frontSubnet(), pool());
  await all.reconcile();
  expect(all.pool()?.metadata.finalizers).toEqual([FINALIZER]);
  expect(all.said).toEqual(['IPPool some: UpdateIPAMSucceeded: ']);
  all.writes.requests.length = 0;
  await all.reconcile();
  expect(all.writes.requests).toEqual([]);
});

it('one without its Subnet says so, and waits for nothing but that it is validated again', async () => {
  const all = setUpPools(pool());
  const { waitsFor } = await notDone(all.reconcile());
  expect(waitsFor).toEqual([]);
  expect(all.said).toEqual([
    'IPPool some: UpdateIPAMFailed: subnet front of ippool some does not exist: create the Subnet, or remove the IPPool',
  ]);
  all.fake.create(frontSubnet());
  all.context.addresses.invalidate();
  await all.reconcile();
  expect(all.said.at(-1)).toBe('IPPool some: UpdateIPAMSucceeded: ');
});

it('one that is being deleted is let go', async () => {
  const all = setUpPools(frontSubnet(), pool({}, { finalizers: [FINALIZER] }));
  all.fake.delete('IPPool', 'some');
  await all.reconcile();
  expect(all.pool()).toBeUndefined();
});
