/** Runs in a guest: provider networks on cards with VLAN interfaces and on bonds, for provider.test.ts. */
import { abortable, startDeadline } from '../../../src/common/concurrency/deadline.ts';
import type { KubernetesObject } from '../../lab/kubernetes/api.ts';
import { Fixture } from '../fixture.ts';
import { answers, answersFarEnd, atFarEnd, Echo, makeCard, makeFarEnd } from './far-end.ts';
import { batch, ip, type NodeState, nodeState } from './ip.ts';

/** For one change of a provider network; ms. */
const CHANGE_MS_MAX = 60_000;
const NAMESPACE_OF_POD = 'pod';

/** The node before a ProviderNetwork is there, while it is, and when it has gone. */
export interface Course {
  readonly before: NodeState;
  readonly meanwhile: NodeState;
  readonly after: NodeState;
}

export interface ProviderFacts {
  /** eth0 with eth0.10 and eth0.20. */
  readonly kept: Course & {
    readonly labels: Readonly<Record<string, string>>;
    readonly answers: Readonly<Record<string, boolean>>;
    /** From outside, without a tag and in VLAN 10. */
    readonly echoes: readonly { readonly answered: number; readonly lost: number }[];
  };
  /** eth0 again, while eth0.10 has a macvlan interface of a pod on it. */
  readonly used: {
    readonly before: NodeState;
    readonly meanwhile: NodeState;
    readonly message: string;
    readonly isPodThere: boolean;
  };
  /** eth1, of which eth1.30 is made. */
  readonly made: Course & { readonly isAnswered: boolean };
  /** bond0. */
  readonly bond: Course & { readonly isAnswered: boolean };
}

export default async function providerFacts(): Promise<ProviderFacts> {
  const fixture = await Fixture.start(['--non-primary-cni-mode'], {}, 'system');
  await makeFarEnd();
  return {
    kept: await keepsVlans(fixture),
    used: await refusesUsedVlan(fixture),
    made: await makesVlan(fixture),
    bond: await takesBond(fixture),
  };
}

async function keepsVlans(fixture: Fixture): Promise<ProviderFacts['kept']> {
  await makeCard('eth0', {
    0: ['192.0.2.1/24', '2001:db8::1/64'],
    10: ['198.51.100.1/24', '2001:db8:10::1/64'],
    20: ['203.0.113.1/24'],
  });
  await batch([
    'link add link eth0 name eth0.10 up type vlan id 10',
    'link add link eth0 name eth0.20 up mtu 1400 type vlan id 20',
    'address add 192.0.2.10/24 dev eth0',
    'address add 2001:db8::10/64 dev eth0',
    'route add default via 192.0.2.1',
    'address add 198.51.100.10/24 dev eth0.10',
    'address add 198.51.100.11/24 dev eth0.10',
    'address add 2001:db8:10::10/64 dev eth0.10',
    'route add 10.10.0.0/16 via 198.51.100.1',
    'route add 10.11.0.0/16 via 198.51.100.1 table 100',
    'route add 2001:db8:11::/64 via 2001:db8:10::1',
    'address add 203.0.113.10/24 dev eth0.20',
  ]);
  await answers('2001:db8:10::1');
  const before = await nodeState();
  const echoes = [new Echo('192.0.2.10'), new Echo('198.51.100.10')];
  const labels = await create(fixture, 'net1', {
    defaultInterface: 'eth0',
    vlanInterfaces: ['eth0.10'],
    preserveVlanInterfaces: true,
  });
  const meanwhile = await nodeState();
  const found = await reached(fixture);
  await remove(fixture, 'net1');
  const after = await nodeState();
  const counts = await Promise.all(echoes.map((echo) => echo.stop()));
  return { before, meanwhile, after, labels, answers: found, echoes: counts };
}

/** What has an answer while eth0 is in its bridge. */
async function reached(fixture: Fixture): Promise<Readonly<Record<string, boolean>>> {
  await makePod(fixture);
  const asked: Readonly<Record<string, Promise<boolean>>> = {
    'from the node': answers('192.0.2.1'),
    'from the node, by IPv6': answers('2001:db8::1'),
    'from the node, in VLAN 10': answers('198.51.100.1'),
    'from the node, in VLAN 10, by IPv6': answers('2001:db8:10::1'),
    'from the node, in VLAN 20': answers('203.0.113.1'),
    'from outside, in VLAN 10': answersFarEnd('198.51.100.10'),
    'from a pod, in VLAN 10': answers('198.51.100.1', NAMESPACE_OF_POD),
    'from a pod to the node, in VLAN 10': answers('198.51.100.10', NAMESPACE_OF_POD),
  };
  await Promise.all(Object.values(asked));
  const entries = Object.entries(asked).map(async ([name, is]) => [name, await is]);
  await ip('link delete pod-link');
  await fixture.node.vsctl('del-port', 'br-net1', 'pod-link');
  return Object.fromEntries(await Promise.all(entries));
}

