/** What the work on a pod writes, in which order, and what it waits for and says. */
import { describe, expect, it } from 'vitest';
import { PodReleases } from '../../../../../src/controller/kinds/pod/pod-release.ts';
import { PodReconciler } from '../../../../../src/controller/kinds/pod/reconciler.ts';
import type { DesiredPort } from '../../../../../src/controller/ovn/desired.ts';
import { NorthboundError } from '../../../../../src/controller/ovn/error.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet, ipOf, nadOf } from '../../ipam/addresses-support.ts';
import { type PodShape, podObject } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const PROVIDER = 'front.shop.ovn';
const KEY = `${PROVIDER}.kubernetes.io`;
const PORT = `web.shop.${PROVIDER}`;
const IP_PATH = '/apis/kubeovn.io/v1/ips';
const POD_PATH = '/api/v1/namespaces/shop/pods/web';

const subnet = (spec: object = {}) => frontSubnet({ provider: PROVIDER, ...spec });

/** A pod of network `front` that no node has begun with. */
function webPod({ annotations = {}, ...shape }: PodShape = {}): NewObject {
  const own = { [NETWORKS]: 'front', ...annotations };
  return podObject('web', {
    phase: 'Pending',
    spec: { nodeName: '' },
    ...shape,
    annotations: own,
  });
}

function setUpPods(...objects: readonly NewObject[]) {
  const all = setUp(objects, { isPrimary: false });
  const { requests } = all.writes;
  let failure: unknown;
  const brought: DesiredPort[] = [];
  const ports = {
    checkPossible: () => undefined,
    ensure: async (owner: string, own: readonly DesiredPort[]) => {
      requests.push(`ports of ${owner}: ${own.map(({ name }) => name).join()}`);
      if (failure !== undefined) throw failure;
      brought.push(...own);
      return true;
    },
  };
  const ends = new PodReleases(all.context, ports, () => undefined);
  const reconciler = new PodReconciler({ ...all.context, ports, releases: ends });
  return {
    ...all,
    requests,
    brought,
    reconciler,
    failPorts: (error: unknown) => {
      failure = error;
    },
    reconcile: () => reconciler.reconcile('shop/web'),
    annotation: (name: string) =>
      all.fake.get('Pod', 'shop/web')?.metadata.annotations?.[`${KEY}/${name}`],
    holds: () =>
      all.context.addresses.allocator.allocationOf(PORT)?.addresses.map(({ text }) => text),
  };
}

describe('a pod', () => {
  it('is told what it has in the end: port, IP object, annotations', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    await all.reconcile();
    expect(all.requests).toEqual([
      `ports of shop/web: ${PORT}`,
      `create ${IP_PATH}`,
      `patch ${POD_PATH}`,
    ]);
    expect(all.annotation('allocated')).toBe('true');
    expect(all.annotation('ip_address')).toBe('10.1.0.2');
    expect(all.fake.get('IP', PORT)?.spec).toMatchObject({ ipAddress: '10.1.0.2' });
    expect(all.brought.map(({ addresses }) => addresses.map(({ text }) => text))).toEqual([
      ['10.1.0.2'],
    ]);
    expect(all.said).toEqual([expect.stringMatching(/^Pod web: PodNetworkAllocated: /)]);
    const lines = all.fake.log.lines.filter(({ level }) => level === 'info');
    const nics = [{ provider: PROVIDER, subnet: 'front', ip: '10.1.0.2', mac: expect.any(String) }];
    expect(lines.map(({ fields }) => fields)).toEqual([{ namespace: 'shop', pod: 'web', nics }]);
  });

  it('whose ports fail ends its work when its IP object is written, and is not told anything', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    all.failPorts(new Error('broken'));
    await expect(all.reconcile()).rejects.toThrow('broken');
    expect(all.fake.get('IP', PORT)?.spec).toMatchObject({ ipAddress: '10.1.0.2' });
    expect(all.requests.filter((request) => request.startsWith('patch'))).toEqual([]);
  });

  it('of which all is so has nothing written', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    await all.reconcile();
    all.requests.length = 0;
    await all.reconcile();
    expect(all.requests).toEqual([`ports of shop/web: ${PORT}`]);
  });

  it('keeps its address where the next leader finds no more than the IP object', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    all.writes.failNext('patch', new Error('killed'));
    await expect(all.reconcile()).rejects.toThrow('killed');
    const ip = all.fake.get('IP', PORT) as NewObject;
    const next = setUpPods(subnet(), nadOf('front'), ipOf('other', '10.1.0.3'), ip, webPod());
    await next.reconcile();
    expect(next.annotation('ip_address')).toBe('10.1.0.2');
  });

  it('in the network of its node has nothing, and what an earlier one of its name had ends', async () => {
    const hostNetwork = { hostNetwork: true, nodeName: 'node-1' };
    const all = setUpPods(subnet(), nadOf('front'), webPod({ spec: hostNetwork }));
    await all.reconcile();
    expect(all.requests).toEqual(['ports of shop/web: ']);
    expect(all.fake.keys('IP')).toEqual([]);
  });

  it('that is being deleted keeps what it has, and gets nothing more', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod({ spec: { nodeName: 'node-1' } }));
    all.fake.delete('Pod', 'shop/web', { gracePeriodSeconds: 3600 });
    await all.reconcile();
    expect(all.requests).toEqual([]);
  });

  it('that has completed gives everything back, and that is said on it', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    await all.reconcile();
    all.requests.length = 0;
    all.fake.patch('Pod', 'shop/web', { status: { phase: 'Succeeded' } });
    await all.reconcile();
    expect(all.requests).toEqual(['ports of shop/web: ', `delete ${IP_PATH}/${PORT}`]);
    expect(all.said.at(-1)).toMatch(/^Pod web: PodNetworkReleased: /);
  });

  it('that has gone gives everything back, and is told from one that was never seen', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    await all.reconcile();
    const pod = all.context.cluster.pods.get('shop/web');
    all.fake.delete('Pod', 'shop/web');
    if (pod !== undefined) all.reconciler.gone(pod);
    await all.reconcile();
    expect(all.requests.at(-1)).toBe(`delete ${IP_PATH}/${PORT}`);
    expect(all.said.at(-1)).toMatch(/^Pod web: PodNetworkReleased: /);
  });
});

