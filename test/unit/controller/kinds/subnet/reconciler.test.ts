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

describe('a Subnet on a physical network', () => {
  const vlan = kubeOvn('Vlan', 'red', { id: 7, provider: 'physnet' });
  const network = kubeOvn('ProviderNetwork', 'physnet', { defaultInterface: 'eth1' });
  const outside = () => frontSubnet({ vlan: 'red' });

  it('waits, and says nothing of it, until its provider network lists its Vlan', async () => {
    const all = setUpSubnets(outside(), vlan, network);
    expect(await notDone(all.reconcile())).toMatchObject({ isTransient: true, waitsFor: [] });
    expect([all.northbound.plans, all.placed, all.said]).toEqual([0, [], []]);
    all.fake.patch('ProviderNetwork', 'physnet', { status: { vlans: ['red'] } });
    await all.reconcile();
    expect([all.northbound.plans, all.placed]).toEqual([1, ['front']]);
  });

  it('says so where its provider network is not there', async () => {
    const all = setUpSubnets(outside(), vlan);
    const { message, waitsFor } = await notDone(all.reconcile());
    expect(waitsFor).toEqual([]);
    expect(message).toContain('provider network physnet of vlan red not found: create the');
    expect(all.said).toEqual([`Subnet front: ValidateSubnetVlanFailed: ${message}`]);
    expect(all.northbound.plans).toBe(0);
  });

  it('names what keeps provider networks from being known', async () => {
    const all = setUpSubnets(outside(), vlan);
    const { providerNetworks } = all.fake.cluster;
    const resource = { group: 'kubeovn.io', version: 'v1', resource: 'provider-networks' };
    providerNetworks.availability = { state: 'forbidden', verb: 'list', ...resource };
    const { message } = await notDone(all.reconcile());
    expect(message).toContain('the controller may not list provider-networks.kubeovn.io');
  });

  it.each([
    ['in conflict', { status: { conflict: true } }, 'subnet front has invalid conflict vlan red'],
    ['that is not there', undefined, 'failed to get vlan red: not found'],
  ])('is not valid with a Vlan %s', async (_, status, message) => {
    const all = setUpSubnets(outside(), network, ...(status === undefined ? [] : [vlan]));
    if (status !== undefined) all.change('Vlan', 'red', status);
    await notDone(all.reconcile());
    expect(all.said).toEqual([
      expect.stringContaining(`Subnet front: ValidateSubnetVlanFailed: ${message}: `),
    ]);
    expect(all.front()?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False' }),
    );
  });

  it('names all that is wrong, where it is not the Vlan alone', async () => {
    const all = setUpSubnets(frontSubnet({ vlan: 'none', vpc: 'nowhere' }));
    const { message } = await notDone(all.reconcile());
    expect(message).toContain('failed to get vlan none');
    expect(all.said).toEqual([`Subnet front: ValidateLogicalSwitchFailed: ${message}`]);
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
