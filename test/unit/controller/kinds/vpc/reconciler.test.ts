/** What the work on a Vpc writes, waits for and says. */
import { expect, it } from 'vitest';
import { VpcReconciler } from '../../../../../src/controller/kinds/vpc/reconciler.ts';
import { NorthboundError } from '../../../../../src/controller/ovn/error.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const FINALIZER = 'kubeovn.io/kube-ovn-controller';
const tenant = (spec: object = {}) => kubeOvn('Vpc', 'tenant', spec, { finalizers: [FINALIZER] });

function setUpVpcs(...objects: readonly NewObject[]) {
  const all = setUp(objects);
  const reconciler = new VpcReconciler(all.context);
  return {
    ...all,
    reconcile: () => reconciler.reconcile('tenant'),
    vpc: () => all.fake.get('Vpc', 'tenant'),
  };
}

it('a Vpc gets its finalizer and its router, and says which Subnets it has', async () => {
  const bare = kubeOvn('Vpc', 'tenant', {});
  const all = setUpVpcs(bare, frontSubnet({ vpc: 'tenant' }));
  await all.reconcile();
  expect(all.northbound.plans).toBe(1);
  expect(all.vpc()?.metadata.finalizers).toEqual([FINALIZER]);
  expect(all.vpc()?.status).toMatchObject({ standby: true, router: 'tenant', subnets: ['front'] });
});

it('one of which all is so is not written to', async () => {
  const { reconcile, writes } = setUpVpcs(tenant());
  await reconcile();
  writes.requests.length = 0;
  await reconcile();
  expect(writes.requests).toEqual([]);
});

it('one with a Subnet’s name is refused, and waits for that Subnet', async () => {
  const subnet = { ...frontSubnet(), metadata: { name: 'tenant' } };
  const all = setUpVpcs(tenant(), subnet);
  expect((await notDone(all.reconcile())).waitsFor).toEqual(['Subnet/tenant']);
  expect(all.northbound.plans).toBe(0);
  expect(all.said.join()).toContain('Vpc tenant: ReconcileVpcFailed');
});

it('one whose router OVN refuses says so once, and is not ready for Subnets', async () => {
  const all = setUpVpcs(tenant());
  all.northbound.failure = new NorthboundError('taken', 'router tenant is another’s', 'rename it');
  await notDone(all.reconcile());
  await notDone(all.reconcile());
  expect(all.said).toEqual([
    'Vpc tenant: ReconcileVpcFailed: stage=vpc error=router tenant is another’s: rename it',
  ]);
  expect(all.vpc()?.status?.standby).toBeUndefined();
});

it('one that is being deleted goes after its last Subnet', async () => {
  const all = setUpVpcs(tenant(), frontSubnet({ vpc: 'tenant' }));
  all.fake.delete('Vpc', 'tenant');
  await all.reconcile();
  expect(all.northbound.plans).toBe(0);
  expect(all.said.join()).toContain('still has subnets front');
  all.fake.delete('Subnet', 'front');
  all.context.addresses.invalidate();
  await all.reconcile();
  expect(all.northbound.plans).toBe(1);
  expect(all.vpc()).toBeUndefined();
});
