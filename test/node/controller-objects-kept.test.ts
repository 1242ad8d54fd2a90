/** Addresses that outlive a pod: of StatefulSets, and those that a user has reserved. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WorkloadManifest } from '../lab/documented.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';
import type { PodIdentity } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { NETWORKS, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout, gone } from './controller-observe.ts';

const PROVIDER = 'net.default.ovn';
const RESERVED = 'ovn.kubernetes.io/ip_reserved';
const ADDRESS = `${PROVIDER}.kubernetes.io/ip_address`;
const POOL = `${PROVIDER}.kubernetes.io/ip_pool`;

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  const spec = { cidrBlock: '10.1.0.0/24', provider: PROVIDER };
  fixture.apply(ovnNetwork('net'), subnet('net', spec));
});
afterAll(() => fixture[Symbol.asyncDispose]());

function ipName(pod: string): string {
  return `${pod}.default.${PROVIDER}`;
}

function allocated({ name }: Pick<PodIdentity, 'name'>): Promise<Record<string, string>> {
  return fixture.allocated(`default/${name}`, PROVIDER);
}

describe('a StatefulSet', () => {
  function setOf(name: string, annotations: Readonly<Record<string, string>>): WorkloadManifest {
    return {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name }, annotations: { [NETWORKS]: 'net', ...annotations } },
          spec: {},
        },
      },
    };
  }

  test('a pod that comes again has the same address and MAC; others do not get them', async () => {
    const pods = await fixture.workloads.apply(setOf('set', {}));
    const before = await Promise.all(pods.map(allocated));
    const [first] = pods;
    if (first === undefined) throw new Error('there is no pod');
    await fixture.kubelet.end(first);
    // One that goes after it has given all back: so nothing more comes of the end of the first.
    const last = fixture.schedule(podOf('last', 'net'));
    await allocated(last);
    await fixture.kubelet.end(last);
    await gone(fixture, 'IP', ipName('last'));
    expect(fixture.api.get('IP', ipName('set-0')).metadata.deletionTimestamp).toBeUndefined();
    const other = fixture.schedule(podOf('other', 'net', { [ADDRESS]: '10.1.0.2' }));
    const refused = { kind: 'Pod', name: 'other', reason: 'AcquireAddressFailed' };
    expect(await eventAbout(fixture, refused)).toContain('default/set-0');
    expect(fixture.api.get('IP', ipName('set-0')).spec).toMatchObject({ podType: 'StatefulSet' });
    expect(await fixture.node.nbctl('lsp-list', 'net')).toContain('set-0');
    const [again] = await fixture.workloads.reconcile('StatefulSet', 'default/set');
    if (again === undefined) throw new Error('the pod does not come again');
    expect(again.uid).not.toBe(first.uid);
    expect(await allocated(again)).toEqual(before[0]);
    await fixture.kubelet.end(other);
  });

  test('a pod that is scaled away gives its address back, and so does all of a deleted set', async () => {
    await fixture.workloads.scale('StatefulSet', 'default/set', 1);
    await gone(fixture, 'IP', ipName('set-1'));
    expect(fixture.api.get('IP', ipName('set-0')).metadata.deletionTimestamp).toBeUndefined();
    await fixture.workloads.delete('StatefulSet', 'default/set');
    await gone(fixture, 'IP', ipName('set-0'));
    expect(await fixture.node.nbctl('lsp-list', 'net')).not.toContain('set-');
  });

  test('a pod that is away when the set is scaled gives its address back', async () => {
    const pods = await fixture.workloads.apply(setOf('away', {}));
    await Promise.all(pods.map(allocated));
    await fixture.kubelet.end(pods[1] as PodIdentity);
    await fixture.workloads.scale('StatefulSet', 'default/away', 1);
    await gone(fixture, 'IP', ipName('away-1'));
    await fixture.workloads.delete('StatefulSet', 'default/away');
    await gone(fixture, 'IP', ipName('away-0'));
  });

  test('each pod has the address of the pool at its number', async () => {
    const pool = { [POOL]: '10.1.0.90,10.1.0.80,10.1.0.70' };
    const pods = await fixture.workloads.apply(setOf('pooled', pool));
    const [more] = await fixture.workloads.scale('StatefulSet', 'default/pooled', 3);
    const all = [...pods, more as PodIdentity];
    const addresses = (await Promise.all(all.map(allocated))).map((nic) => nic.ip_address);
    expect(addresses).toEqual(['10.1.0.90', '10.1.0.80', '10.1.0.70']);
    await fixture.workloads.scale('StatefulSet', 'default/pooled', 4);
    const about = { kind: 'Pod', name: 'pooled-3', reason: 'AcquireAddressFailed' };
    expect(await eventAbout(fixture, about)).toContain('NoAvailableAddress');
    await fixture.workloads.delete('StatefulSet', 'default/pooled');
    for (const { name } of all) await gone(fixture, 'IP', ipName(name));
  });
});

describe('a reserved address', () => {
  /** What a user writes who wants a NIC to have an address. */
  function reservation(podName: string, spec: object = {}): NewObject {
    return {
      kind: 'IP',
      metadata: { name: ipName(podName) },
      spec: { podName, namespace: 'default', subnet: 'net', ...spec },
    };
  }
  const isReserved = (podName: string) =>
    fixture.becomes('IP', ipName(podName), ({ metadata }) => {
      return metadata.labels?.[RESERVED] === 'true';
    });

  test('waits for its pod, survives it, and is free when the user deletes the object', async () => {
    const asked = { v4IpAddress: '10.1.0.33', macAddress: '02:00:00:00:00:33' };
    fixture.apply(reservation('vip', asked));
    const { spec, metadata } = await isReserved('vip');
    expect(spec).toMatchObject({ ...asked, ipAddress: '10.1.0.33' });
    expect(metadata.finalizers).toEqual(['kubeovn.io/kube-ovn-controller']);
    const thief = fixture.schedule(podOf('thief', 'net', { [ADDRESS]: '10.1.0.33' }));
    await eventAbout(fixture, { kind: 'Pod', name: 'thief', reason: 'AcquireAddressFailed' });
    for (let round = 0; round < 2; round++) {
      const pod = fixture.schedule(podOf('vip', 'net'));
      const { ip_address, mac_address } = await allocated(pod);
      expect([ip_address, mac_address]).toEqual(['10.1.0.33', '02:00:00:00:00:33']);
      expect(fixture.api.get('IP', ipName('vip')).metadata.labels?.[RESERVED]).toBe('true');
      await fixture.kubelet.end(pod);
      // A pod that comes after its end is worked on after it.
      const next = fixture.schedule(podOf(`next-${round}`, 'net'));
      await allocated(next);
      expect(fixture.api.get('IP', ipName('vip')).metadata.deletionTimestamp).toBeUndefined();
      await fixture.kubelet.end(next);
    }
    fixture.api.delete('IP', ipName('vip'));
    expect((await allocated(thief)).ip_address).toBe('10.1.0.33');
    await fixture.kubelet.end(thief);
  });

  test('may be any free one of the Subnet', async () => {
    fixture.apply(reservation('any'));
    const { spec } = await isReserved('any');
    const pod = fixture.schedule(podOf('any', 'net'));
    expect((await allocated(pod)).ip_address).toBe(spec?.ipAddress);
    // Its pod runs on, with an object that is no reservation, and takes the address along.
    fixture.api.delete('IP', ipName('any'));
    const again = await fixture.becomes('IP', ipName('any'), ({ metadata }) => {
      return metadata.labels?.[RESERVED] === 'false';
    });
    expect(again.spec?.ipAddress).toBe(spec?.ipAddress);
    await fixture.kubelet.end(pod);
    await gone(fixture, 'IP', ipName('any'));
  });

  test.each([
    ['no-subnet', { subnet: '' }, 'subnet parameter cannot be empty'],
    ['other-subnet', { subnet: 'nowhere' }, 'failed to get subnet nowhere'],
    ['outside', { v4IpAddress: '10.9.9.9' }, 'AddressOutOfRange'],
    ['gateway', { v4IpAddress: '10.1.0.1' }, 'AddressConflict'],
    ['masked', { v4IpAddress: '10.1.0.9/24' }, 'failed to parse IP 10.1.0.9/24'],
    ['bad-mac', { macAddress: 'zz' }, 'zz is not a valid macAddress'],
    ['strange', { podType: 'Deployment' }, 'podType Deployment is not supported'],
  ])('that cannot be: %s %j', async (name, spec, text) => {
    fixture.apply(reservation(name, spec));
    const about = { kind: 'IP', name: ipName(name), reason: 'AcquireAddressFailed' };
    expect(await eventAbout(fixture, about)).toContain(text);
    fixture.api.delete('IP', ipName(name));
    await gone(fixture, 'IP', ipName(name));
  });

  test("is another pod's: the reservation waits for that pod", async () => {
    const pod = fixture.schedule(podOf('owner', 'net', { [ADDRESS]: '10.1.0.40' }));
    await allocated(pod);
    fixture.apply(reservation('heir', { v4IpAddress: '10.1.0.40' }));
    const about = { kind: 'IP', name: ipName('heir'), reason: 'AcquireAddressFailed' };
    expect(await eventAbout(fixture, about)).toContain('default/owner');
    await fixture.kubelet.end(pod);
    await isReserved('heir');
  });
});
