/** What the work on a Subnet writes, waits for and says. */
import { describe, expect, it } from 'vitest';
import { SubnetReconciler } from '../../../../../src/controller/kinds/subnet/reconciler.ts';
import { NorthboundError } from '../../../../../src/controller/ovn/error.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet, ipOf } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const FINALIZER = 'kubeovn.io/kube-ovn-controller';

function setUpSubnets(...objects: readonly NewObject[]) {
  const all = setUp(objects);
  const placed: string[] = [];
  const reconciler = new SubnetReconciler(all.context, (name) => placed.push(name));
  return {
    ...all,
    placed,
    reconcile: (name = 'front') => reconciler.reconcile(name),
    front: () => all.fake.get('Subnet', 'front'),
  };
}

describe('a Subnet of OVN’s', () => {
  it('gets its finalizer, what it does not say, and its logical switch', async () => {
    const { reconcile, front, northbound, placed, said } = setUpSubnets(frontSubnet());
    await reconcile();
    expect(front()?.metadata.finalizers).toEqual([FINALIZER]);
    expect(front()?.spec).toMatchObject({ gateway: '10.1.0.1', vpc: 'ovn-cluster' });
    expect(northbound.plans).toBe(1);
    expect(placed).toEqual(['front']);
    expect(said).toEqual(['Subnet front: ResetLogicalSwitchAclSuccess: ']);
  });

  it('of which all is so is not written to', async () => {
    const { reconcile, writes, said } = setUpSubnets(frontSubnet());
    await reconcile();
    writes.requests.length = 0;
    await reconcile();
    expect(writes.requests).toEqual([]);
    expect(said).toHaveLength(1);
  });

  it('waits for its Vpc, and pods for it', async () => {
    const all = setUpSubnets(frontSubnet({ vpc: 'tenant' }), kubeOvn('Vpc', 'tenant', {}));
    expect((await notDone(all.reconcile())).isTransient).toBe(true);
    expect([all.northbound.plans, all.placed]).toEqual([0, []]);
    all.change('Vpc', 'tenant', { status: { standby: true } });
    await all.reconcile();
    expect(all.placed).toEqual(['front']);
  });

  it('that OVN refuses says so, and is tried again', async () => {
    const all = setUpSubnets(frontSubnet());
    all.northbound.failure = new NorthboundError('taken', 'switch front is another’s', 'rename it');
    await expect(all.reconcile()).rejects.toThrow(NorthboundError);
    expect(all.said).toEqual([
      'Subnet front: CreateLogicalSwitchFailed: switch front is another’s: rename it',
    ]);
    expect(all.placed).toEqual([]);
  });

  it('says once what this controller does not do', async () => {
    const { reconcile, said } = setUpSubnets(frontSubnet({ gatewayType: 'centralized' }));
    await reconcile();
    await reconcile();
    expect(said.filter((line) => line.includes('SubnetNotSupported'))).toHaveLength(1);
  });
});

describe('a Subnet', () => {
  it('of another plugin’s network needs no OVN', async () => {
    const all = setUpSubnets(frontSubnet({ provider: 'macvlan.shop' }));
    await all.reconcile();
    expect([all.northbound.plans, all.placed]).toEqual([0, ['front']]);
    expect(all.said).toEqual(['Subnet front: SetNonOvnSubnetSuccess: ']);
  });

  it('that is wrong says what is, and waits for nothing but a change', async () => {
    const all = setUpSubnets(frontSubnet({ gateway: '9.9.9.9' }));
    const { message, waitsFor } = await notDone(all.reconcile());
    expect(waitsFor).toEqual([]);
    expect(all.said).toEqual([`Subnet front: ValidateLogicalSwitchFailed: ${message}`]);
    expect(all.northbound.plans).toBe(0);
  });

  it('that is being deleted goes with the last of its addresses', async () => {
    const metadata = { finalizers: [FINALIZER] };
    const all = setUpSubnets({ ...frontSubnet(), metadata: { name: 'front', ...metadata } });
    all.fake.create(ipOf('web', '10.1.0.2'));
    all.fake.delete('Subnet', 'front');
    await all.reconcile();
    expect(all.said.join()).toContain('DeleteSubnetWaits');
    expect(all.said.join()).toContain('shop/web');
    expect(all.front()).toBeDefined();
    all.fake.patch('IP', 'web.shop', { metadata: { finalizers: [] } });
    all.fake.delete('IP', 'web.shop');
    all.context.addresses.allocator.release({ nic: 'web.shop', pod: 'shop/web' });
    await all.reconcile();
    expect(all.front()).toBeUndefined();
  });

  it('that has gone has its logical switch removed', async () => {
    const all = setUpSubnets();
    await all.reconcile('gone');
    expect(all.northbound.plans).toBe(1);
  });
});
