/** When addresses, Subnets and Vpcs are let go, and what stays until then. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewObject } from '../lab/kubernetes/api.ts';
import type { PodIdentity } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, NETWORKS, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone } from './controller-observe.ts';

const PROVIDER = 'net.default.ovn';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  fixture.apply(
    ovnNetwork('net'),
    subnet('net', { cidrBlock: '10.1.0.0/24', provider: PROVIDER }),
    macvlanNetwork('macvlan'),
    subnet('macvlan', { cidrBlock: '10.3.0.0/24', provider: 'macvlan.default' }),
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

function ipName({ name }: Pick<PodIdentity, 'name'>, provider = PROVIDER): string {
  return `${name}.default.${provider}`;
}

/** Makes a pod with a NIC on network net. */
async function podWith(manifest: NewObject) {
  const pod = fixture.schedule(manifest);
  const { ip_address: address = '' } = await fixture.allocated(`default/${pod.name}`, PROVIDER);
  return { pod, address };
}

async function end(pod: PodIdentity): Promise<void> {
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', ipName(pod));
}

async function ports(switchName: string): Promise<string> {
  return await fixture.node.nbctl('lsp-list', switchName);
}

describe('a pod that stays releases what it does not need', () => {
  test.each([
    ['Succeeded', 'OnFailure', {}],
    ['Failed', 'Never', {}],
    ['Failed', 'Always', { reason: 'Evicted' }],
  ])('when it is %s with restartPolicy %s', async (phase, restartPolicy, more) => {
    const name = `${phase}-${restartPolicy}`.toLowerCase();
    const { pod } = await podWith({ ...podOf(name, 'net'), spec: { restartPolicy } });
    fixture.api.patch('Pod', `default/${name}`, { status: { phase, ...more } });
    await gone(fixture, 'IP', ipName(pod));
    expect(await ports('net')).not.toContain(name);
    await eventAbout(fixture, { kind: 'Pod', name, reason: 'PodNetworkReleased' });
    await fixture.kubelet.end(pod);
  });

  test.each([
    ['Succeeded', 'Always'],
    ['Failed', 'OnFailure'],
    ['Running', 'Never'],
  ])('but not when it is %s with restartPolicy %s', async (phase, restartPolicy) => {
    const name = `stays-${phase}-${restartPolicy}`.toLowerCase();
    const { pod } = await podWith({ ...podOf(name, 'net'), spec: { restartPolicy } });
    fixture.api.patch('Pod', `default/${name}`, { status: { phase } });
    // The next pod is worked on after it.
    await end((await podWith(podOf('after', 'net'))).pod);
    expect(fixture.api.get('IP', ipName(pod)).metadata.deletionTimestamp).toBeUndefined();
    await end(pod);
  });

  test('of a network of OVN’s that its annotation does not name any more, not of another plugin’s', async () => {
    fixture.apply(ovnNetwork('more'));
    fixture.apply(subnet('more', { cidrBlock: '10.5.0.0/24', provider: 'more.default.ovn' }));
    const { pod, address } = await podWith(podOf('unplugged', 'net,more,macvlan'));
    for (const provider of ['more.default.ovn', 'macvlan.default']) {
      await fixture.allocated('default/unplugged', provider);
    }
    // What it releases is another's at once.
    const heir = podOf('heir', 'more', { 'more.default.ovn.kubernetes.io/ip_address': '10.5.0.2' });
    const waiting = fixture.schedule(heir);
    await eventAbout(fixture, { kind: 'Pod', name: 'heir', reason: 'AcquireAddressFailed' });
    const annotations = { [NETWORKS]: 'net' };
    fixture.api.patch('Pod', 'default/unplugged', { metadata: { annotations } });
    await gone(fixture, 'IP', ipName(pod, 'more.default.ovn'));
    await fixture.allocated('default/heir', 'more.default.ovn');
    expect(await ports('more')).not.toContain('unplugged');
    expect(await ports('net')).toContain('unplugged');
    const after = await fixture.becomes('Pod', 'default/unplugged', ({ metadata }) => {
      return !Object.keys(metadata.annotations ?? {}).some((key) => key.startsWith('more.'));
    });
    // Nobody has taken macvlan's interface out of the pod.
    expect(after.metadata.annotations).toMatchObject({
      [`${PROVIDER}.kubernetes.io/ip_address`]: address,
      'macvlan.default.kubernetes.io/allocated': 'true',
    });
    expect(fixture.api.get('IP', ipName(pod, 'macvlan.default'))).toMatchObject({ kind: 'IP' });
    await end(pod);
    await gone(fixture, 'IP', ipName(pod, 'macvlan.default'));
    await fixture.kubelet.end(waiting);
  });
});

