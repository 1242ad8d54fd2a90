/** What is not a provider network's stays as it is, whatever objects name it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import {
  BRIDGE,
  CARD,
  type Config,
  configOf,
  NETWORK,
  ProviderFixture,
  SOON,
} from './provider-fixture.ts';

const FOREIGN_ENTRY = 'physnet9:br-physnet9';

let lab: ProviderFixture;
let original: Config;
beforeAll(async () => {
  lab = await ProviderFixture.start();
  original = await configOf(CARD);
  // As of somebody who makes the bridge later.
  await vsctl('set', 'Open_vSwitch', '.', `external_ids:ovn-bridge-mappings="${FOREIGN_ENTRY}"`);
  await lab.fixture.restartDaemon([]);
});
afterAll(() => lab[Symbol.asyncDispose]());

async function vsctl(...args: string[]): Promise<string> {
  return (await lab.fixture.node.vsctl(...args)).trim();
}

function mappings(): Promise<string> {
  return vsctl('get', 'Open_vSwitch', '.', 'external_ids:ovn-bridge-mappings');
}

/** What events say of provider networks that cannot be set up. */
function refusals(): string {
  const failed = lab.fixture.api
    .list('Event')
    .filter(({ reason }) => reason === 'InitOVSBridgeFailed');
  return failed.map(({ message }) => String(message)).join('\n');
}

/** A ProviderNetwork that is refused, and deleted then. */
async function refused(name: string, spec: object, why: string): Promise<void> {
  lab.network(spec, name);
  await expect.poll(refusals, SOON).toContain(why);
  expect(lab.labels(name)).toEqual({});
  lab.fixture.api.delete('ProviderNetwork', name);
}

/** Resolves when the daemon has worked on what was deleted before. */
async function settled(): Promise<void> {
  lab.network({ excludeNodes: [lab.fixture.node.chassis] }, 'marker');
  await expect.poll(() => lab.labels('marker').exclude, SOON).toBe('true');
  lab.fixture.api.delete('ProviderNetwork', 'marker');
  await expect.poll(() => lab.labels('marker'), SOON).toEqual({});
}

test("OVN's own bridge is not taken by a ProviderNetwork called int, nor removed with it", async () => {
  const before = await vsctl(
    '--columns=external_ids,other_config,ports',
    'list',
    'Bridge',
    'br-int',
  );
  await refused('int', {}, "its bridge would be br-int, which is OVN's own");
  await settled();
  const after = await vsctl(
    '--columns=external_ids,other_config,ports',
    'list',
    'Bridge',
    'br-int',
  );
  expect(after).toBe(before);
});

test('a bridge of somebody else is not taken, nor removed', async () => {
  await vsctl('add-br', 'br-ex', '--', 'set', 'Bridge', 'br-ex', 'datapath_type=netdev');
  await refused('ex', {}, "the OVS bridge br-ex is not Kube-OVN's");
  await settled();
  expect(await vsctl('list-br')).toContain('br-ex');
  expect(await vsctl('get', 'Bridge', 'br-ex', 'external_ids')).toBe('{}');
  expect(await vsctl('list-ports', 'br-ex')).toBe('');
  await vsctl('del-br', 'br-ex');
});

test('the loopback and ports of OVN stay where they are', async () => {
  const before = await command('ip', ['-j', 'address', 'show', 'dev', 'lo']);
  await refused(NETWORK, { defaultInterface: 'lo' }, 'nic lo is no Ethernet interface');
  await refused('own', { defaultInterface: 'br-int' }, 'nic br-int is an OVS bridge itself');
  expect(await command('ip', ['-j', 'address', 'show', 'dev', 'lo'])).toBe(before);
});

test('of two ProviderNetworks with one card the first has it, and the other one when that has gone', async () => {
  lab.network();
  await lab.ready();
  lab.network({}, 'net2');
  await expect.poll(refusals, SOON).toContain(`nic ${CARD} is a port of the OVS bridge ${BRIDGE}`);
  expect(await configOf(BRIDGE)).toEqual(original);
  lab.fixture.api.delete('ProviderNetwork', NETWORK);
  await lab.ready('net2');
  expect(await configOf('br-net2')).toEqual(original);
  lab.fixture.api.delete('ProviderNetwork', 'net2');
  await lab.gone('net2');
  expect(await configOf(CARD)).toEqual(original);
});

test('a card that has lost its mark in OVS has its addresses back nevertheless', async () => {
  lab.network();
  await lab.ready();
  await lab.fixture.daemon.stop();
  await vsctl('remove', 'Port', CARD, 'external_ids', 'vendor');
  lab.fixture.api.delete('ProviderNetwork', NETWORK);
  await lab.fixture.restartDaemon([]);
  await lab.gone();
  expect(await configOf(CARD)).toEqual(original);
});

test("a bridge with its card's name, as Kube-OVN's daemon makes it, goes on, and its card has its name back when it is removed", async () => {
  const { api } = lab.fixture;
  await command('ip', ['link', 'add', 'br-net5', 'up', 'type', 'veth', 'peer', 'name', 'far5']);
  await vsctl(
    ...['add-br', 'eth5', '--', 'set', 'Bridge', 'eth5', 'datapath_type=netdev'],
    ...['external_ids:vendor=kube-ovn', 'external_ids:exchange-link-name=true'],
    ...['--', 'add-port', 'eth5', 'br-net5', '--', 'set', 'Port', 'br-net5', 'trunks=0'],
    ...['external_ids:vendor=kube-ovn', '--', 'set', 'Open_vSwitch', '.'],
    `external_ids:ovn-bridge-mappings="${FOREIGN_ENTRY},net5:eth5"`,
  );
  const spec = { id: 50, provider: 'net5' };
  api.create({ kind: 'Vlan', metadata: { name: 'vlan50' }, spec });
  lab.network({ defaultInterface: 'eth5', exchangeLinkName: true }, 'net5');
  await lab.ready('net5');
  expect(lab.labels('net5')).toEqual({ ready: 'true', interface: 'eth5', mtu: '1500' });
  expect(await vsctl('get', 'Port', 'br-net5', 'trunks')).toBe('[0, 50]');
  api.delete('ProviderNetwork', 'net5');
  await lab.gone('net5');
  expect(await vsctl('list-br')).toBe('br-int');
  expect(await mappings()).toBe(`"${FOREIGN_ENTRY}"`);
  const [card] = JSON.parse(await command('ip', ['-j', 'link', 'show', 'dev', 'eth5']));
  expect(card).toMatchObject({ ifname: 'eth5', link: 'far5' });
  await command('ip', ['link', 'delete', 'eth5']);
});

test('entries that OVN has of somebody else stay, also of bridges that are not there', async () => {
  await lab.fixture.restartDaemon([]);
  await settled();
  expect(await mappings()).toBe(`"${FOREIGN_ENTRY}"`);
});
