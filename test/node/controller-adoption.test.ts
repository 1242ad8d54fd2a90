/** A cluster of Kube-OVN's own controller that this one takes over. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyOf } from '../lab/kubernetes/object.ts';
import type { RecordedRequest } from '../lab/kubernetes/requests.ts';
import { endPod, identityOf } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { podOf } from './controller-manifests.ts';
import { gone } from './controller-observe.ts';
import { type GoNic, goNics, makeGoCluster, portName } from './go-cluster.ts';
import { type NorthboundRows, northboundRows } from './northbound-rows.ts';

const KINDS = ['Pod', 'IP', 'Subnet', 'Vpc', 'Node', 'StatefulSet'];
const READS = ['get', 'list', 'watch'];

let fixture: ControllerFixture;
let rowsBefore: NorthboundRows;
let objectsBefore: readonly object[];
beforeAll(async () => {
  fixture = await ControllerFixture.start({
    flags: [],
    before: async ({ api, node }) => {
      await makeGoCluster(api, node);
      rowsBefore = await northboundRows(node);
      objectsBefore = objectsOf(api);
    },
  });
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** All objects that have to do with addresses, but for their versions. */
function objectsOf(api: ControllerFixture['api']): readonly object[] {
  return KINDS.flatMap((kind) => api.list(kind)).map((object) => {
    const { resourceVersion, ...metadata } = object.metadata;
    return { ...object, metadata };
  });
}

/** Has a pod come and go, of which all Subnets know: what was to be done before it is done then. */
async function pass(name: string): Promise<Readonly<Record<string, string | undefined>>> {
  const pod = fixture.schedule(podOf(name, 'net,lan'));
  const told: Record<string, string | undefined> = {};
  for (const provider of ['ovn', 'net.default.ovn', 'lan.default']) {
    told[provider] = (await fixture.allocated(keyOf(pod), provider)).ip_address;
  }
  for (const subnet of ['ovn-default', 'net', 'lan']) await usageIs(subnet, 1);
  endPod(fixture.api, pod);
  for (const provider of Object.keys(told)) {
    await gone(fixture, 'IP', portName({ pod: name, provider }));
  }
  for (const subnet of ['ovn-default', 'net', 'lan']) await usageIs(subnet, 0);
  return told;
}

/** Waits until so many more addresses of a Subnet are in use than the Go controller has given. */
async function usageIs(subnet: string, more: number): Promise<void> {
  const count = goNics.filter((nic) => nic.subnet === subnet).length + more;
  await fixture.subnetStatus(subnet, (status) => {
    const ranges = String(status.v4usingIPrange)
      .split(',')
      .map((range) => range.split('-'));
    const lasts = ranges.map(([first = '', last = first]) => [first, last].map(lastByte));
    const held = lasts.reduce((sum, [first = 0, last = 0]) => sum + last - first + 1, 0);
    return status.v4usingIPs === count && held === count;
  });
}

function lastByte(address: string): number {
  return Number(address.split('.').at(-1));
}

/** Object writes that are not about a pod of this name, nor a count of addresses. */
function otherWrites(name: string): string[] {
  const isOther = ({ verb, path }: RecordedRequest) =>
    !READS.includes(verb) &&
    !/\/(leases|events)(\/|$)/.test(path) &&
    !path.includes(`/${name}`) &&
    !/\/subnets\/[^/]+\/status$/.test(path);
  return fixture.api.requests.all.filter(isOther).map(({ verb, path }) => `${verb} ${path}`);
}

function told(nic: GoNic): Promise<Record<string, string>> {
  return fixture.allocated(`default/${nic.pod}`, nic.provider);
}

test('nothing of it is written anew, neither objects nor rows; others get what is left', async () => {
  expect(await pass('new')).toEqual({
    ovn: '10.16.0.6',
    'net.default.ovn': '10.5.0.2,fd00:5::2',
    'lan.default': '172.17.0.2',
  });
  // The IP objects of the new pod are created without their name in the path.
  const creations = Array.from({ length: 3 }, () => 'create /apis/kubeovn.io/v1/ips');
  expect(otherWrites('new')).toEqual(creations);
  expect(await northboundRows(fixture.node)).toEqual(rowsBefore);
  expect(objectsOf(fixture.api)).toEqual(objectsBefore);
});

test('nor by the next controller when this one was killed', async () => {
  fixture.api.requests.clear();
  await fixture.restartController('SIGKILL');
  await pass('next');
  expect(otherWrites('next')).toHaveLength(3);
  expect(await northboundRows(fixture.node)).toEqual(rowsBefore);
  expect(objectsOf(fixture.api)).toEqual(objectsBefore);
});

test('pods of a StatefulSet come back with what Kube-OVN gave them', async () => {
  const { api, workloads } = fixture;
  endPod(api, identityOf(api.get('Pod', 'default/db-0')));
  await workloads.reconcile('StatefulSet', 'default/db');
  for (const nic of goNics.filter(({ podType }) => podType === 'StatefulSet')) {
    const { ip_address, mac_address } = await told(nic);
    expect({ ip_address, mac_address }).toEqual({ ip_address: nic.address, mac_address: nic.mac });
  }
});

test('what a pod has leaves with it; rows that are not ours stay', async () => {
  const { api, node } = fixture;
  const twins = goNics.filter(({ pod }) => pod === 'twins');
  endPod(api, identityOf(api.get('Pod', 'default/twins')));
  for (const nic of twins) await gone(fixture, 'IP', portName(nic));
  const ports = twins.map((nic) => JSON.stringify(portName(nic)));
  const isTwins = ([, { name = '' }]: [string, Record<string, string>]) => ports.includes(name);
  const after = Object.keys(await northboundRows(node)).sort();
  const gonePorts = Object.entries(rowsBefore).filter(isTwins);
  expect(gonePorts).toHaveLength(3);
  const expected = Object.keys(rowsBefore).filter((key) => !gonePorts.some(([one]) => one === key));
  expect(after).toEqual(expected.sort());
});
