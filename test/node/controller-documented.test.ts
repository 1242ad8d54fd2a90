/** Kube-OVN's documentation as it stands, in non-primary mode: networks of macvlan's. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as documented from '../lab/documented.ts';
import type { PodInterface, RunningPod } from '../lab/kubelet.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import type { PodIdentity } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { podOf } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone, messagesAbout } from './controller-observe.ts';
import { canPing } from './observe.ts';

const PROVIDER = 'macvlan.default';
const OTHER_ETH0 = 'default via 10.244.0.1 dev eth0';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({ primary: OTHER_PRIMARY_CONFIG });
  fixture.apply(documented.macvlanNetwork, documented.macvlanSubnet);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const running: RunningPod[] = [];
async function up(manifest: documented.Manifest | ReturnType<typeof podOf>): Promise<RunningPod> {
  const pod = await fixture.pod(manifest);
  running.push(pod);
  return pod;
}
// Each test begins with a node without pods, and with all addresses released.
beforeEach(async () => {
  for (const { pod } of running.splice(0)) await down(pod);
});

/** Ends a pod, and waits until its address is released. */
async function down(pod: PodIdentity): Promise<void> {
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', ipName(pod));
}

function ipName({ name, namespace }: PodIdentity): string {
  return `${name}.${namespace}.${PROVIDER}`;
}

/** What the pod's annotations say of its NIC. */
function allocated({ name }: PodIdentity): Promise<Record<string, string>> {
  return fixture.allocated(`default/${name}`, PROVIDER);
}

test('a Subnet of another plugin is ready without a logical switch', async () => {
  const object = { kind: 'Subnet', name: 'macvlan' };
  const { reason } = await conditionBecomes(fixture, object, { type: 'Ready', status: 'True' });
  expect(reason).toBe('SetNonOvnSubnetSuccess');
  // Of 65534 addresses ten are excluded: .1 to .10, the gateway among them.
  expect(await fixture.subnetStatus('macvlan', (said) => said.v4usingIPs === 0)).toMatchObject({
    v4availableIPs: 65524,
    v4availableIPrange: '172.17.0.11-172.17.255.254',
  });
  expect(await fixture.node.nbctl('ls-list')).not.toContain('(macvlan)');
});

test('"Create a Pod with Multiple NIC": the address comes from behind what is excluded', async () => {
  const { pod, sandbox } = await up(documented.macvlanPod);
  expect(await allocated(pod)).toEqual({
    allocated: 'true',
    ip_address: '172.17.0.11',
    cidr: '172.17.0.0/16',
    gateway: '172.17.0.1',
  });
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.11/16']);
  expect((await podLink(sandbox, 'net1'))?.linkinfo?.info_kind).toBe('macvlan');
  expect(await podRoutes(sandbox, 4)).toEqual([OTHER_ETH0]);
  expect(await canPing(sandbox, '172.17.0.1', 'net1')).toBe(true);
  const { metadata, spec } = fixture.api.get('IP', ipName(pod));
  expect(metadata.labels).toEqual({
    'ovn.kubernetes.io/subnet': 'macvlan',
    'ovn.kubernetes.io/node-name': fixture.node.chassis,
    'ovn.kubernetes.io/ip_reserved': 'false',
    macvlan: '',
  });
  expect(spec).toMatchObject({
    ...{ podName: 'samplepod', namespace: 'default', subnet: 'macvlan', podType: '' },
    ...{ ipAddress: '172.17.0.11', v4IpAddress: '172.17.0.11', v6IpAddress: '', macAddress: '' },
    nodeName: fixture.node.chassis,
  });
  const used = await fixture.subnetStatus('macvlan', (said) => said.v4usingIPs === 1);
  expect(used).toMatchObject({ v4availableIPs: 65523, v4usingIPrange: '172.17.0.11' });
});

test('"Create Pod with a Fixed IP": the pod has it, and keeps what it says of its MAC', async () => {
  const { pod, sandbox } = await up(documented.staticIpPod);
  expect(await allocated(pod)).toMatchObject({
    ip_address: '172.17.0.100',
    mac_address: '00:00:00:53:6B:BB',
  });
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.100/16']);
  // What it asks of a primary network that is not Kube-OVN's is left alone.
  const { annotations } = fixture.api.get('Pod', 'default/static-ip').metadata;
  expect(annotations).toMatchObject({ 'ovn.kubernetes.io/ip_address': '10.16.0.15' });
  expect(annotations).not.toHaveProperty('ovn.kubernetes.io/allocated');
});

