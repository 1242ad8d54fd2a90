/** What the end of a pod releases, in which order, and what is kept. */
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../../../src/controller/kinds/pod/object/pod.ts';
import { PodReleases } from '../../../../../src/controller/kinds/pod/pod-release.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { frontSubnet, ipOf } from '../../ipam/addresses-support.ts';
import { kubeOvn, podObject } from '../../support.ts';
import { setUp } from '../set-up.ts';

const IP_PATH = '/apis/kubeovn.io/v1/ips/';
const RESERVED = { 'ovn.kubernetes.io/ip_reserved': 'true' };

function setUpEnds(...objects: readonly NewObject[]) {
  const all = setUp([frontSubnet(), ...objects]);
  const { requests } = all.writes;
  /** Ports that were left to owners, among the requests. */
  const ports = {
    ensure: async (
      owner: string,
      _ports: readonly unknown[],
      kept: ReadonlySet<string> = new Set(),
    ) => {
      requests.push(`ports of ${owner}: ${[...kept].join()}`);
      return true;
    },
  };
  const freed: string[] = [];
  const ends = new PodReleases(all.context, ports, ({ nic }) => freed.push(nic));
  all.context.addresses.refresh();
  return { ...all, ends, freed, requests };
}

/** The last pod of a StatefulSet with so many replicas. */
function ofSet(replicas: number): readonly NewObject[] {
  const metadata = { name: 'db', namespace: 'shop', uid: 'set' };
  const spec = { podName: 'db-1', namespace: 'shop', subnet: 'front', podType: 'StatefulSet' };
  const finalizers = ['kubeovn.io/kube-ovn-controller'];
  return [
    { kind: 'StatefulSet', metadata, spec: { replicas, serviceName: 'db' } } as NewObject,
    kubeOvn('IP', 'db-1.shop', { ...spec, v4IpAddress: '10.1.0.3' }, { finalizers }),
  ];
}

describe('the end of a pod', () => {
  it('removes its ports first, and then its IP object', async () => {
    const { ends, requests } = setUpEnds(ipOf('web', '10.1.0.2'));
    await ends.end('shop/web', undefined);
    expect(requests).toEqual(['ports of shop/web: ', `delete ${IP_PATH}web.shop`]);
  });

  it('asks for each deletion once, however often it is looked at before the watch shows it', async () => {
    const { ends, requests, fake } = setUpEnds(ipOf('web', '10.1.0.2'));
    fake.holdWatch();
    await ends.end('shop/web', undefined);
    await ends.end('shop/web', undefined);
    expect(requests.filter((request) => request.startsWith('delete'))).toHaveLength(1);
  });

  it('asks again for what could not be deleted', async () => {
    const { ends, requests, writes } = setUpEnds(ipOf('web', '10.1.0.2'));
    writes.failNext('delete', new Error('no answer'));
    await expect(ends.end('shop/web', undefined)).rejects.toThrow('no answer');
    await ends.end('shop/web', undefined);
    expect(requests.filter((request) => request.startsWith('delete'))).toHaveLength(2);
  });

  it('frees what is held and no IP object records', async () => {
    const { ends, freed, context } = setUpEnds();
    context.addresses.allocator.acquire({
      nic: 'web.shop',
      pod: 'shop/web',
      subnet: 'front',
      addresses: { kind: 'dynamic' },
      mac: { kind: 'dynamic' },
    });
    await ends.end('shop/web', undefined);
    expect(freed).toEqual(['web.shop']);
    expect(context.addresses.allocator.allocationOf('web.shop')).toBeUndefined();
  });

  it('leaves what a user reserved', async () => {
    const { ends, requests } = setUpEnds(ipOf('web', '10.1.0.2', RESERVED));
    await ends.end('shop/web', undefined);
    expect(requests).toEqual(['ports of shop/web: ']);
  });

  it('leaves everything to another pod of its name that runs', async () => {
    const { ends, requests } = setUpEnds(podObject('web'), ipOf('web', '10.1.0.2'));
    await ends.end('shop/web', undefined);
    expect(requests).toEqual([]);
  });

  it('says on the pod what was released', async () => {
    const { ends, said, context } = setUpEnds(podObject('web'), ipOf('web', '10.1.0.2'));
    const pod = context.cluster.pods.get('shop/web') as Pod;
    await ends.end('shop/web', pod);
    expect(said).toEqual([expect.stringMatching(/^Pod web: PodNetworkReleased: .*10\.1\.0\.2/)]);
  });
});

describe('what a pod of a StatefulSet had', () => {
  it('is kept for the pod that comes back, with its ports', async () => {
    const { ends, requests } = setUpEnds(...ofSet(2));
    await ends.end('shop/db-1', undefined);
    expect(requests).toEqual(['ports of shop/db-1: db-1.shop']);
  });

  it('is released where the set was scaled down', async () => {
    const { ends, requests } = setUpEnds(...ofSet(1));
    await ends.end('shop/db-1', undefined);
    expect(requests).toEqual(['ports of shop/db-1: ', `delete ${IP_PATH}db-1.shop`]);
  });

  it('is kept where nobody knows which sets there are', async () => {
    const all = setUpEnds(...ofSet(1));
    all.fake.cluster.statefulSets.isSynced = false;
    all.fake.delete('StatefulSet', 'shop/db');
    await all.ends.end('shop/db-1', undefined);
    expect(all.requests).toEqual(['ports of shop/db-1: db-1.shop']);
  });
});

describe('what a virtual machine had', () => {
  const owner = 'shop/vm:vm';
  const spec = { podName: 'vm', namespace: 'shop', subnet: 'front', podType: 'VirtualMachine' };
  const metadata = { finalizers: ['kubeovn.io/kube-ovn-controller'] };
  const record = kubeOvn('IP', 'vm.shop', { ...spec, v4IpAddress: '10.1.0.3' }, metadata);
  const machine = { kind: 'VirtualMachine', metadata: { name: 'vm', namespace: 'shop' } };

  it('is kept while it is stopped, also where the copies do not show it yet', async () => {
    const { ends, requests, fake } = setUpEnds(record);
    fake.holdWatch();
    fake.create(machine as NewObject);
    await ends.endOwner(owner);
    expect(requests.filter((request) => !request.startsWith('get'))).toEqual([]);
  });

  it('is released when it has gone', async () => {
    const { ends, requests } = setUpEnds(record);
    await ends.endOwner(owner);
    expect(requests.filter((request) => !request.startsWith('get'))).toEqual([
      `ports of ${owner}: `,
      `delete ${IP_PATH}vm.shop`,
    ]);
  });
});
