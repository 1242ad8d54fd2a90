/** The bridge of a provider network on a node: set up, kept, changed and removed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { ToolRecord } from '../lab/tool-record.ts';
import {
  BRIDGE,
  CARD,
  type Config,
  configOf,
  configure,
  NETWORK,
  NOTHING,
  ProviderFixture,
  SOON,
} from './provider-fixture.ts';

const OTHER = 'eth2';
const POD = { namespace: 'kube-system', name: 'kube-ovn-cni-x' };
const ERROR = `${NETWORK}.provider-network.kubernetes.io/err_mesg`;

let lab: ProviderFixture;
let record: ToolRecord;
let original: Config;
beforeAll(async () => {
  lab = await ProviderFixture.start([CARD, OTHER]);
  record = await ToolRecord.create('/run/record', ['ip', 'ovs-vsctl']);
  await startDaemon();
  original = await configOf(CARD);
});
afterAll(() => lab[Symbol.asyncDispose]());

/** As the pod that its annotation goes to. */
async function startDaemon(flags: readonly string[] = []): Promise<void> {
  const environment = { PATH: record.path, POD_NAMESPACE: POD.namespace, POD_NAME: POD.name };
  await lab.fixture.restartDaemon(flags, 'SIGTERM', environment);
}

async function vsctl(...args: string[]): Promise<string> {
  return (await lab.fixture.node.vsctl(...args)).trim();
}

function externalId(key: string): Promise<string> {
  return vsctl('--if-exists', 'get', 'Open_vSwitch', '.', `external_ids:${key}`);
}

/** Messages of events about the provider network. */
function events(reason: string): string[] {
  return lab.fixture.api
    .list('Event')
    .filter((event) => event.reason === reason)
    .map(({ message }) => String(message));
}

/** Tools that the daemon ran for provider networks; it follows addresses all the time. */
async function tools(): Promise<string[]> {
  const begun = (await record.events()).filter(({ what }) => what === 'begin');
  return begun.map(({ words }) => words).filter((words) => !words.includes('monitor'));
}

/** Resolves when the daemon has worked on what was changed before, as on any provider network. */
async function settled(): Promise<void> {
  lab.network({ excludeNodes: [lab.fixture.node.chassis] }, 'marker');
  await expect.poll(() => lab.labels('marker').exclude, SOON).toBe('true');
  lab.fixture.api.delete('ProviderNetwork', 'marker');
  await expect.poll(() => lab.labels('marker'), SOON).toEqual({});
}

/** What that costs: a look for VLAN interfaces left of it, when it leaves the node out, and when it has gone. */
const OF_SETTLED = ['ip -j -d address show', 'ip -j -d address show'];

