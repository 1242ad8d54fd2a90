/**
 * Runs in a guest: a provider network on a card of OVS's kernel datapath, before and after the node starts again,
 * for provider-reboot.test.ts.
 */
import { command } from '../../lab/command.ts';
import { Fixture } from '../fixture.ts';
import { answersFarEnd, makeCard, makeFarEnd } from './far-end.ts';
import { batch, ip, type NodeState, nodeState } from './ip.ts';

const READY = 'net1.provider-network.kubernetes.io/ready';
/** Untagged and in VLAN 10, of both families. */
const ADDRESSES = ['192.0.2.10', '2001:db8::10', '198.51.100.10', '2001:db8:10::10'];

export interface RebootFacts {
  readonly before: NodeState;
  /** With the bridge, and which of the node's addresses answer then. */
  readonly bridged: NodeState;
  readonly answered: readonly string[];
  /** After the node started again, while the API server is silent. */
  readonly rebooted: NodeState;
  readonly answeredThen: readonly string[];
  readonly removed: NodeState;
}

export default async function rebootFacts(): Promise<RebootFacts> {
  const fixture = await Fixture.start(['--non-primary-cni-mode'], {}, 'system');
  const { api, node } = fixture;
  await makeFarEnd();
  await makeCard('eth0', {
    0: ['192.0.2.1/24', '2001:db8::1/64'],
    10: ['198.51.100.1/24', '2001:db8:10::1/64'],
  });
  await configureHost();
  const before = await nodeState();
  const spec = { defaultInterface: 'eth0', preserveVlanInterfaces: true };
  api.create({ kind: 'ProviderNetwork', metadata: { name: 'net1' }, spec });
  const isReady = ({ metadata }: { metadata: { labels?: object } }) =>
    READY in (metadata.labels ?? {});
  await api.until('Node', node.chassis, isReady);
  const bridged = await nodeState();
  const answered = await answering();
  await reboot(fixture);
  const rebooted = await nodeState();
  const answeredThen = await answering();
  api.resume();
  api.delete('ProviderNetwork', 'net1');
  await api.until('Node', node.chassis, (object) => !isReady(object));
  return { before, bridged, answered, rebooted, answeredThen, removed: await nodeState() };
}

/** What the host's own set-up does when it starts. */
async function configureHost(): Promise<void> {
  await batch([
    'link add link eth0 name eth0.10 up type vlan id 10',
    'address add 192.0.2.10/24 dev eth0',
    'address add 2001:db8::10/64 dev eth0 nodad',
    'address change 2001:db8::10/64 dev eth0',
    'route add default via 192.0.2.1',
    'address add 198.51.100.10/24 dev eth0.10',
    'address add 2001:db8:10::10/64 dev eth0.10 nodad',
    'address change 2001:db8:10::10/64 dev eth0.10',
    'route add 10.10.0.0/16 via 198.51.100.1',
    'route add 2001:db8:11::/64 via 2001:db8:10::1',
  ]);
}

/**
 * The kernel loses links and OVS its datapath; OVS's database stays. The daemon starts, and the API server
 * says nothing: resolves when the daemon's record of the move is gone.
 */
async function reboot(fixture: Fixture): Promise<void> {
  const { node, api } = fixture;
  await fixture.daemon.stop();
  await node.killPart('ovs-vswitchd');
  await command('ovs-dpctl', ['del-dp', 'ovs-system']);
  await configureHost();
  await node.startPart('ovs-vswitchd');
  await node.switchDone();
  api.silence();
  await fixture.restartDaemon(['--non-primary-cni-mode']);
  await fixture.daemon.logged('moved from eth0 to br-net1');
  await ip('link show br-net1');
}

async function answering(): Promise<string[]> {
  const found = await Promise.all(ADDRESSES.map(answersFarEnd));
  return ADDRESSES.filter((_, index) => found[index]);
}
