/** Where the primary NICs of pods get their addresses from, in primary mode. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as documented from '../lab/documented.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout } from './controller-observe.ts';

const PREFIX = 'ovn.kubernetes.io';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({ flags: [] });
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function applySubnet(name: string, spec: object): Promise<void> {
  fixture.apply(subnet(name, spec));
  await conditionBecomes(fixture, { kind: 'Subnet', name }, { type: 'Ready', status: 'True' });
}

function applyNamespace(name: string, annotations: Readonly<Record<string, string>> = {}): void {
  fixture.apply({ kind: 'Namespace', metadata: { name, annotations, labels: { team: name } } });
}

let podCount = 0;
function podIn(namespace: string, annotations: Readonly<Record<string, string>> = {}): NewObject {
  podCount += 1;
  return { kind: 'Pod', metadata: { namespace, name: `pod-${podCount}`, annotations }, spec: {} };
}

/** What a new pod gets for its primary NIC: address, Subnet and Vpc. */
async function placeOf(namespace: string, annotations: Readonly<Record<string, string>> = {}) {
  const { name } = fixture.schedule(podIn(namespace, annotations));
  const nic = await fixture.allocated(`${namespace}/${name}`, 'ovn');
  return [nic.ip_address, nic.logical_switch, nic.logical_router];
}

test('a pod of any namespace is on the default Subnet', async () => {
  expect(await placeOf('default')).toEqual(['10.16.0.2', 'ovn-default', 'ovn-cluster']);
  applyNamespace('plain');
  expect(await placeOf('plain')).toEqual(['10.16.0.3', 'ovn-default', 'ovn-cluster']);
});

test('the Subnets of a namespace go before, one after the other', async () => {
  applyNamespace('bound');
  const namespaces = ['bound'];
  await applySubnet('bound-1', { cidrBlock: '10.41.0.0/30', namespaces });
  await applySubnet('bound-2', { cidrBlock: '10.42.0.0/24', namespaces });
  expect(await placeOf('bound')).toEqual(['10.41.0.2', 'bound-1', 'ovn-cluster']);
  expect(await placeOf('bound')).toEqual(['10.42.0.2', 'bound-2', 'ovn-cluster']);
  const fixed = { [`${PREFIX}/ip_address`]: '10.42.0.77' };
  expect(await placeOf('bound', fixed)).toEqual(['10.42.0.77', 'bound-2', 'ovn-cluster']);
});

test('a namespace may be chosen by its labels, and have a Vpc of its own', async () => {
  const matchLabels = { team: 'chosen' };
  fixture.apply({ kind: 'Vpc', metadata: { name: 'tenant' }, spec: {} });
  const spec = { vpc: 'tenant', namespaceSelectors: [{ matchLabels }] };
  await applySubnet('chosen-by-label', { cidrBlock: '10.16.0.0/16', ...spec });
  applyNamespace('chosen');
  expect(await placeOf('chosen')).toEqual(['10.16.0.2', 'chosen-by-label', 'tenant']);
});

test('a Subnet that the pod names goes before those of its namespace', async () => {
  const named = { [`${PREFIX}/logical_switch`]: 'bound-2' };
  expect((await placeOf('default', named))[1]).toBe('bound-2');
  const { name } = fixture.schedule(podIn('default', { [`${PREFIX}/logical_switch`]: 'nowhere' }));
  const about = { kind: 'Pod', name, reason: 'PodNetworkUpdateFailed' };
  expect(await eventAbout(fixture, about)).toContain('subnet nowhere not found');
});

test('the pods of a namespace have the addresses of its IPPool, and no others', async () => {
  applyNamespace('pooled');
  const spec = { subnet: 'ovn-default', ips: ['10.16.7.7'], namespaces: ['pooled'] };
  fixture.apply({ kind: 'IPPool', metadata: { name: 'for-pooled' }, spec });
  const pool = { kind: 'IPPool', name: 'for-pooled' };
  await conditionBecomes(fixture, pool, { type: 'Ready', status: 'True' });
  expect(await placeOf('pooled')).toEqual(['10.16.7.7', 'ovn-default', 'ovn-cluster']);
  const { name } = fixture.schedule(podIn('pooled'));
  const about = { kind: 'Pod', name, reason: 'AcquireAddressFailed' };
  expect(await eventAbout(fixture, about)).toContain('NoAvailableAddress');
});

test.each([
  [{ [`${PREFIX}/ip_address`]: '10.16' }, `10.16 is not a valid ${PREFIX}/ip_address`],
  [{ [`${PREFIX}/mac_address`]: 'zz' }, `zz is not a valid ${PREFIX}/mac_address`],
  [{ [`${PREFIX}/ip_pool`]: '10.16.0.9,x' }, `x in ${PREFIX}/ip_pool is not a valid address`],
  [{ [`${PREFIX}/egress_rate`]: 'fast' }, `fast is not a valid ${PREFIX}/egress_rate`],
])('a pod is called wrong for %j', async (annotations, text) => {
  const { name } = fixture.schedule(podIn('default', annotations));
  const about = { kind: 'Pod', name, reason: 'ValidatePodNetworkFailed' };
  expect(await eventAbout(fixture, about)).toContain(text);
});

test('macvlan as the main NIC is not supported with a Subnet of provider ovn', async () => {
  fixture.apply(documented.macvlanNetwork, documented.macvlanSubnetOfOvn);
  const { metadata } = documented.macvlanMainPod;
  const annotations = {
    ...metadata.annotations,
    'macvlan.default.kubernetes.io/logical_switch': 'macvlan',
  };
  fixture.schedule({ ...documented.macvlanMainPod, metadata: { ...metadata, annotations } });
  const about = { kind: 'Pod', name: metadata.name, reason: 'PodNetworkNotSupported' };
  expect(await eventAbout(fixture, about)).toContain('main network on subnet macvlan');
  const ips = fixture.api.list('IP').map(({ spec }) => spec?.podName);
  expect(ips).not.toContain(metadata.name);
});
