/** The lab's kubelet and Multus, with real plugins: what other tests build on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  macvlanMainPod,
  macvlanNetwork,
  macvlanRoutePod,
  macvlanSubnet,
} from '../lab/documented.ts';
import { apply } from '../lab/kubectl.ts';
import { Kubelet } from '../lab/kubelet.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { makeNetworkCard } from '../lab/network-card.ts';
import { networkStatusesOf } from '../lab/network-status.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import { bindPod, identityOf } from '../lab/workloads.ts';
import { Fixture } from './fixture.ts';
import { macvlanSubnet as subnet } from './ipam-fixture.ts';
import { canPing, census, expectNode } from './observe.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

let fixture: Fixture;
let kubelet: Kubelet;
beforeAll(async () => {
  fixture = await Fixture.start();
  await makeNetworkCard();
  for (const manifest of [macvlanNetwork, macvlanSubnet]) apply(fixture.api, manifest);
  kubelet = new Kubelet(fixture.api, OTHER_PRIMARY_CONFIG);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A pod on the node that has an address for macvlan. */
async function podOf(manifest: NewObject, ip: string) {
  const pod = identityOf(apply(fixture.api, manifest));
  await fixture.cluster.allocate(pod, { provider: 'macvlan.default', subnet, ip });
  bindPod(fixture.api, pod, fixture.node.chassis);
  return pod;
}

function samplePod(networks: object) {
  const annotations = { [NETWORKS]: JSON.stringify([networks]) };
  return { kind: 'Pod', metadata: { name: fixture.next().name, annotations } };
}

test('a pod comes up with all its interfaces, and nothing of it stays when it ends', async () => {
  // The other plugin's bridge outlives the pods.
  const first = identityOf(apply(fixture.api, samplePod({ name: 'macvlan' })));
  await fixture.cluster.allocate(first, {
    provider: 'macvlan.default',
    subnet,
    ip: '172.17.0.20',
  });
  const starting = kubelet.start(first);
  bindPod(fixture.api, first, fixture.node.chassis);
  const { sandbox: neighbour } = await starting;
  const before = await census(fixture.node);

  const pod = await podOf(macvlanRoutePod, '172.17.0.21');
  const { sandbox, interfaces } = await kubelet.start(pod);
  expect(await podRoutes(sandbox, 4)).toEqual(['default via 172.17.0.1 dev net1']);
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.21/16']);
  expect(await canPing(sandbox, '172.17.0.1', 'net1')).toBe(true);
  const [eth0 = ''] = await podAddresses(neighbour, 'eth0');
  expect(await canPing(sandbox, eth0.split('/')[0] ?? '', 'eth0')).toBe(true);
  expect(await podRoutes(neighbour, 4)).toEqual(['default via 10.244.0.1 dev eth0']);

  const { metadata, status } = fixture.api.get('Pod', `default/${pod.name}`);
  const [own, net1] = networkStatusesOf(metadata.annotations);
  expect(own).toMatchObject({ name: 'other', interface: 'eth0', default: true });
  expect(status).toMatchObject({ phase: 'Running', podIP: own?.ips?.[0] });
  const mac = (await podLink(sandbox, 'net1'))?.address;
  const ips = ['172.17.0.21'];
  expect(net1).toEqual({ name: 'default/macvlan', interface: 'net1', ips, mac, dns: {} });
  expect(interfaces.map(({ request }) => request.ifName)).toEqual(['eth0', 'net1']);

  await kubelet.end(pod);
  expect(fixture.api.list('Pod').map(({ metadata: { name } }) => name)).toEqual([first.name]);
  await expectNode(fixture.node, before);
  await kubelet.end(first);
});

test('a network may be the main one of a pod', async () => {
  const pod = await podOf(macvlanMainPod, '172.17.0.22');
  const { sandbox } = await kubelet.start(pod);
  expect(await podAddresses(sandbox, 'eth0')).toEqual(['172.17.0.22/16']);
  const { metadata, status } = fixture.api.get('Pod', `default/${pod.name}`);
  expect(networkStatusesOf(metadata.annotations)).toMatchObject([
    { name: 'default/macvlan', interface: 'eth0', ips: ['172.17.0.22'], default: true },
  ]);
  expect(status?.podIP).toBe('172.17.0.22');
  await kubelet.end(pod);
});

test('an interface gets the MAC that its pod asks for, from each kind of plugin', async () => {
  const mac = '02:00:00:00:00:7b';
  const macvlan = JSON.parse(String((macvlanNetwork.spec as { config: string }).config));
  fixture.cluster.createNetworkAttachment('default', 'chain', {
    cniVersion: '1.0.0',
    name: 'chain',
    plugins: [macvlan, { type: 'tuning', mtu: 1300, capabilities: { mac: true } }],
  });
  for (const name of ['macvlan', 'chain']) {
    const pod = await podOf(samplePod({ name, mac, interface: 'data0' }), '172.17.0.23');
    const { sandbox } = await kubelet.start(pod);
    const link = await podLink(sandbox, 'data0');
    expect(link).toMatchObject({ address: mac, mtu: name === 'chain' ? 1300 : 1500 });
    await kubelet.end(pod);
  }
});

test('a pod that does not come up has an event that says why, and leaves nothing', async () => {
  const before = await census(fixture.node);
  fixture.cluster.createNetworkAttachment('default', 'wrong', {
    cniVersion: '1.0.0',
    type: 'macvlan',
    master: 'nothing0',
    ipam: { type: 'static' },
  });
  const pod = await podOf(samplePod({ name: 'wrong' }), '172.17.0.24');
  await expect(kubelet.start(pod)).rejects.toThrow('network "default/wrong"');
  const [event] = fixture.api.list('Event', { fieldSelector: `involvedObject.uid=${pod.uid}` });
  expect(event).toMatchObject({ reason: 'FailedCreatePodSandBox', type: 'Warning' });
  expect(event?.message).toContain('Link not found');
  await kubelet.end(pod);
  await expectNode(fixture.node, before);
});