async function echo(...words: string[]): Promise<string> {
  return await lab.machine.run('ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '1', ...words);
}

describe('a ProviderNetwork', () => {
  test('gets its bridge, with the addresses and routes of the card', async () => {
    lab.fixture.cluster.createPod(POD.name, {}, POD.namespace);
    lab.network();
    await lab.ready();
    expect(await configOf(BRIDGE)).toEqual(original);
    expect(await configOf(CARD)).toEqual(NOTHING);
    expect(lab.labels()).toEqual({ ready: 'true', interface: CARD, mtu: '1500' });
    expect(await externalId('ovn-bridge-mappings')).toBe(`"${NETWORK}:${BRIDGE}"`);
    expect(await externalId('ovn-chassis-mac-mappings')).toMatch(
      new RegExp(`^"${NETWORK}:([0-9a-f]{2}:){5}[0-9a-f]{2}"$`),
    );
    const [link] = JSON.parse(await command('ip', ['-j', 'link', 'show', 'dev', CARD]));
    expect(await vsctl('get', 'Bridge', BRIDGE, 'other_config:hwaddr')).toBe(`"${link.address}"`);
    expect(await vsctl('get', 'Bridge', BRIDGE, 'external_ids')).toContain('vendor=kube-ovn');
    expect(await vsctl('get', 'Port', CARD, 'trunks')).toBe('[0]');
    const message = `Initialized provider network: node=${lab.fixture.node.chassis} interface=${CARD} mtu=1500`;
    await expect.poll(() => events('InitOVSBridgeSucceeded'), SOON).toEqual([message]);
    // Nothing is left of the record of the move.
    expect(await externalId(`provider-move-${NETWORK}`)).toBe('');
  });

  test('leaves the node reachable by its addresses of both families', async () => {
    expect(await echo('192.0.2.10')).toContain(' 3 received');
    expect(await echo('2001:db8:2::10')).toContain(' 3 received');
  });

  test('costs no tool when it is changed in what means nothing to this node', async () => {
    await settled();
    await record.clear();
    lab.network({ excludeNodes: ['another-node'] });
    lab.fixture.api.patch('ProviderNetwork', NETWORK, { metadata: { labels: { a: 'b' } } });
    await settled();
    expect(await tools()).toEqual(OF_SETTLED);
  });

  test('costs a restarted daemon two looks at the node at most, and no change', async () => {
    await record.clear();
    await startDaemon();
    await settled();
    const words = await tools();
    expect(words.filter((line) => /batch|ovs-vsctl.*(br-net1|eth1)/.test(line))).toEqual([]);
    // One before it knows the cluster's objects, and one when it does.
    const looks = words.filter((line) => line === 'ip -j -d address show');
    // The first is left out where the API server answers sooner.
    expect([1, 2]).toContain(looks.length - OF_SETTLED.length);
    expect(await configOf(BRIDGE)).toEqual(original);
  });

  test('lets through the VLANs of its Vlans, also of those that no controller has looked at', async () => {
    const vlan = { metadata: { name: 'vlan100' }, spec: { id: 100, provider: NETWORK } };
    lab.fixture.api.create({ kind: 'Vlan', ...vlan });
    await expect.poll(() => vsctl('get', 'Port', CARD, 'trunks'), SOON).toBe('[0, 100]');
    lab.fixture.api.delete('Vlan', 'vlan100');
    await expect.poll(() => vsctl('get', 'Port', CARD, 'trunks'), SOON).toBe('[0]');
  });

  test('has back what somebody takes from it: labels, mapping, port', async () => {
    const { api, node } = lab.fixture;
    const label = `${NETWORK}.provider-network.kubernetes.io/ready`;
    api.patch('Node', node.chassis, { metadata: { labels: { [label]: null } } });
    await lab.ready();
    await vsctl('remove', 'Open_vSwitch', '.', 'external_ids', 'ovn-bridge-mappings');
    await expect.poll(() => externalId('ovn-bridge-mappings'), SOON).toBe(`"${NETWORK}:${BRIDGE}"`);
    await vsctl('del-port', BRIDGE, CARD);
    await expect.poll(() => vsctl('list-ports', BRIDGE), SOON).toContain(CARD);
  });

  test('takes an address from its card that comes there later', async () => {
    await command('ip', ['address', 'add', '192.0.2.77/24', 'dev', CARD]);
    const texts = async () => JSON.stringify((await configOf(BRIDGE)).addresses);
    await expect.poll(texts, SOON).toContain('192.0.2.77');
    await expect.poll(() => configOf(CARD), SOON).toEqual(NOTHING);
    await command('ip', ['address', 'delete', '192.0.2.77/24', 'dev', BRIDGE]);
  });

  test('goes to another card when it names another one, and the old one has its addresses back', async () => {
    lab.network({ defaultInterface: OTHER });
    await expect.poll(() => lab.labels().interface, SOON).toBe(OTHER);
    expect(await configOf(CARD)).toEqual(original);
    expect(await configOf(BRIDGE)).toEqual(NOTHING);
    expect((await vsctl('list-ports', BRIDGE)).split('\n')).toEqual([OTHER]);
    const nodes = [lab.fixture.node.chassis];
    lab.network({ customInterfaces: [{ interface: CARD, nodes }] });
    await expect.poll(() => lab.labels().interface, SOON).toBe(CARD);
    expect(await configOf(BRIDGE)).toEqual(original);
  });

  test('that excludes the node leaves the card as it was', async () => {
    const excludeNodes = [lab.fixture.node.chassis];
    lab.network({ excludeNodes, defaultInterface: CARD, customInterfaces: null });
    await expect.poll(() => lab.labels(), SOON).toEqual({ exclude: 'true' });
    expect(await configOf(CARD)).toEqual(original);
    expect(await lab.links()).not.toContain(BRIDGE);
    expect(await externalId('ovn-bridge-mappings')).toBe('');
    lab.network({ excludeNodes: null });
    await lab.ready();
    expect(await configOf(BRIDGE)).toEqual(original);
  });

  test('follows the labels of the node with a nodeSelector', async () => {
    const { api, node } = lab.fixture;
    lab.network({ nodeSelector: { matchLabels: { rack: '1' } } });
    await expect.poll(() => lab.labels().exclude, SOON).toBe('true');
    api.patch('Node', node.chassis, { metadata: { labels: { rack: '1' } } });
    await lab.ready();
    lab.network({ nodeSelector: null });
    await lab.ready();
  });

  test('that is deleted leaves the card as it was, and nothing in OVS and on the Node', async () => {
    lab.fixture.api.delete('ProviderNetwork', NETWORK);
    await lab.gone();
    expect(await configOf(CARD)).toEqual(original);
    expect(await vsctl('list-br')).toBe('br-int');
    expect(await externalId('ovn-bridge-mappings')).toBe('');
    expect(await externalId('ovn-chassis-mac-mappings')).toBe('');
    expect(await echo('192.0.2.10')).toContain(' 3 received');
  });

  test('that was deleted while the daemon was away is removed at its start', async () => {
    lab.network();
    await lab.ready();
    await lab.fixture.daemon.stop();
    lab.fixture.api.delete('ProviderNetwork', NETWORK);
    await startDaemon();
    await lab.gone();
    expect(await configOf(CARD)).toEqual(original);
  });
});

describe('a ProviderNetwork that cannot be set up', () => {
  function annotation(): unknown {
    const pods = lab.fixture.api.list('Pod');
    const own = pods.find(({ metadata }) => metadata.name === POD.name);
    return (own?.metadata.annotations as Record<string, string> | undefined)?.[ERROR];
  }

  test('says why on the pod of the daemon and in an event, until it can', async () => {
    lab.network({ defaultInterface: 'eth9' });
    const error = 'nic eth9 does not exist';
    await expect.poll(annotation, SOON).toBe(error);
    const message = `Failed to initialize provider network: node=${lab.fixture.node.chassis} interface=eth9 error=${error}`;
    await expect.poll(() => events('InitOVSBridgeFailed'), SOON).toEqual([message]);
    expect(lab.labels()).toEqual({});
    await command('ip', ['link', 'add', 'eth9', 'type', 'veth', 'peer', 'name', 'far9']);
    await lab.ready();
    await expect.poll(annotation, SOON).toBeUndefined();
    lab.fixture.api.delete('ProviderNetwork', NETWORK);
    await lab.gone();
    await command('ip', ['link', 'delete', 'eth9']);
  });

  test('is named with its bridge where that has a name too long for OVS', async () => {
    lab.network({}, 'abcdefghijklm');
    const said = () => events('InitOVSBridgeFailed').join();
    await expect.poll(said, SOON).toContain('more than 15 bytes in its name');
    expect(await lab.links()).not.toContain('br-abcdefghijkl');
    lab.fixture.api.delete('ProviderNetwork', 'abcdefghijklm');
  });
});

describe('a reboot', () => {
  test('finds the addresses on the card, and moves them to the bridge again', async () => {
    lab.network();
    await lab.ready();
    await lab.fixture.daemon.stop();
    await lab.fixture.node.killPart('ovs-vswitchd');
    // The kernel has lost its links, and the host's own set-up has run; OVS's database is as it was.
    await command('ip', ['link', 'delete', BRIDGE]);
    await configure(CARD);
    await lab.fixture.node.startPart('ovs-vswitchd');
    await startDaemon();
    await expect.poll(() => configOf(BRIDGE), SOON).toEqual(original);
    expect(await configOf(CARD)).toEqual(NOTHING);
    expect(await echo('192.0.2.10')).toContain(' 3 received');
  });
});
