/**
 * Cases M1, M4, M5 and M8 of Kube-OVN's acceptance tests for Multus: interfaces that Kube-OVN makes
 * beside its own eth0.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControllerFixture } from './controller-fixture.ts';
import { NETWORKS } from './controller-manifests.ts';
import {
  chosenMac,
  definition,
  expectRoutes,
  isReady,
  NAMESPACE,
  network,
  PRIMARY,
  podManifest,
  startPrimaryCluster,
} from './controller-multus-fixture.ts';
import { expectAnnounced, expectAnswers, expectNic, northboundRow } from './controller-nic.ts';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await startPrimaryCluster();
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('M1: a pod gets an interface of a network beside eth0', async () => {
  const net = await network(fixture, { name: 'plain', kind: 'kube-ovn', octet: 101 });
  const running = await fixture.pod(podManifest('m1', `${NAMESPACE}/plain`));
  const { pod, sandbox } = running;
  const nic = await expectNic(fixture, running, net);
  await expectAnnounced(fixture, pod, [nic]);
  await expectRoutes(sandbox, 'IPv4', [
    `default via ${PRIMARY.gateways[0]} dev eth0`,
    `${net.cidrs[0]} dev net1`,
  ]);
  await expectRoutes(sandbox, 'IPv6', [
    `default via ${PRIMARY.gateways[1]} dev eth0`,
    `${net.cidrs[1]} dev net1`,
  ]);
  await expectAnswers(sandbox, net.gateways, 'net1');
  await expectAnswers(sandbox, PRIMARY.gateways, 'eth0');
});

test('M4: a network without a Subnet fails the whole pod, and is not replaced', async () => {
  const provider = `lonely.${NAMESPACE}.ovn`;
  const spec = { cidrBlock: '10.104.0.0/16', provider: `lonely-mismatch.${NAMESPACE}.ovn` };
  fixture.apply({ kind: 'Subnet', metadata: { name: 'subnet-mismatch' }, spec });
  await isReady(fixture, 'subnet-mismatch');
  fixture.apply(definition('lonely', 'kube-ovn', { provider }));
  const pod = fixture.schedule(podManifest('m4', `${NAMESPACE}/lonely`));

  const told = `no address allocated to pod ${NAMESPACE}/m4 provider ovn`;
  await expect(fixture.kubelet.start(pod)).rejects.toThrow(told);
  const events = fixture.api.list('Event', { fieldSelector: `involvedObject.uid=${pod.uid}` });
  const messageOf = (reason: string) => events.find((event) => event.reason === reason)?.message;
  expect(messageOf('FailedCreatePodSandBox')).toContain(told);
  expect(messageOf('PodNetworkUpdateFailed')).toContain(
    `stage=getPodKubeovnNets error=provider ${provider} is not bound to any subnet`,
  );
  const { metadata, status } = fixture.api.get('Pod', `${NAMESPACE}/m4`);
  expect(metadata.annotations).toEqual({ [NETWORKS]: `${NAMESPACE}/lonely` });
  expect(status?.phase).not.toBe('Running');
  const ips = fixture.api.list('IP').filter(({ spec }) => spec?.podName === 'm4');
  expect(ips).toEqual([]);
  for (const port of [`m4.${NAMESPACE}`, `m4.${NAMESPACE}.${provider}`])
    expect(await northboundRow(fixture, 'Logical_Switch_Port', port)).toBeUndefined();
  await fixture.kubelet.end(pod);
});

test('M5: routes of a network are in the pod, and its default route replaces that of eth0', async () => {
  const routes = [
    { gw: '10.105.0.1' },
    { dst: '10.205.0.0/16', gw: '10.105.0.77' },
    { gw: 'fd00:10:105::1' },
    { dst: 'fd00:10:205::/112', gw: 'fd00:10:105::77' },
  ];
  const net = await network(fixture, { name: 'routed', kind: 'kube-ovn', octet: 105, routes });
  const running = await fixture.pod(podManifest('m5', `${NAMESPACE}/routed`));
  const { pod, sandbox } = running;
  const nic = await expectNic(fixture, running, net);
  await expectAnnounced(fixture, pod, [nic]);
  await expectRoutes(sandbox, 'IPv4', [
    `default via ${net.gateways[0]} dev net1`,
    `${net.cidrs[0]} dev net1`,
    '10.205.0.0/16 via 10.105.0.77 dev net1',
  ]);
  await expectRoutes(sandbox, 'IPv6', [
    `default via ${net.gateways[1]} dev net1`,
    `${net.cidrs[1]} dev net1`,
    'fd00:10:205::/112 via fd00:10:105::77 dev net1',
  ]);
  await expectAnswers(sandbox, net.gateways, 'net1');
});

test('M8: an interface has the MAC and the addresses that its network is asked for', async () => {
  const net = await network(fixture, { name: 'fixed', kind: 'kube-ovn', octet: 108 });
  const mac = chosenMac();
  const ips = ['10.108.3.7', 'fd00:10:108::307'];
  const running = await fixture.pod(
    podManifest('m8', [{ name: 'fixed', namespace: NAMESPACE, mac, ips }]),
  );
  const nic = await expectNic(fixture, running, net);
  expect(nic).toMatchObject({ mac, addresses: ips });
  await expectAnnounced(fixture, running.pod, [nic]);
  await expectAnswers(running.sandbox, net.gateways, 'net1');
});
