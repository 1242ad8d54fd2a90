/**
 * A provider network whose bridge has the name of the node's network card (`exchangeLinkName`): the card is renamed,
 * which costs it routes and IPv6 addresses for a moment, and none of them for longer.
 */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { crashPoints } from './crash-fixture.ts';
import { CrashingDaemon } from './provider-crash-fixture.ts';
import {
  BRIDGE as CARDS_OTHER,
  CARD as CARDS_OWN,
  type Config,
  configOf,
  configure,
  NETWORK,
  NOTHING,
  ProviderFixture,
  SOON,
} from './provider-fixture.ts';

/** Of all calls that are about a provider network, and of no others. */
const WORDS = [
  ...['-d address show', 'table all', '-batch', 'del-br', 'ovn-bridge-mappings'],
  ...[CARDS_OTHER, `provider-move-${NETWORK}`],
];

const lab = await ProviderFixture.start();
const original = await configOf(CARDS_OWN);
const mac = await macOf(CARDS_OWN);
const daemon = await CrashingDaemon.start(lab, WORDS);
const SET_UP = await daemon.callsOf(setUp);
const first = await Promise.all([configOf(CARDS_OWN), configOf(CARDS_OTHER), bridgeText()]);
const REMOVAL = await daemon.callsOf(remove);

afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => daemon.reset());

function ask(): void {
  lab.network({ exchangeLinkName: true, excludeNodes: null });
}

async function setUp(): Promise<void> {
  ask();
  await lab.ready();
}

async function remove(): Promise<void> {
  lab.fixture.api.delete('ProviderNetwork', NETWORK);
  await lab.gone();
}

async function vsctl(...args: string[]): Promise<string> {
  return (await lab.fixture.node.vsctl(...args)).trim();
}

async function macOf(link: string): Promise<string> {
  const [found] = JSON.parse(await command('ip', ['-j', 'link', 'show', 'dev', link]));
  return found.address;
}

/** Bridges but OVN's own, what is in the one, and what OVN knows of it. */
async function bridgeText(): Promise<string> {
  const bridges = (await vsctl('list-br')).split('\n').filter((name) => name !== 'br-int');
  const ids = await vsctl('get', 'Open_vSwitch', '.', 'external_ids');
  const mapping = /ovn-bridge-mappings="([^"]*)"/.exec(ids)?.[1] ?? '';
  const ports = await Promise.all(bridges.map((name) => vsctl('list-ports', name)));
  const record = ids.includes('provider-move') ? ' recorded' : '';
  return `${bridges.join()}[${ports.join()}] ${mapping}${record}`;
}

const EXCHANGED = `${CARDS_OWN}[${CARDS_OTHER}] ${NETWORK}:${CARDS_OWN}`;
const NONE = '[] ';

async function expectExchanged(): Promise<void> {
  expect(await bridgeText()).toBe(EXCHANGED);
  expect(await configOf(CARDS_OWN)).toEqual(original);
  expect(await configOf(CARDS_OTHER)).toEqual(NOTHING);
}

async function expectAsBefore(): Promise<void> {
  expect(await bridgeText()).toBe(NONE);
  expect(await configOf(CARDS_OWN)).toEqual(original);
  expect(await macOf(CARDS_OWN)).toBe(mac);
  expect(await lab.links()).not.toContain(CARDS_OTHER);
}