/** A port of VLAN 10 in the bridge: what OVN makes of a pod there, on the wire. */
async function makePod({ node }: Fixture): Promise<void> {
  await ip(`netns add ${NAMESPACE_OF_POD}`);
  await ip(`link add pod-link up type veth peer name eth0 netns ${NAMESPACE_OF_POD}`);
  await batch(['link set eth0 up', 'address add 198.51.100.99/24 dev eth0'], NAMESPACE_OF_POD);
  await node.vsctl('add-port', 'br-net1', 'pod-link', 'tag=10');
  await node.switchDone();
}

/** The macvlan interface is in a namespace of its own, where the daemon does not see it. */
async function refusesUsedVlan(fixture: Fixture): Promise<ProviderFacts['used']> {
  await ip(`link add net1 link eth0.10 netns ${NAMESPACE_OF_POD} type macvlan mode bridge`);
  await ip(`-n ${NAMESPACE_OF_POD} link set net1 up`);
  const before = await nodeState();
  const spec = { defaultInterface: 'eth0', preserveVlanInterfaces: true };
  fixture.api.create({ kind: 'ProviderNetwork', metadata: { name: 'net4' }, spec });
  const event = await inTime(fixture, fixture.api.untilSome('Event', isFailureOfNet4));
  const meanwhile = await nodeState();
  const links = await ip(`-n ${NAMESPACE_OF_POD} -o link show`);
  fixture.api.delete('ProviderNetwork', 'net4');
  await ip(`-n ${NAMESPACE_OF_POD} link delete net1`);
  return { before, meanwhile, message: String(event.message), isPodThere: / net1@/.test(links) };
}

function isFailureOfNet4({ reason, involvedObject }: KubernetesObject): boolean {
  const { name } = involvedObject as { name: string };
  return reason === 'InitOVSBridgeFailed' && name === 'net4';
}

async function makesVlan(fixture: Fixture): Promise<ProviderFacts['made']> {
  await makeCard('eth1', { 30: ['198.18.30.1/24'] });
  const before = await nodeState();
  const spec = { defaultInterface: 'eth1.30', autoCreateVlanSubinterfaces: true };
  await create(fixture, 'net2', spec);
  const meanwhile = await nodeState();
  await ip('address add 198.18.30.10/24 dev br-net2');
  const isAnswered = await answers('198.18.30.1');
  await ip('address delete 198.18.30.10/24 dev br-net2');
  await remove(fixture, 'net2');
  return { before, meanwhile, after: await nodeState(), isAnswered };
}

async function takesBond(fixture: Fixture): Promise<ProviderFacts['bond']> {
  const members = ['member1', 'member2'];
  for (const name of members) await makeCard(name);
  await atFarEnd([
    'link add lan up type bridge',
    'address add 198.18.40.1/24 dev lan',
    ...members.map((name) => `link set ${name} master lan`),
  ]);
  await batch([
    'link add bond0 type bond mode active-backup miimon 100',
    ...members.flatMap((name) => [`link set ${name} down`, `link set ${name} master bond0`]),
    'link set bond0 up',
    'address add 198.18.40.10/24 dev bond0',
    'route add 10.40.0.0/16 via 198.18.40.1',
  ]);
  const before = await nodeState();
  await create(fixture, 'net3', { defaultInterface: 'bond0' });
  const meanwhile = await nodeState();
  const isAnswered = await answers('198.18.40.1');
  await remove(fixture, 'net3');
  return { before, meanwhile, after: await nodeState(), isAnswered };
}

/** Resolves with the labels of the node for it when it is ready. */
async function create(
  fixture: Fixture,
  name: string,
  spec: object,
): Promise<Readonly<Record<string, string>>> {
  fixture.api.create({ kind: 'ProviderNetwork', metadata: { name }, spec });
  return await labelsBecome(fixture, name, ({ ready }) => ready === 'true');
}

/** Resolves when the daemon has taken the labels off the node, which it does last. */
async function remove(fixture: Fixture, name: string): Promise<void> {
  fixture.api.delete('ProviderNetwork', name);
  await labelsBecome(fixture, name, (labels) => Object.keys(labels).length === 0);
}

/** Resolves with the labels of the node for a provider network. */
async function labelsBecome(
  fixture: Fixture,
  network: string,
  isWanted: (labels: Readonly<Record<string, string>>) => boolean,
): Promise<Readonly<Record<string, string>>> {
  const { api, node } = fixture;
  const suffix = `${network}.provider-network.kubernetes.io/`;
  const labelsOf = ({ metadata }: KubernetesObject) =>
    Object.fromEntries(
      Object.entries(metadata.labels ?? {}).flatMap(([key, value]) =>
        key.startsWith(suffix) ? [[key.slice(suffix.length), value]] : [],
      ),
    );
  const found = api.until('Node', node.chassis, (object) => isWanted(labelsOf(object)));
  return labelsOf(await inTime(fixture, found));
}

/** What the daemon is to bring about. @throws Error with the daemon's log where that takes too long */
async function inTime<Value>({ daemon }: Fixture, task: Promise<Value>): Promise<Value> {
  using deadline = startDeadline(CHANGE_MS_MAX);
  return await abortable(task, deadline.signal).catch((cause: unknown) => {
    throw new Error(daemon.log.join('\n'), { cause });
  });
}
