/**
 * Case N1 of Kube-OVN's acceptance tests for non-primary mode: another plugin makes eth0, and pods
 * reach each other in a Vpc. Its objects are those of Kube-OVN's configuration for it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import type { Manifest } from '../lab/documented.ts';
import type { RunningPod } from '../lab/kubelet.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { networkStatusesOf } from '../lab/network-status.ts';
import { inSandbox } from '../lab/runtime.ts';
import type { PodIdentity } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { NETWORKS } from './controller-manifests.ts';
import {
  expectAnnounced,
  expectAnswers,
  expectNic,
  expectPublished,
  type Network,
  type Nic,
  northboundRow,
  routesOf,
} from './controller-nic.ts';
import { conditionBecomes, gone } from './controller-observe.ts';

const NAMESPACE = 'vpc-simple-ns';
const VPC = 'vpc-simple';
const NETWORK: Network = {
  namespace: NAMESPACE,
  name: 'vpc-simple-nad',
  kind: 'kube-ovn',
  provider: 'vpc-simple-nad.vpc-simple-ns.ovn',
  subnet: 'vpc-simple-subnet',
  cidrs: ['10.100.0.0/16'],
  gateways: ['10.100.0.1'],
};
const { name, provider, subnet } = NETWORK;

/** What the pods need, in the order of Kube-OVN's file. */
const prerequisites: readonly Manifest[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      config: JSON.stringify({
        cniVersion: '0.3.1',
        name: 'kube-ovn',
        type: 'kube-ovn',
        server_socket: SOCKET,
        provider,
      }),
    },
  },
  {
    apiVersion: 'kubeovn.io/v1',
    kind: 'Vpc',
    metadata: { name: VPC },
    spec: { namespaces: [NAMESPACE] },
  },
  {
    apiVersion: 'kubeovn.io/v1',
    kind: 'Subnet',
    metadata: { name: subnet },
    spec: {
      vpc: VPC,
      cidrBlock: '10.100.0.0/16',
      default: false,
      excludeIps: ['10.100.0.1'],
      gateway: '10.100.0.1',
      protocol: 'IPv4',
      provider,
      namespaces: [NAMESPACE],
    },
  },
];

/** A key that looks like one of ours, and is none: nobody may read or change it. */
const meaningless = { [`${provider}/logical_switch`]: subnet };
const shortForm = `${NAMESPACE}/${name}`;
const twice = ['net1', 'net2'].map((ifName) => ({
  name,
  namespace: NAMESPACE,
  interface: ifName,
}));

const pods: readonly Manifest[] = [
  podManifest('vpc-simple-pod1', { [NETWORKS]: shortForm, ...meaningless }),
  podManifest('vpc-simple-pod2', { [NETWORKS]: shortForm, ...meaningless }),
  podManifest('vpc-multi-nic-pod', {
    [NETWORKS]: JSON.stringify(twice),
    [`${provider}.net1.kubernetes.io/logical_switch`]: subnet,
    [`${provider}.net2.kubernetes.io/logical_switch`]: subnet,
  }),
];

function podManifest(podName: string, annotations: Readonly<Record<string, string>>): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, namespace: NAMESPACE, annotations },
    spec: { containers: [{ name: podName, image: 'docker.io/library/nginx:alpine' }] },
  };
}