test('the status is right when many pods end at once', async () => {
  await fixture.subnetStatus('net', ({ v4usingIPs }) => v4usingIPs === 0);
  const names = Array.from({ length: 60 }, (_, index) => `many-${index}`);
  const pods = await Promise.all(names.map((name) => podWith(podOf(name, 'net'))));
  expect(new Set(pods.map(({ address }) => address)).size).toBe(60);
  await fixture.subnetStatus('net', ({ v4usingIPs }) => v4usingIPs === 60);
  await Promise.all(pods.map(({ pod }) => fixture.kubelet.end(pod)));
  const status = await fixture.subnetStatus('net', ({ v4usingIPrange }) => v4usingIPrange === '');
  expect(status).toMatchObject({
    v4usingIPs: 0,
    v4availableIPs: 253,
    v4availableIPrange: '10.1.0.2-10.1.0.254',
  });
});

describe('the end of', () => {
  test('a Subnet waits for its last address, and no pod gets another one', async () => {
    fixture.apply(ovnNetwork('ending'));
    fixture.apply(subnet('ending', { cidrBlock: '10.6.0.0/24', provider: 'ending.default.ovn' }));
    const first = fixture.schedule(podOf('first', 'ending'));
    const second = fixture.schedule(podOf('second', 'ending'));
    for (const { name } of [first, second]) {
      await fixture.allocated(`default/${name}`, 'ending.default.ovn');
    }
    fixture.api.delete('Subnet', 'ending');
    const object = { kind: 'Subnet', name: 'ending' };
    const waits = await conditionBecomes(fixture, object, { type: 'Ready', status: 'False' });
    expect(waits).toMatchObject({ reason: 'DeleteSubnetWaits' });
    expect(waits.message).toMatch(/in use by pod default\/(first|second), pod default\//);
    const late = fixture.schedule(podOf('late', 'ending'));
    const about = { kind: 'Pod', name: 'late', reason: 'PodNetworkUpdateFailed' };
    const text = 'subnet ending is being deleted, and goes with the last of pod default/';
    await eventAbout(fixture, { ...about, text });
    await fixture.kubelet.end(first);
    await gone(fixture, 'IP', ipName(first, 'ending.default.ovn'));
    expect(fixture.api.get('Subnet', 'ending').metadata.deletionTimestamp).toBeDefined();
    expect(await ports('ending')).toContain('second');
    await fixture.kubelet.end(second);
    await gone(fixture, 'Subnet', 'ending');
    expect(await fixture.node.nbctl('ls-list')).not.toContain('(ending)');
    await fixture.kubelet.end(late);
  });

  test('a Vpc waits for its Subnets', async () => {
    const spec = { vpc: 'tenant', cidrBlock: '10.6.0.0/24' };
    fixture.apply({ kind: 'Vpc', metadata: { name: 'tenant' }, spec: {} }, subnet('of-it', spec));
    await fixture.becomes('Vpc', 'tenant', ({ status }) => `${status?.subnets}` === 'of-it');
    const object = { kind: 'Subnet', name: 'of-it' };
    await conditionBecomes(fixture, object, { type: 'Ready', status: 'True' });
    fixture.api.delete('Vpc', 'tenant');
    const text = 'vpc tenant still has subnets of-it';
    await eventAbout(fixture, { kind: 'Vpc', name: 'tenant', reason: 'ReconcileVpcFailed', text });
    expect(await fixture.node.nbctl('lr-list')).toContain('(tenant)');
    fixture.api.delete('Subnet', 'of-it');
    await gone(fixture, 'Vpc', 'tenant');
    expect(fixture.api.list('Subnet').map(({ metadata }) => metadata.name)).not.toContain('of-it');
    expect(await fixture.node.nbctl('lr-list')).not.toContain('(tenant)');
    expect(await fixture.node.nbctl('ls-list')).not.toContain('(of-it)');
  });

  test('an IP object whose pod runs is its end only: the pod keeps its address', async () => {
    const { pod, address } = await podWith(podOf('runs', 'net'));
    const { uid } = fixture.api.get('IP', ipName(pod)).metadata;
    fixture.api.delete('IP', ipName(pod));
    const again = await fixture.becomes('IP', ipName(pod), ({ metadata }) => metadata.uid !== uid);
    expect(again.spec?.ipAddress).toBe(address);
    expect(await ports('net')).toContain('runs');
    await end(pod);
  });
});
