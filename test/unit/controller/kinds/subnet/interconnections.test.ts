/** The leg of a router in an underlay Subnet: its address, the record of it, and what the status says. */
import { describe, expect, it } from 'vitest';
import { SubnetReconciler } from '../../../../../src/controller/kinds/subnet/reconciler.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet, podWith } from '../../ipam/addresses-support.ts';
import { kubeOvn } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const NAME = 'u2o-interconnection.ovn-cluster.front';
const FINALIZER = 'kubeovn.io/kube-ovn-controller';
const MAC = '02:00:00:00:00:77';

const outside = (spec: object = {}) =>
  frontSubnet({ vlan: 'red', u2oInterconnection: true, ...spec });

/** The record of a leg, as Kube-OVN's controller makes it. */
function legOf(address: string, name = NAME): NewObject {
  const addresses = { ipAddress: address, v4IpAddress: address, macAddress: MAC };
  const spec = { podName: name, namespace: 'default', subnet: 'front', ...addresses };
  const subnet = { 'ovn.kubernetes.io/subnet': 'front', front: '' };
  const labels = { ...subnet, 'ovn.kubernetes.io/node-name': '' };
  return kubeOvn('IP', name, spec, { labels, finalizers: [FINALIZER] });
}

function setUpOutside(...objects: readonly NewObject[]) {
  const all = setUp([
    kubeOvn('ProviderNetwork', 'physnet', { defaultInterface: 'eth1' }),
    kubeOvn('Vlan', 'red', { id: 7, provider: 'physnet' }),
    ...objects,
  ]);
  all.fake.patch('ProviderNetwork', 'physnet', { status: { vlans: ['red'] } });
  const placed: string[] = [];
  const reconciler = new SubnetReconciler(all.context, (name) => placed.push(name));
  return {
    ...all,
    placed,
    reconcile: () => reconciler.reconcile('front'),
    leg: (name = NAME) => all.fake.get('IP', name),
    subnet: () => all.fake.get('Subnet', 'front'),
    status: () => all.fake.get('Subnet', 'front')?.status,
    /** What the IP kind does when the object of a leg has gone. */
    freed: (name = NAME) => {
      all.fake.patch('IP', name, { metadata: { finalizers: [] } });
      all.context.addresses.allocator.release({ nic: name, pod: `/${name}` });
    },
  };
}

