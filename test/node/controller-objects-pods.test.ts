/** Pods whose networks are wrong, or cannot be had, as the API shows it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, NETWORKS, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone, messagesAbout } from './controller-observe.ts';

const PROVIDER = 'net.default.ovn';
/** Of annotations for the NIC on network net. */
const NET = `${PROVIDER}.kubernetes.io`;

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  fixture.apply(
    ovnNetwork('net'),
    subnet('net', { cidrBlock: '10.1.0.0/24', provider: PROVIDER }),
    ovnNetwork('dual'),
    subnet('dual', { cidrBlock: '10.2.0.0/24,fd00:2::/64', provider: 'dual.default.ovn' }),
    ovnNetwork('unbound'),
    macvlanNetwork('macvlan'),
    subnet('macvlan', { cidrBlock: '10.3.0.0/24', provider: 'macvlan.default' }),
    { kind: 'IPPool', metadata: { name: 'pool' }, spec: { subnet: 'dual', ips: ['10.2.0.64/28'] } },
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

let podCount = 0;
function nextName(): string {
  podCount += 1;
  return `pod-${podCount}`;
}

type Texts = Readonly<Record<string, string>>;

/** Makes a pod. @returns its name, and what it gets for network net */
async function allocated(annotations: Texts = {}, networks = 'net') {
  const pod = fixture.schedule(podOf(nextName(), networks, annotations));
  return { pod, nic: await fixture.allocated(`default/${pod.name}`, PROVIDER) };
}

async function end(name: string): Promise<void> {
  const { metadata } = fixture.api.get('Pod', `default/${name}`);
  await fixture.kubelet.end({ namespace: 'default', name, uid: String(metadata.uid) });
}

/** A network once for each of these interfaces. */
function twins(name: string, interfaces: readonly string[]): string {
  return JSON.stringify(interfaces.map((each) => ({ name, interface: each })));
}

/** Names of the IP objects of a pod. */
function ipsOf(pod: string): readonly string[] {
  const ips = fixture.api.list('IP').filter(({ spec }) => spec?.podName === pod);
  return ips.map(({ metadata }) => metadata.name);
}

const NOT_FOUND = 'PodNetworkUpdateFailed';
const NOT_VALID = 'ValidatePodNetworkFailed';
const NOT_ACQUIRED = 'AcquireAddressFailed';

describe('an event says why a pod gets nothing', () => {
  test.each<[networks: string, Texts, reason: string, text: string]>([
    ['nowhere', {}, NOT_FOUND, 'network-attachment-definition default/nowhere not found'],
    ['unbound', {}, NOT_FOUND, 'provider unbound.default.ovn is not bound to any subnet'],
    ['net', { [`${NET}/logical_switch`]: 'nowhere' }, NOT_FOUND, 'subnet nowhere not found'],
    ['net', { [`${NET}/logical_switch`]: 'macvlan' }, NOT_FOUND, "which is none of OVN's"],
    ['net,net', {}, NOT_FOUND, `several NICs of network ${PROVIDER} cannot be told apart`],
    [twins('net', ['net1', 'net1']), {}, NOT_FOUND, 'cannot be told apart'],
    [twins('macvlan', ['net1', 'ovn']), {}, NOT_FOUND, 'interface ovn does not tell the NICs'],
    ['macvlan,macvlan', {}, NOT_FOUND, 'several NICs of network macvlan.default cannot be told'],
    [
      '[{"name":"net","interface":"data"},{"name":"macvlan","interface":"data"}]',
      {},
      NOT_FOUND,
      'interface data is both network default/net',
    ],
    ['net@net2,macvlan', {}, NOT_FOUND, 'interface net2 is both network default/net'],
    ['Net', {}, NOT_FOUND, '"Net" is no network'],
    ['{"name":"net"}', {}, NOT_FOUND, 'it is no JSON array'],
    ['[{"name":"net"}', {}, NOT_FOUND, 'it is no JSON'],
    ['[{"name":"net","interface":"a/b"}]', {}, NOT_FOUND, 'a/b is no name for an interface'],
    ['net', { [`${NET}/ip_family`]: 'IPv4' }, NOT_VALID, `IPv4 is not a valid ${NET}/ip_family`],
    ['net', { [`${NET}/ip_family`]: 'ipv6' }, NOT_ACQUIRED, 'requested ip family IPv6 does not'],
    [
      'dual',
      {
        'dual.default.ovn.kubernetes.io/ip_family': 'ipv6',
        'dual.default.ovn.kubernetes.io/ip_address': '10.2.0.9',
      },
      NOT_VALID,
      '10.2.0.9 does not match',
    ],
    ['net', { [`${NET}/ingress_rate`]: '-1' }, NOT_VALID, `-1 is not a valid ${NET}/ingress_rate`],
    ['net', { 'ovn.kubernetes.io/vip': 'v' }, NOT_ACQUIRED, 'vip is not supported'],
    ['net', { [`${NET}/ip_address`]: '10.1.0' }, NOT_ACQUIRED, 'failed to parse IP 10.1.0'],
    ['net', { [`${NET}/ip_address`]: '10.1.1.9' }, NOT_ACQUIRED, 'AddressOutOfRange'],
    ['net', { [`${NET}/ip_address`]: '10.1.0.0' }, NOT_ACQUIRED, 'AddressOutOfRange'],
    ['net', { [`${NET}/ip_address`]: '10.1.0.255' }, NOT_ACQUIRED, 'AddressOutOfRange'],
    ['net', { [`${NET}/ip_address`]: '10.1.0.1' }, NOT_ACQUIRED, 'AddressConflict'],
    ['net', { [`${NET}/ip_address`]: 'fd00::1' }, NOT_ACQUIRED, 'fd00::1'],
    ['net', { [`${NET}/ip_address`]: '10.1.0.8,10.1.0.9' }, NOT_ACQUIRED, 'more than one address'],
    ['net', { [`${NET}/mac_address`]: 'zz' }, NOT_ACQUIRED, 'zz is not a valid'],
    ['net', { [`${NET}/mac_address`]: '01:00:5e:00:00:01' }, NOT_ACQUIRED, 'is not a valid'],
    ['net', { [`${NET}/ip_pool`]: 'nowhere' }, NOT_ACQUIRED, 'failed to get ippool nowhere'],
    ['net', { [`${NET}/ip_pool`]: 'pool' }, NOT_ACQUIRED, 'ippool pool is of subnet dual'],
    ['net', { [`${NET}/ip_pool`]: '10.1.0.9,10.1.0.0/24' }, NOT_ACQUIRED, '10.1.0.0/24'],
  ])('networks %s with %j', async (networks, annotations, reason, text) => {
    const name = nextName();
    fixture.schedule(podOf(name, networks, annotations));
    const message = await eventAbout(fixture, { kind: 'Pod', name, reason });
    expect(message).toContain(text);
    expect(messagesAbout(fixture, { kind: 'Pod', name, reason })).toEqual([message]);
    const written = fixture.api.get('Pod', `default/${name}`).metadata.annotations;
    expect(written).toEqual({ [NETWORKS]: networks, ...annotations });
    expect(ipsOf(name)).toEqual([]);
    await end(name);
  });
});

test('an event says of each annotation that has no effect what to write instead', async () => {
  const primary = { 'ovn.kubernetes.io/logical_switch': 'net' };
  const keys = {
    'net.default.kubernetes.io/ip_address': '10.1.0.77',
    [`${NET}/default_route`]: 'yes',
    'macvlan.default.kubernetes.io/ingress_rate': '5',
  };
  const { pod } = await allocated({ ...keys, ...primary }, 'net,macvlan');
  const about = { kind: 'Pod', name: pod.name, reason: 'PodAnnotationIgnored' };
  const text = 'ovn.kubernetes.io/logical_switch: without effect';
  await eventAbout(fixture, { ...about, reason: 'PodNetworkNotSupported', text });
  for (const key of Object.keys(keys)) {
    await eventAbout(fixture, { ...about, text: `annotation ${key} has no effect` });
  }
  await eventAbout(fixture, { ...about, text: `write ${NET}/ip_address instead` });
  // What is written now is right, and nothing is said twice.
  const annotations = { [`${NET}/default_route`]: 'false' };
  fixture.api.patch('Pod', `default/${pod.name}`, { metadata: { annotations } });
  await end((await allocated()).pod.name);
  expect(messagesAbout(fixture, about)).toHaveLength(Object.keys(keys).length);
  await end(pod.name);
});

test('a dot in the name of a network of type kube-ovn is told on pod, network and Subnet', async () => {
  const name = nextName();
  fixture.apply(ovnNetwork('dot.ted'));
  fixture.apply(subnet('dotted', { cidrBlock: '10.5.0.0/24', provider: 'dot.ted.default.ovn' }));
  fixture.schedule(podOf(name, '[{"name":"dot.ted"}]'));
  const text = 'has a dot in its name';
  await eventAbout(fixture, { kind: 'Pod', name, reason: NOT_FOUND, text });
  const nad = { kind: 'NetworkAttachmentDefinition', name: 'dot.ted' };
  await eventAbout(fixture, { ...nad, reason: 'ValidateNadFailed', text });
  const object = { kind: 'Subnet', name: 'dotted' };
  const { message } = await conditionBecomes(fixture, object, { type: 'Ready', status: 'False' });
  expect(message).toContain('must not have a dot');
  await end(name);
});

test('a pod that is corrected gets its addresses', async () => {
  const name = nextName();
  fixture.schedule(podOf(name, 'net', { [`${NET}/ip_address`]: '10.9.9.9' }));
  await eventAbout(fixture, { kind: 'Pod', name, reason: NOT_ACQUIRED });
  const annotations = { [`${NET}/ip_address`]: '10.1.0.99' };
  fixture.api.patch('Pod', `default/${name}`, { metadata: { annotations } });
  expect(await fixture.allocated(`default/${name}`, PROVIDER)).toMatchObject({
    ip_address: '10.1.0.99',
  });
  await end(name);
});

test('what comes after a pod that waits for it lets the pod go on', async () => {
  const name = nextName();
  fixture.schedule(podOf(name, 'late'));
  const about = { kind: 'Pod', name, reason: NOT_FOUND };
  await eventAbout(fixture, { ...about, text: 'default/late not found' });
  fixture.apply(ovnNetwork('late'));
  await eventAbout(fixture, { ...about, text: 'late.default.ovn is not bound' });
  fixture.apply(subnet('late', { cidrBlock: '10.4.0.0/24', provider: 'late.default.ovn' }));
  const { ip_address } = await fixture.allocated(`default/${name}`, 'late.default.ovn');
  expect(ip_address).toBe('10.4.0.2');
  await end(name);
});

test('a pod has the addresses of all its networks, or of none', async () => {
  const name = nextName();
  const key = 'macvlan.default.kubernetes.io/ip_address';
  const address = { [`${NET}/ip_address`]: '10.1.0.70' };
  fixture.schedule(podOf(name, 'net,macvlan', { ...address, [key]: '10.3.0.1' }));
  await eventAbout(fixture, { kind: 'Pod', name, reason: NOT_ACQUIRED, text: '10.3.0.1' });
  expect(ipsOf(name)).toEqual([]);
  // What it could have had of the one network is for others.
  const { pod: other } = await allocated(address);
  fixture.api.patch('Pod', `default/${name}`, { metadata: { annotations: { [key]: null } } });
  await eventAbout(fixture, { kind: 'Pod', name, reason: NOT_ACQUIRED, text: other.name });
  await end(other.name);
  await fixture.allocated(`default/${name}`, 'macvlan.default');
  await fixture.allocated(`default/${name}`, PROVIDER);
  await end(name);
});

test("an address or a MAC that is another pod's is not given, and later it is", async () => {
  const address = { [`${NET}/ip_address`]: '10.1.0.50' };
  const mac = { [`${NET}/mac_address`]: '02:00:00:00:00:50' };
  const { pod: owner } = await allocated({ ...address, ...mac });
  const wanting = [address, mac].map((annotations) => {
    return fixture.schedule(podOf(nextName(), 'net', annotations)).name;
  });
  for (const name of wanting) {
    const message = await eventAbout(fixture, { kind: 'Pod', name, reason: NOT_ACQUIRED });
    expect(message).toContain('AddressConflict');
    expect(message).toContain(`default/${owner.name}`);
  }
  await end(owner.name);
  const [first, second] = await Promise.all(
    wanting.map((name) => fixture.allocated(`default/${name}`, PROVIDER)),
  );
  expect(first?.ip_address).toBe('10.1.0.50');
  expect(second?.mac_address).toBe('02:00:00:00:00:50');
  for (const name of wanting) await end(name);
});

test('a pod gets an address of an exhausted pool as soon as another pod goes', async () => {
  const pool = { [`${NET}/ip_pool`]: '10.1.0.60,10.1.0.61' };
  const [one, other] = [await allocated(pool), await allocated(pool)];
  expect([one, other].map(({ nic }) => nic.ip_address)).toEqual(['10.1.0.60', '10.1.0.61']);
  const name = nextName();
  fixture.schedule(podOf(name, 'net', pool));
  const query = { kind: 'Pod', name, reason: NOT_ACQUIRED };
  expect(await eventAbout(fixture, query)).toContain('AddressConflict');
  // With each pod that goes it is tried in vain, and its pause is longer after that: with these it
  // is longer than this test waits.
  for (let round = 0; round < 12; round++) {
    const { pod } = await allocated();
    await end(pod.name);
    await gone(fixture, 'IP', `${pod.name}.default.${PROVIDER}`);
  }
  await end(one.pod.name);
  expect((await fixture.allocated(`default/${name}`, PROVIDER)).ip_address).toBe('10.1.0.60');
  for (const each of [other.pod.name, name]) await end(each);
  await gone(fixture, 'IP', `${name}.default.${PROVIDER}`);
});

test('a NIC has one family of a dual-stack Subnet where it asks for that', async () => {
  const key = 'dual.default.ovn.kubernetes.io';
  const asked = [{}, { [`${key}/ip_family`]: 'ipv4' }, { [`${key}/ip_family`]: 'ipv6' }];
  const addresses: (string | undefined)[] = [];
  for (const annotations of asked) {
    const pod = fixture.schedule(podOf(nextName(), 'dual', annotations));
    addresses.push((await fixture.allocated(`default/${pod.name}`, 'dual.default.ovn')).ip_address);
  }
  expect(addresses).toEqual(['10.2.0.2,fd00:2::2', '10.2.0.3', 'fd00:2::3']);
});

test("a pod in its node's network is left alone", async () => {
  const hostPod = { ...podOf('on-host', 'net'), spec: { hostNetwork: true } };
  fixture.schedule(hostPod);
  // The next one is worked on after it.
  await allocated();
  expect(fixture.api.get('Pod', 'default/on-host').metadata.annotations).toEqual({
    [NETWORKS]: 'net',
  });
  expect(messagesAbout(fixture, { kind: 'Pod', name: 'on-host', reason: NOT_FOUND })).toEqual([]);
});
