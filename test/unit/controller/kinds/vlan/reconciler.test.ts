/** What the work on a Vlan writes and says. */
import { describe, expect, it } from 'vitest';
import { VlanReconciler } from '../../../../../src/controller/kinds/vlan/reconciler.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { setUp } from '../set-up.ts';

const OLD = { creationTimestamp: '2020-01-01T00:00:00Z' };
const vlan = (name: string, spec: object = {}) =>
  kubeOvn('Vlan', name, { id: 7, provider: 'physnet', ...spec });

function setUpVlans(...objects: readonly NewObject[]) {
  const all = setUp(objects);
  const reconciler = new VlanReconciler(all.context);
  return {
    ...all,
    reconcile: (name = 'red') => reconciler.reconcile(name),
    status: (name = 'red') => all.fake.get('Vlan', name)?.status,
    spec: () => all.fake.get('Vlan', 'red')?.spec,
  };
}

describe('a Vlan', () => {
  it('says which Subnets are in it', async () => {
    const all = setUpVlans(vlan('red'), frontSubnet({ vlan: 'red' }));
    await all.reconcile();
    expect(all.status()).toMatchObject({ subnets: ['front'] });
    all.fake.patch('Subnet', 'front', { spec: { vlan: 'blue' } });
    await all.reconcile();
    expect(all.status()).toMatchObject({ subnets: [] });
  });

  it('is in conflict where an older one of its network has its id, and only it', async () => {
    const all = setUpVlans(vlan('red'), vlan('first'));
    all.fake.patch('Vlan', 'first', { metadata: OLD });
    await all.reconcile('red');
    await all.reconcile('first');
    expect(all.status('red')).toMatchObject({ conflict: true });
    expect(all.status('first')?.conflict ?? false).toBe(false);
    expect(all.said).toEqual([
      expect.stringContaining(
        'Vlan red: VlanConflict: stage=vlan error=provider physnet new vlan red conflict with old vlan first: ',
      ),
    ]);
  });

  it('is in conflict no more when the other has gone, or has another id', async () => {
    const all = setUpVlans(vlan('red'), vlan('first'));
    all.fake.patch('Vlan', 'first', { metadata: OLD });
    await all.reconcile();
    all.fake.patch('Vlan', 'first', { spec: { id: 8 } });
    await all.reconcile();
    expect(all.status()).toMatchObject({ conflict: false });
  });

  it('shares an id with Vlans of other networks, and none at all with any', async () => {
    const elsewhere = vlan('elsewhere', { provider: 'other' });
    const untagged = ['a', 'b'].map((name) => vlan(name, { id: 0 }));
    const all = setUpVlans(vlan('red'), elsewhere, ...untagged);
    for (const name of ['red', 'elsewhere', 'a', 'b']) await all.reconcile(name);
    for (const name of ['red', 'elsewhere', 'a', 'b']) {
      expect(all.status(name)?.conflict ?? false).toBe(false);
    }
  });

  it('gets the network of the flag where it says none', async () => {
    const all = setUpVlans(vlan('red', { provider: '' }));
    await all.reconcile();
    expect(all.spec()).toEqual({ id: 7, provider: 'provider' });
  });

  it('says what its old fields said in those of today', async () => {
    const all = setUpVlans(
      kubeOvn('Vlan', 'red', { vlanId: 9, providerInterfaceName: 'fabric', provider: '' }),
    );
    await all.reconcile();
    expect(all.spec()).toEqual({ id: 9, provider: 'fabric' });
  });

  it('of Kube-OVN’s controller stays as it is where it is right', async () => {
    const all = setUpVlans(
      ...[vlan('red'), frontSubnet({ vlan: 'red' })],
      kubeOvn('Subnet', 'back', { vlan: 'red', cidrBlock: '10.2.0.0/24' }),
    );
    all.fake.patch('Vlan', 'red', { status: { subnets: ['front', 'back'] } });
    all.fake.patch('Vlan', 'red', { spec: { vlanId: 0, providerInterfaceName: '' } });
    await all.reconcile();
    expect(all.writes.requests).toEqual([]);
  });
});