describe('the router’s leg in an underlay Subnet', () => {
  it('has an address of the Subnet, an IP object that goes with it, and is in the status', async () => {
    const all = setUpOutside(outside());
    await all.reconcile();
    const { metadata, spec } = all.leg() ?? {};
    expect(spec).toMatchObject({
      podName: NAME,
      namespace: 'default',
      subnet: 'front',
      ipAddress: '10.1.0.2',
      v4IpAddress: '10.1.0.2',
    });
    expect(metadata).toMatchObject({
      finalizers: [FINALIZER],
      ownerReferences: [{ kind: 'Subnet', name: 'front', uid: all.subnet()?.metadata.uid }],
      labels: { 'ovn.kubernetes.io/subnet': 'front', 'ovn.kubernetes.io/ip_reserved': 'false' },
    });
    expect(all.status()).toMatchObject({
      u2oInterconnectionIP: '10.1.0.2',
      u2oInterconnectionMAC: (spec as { macAddress: string }).macAddress,
      u2oInterconnectionVPC: 'ovn-cluster',
    });
    expect(all.placed).toEqual(['front']);
    expect(all.said.join()).not.toContain('SubnetNotSupported');
    all.writes.requests.length = 0;
    await all.reconcile();
    expect(all.writes.requests).toEqual([]);
  });

  it('has the address that the Subnet names, and another one where that changes', async () => {
    const all = setUpOutside(outside({ u2oInterconnectionIP: '10.1.0.5' }));
    await all.reconcile();
    expect(all.status()).toMatchObject({ u2oInterconnectionIP: '10.1.0.5' });
    all.change('Subnet', 'front', { spec: { u2oInterconnectionIP: '10.1.0.6' } });
    await all.reconcile();
    expect(all.leg()?.spec).toMatchObject({ v4IpAddress: '10.1.0.6' });
    expect(all.status()).toMatchObject({ u2oInterconnectionIP: '10.1.0.6' });
  });

  it('is never at the address of a node, which is on the same wire', async () => {
    const addresses = [{ type: 'InternalIP', address: '10.1.0.2' }];
    const node = { kind: 'Node', metadata: { name: 'a' }, status: { addresses } };
    const all = setUpOutside(outside(), node);
    await all.reconcile();
    expect(all.status()).toMatchObject({ u2oInterconnectionIP: '10.1.0.3' });
  });

  it('of Kube-OVN’s controller goes on as it is, without a write', async () => {
    const all = setUpOutside(outside(), legOf('10.1.0.4'));
    const status = { u2oInterconnectionIP: '10.1.0.4', u2oInterconnectionVPC: 'ovn-cluster' };
    all.fake.patch('Subnet', 'front', { status: { ...status, u2oInterconnectionMAC: MAC } });
    await all.reconcile();
    const requests = all.writes.requests.filter((each) => each.includes('/ips'));
    expect(requests).toEqual([]);
    expect(all.status()).toMatchObject({ ...status, u2oInterconnectionMAC: MAC });
  });

  it('waits for the address that it is to have as long as a pod has it', async () => {
    const all = setUpOutside(
      outside({ u2oInterconnectionIP: '10.1.0.5' }),
      podWith('a', '10.1.0.5'),
    );
    const allocator = all.context.addresses.allocator;
    allocator.acquire({
      nic: 'a.shop',
      pod: 'shop/a',
      subnet: 'front',
      addresses: { kind: 'fixed', entries: [[{ family: 'IPv4', text: '10.1.0.5' }]] },
      mac: { kind: 'dynamic' },
    });
    const { message, waitsFor } = await notDone(all.reconcile());
    expect(message).toContain('10.1.0.5');
    expect(waitsFor).toContain('10.1.0.5 of Subnet front');
    expect(all.said).toEqual([`Subnet front: CreateLogicalSwitchFailed: ${message}`]);
    expect(all.placed).toEqual([]);
  });

  it('goes when the Subnet wants none: first from OVN, then its record, then its address', async () => {
    const all = setUpOutside(outside());
    await all.reconcile();
    all.change('Subnet', 'front', { spec: { u2oInterconnection: false } });
    const before = all.northbound.plans;
    await all.reconcile();
    expect(all.northbound.plans).toBe(before + 2);
    expect(all.leg()?.metadata.deletionTimestamp).toBeDefined();
    expect(all.status()).toMatchObject({
      u2oInterconnectionIP: '',
      u2oInterconnectionMAC: '',
      u2oInterconnectionVPC: '',
    });
  });

  it('stays recorded where OVN cannot be reached: its router may have the address still', async () => {
    const all = setUpOutside(outside());
    await all.reconcile();
    all.change('Subnet', 'front', { spec: { u2oInterconnection: false } });
    all.northbound.failure = new Error('no database');
    await expect(all.reconcile()).rejects.toThrow('no database');
    expect(all.leg()?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('is another one in another Vpc', async () => {
    const tenant = kubeOvn('Vpc', 'tenant', {});
    const all = setUpOutside(outside(), tenant);
    all.fake.patch('Vpc', 'tenant', { status: { standby: true } });
    await all.reconcile();
    all.change('Subnet', 'front', { spec: { vpc: 'tenant' } });
    await all.reconcile();
    expect(all.leg()?.metadata.deletionTimestamp).toBeDefined();
    const name = 'u2o-interconnection.tenant.front';
    expect(all.leg(name)?.spec).toMatchObject({ subnet: 'front', v4IpAddress: '10.1.0.3' });
    expect(all.status()).toMatchObject({ u2oInterconnectionVPC: 'tenant' });
    // That the old record is on its way takes no more rows away.
    const before = all.northbound.plans;
    await all.reconcile();
    expect(all.northbound.plans).toBe(before + 1);
  });

  it('is made again where somebody has deleted its record, with the same address', async () => {
    const all = setUpOutside(outside());
    await all.reconcile();
    all.fake.delete('IP', NAME);
    expect((await notDone(all.reconcile())).waitsFor).toEqual([`IP/${NAME}`]);
    all.fake.patch('IP', NAME, { metadata: { finalizers: [] } });
    await all.reconcile();
    expect(all.leg()?.spec).toMatchObject({ v4IpAddress: '10.1.0.2' });
  });

  it('keeps no Subnet from going, and goes before it', async () => {
    const all = setUpOutside(outside());
    await all.reconcile();
    all.fake.delete('Subnet', 'front');
    all.context.addresses.invalidate();
    await all.reconcile();
    expect(all.said.join()).not.toContain('DeleteSubnetWaits');
    expect(all.subnet()).toBeDefined();
    expect(all.leg()?.metadata.deletionTimestamp).toBeDefined();
    all.freed();
    await all.reconcile();
    expect(all.subnet()).toBeUndefined();
  });

  it('keeps no Subnet from another CIDR, and moves with it', async () => {
    const all = setUpOutside(outside());
    await all.reconcile();
    const spec = { cidrBlock: '10.2.0.0/29', gateway: '10.2.0.1', excludeIps: ['10.2.0.1'] };
    all.change('Subnet', 'front', { spec });
    await all.reconcile();
    expect(all.status()).toMatchObject({ u2oInterconnectionIP: '10.2.0.2' });
    expect(all.leg()?.spec).toMatchObject({ v4IpAddress: '10.2.0.2' });
  });

  it('is not there in a Subnet without addresses', async () => {
    const all = setUpOutside(kubeOvn('Subnet', 'front', { vlan: 'red', u2oInterconnection: true }));
    await all.reconcile();
    expect(all.fake.keys('IP')).toEqual([]);
    expect(all.placed).toEqual(['front']);
  });
});
