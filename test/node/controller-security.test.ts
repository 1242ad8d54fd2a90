/** Vpcs and SecurityGroups as objects: what packets do. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningPod } from '../lab/kubelet.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { networkStatusesOf } from '../lab/network-status.ts';
import { inSandbox } from '../lab/runtime.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout, gone, messagesAbout } from './controller-observe.ts';
import { canPing, pings } from './observe.ts';

const DEFAULT_ROUTE = { 'front.default.ovn.kubernetes.io/default_route': 'true' };

let fixture: ControllerFixture;
/** In Subnet front of Vpc tenant. */
let front: RunningPod;
/** In Subnet back of the same. */
let back: RunningPod;

beforeAll(async () => {
  fixture = await ControllerFixture.start();
  fixture.apply({ kind: 'Vpc', metadata: { name: 'tenant' }, spec: {} });
  fixture.apply({ kind: 'Vpc', metadata: { name: 'other' }, spec: {} });
  network('front', 'tenant', '10.1.0.0/24');
  network('back', 'tenant', '10.2.0.0/24');
  front = await fixture.pod(podOf('front', 'front', DEFAULT_ROUTE));
  back = await fixture.pod(podOf('back', 'back', routeBy('back', '10.2.0.1')));
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

function network(name: string, vpc: string, cidrBlock: string): void {
  fixture.apply(ovnNetwork(name));
  fixture.apply(subnet(name, { vpc, cidrBlock, provider: `${name}.default.ovn` }));
}

/** A default route for the attached NIC. */
function routeBy(name: string, gw: string): Readonly<Record<string, string>> {
  return { [`${name}.default.ovn.kubernetes.io/routes`]: JSON.stringify([{ gw }]) };
}

function addressOf(pod: RunningPod): string {
  return addressesOf(pod)[0] ?? '';
}

function addressesOf({ pod }: RunningPod): readonly string[] {
  const { metadata } = fixture.api.get('Pod', `default/${pod.name}`);
  const [status] = networkStatusesOf(metadata.annotations ?? {}).filter(
    ({ interface: name }) => name === 'net1',
  );
  return status?.ips ?? [];
}

/** Waits until the node does what the northbound database says. */
async function settled(): Promise<void> {
  await fixture.node.nbctl('--wait=hv', 'sync');
}

test('the Subnets of a Vpc are routed between each other', async () => {
  expect(await pings(front.sandbox, addressOf(back), 'net1')).toBe(true);
  expect(await pings(back.sandbox, addressOf(front), 'net1')).toBe(true);
});

test('another Vpc with the same networks is isolated from it', async () => {
  network('other-front', 'other', '10.1.0.0/24');
  network('other-back', 'other', '10.2.0.0/24');
  const twin = await fixture.pod(podOf('twin', 'other-front', routeBy('other-front', '10.1.0.1')));
  const filler = fixture.schedule(podOf('filler', 'other-back'));
  await fixture.allocated('default/filler', 'other-back.default.ovn');
  const only = await fixture.pod(podOf('only', 'other-back', routeBy('other-back', '10.2.0.1')));
  expect(addressOf(twin)).toBe(addressOf(front));
  expect(await pings(twin.sandbox, addressOf(only), 'net1')).toBe(true);
  // Nobody has this address in the first Vpc.
  expect(await canPing(front.sandbox, addressOf(only), 'net1')).toBe(false);
  await fixture.kubelet.end(filler);
});

test('a static route of a Vpc leads through the pod that it names', async () => {
  expect(await canPing(back.sandbox, '192.0.2.77', 'net1')).toBe(false);
  await inSandbox(front.sandbox, 'ip', 'address', 'add', '192.0.2.77/32', 'dev', 'lo');
  const staticRoutes = [
    { cidr: '192.0.2.77/32', nextHopIP: addressOf(front), policy: 'policyDst' },
  ];
  fixture.apply({ kind: 'Vpc', metadata: { name: 'tenant' }, spec: { staticRoutes } });
  await fixture.node.nbctl('wait-until', 'Logical_Router', 'tenant', 'static_routes!=[]');
  await settled();
  expect(await pings(back.sandbox, '192.0.2.77', 'net1')).toBe(true);
});

test('a policy of a Vpc leads outside, also where the Vpc has no route there', async () => {
  const outside = '203.0.113.9';
  await inSandbox(front.sandbox, 'ip', 'address', 'add', `${outside}/32`, 'dev', 'lo');
  const policyRoutes = [
    {
      priority: 100,
      match: `ip4.dst == ${outside}`,
      action: 'reroute',
      nextHopIP: addressOf(front),
    },
  ];
  const vpc = (spec: object) => fixture.apply({ kind: 'Vpc', metadata: { name: 'tenant' }, spec });
  vpc({ staticRoutes: [] });
  await defaultRoutesBecome([]);
  expect(await canPing(back.sandbox, outside, 'net1')).toBe(false);
  vpc({ staticRoutes: [], policyRoutes });
  await defaultRoutesBecome(['10.2.0.1']);
  await settled();
  expect(await pings(back.sandbox, outside, 'net1')).toBe(true);
  // The user's own route takes its place, and the policy still decides.
  const own = { cidr: '0.0.0.0/0', nextHopIP: '10.2.0.254', policy: 'policyDst' };
  vpc({ staticRoutes: [own], policyRoutes });
  await defaultRoutesBecome(['10.2.0.254']);
  await settled();
  expect(await pings(back.sandbox, outside, 'net1')).toBe(true);
  vpc({ staticRoutes: [], policyRoutes: [] });
  await defaultRoutesBecome([]);
});

/** Waits until the routes to anywhere of Vpc tenant are by these next hops. */
async function defaultRoutesBecome(hops: readonly string[]): Promise<void> {
  const find = async () => {
    const words = ['--bare', '--columns=nexthop', 'find', 'Logical_Router_Static_Route'];
    const found = await fixture.node.nbctl(...words, 'ip_prefix="0.0.0.0/0"');
    // The default Vpc has one to the nodes.
    return found.split('\n').filter((line) => line.startsWith('10.'));
  };
  await expect.poll(find, { timeout: 60_000, interval: 50 }).toEqual(hops);
}

test('a SecurityGroup blocks what it does not allow, follows its rules, and closes its members when it goes', async () => {
  const listed = { 'front.default.ovn.kubernetes.io/security_groups': 'web' };
  const guarded = await fixture.pod(podOf('guarded', 'front', { ...DEFAULT_ROUTE, ...listed }));
  const target = addressOf(guarded);
  const missing = { kind: 'Pod', name: 'guarded', reason: 'SecurityGroupNotFound' };
  expect(await eventAbout(fixture, missing)).toContain('SecurityGroup web does not exist');
  expect(await canPing(front.sandbox, target, 'net1')).toBe(false);
  await group([]);
  expect(await canPing(front.sandbox, target, 'net1')).toBe(false);
  await group([`${addressOf(front)}/32`]);
  expect(await pings(front.sandbox, target, 'net1')).toBe(true);
  expect(await canPing(back.sandbox, target, 'net1')).toBe(false);
  fixture.api.delete('SecurityGroup', 'web');
  await gone(fixture, 'SecurityGroup', 'web');
  await portGroupGone('ovn.sg.web');
  await settled();
  expect(await canPing(front.sandbox, target, 'net1')).toBe(false);
  expect(messagesAbout(fixture, missing).length).toBeGreaterThan(0);
  // Of a group that is there again its members are let through.
  await group([`${addressOf(front)}/32`]);
  expect(await pings(front.sandbox, target, 'net1')).toBe(true);
  await fixture.kubelet.end(guarded.pod);
});

test('a pod whose only SecurityGroup does not exist yet comes up, dual stack, and is closed in both families', async () => {
  fixture.apply(ovnNetwork('dual'));
  const cidrBlock = '10.3.0.0/24,fd00:10:3::/112';
  fixture.apply(subnet('dual', { vpc: 'tenant', cidrBlock, provider: 'dual.default.ovn' }));
  const prefix = 'dual.default.ovn.kubernetes.io';
  const listed = { [`${prefix}/security_groups`]: 'later' };
  const closed = await fixture.pod(podOf('closed', 'dual', listed));
  const missing = { kind: 'Pod', name: 'closed', reason: 'SecurityGroupNotFound' };
  expect(await eventAbout(fixture, missing)).toContain('SecurityGroup later does not exist');
  expect(await neighbourFound(closed, 'fd00:10:3::1')).toBe(true);

  const open = await fixture.pod(podOf('open', 'dual'));
  expect(await pings(open.sandbox, 'fd00:10:3::1', 'net1')).toBe(true);
  const [closed4, closed6] = addressesOf(closed);
  const [open4, open6] = addressesOf(open);
  for (const address of [closed4, closed6]) {
    expect(await canPing(open.sandbox, address ?? '', 'net1')).toBe(false);
  }
  for (const address of [open4, open6, '10.3.0.1', 'fd00:10:3::1']) {
    expect(await canPing(closed.sandbox, address ?? '', 'net1')).toBe(false);
  }
});

/** Whether a neighbour answers on net1 that was forgotten before. */
async function neighbourFound({ sandbox }: RunningPod, neighbour: string): Promise<boolean> {
  await inSandbox(sandbox, 'ip', '-6', 'neighbour', 'flush', 'dev', 'net1');
  // It is looked for before an echo is sent, which is dropped.
  expect(await canPing(sandbox, neighbour, 'net1')).toBe(false);
  const show = ['ip', '-6', 'neighbour', 'show', 'to', neighbour, 'dev', 'net1'] as const;
  return (await inSandbox(sandbox, ...show, 'nud', 'reachable')).includes('lladdr');
}

/** Waits until the northbound database has no such port group. */
async function portGroupGone(name: string): Promise<void> {
  const find = () =>
    fixture.node.nbctl('--bare', '--columns=name', 'find', 'Port_Group', `name=${name}`);
  await expect.poll(find, { timeout: 60_000, interval: 50 }).toBe('');
}

/** Brings the SecurityGroup `web` to allow pings from these networks, and waits for it. */
async function group(allowed: readonly string[]): Promise<void> {
  const known = fixture.api.list('SecurityGroup')[0]?.status?.ingressMd5;
  const ingressRules = allowed.map((remoteAddress) => ({
    ipVersion: 'ipv4',
    protocol: 'icmp',
    priority: 1,
    remoteType: 'address',
    remoteAddress,
    policy: 'allow',
  }));
  const web: NewObject = {
    kind: 'SecurityGroup',
    metadata: { name: 'web' },
    spec: { ingressRules },
  };
  fixture.apply(web);
  await fixture.becomes('SecurityGroup', 'web', ({ status }) => {
    return status?.ingressMd5 !== undefined && status.ingressMd5 !== known;
  });
  // Which ports are in it is the pods' work.
  await fixture.node.nbctl('wait-until', 'Port_Group', 'ovn.sg.web', 'ports!=[]');
  await settled();
}