let fixture: ControllerFixture;
beforeAll(async () => {
  const mode = '--non-primary-cni-mode=true';
  fixture = await ControllerFixture.start({
    flags: [mode],
    daemonFlags: ['--add-timeout-seconds=10', mode],
    primary: OTHER_PRIMARY_CONFIG,
  });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** The addresses of the network that is named by the whole annotation, as Multus wrote them. */
function reportedAddresses({ pod }: RunningPod): readonly string[] {
  const { metadata } = fixture.api.get('Pod', `${NAMESPACE}/${pod.name}`);
  const statuses = networkStatusesOf(metadata.annotations);
  const status = statuses.find((each) => each.name === metadata.annotations?.[NETWORKS]);
  return status?.ips ?? [];
}

/** Expects that a pod runs, and that eth0 and the default route are nobody's but the other plugin's. */
async function expectOtherEth0({ pod, sandbox }: RunningPod, ifNames: string[]): Promise<void> {
  const { metadata, status } = fixture.api.get('Pod', `${NAMESPACE}/${pod.name}`);
  expect(status?.phase).toBe('Running');
  const keys = Object.keys(metadata.annotations ?? {});
  expect(keys.filter((key) => key.startsWith('ovn.kubernetes.io/'))).toEqual([]);
  expect(await routesOf(sandbox, 'IPv4')).toEqual([
    'default via 10.244.0.1 dev eth0',
    '10.100.0.0/16 dev net1',
    ...ifNames.slice(1).map((ifName) => `10.100.0.0/16 dev ${ifName}`),
    '10.244.0.0/24 dev eth0',
  ]);
}

/** The pods of the case. */
interface Cast {
  readonly one: RunningPod;
  readonly two: RunningPod;
  /** The one with two interfaces of the network. */
  readonly multi: RunningPod;
}

/** Brings the pods up. */
async function runAll(scheduled: readonly PodIdentity[]): Promise<Cast> {
  const [one, two, multi] = await Promise.all(scheduled.map((pod) => fixture.run(pod)));
  if (!one || !two || !multi) throw new Error('three pods are in this case');
  return { one, two, multi };
}

/**
 * Expects the pods to be as they are to be, and their NICs to be the only ones of ours.
 * @param announced what is to be found of their NICs among events
 */
async function expectAll({ one, two, multi }: Cast, announced = expectAnnounced): Promise<void> {
  const nics: Nic[] = [];
  for (const running of [one, two]) {
    const nic = await expectNic(fixture, running, NETWORK);
    await announced(fixture, running.pod, [nic]);
    await expectOtherEth0(running, ['net1']);
    expect(reportedAddresses(running)).toEqual(nic.addresses);
    const { metadata } = fixture.api.get('Pod', `${NAMESPACE}/${running.pod.name}`);
    expect(metadata.annotations).toMatchObject({
      ...meaningless,
      [`${provider}.kubernetes.io/logical_router`]: VPC,
    });
    nics.push(nic);
  }
  const ofMulti: Nic[] = [];
  for (const ifName of ['net1', 'net2']) {
    const requests = { ifName, provider: `${provider}.${ifName}` };
    ofMulti.push(await expectNic(fixture, multi, NETWORK, requests));
  }
  await announced(fixture, multi.pod, ofMulti);
  await expectOtherEth0(multi, ['net1', 'net2']);
  const all = [...nics, ...ofMulti];
  expect(new Set(all.flatMap(({ addresses }) => addresses)).size).toBe(all.length);
  expect(ownIps().sort()).toEqual(all.map(({ port }) => port).sort());
}

/** Names of the IP objects of these pods. */
function ownIps(): string[] {
  const ips = fixture.api.list('IP').filter(({ spec }) => spec?.namespace === NAMESPACE);
  return ips.map(({ metadata }) => metadata.name);
}

/** Expects that packets go from each pod to others, by each of its interfaces. */
async function expectTraffic({ one, two, multi }: Cast): Promise<void> {
  const [target = ''] = reportedAddresses(two);
  const options = ['-I', 'net1', '-c', '3', '-i', '0.2', '-W', '2'];
  expect(await inSandbox(one.sandbox, 'ping', ...options, target)).toContain(' 3 received');
  for (const ifName of ['net1', 'net2'])
    await expectAnswers(multi.sandbox, [...NETWORK.gateways, target], ifName);
}

test('N1: pods of another primary network reach each other in a Vpc', async () => {
  fixture.apply(...prerequisites);
  await conditionBecomes(
    fixture,
    { kind: 'Subnet', name: subnet },
    { type: 'Ready', status: 'True' },
  );
  const vpc = await fixture.becomes('Vpc', VPC, ({ status }) => {
    return (status?.subnets as string[] | undefined)?.includes(subnet) === true;
  });
  expect(vpc.status).toMatchObject({ standby: true, router: VPC, subnets: [subnet] });
  expect(await northboundRow(fixture, 'Logical_Router', VPC)).toMatchObject({
    external_ids: { vendor: 'kube-ovn' },
  });
  const cast = await runAll(pods.map((manifest) => fixture.schedule(manifest)));
  await expectAll(cast);
  await expectTraffic(cast);
});

test('N1: all of it goes by deletion alone, and comes again where the pods come first', async () => {
  const running = fixture.api.list('Pod', { namespace: NAMESPACE });
  for (const { metadata } of running) {
    const { name: podName, uid = '' } = metadata;
    await fixture.kubelet.end({ namespace: NAMESPACE, name: podName, uid });
  }
  fixture.api.delete('Subnet', subnet);
  fixture.api.delete('Vpc', VPC);
  fixture.api.delete('NetworkAttachmentDefinition', `${NAMESPACE}/${name}`);
  for (const [kind, key] of [
    ['Subnet', subnet],
    ['Vpc', VPC],
  ] as const)
    await gone(fixture, kind, key);
  for (const [table, key] of [
    ['Logical_Router', VPC],
    ['Logical_Switch', subnet],
  ] as const)
    expect(await northboundRow(fixture, table, key)).toBeUndefined();
  expect(ownIps()).toEqual([]);

  const scheduled = pods.map((manifest) => fixture.schedule(manifest));
  fixture.apply(...[...prerequisites].reverse());
  const cast = await runAll(scheduled);
  // What they lacked at first they were warned of.
  await expectAll(cast, expectPublished);
  await expectTraffic(cast);
});