describe('"Create Workloads with Fixed IPs"', () => {
  const POOL = ['172.17.0.200', '172.17.0.201', '172.17.0.202'];
  const addressOf = async (pod: PodIdentity) => (await allocated(pod)).ip_address;

  test('each replica has an address of the pool, and so has each that replaces one', async () => {
    const pods = await fixture.workloads.apply(documented.staticWorkload);
    const started = await Promise.all(pods.map((pod) => fixture.run(pod)));
    const inside = await Promise.all(started.map(({ sandbox }) => podAddresses(sandbox, 'net1')));
    expect(inside.flat().sort()).toEqual([`${POOL[0]}/16`, `${POOL[1]}/16`]);
    // One is replaced before it has gone: the third address is for that.
    const [old = pods[0]] = pods;
    if (old === undefined) throw new Error('there is no pod');
    fixture.api.delete('Pod', `default/${old.name}`);
    const [fresh] = await fixture.workloads.reconcile('Deployment', 'default/static-workload');
    if (fresh === undefined) throw new Error('nothing replaces the pod');
    expect(await addressOf(fresh)).toBe(POOL[2]);
    await down(old);
  });

  test('a replica too many waits for an address', async () => {
    const key = ['Deployment', 'default/static-workload'] as const;
    const [third] = await fixture.workloads.scale(...key, 3);
    if (third === undefined) throw new Error('no third pod was made');
    // Both would ask for the one address that is left, and either may be first.
    await addressOf(third);
    const [fourth] = await fixture.workloads.scale(...key, 4);
    if (fourth === undefined) throw new Error('no fourth pod was made');
    const pods = fixture.workloads.podsOf(...key).filter(({ name }) => name !== fourth.name);
    expect((await Promise.all(pods.map(addressOf))).sort()).toEqual(POOL);
    await eventAbout(fixture, { kind: 'Pod', name: fourth.name, reason: 'AcquireAddressFailed' });
    await down(third);
    expect(POOL).toContain(await addressOf(fourth));
    await fixture.workloads.delete(...key);
    await fixture.subnetStatus('macvlan', ({ v4usingIPs }) => v4usingIPs === 0);
  });
});

test('"Create a Pod using macvlan as default route"', async () => {
  const { sandbox } = await up(documented.macvlanRoutePod);
  expect(await podRoutes(sandbox, 4)).toEqual(['default via 172.17.0.1 dev net1']);
  expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
});

test('"Create a Pod using macvlan as the main nic"', async () => {
  const { pod, sandbox, interfaces } = await up(documented.macvlanMainPod);
  expect(interfaces.map(({ request }: PodInterface) => request.ifName)).toEqual(['eth0']);
  const { ip_address } = await allocated(pod);
  expect(await podAddresses(sandbox, 'eth0')).toEqual([`${ip_address}/16`]);
});

test('an address and a MAC of the annotation for the interface go before all others', async () => {
  const networks = JSON.stringify([
    { name: 'macvlan', interface: 'data0', mac: '02:00:00:00:00:01', ips: ['172.17.0.61'] },
  ]);
  // It is not brought up: Multus would have macvlan take the other MAC, and the ADD is refused.
  const pod = fixture.schedule(
    podOf('by-interface', networks, {
      'macvlan.default.kubernetes.io/ip_address': '172.17.0.62',
      'macvlan.default.kubernetes.io/ip_address.data0': '172.17.0.60',
      'macvlan.default.kubernetes.io/mac_address.data0': '02:00:00:00:00:02',
    }),
  );
  expect(await allocated(pod)).toMatchObject({
    ip_address: '172.17.0.60',
    mac_address: '02:00:00:00:00:02',
  });
});

test('"Compatibility Issues": a network without a configuration is named in an event', async () => {
  fixture.apply(documented.networkWithoutSpec);
  fixture.schedule(podOf('without-spec', 'macvlan-conf-2,macvlan'));
  const query = { kind: 'Pod', name: 'without-spec', reason: 'PodNetworkNotSupported' };
  expect(await eventAbout(fixture, query)).toContain('default/macvlan-conf-2');
  // The others of its networks are not the worse for it.
  await fixture.allocated('default/without-spec', PROVIDER);
  expect(messagesAbout(fixture, query)).toHaveLength(1);
});
