/** What the work on an IP object writes, holds, waits for and says. */
import { describe, expect, it } from 'vitest';
import { IpReconciler } from '../../../../../src/controller/kinds/ip/reconciler.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet, ipOf } from '../../ipam/addresses-support.ts';
import { kubeOvn, podObject } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const FINALIZER = 'kubeovn.io/kube-ovn-controller';

/** A user's request for an address of `front`; any where it is empty. */
function request(workload: string, address: string): NewObject {
  const spec = { podName: workload, namespace: 'shop', subnet: 'front' };
  return kubeOvn('IP', `${workload}.shop`, { ...spec, v4IpAddress: address, ipAddress: address });
}

function setUpIps(...objects: readonly NewObject[]) {
  const all = setUp([frontSubnet(), ...objects]);
  /** What was asked of others, in order. */
  const asked: string[] = [];
  const ends = {
    seenGone: (name: string) => void asked.push(`seen gone ${name}`),
    endNic: async ({ nic, pod }: { nic: string; pod: string }) => {
      asked.push(`end NIC ${nic}`);
      all.context.addresses.allocator.release({ nic, pod });
    },
    endOwner: async (owner: string) => void asked.push(`end ${owner}`),
  };
  const reconciler = new IpReconciler(
    { ...all.context, releases: ends },
    {
      ownerServed: (owner) => asked.push(`serve ${owner}`),
      ended: (subnet) => asked.push(`count ${subnet}`),
    },
  );
  return {
    ...all,
    asked,
    reconcile: (name = 'web.shop') => reconciler.reconcile(name),
    ip: (name = 'web.shop') => all.fake.get('IP', name),
    holds: (nic = 'web.shop') =>
      all.context.addresses.allocator.allocationOf(nic)?.addresses.map(({ text }) => text),
  };
}

describe('an IP object that a user made', () => {
  it('becomes a reservation, and its pod may go on', async () => {
    const { reconcile, ip, holds, asked } = setUpIps(request('web', '10.1.0.4'));
    await reconcile();
    expect(ip()?.metadata.finalizers).toEqual([FINALIZER]);
    expect(ip()?.spec).toMatchObject({ ipAddress: '10.1.0.4' });
    expect(ip()?.metadata.labels).toMatchObject({ 'ovn.kubernetes.io/ip_reserved': 'true' });
    expect(holds()).toEqual(['10.1.0.4']);
    expect(asked).toEqual(['serve shop/web']);
  });

  it('is not looked at again once it is one', async () => {
    const { reconcile, writes } = setUpIps(request('web', ''));
    await reconcile();
    writes.requests.length = 0;
    await reconcile();
    expect(writes.requests).toEqual([]);
  });

  it('that wants what another one has is told so, as is its pod, and waits for that address', async () => {
    const pod = podObject('web', { phase: 'Pending' });
    const all = setUpIps(ipOf('other', '10.1.0.4'), pod, request('web', '10.1.0.4'));
    const { waitsFor } = await notDone(all.reconcile());
    expect(waitsFor).toContain('10.1.0.4 of Subnet front');
    expect(waitsFor).toContain('Subnet/front');
    expect(all.said.filter((line) => line.includes('AcquireAddressFailed'))).toEqual([
      expect.stringContaining('IP web.shop'),
      expect.stringContaining('Pod web'),
    ]);
    expect(all.ip()?.metadata.finalizers ?? []).toEqual([]);
  });

  it('that cannot be written keeps what it holds for the next attempt', async () => {
    const all = setUpIps(request('web', '10.1.0.4'));
    all.writes.failNext('patch', new Error('no answer'));
    await expect(all.reconcile()).rejects.toThrow('no answer');
    expect(all.holds()).toEqual(['10.1.0.4']);
    await all.reconcile();
    expect(all.ip()?.metadata.finalizers).toEqual([FINALIZER]);
  });
});

describe('an IP object that is being deleted', () => {
  it('goes after the ports of a pod that does not run', async () => {
    const all = setUpIps(ipOf('web', '10.1.0.4'));
    all.fake.delete('IP', 'web.shop');
    await all.reconcile();
    expect(all.asked).toEqual(['end shop/web']);
    expect(all.ip()).toBeUndefined();
  });

  it('goes and leaves the ports of one that runs', async () => {
    const all = setUpIps(podObject('web'), ipOf('web', '10.1.0.4'));
    all.fake.delete('IP', 'web.shop');
    await all.reconcile();
    expect(all.asked).toEqual([]);
    expect(all.ip()).toBeUndefined();
  });
});

describe('an IP object that has gone', () => {
  async function goes(all: ReturnType<typeof setUpIps>): Promise<void> {
    all.context.addresses.refresh();
    all.fake.patch('IP', 'web.shop', { metadata: { finalizers: [] } });
    all.fake.delete('IP', 'web.shop');
    await all.reconcile();
  }

  it('frees its address where no pod runs: the port first, and then it is counted', async () => {
    const all = setUpIps(ipOf('web', '10.1.0.4'));
    await goes(all);
    expect(all.asked).toEqual([
      'seen gone web.shop',
      'end NIC web.shop',
      'count front',
      'serve shop/web',
    ]);
    expect(all.holds()).toBeUndefined();
  });

  it('is made anew by the pod that runs, which keeps its address', async () => {
    const all = setUpIps(podObject('web'), ipOf('web', '10.1.0.4'));
    await goes(all);
    expect(all.holds()).toEqual(['10.1.0.4']);
    expect(all.asked).toEqual(['seen gone web.shop', 'count front', 'serve shop/web']);
  });

  it('of which nothing is held asks for nothing', async () => {
    const all = setUpIps();
    await all.reconcile('never.shop');
    expect(all.asked).toEqual(['seen gone never.shop']);
  });
});

describe('the record of a router’s leg in an underlay Subnet', () => {
  const LEG = 'u2o-interconnection.ovn-cluster.front';

  function setUpLeg(spec: object) {
    const owner = { podName: LEG, namespace: 'default', subnet: 'front' };
    const all = setUp([
      kubeOvn('ProviderNetwork', 'physnet', { defaultInterface: 'eth1' }),
      kubeOvn('Vlan', 'red', { id: 7, provider: 'physnet' }),
      frontSubnet({ vlan: 'red', ...spec }),
      kubeOvn('IP', LEG, { ...owner, ipAddress: '10.1.0.4', v4IpAddress: '10.1.0.4' }),
    ]);
    const { allocator } = all.context.addresses;
    const end = async (nic: { nic: string; pod: string }) => void allocator.release(nic);
    const releases = { seenGone: () => {}, endNic: end, endOwner: async () => {} };
    const reconciler = new IpReconciler(
      { ...all.context, releases },
      { ownerServed: () => {}, ended: () => {} },
    );
    const holds = () => allocator.allocationOf(LEG)?.addresses.map(({ text }) => text);
    return { ...all, holds, reconcile: () => reconciler.reconcile(LEG) };
  }

  it('that somebody has deleted frees no address: the router has it still', async () => {
    const all = setUpLeg({ u2oInterconnection: true });
    expect(all.holds()).toEqual(['10.1.0.4']);
    all.fake.delete('IP', LEG);
    await all.reconcile();
    expect(all.holds()).toEqual(['10.1.0.4']);
  });

  it('of a Subnet that wants none frees its address when it has gone', async () => {
    const all = setUpLeg({ u2oInterconnection: false });
    expect(all.holds()).toEqual(['10.1.0.4']);
    all.fake.delete('IP', LEG);
    await all.reconcile();
    expect(all.holds()).toBeUndefined();
  });
});