async function echo(...words: string[]): Promise<string> {
  return await lab.machine.run('ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '1', ...words);
}

/** What a killed daemon leaves at the end of a tool is what it leaves before the next one. */
function points(calls: readonly string[]) {
  return crashPoints(calls).filter(([, { how }]) => how !== 'after');
}

describe('a ProviderNetwork with exchangeLinkName', () => {
  test('has its bridge called as the card, with all addresses and routes, and the card as the bridge', async () => {
    expect(first).toEqual([original, NOTHING, EXCHANGED] satisfies [Config, Config, string]);
    await expectAsBefore();
    await setUp();
    await expectExchanged();
    expect(lab.labels()).toEqual({ ready: 'true', interface: CARDS_OWN, mtu: '1500' });
    expect(await vsctl('get', 'Bridge', CARDS_OWN, 'external_ids')).toBe(
      '{exchange-link-name="true", vendor=kube-ovn}',
    );
    expect(await macOf(CARDS_OTHER)).toBe(mac);
    expect(await macOf(CARDS_OWN)).toBe(mac);
    expect(await echo('192.0.2.10')).toContain(' 3 received');
    expect(await echo('2001:db8:2::10')).toContain(' 3 received');
  });

  test('costs no change when it is changed in what means nothing to the node, nor at a start', async () => {
    await daemon.shims.arm(['-batch', 'ovs-vsctl', CARDS_OTHER]);
    lab.network({ excludeNodes: ['another-node'] });
    await daemon.startAgain();
    await lab.ready();
    // Another one is worked on after it.
    lab.network({ excludeNodes: [lab.fixture.node.chassis] }, 'marker');
    await expect.poll(() => lab.labels('marker').exclude, SOON).toBe('true');
    lab.fixture.api.delete('ProviderNetwork', 'marker');
    await expect.poll(() => lab.labels('marker'), SOON).toEqual({});
    expect(await daemon.shims.disarm()).toEqual([]);
    await expectExchanged();
  });

  test('takes an address from the card that comes there later', async () => {
    await command('ip', ['address', 'add', '192.0.2.77/24', 'dev', CARDS_OTHER]);
    const texts = async () => JSON.stringify((await configOf(CARDS_OWN)).addresses);
    await expect.poll(texts, SOON).toContain('192.0.2.77');
    await expect.poll(() => configOf(CARDS_OTHER), SOON).toEqual(NOTHING);
    await expect.poll(bridgeText, SOON).toBe(EXCHANGED);
    await command('ip', ['address', 'delete', '192.0.2.77/24', 'dev', CARDS_OWN]);
  });

  test('has back what somebody takes from it', async () => {
    await vsctl('remove', 'Open_vSwitch', '.', 'external_ids', 'ovn-bridge-mappings');
    await expect.poll(bridgeText, SOON).toBe(EXCHANGED);
    await vsctl('del-port', CARDS_OWN, CARDS_OTHER);
    await expect.poll(bridgeText, SOON).toBe(EXCHANGED);
  });

  test('gives the names back when it does not ask for that any more, and exchanges them again', async () => {
    lab.network({ exchangeLinkName: false });
    await expect
      .poll(bridgeText, SOON)
      .toBe(`${CARDS_OTHER}[${CARDS_OWN}] ${NETWORK}:${CARDS_OTHER}`);
    await expect.poll(() => configOf(CARDS_OTHER), SOON).toEqual(original);
    lab.network({ exchangeLinkName: true });
    await expect.poll(bridgeText, SOON).toBe(EXCHANGED);
    await expect.poll(() => configOf(CARDS_OWN), SOON).toEqual(original);
    await expect.poll(() => configOf(CARDS_OTHER), SOON).toEqual(NOTHING);
  });

  test('that leaves the node out gives the card its name back, also without the mapping', async () => {
    await lab.fixture.daemon.stop();
    await vsctl('remove', 'Open_vSwitch', '.', 'external_ids', 'ovn-bridge-mappings');
    lab.network({ excludeNodes: [lab.fixture.node.chassis] });
    await daemon.startAgain();
    await expect.poll(() => lab.labels(), SOON).toEqual({ exclude: 'true' });
    await expectAsBefore();
    await setUp();
    await expectExchanged();
  });

  test('exchanges the names anew after a reboot, of which OVS has the bridge still', async () => {
    await lab.fixture.daemon.stop();
    await lab.fixture.node.killPart('ovs-vswitchd');
    // The kernel has lost its links, and the host's own set-up has run; OVS's database is as it was.
    if ((await lab.links()).includes(CARDS_OWN)) {
      await command('ip', ['link', 'delete', CARDS_OWN]);
    }
    await command('ip', ['link', 'set', CARDS_OTHER, 'down']);
    await command('ip', ['link', 'set', CARDS_OTHER, 'name', CARDS_OWN]);
    await command('ip', ['link', 'set', CARDS_OWN, 'up']);
    await configure(CARDS_OWN);
    await lab.fixture.node.startPart('ovs-vswitchd');
    expect(await configOf(CARDS_OWN)).toEqual(original);
    await daemon.startAgain();
    await expect.poll(() => configOf(CARDS_OTHER).then(() => bridgeText()), SOON).toBe(EXCHANGED);
    await expect.poll(() => lab.links(), SOON).toContain(CARDS_OTHER);
    await expect.poll(() => configOf(CARDS_OWN), SOON).toEqual(original);
    await expectExchanged();
    expect(await echo('192.0.2.10')).toContain(' 3 received');
  });

  test('that is deleted leaves the card under its own name, as it was, and nothing else', async () => {
    await remove();
    await expectAsBefore();
    expect(await echo('192.0.2.10')).toContain(' 3 received');
  });

  test('frees an alternative name of the card that is to be its name', async () => {
    await command('ip', ['link', 'property', 'add', 'dev', CARDS_OWN, 'altname', CARDS_OTHER]);
    await setUp();
    await expectExchanged();
    await remove();
    await expectAsBefore();
  });

  test('is refused where another interface has the name, or VLANs are on the card', async () => {
    await command('ip', ['link', 'add', CARDS_OTHER, 'type', 'veth', 'peer', 'name', 'far9']);
    ask();
    const said = () => JSON.stringify(lab.fixture.api.list('Event'));
    await expect.poll(said, SOON).toContain(`${CARDS_OWN} cannot be called ${CARDS_OTHER}`);
    expect(await configOf(CARDS_OWN)).toEqual(original);
    await command('ip', ['link', 'delete', CARDS_OTHER]);
    lab.network({ preserveVlanInterfaces: true });
    await expect.poll(said, SOON).toContain('exchanges no names where VLAN interfaces are kept');
    await remove();
    await expectAsBefore();
  });
});

test('the calls at which the daemon is killed are those of a whole exchange', () => {
  expect(SET_UP.filter((call) => call.startsWith('ovs-vsctl'))).toHaveLength(4);
  expect(REMOVAL.filter((call) => call.startsWith('ovs-vsctl'))).toHaveLength(3);
  expect(SET_UP.length + REMOVAL.length).toBeGreaterThan(15);
});

describe('a daemon that is killed while it exchanges names loses nothing, and the next one finishes it:', () => {
  test.each(points(SET_UP))('killed %s', async (_, point) => {
    await daemon.crash(ask, point);
    await daemon.startAgain();
    await lab.ready();
    await expectExchanged();
    await remove();
    await expectAsBefore();
  });
});

describe('a daemon that is killed while it restores the names loses nothing, and the next one finishes it:', () => {
  test.each(points(REMOVAL))('killed %s', async (_, point) => {
    await setUp();
    await daemon.crash(() => lab.fixture.api.delete('ProviderNetwork', NETWORK), point);
    await daemon.startAgain();
    await lab.gone();
    await expectAsBefore();
  });
});