describe('a pod that cannot have its networks', () => {
  it.each<[what: string, objects: readonly NewObject[], name: string]>([
    [
      'for want of the NetworkAttachmentDefinition',
      [subnet()],
      'NetworkAttachmentDefinition/shop/front',
    ],
    ['for want of the Subnet', [nadOf('front')], `Subnets of provider ${PROVIDER}`],
    [
      'since its Subnet is wrong',
      [nadOf('front'), subnet({ gateway: '9.9.9.9' })],
      `Subnets of provider ${PROVIDER}`,
    ],
    [
      'for want of an address',
      [nadOf('front'), subnet({ excludeIps: ['10.1.0.1..10.1.0.6'] })],
      'addresses of Subnet front',
    ],
  ])('%s waits for that by name, holds nothing and says why', async (_, objects, name) => {
    const all = setUpPods(...objects, webPod());
    expect((await notDone(all.reconcile())).waitsFor).toContain(name);
    expect(all.requests).toEqual([]);
    expect(all.holds()).toBeUndefined();
    expect(all.said).toHaveLength(1);
    await notDone(all.reconcile());
    expect(all.said).toHaveLength(1);
  });

  it('since its logical switch is to come waits for that, and is told nothing', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    all.failPorts(new NorthboundError('missing', 'no logical switch', 'it comes'));
    const { isTransient, waitsFor } = await notDone(all.reconcile());
    expect([isTransient, waitsFor]).toEqual([true, ['Logical_Switch/front']]);
    // Side by side with the ports: the address is the pod's, also for the next leader.
    expect(all.fake.keys('IP')).toEqual([PORT]);
    expect(all.annotation('allocated')).toBeUndefined();
    expect(all.said).toEqual([]);
  });

  it('since OVN is out of reach says so, keeps its address, and is told nothing', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod());
    all.failPorts(new NorthboundError('unreachable', 'no database', 'start it'));
    await expect(all.reconcile()).rejects.toThrow('no database');
    expect(all.said).toEqual([expect.stringMatching(/^Pod web: CreateOVNPortFailed: /)]);
    expect(all.holds()).toEqual(['10.1.0.2']);
    expect(all.annotation('allocated')).toBeUndefined();
    all.failPorts(undefined);
    await all.reconcile();
    expect(all.annotation('ip_address')).toBe('10.1.0.2');
  });

  it('since its networks cannot be looked up waits until they can', async () => {
    const all = setUpPods(subnet(), webPod());
    all.fake.cluster.nads.isSynced = false;
    const { waitsFor } = await notDone(all.reconcile());
    expect(waitsFor).toEqual(['NetworkAttachmentDefinitions']);
  });

  it('since it lists a group that nobody can look up keeps its ports as they are', async () => {
    const annotations = { [`${KEY}/security_groups`]: 'web' };
    const all = setUpPods(subnet(), nadOf('front'), webPod({ annotations }));
    all.fake.cluster.securityGroups.isSynced = false;
    await notDone(all.reconcile());
    expect(all.requests).toEqual([]);
  });
});

describe('what a pod says of itself', () => {
  const forged = {
    [`${KEY}/allocated`]: 'true',
    [`${KEY}/logical_switch`]: 'front',
    [`${KEY}/ip_address`]: '10.1.0.5',
  };

  it('and no IP object confirms is taken back, and the address is anybody’s', async () => {
    const all = setUpPods(subnet(), nadOf('front'), webPod({ annotations: forged }));
    await notDone(all.reconcile());
    expect(all.annotation('allocated')).toBeUndefined();
    expect(all.holds()).toBeUndefined();
    expect(all.said).toEqual([expect.stringContaining('no IP object says so')]);
  });

  it('of another one’s address gives it none of that one’s', async () => {
    const record = ipOf('victim', '10.1.0.5');
    const all = setUpPods(subnet(), nadOf('front'), record, webPod({ annotations: forged }));
    await notDone(all.reconcile());
    // What is left is a request for an address by its name.
    expect((await notDone(all.reconcile())).waitsFor).toContain('10.1.0.5 of Subnet front');
    expect(all.annotation('allocated')).toBeUndefined();
    expect(all.holds()).toBeUndefined();
    const { allocator } = all.context.addresses;
    expect(allocator.allocationOf('victim.shop')?.addresses.map(({ text }) => text)).toEqual([
      '10.1.0.5',
    ]);
  });
});
