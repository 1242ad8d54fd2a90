/**
 * The daemon is killed at each child process by which it moves a node's addresses to the bridge of a
 * provider network and back: none of them is ever lost, and the next daemon finishes what was begun.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { crashPoints } from './crash-fixture.ts';
import { CrashingDaemon } from './provider-crash-fixture.ts';
import {
  BRIDGE,
  CARD,
  type Config,
  configOf,
  NETWORK,
  NOTHING,
  ProviderFixture,
  SOON,
} from './provider-fixture.ts';

/** Of all calls that are about a provider network, and of no others. */
const WORDS = ['-d address show', 'table all', '-batch', BRIDGE, `provider-move-${NETWORK}`];

const lab = await ProviderFixture.start();
const original = await configOf(CARD);
const daemon = await CrashingDaemon.start(lab, WORDS);
const SET_UP = await daemon.callsOf(setUp);
/** What is looked at once more when the bridge has gone is left out: that depends on what comes first. */
const REMOVAL = (await daemon.callsOf(remove)).filter((call) => call !== 'ip.5');

beforeAll(() => expect(original.addresses).toHaveLength(6));
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => daemon.reset());

async function setUp(): Promise<void> {
  lab.network();
  await lab.ready();
}

async function remove(): Promise<void> {
  lab.fixture.api.delete('ProviderNetwork', NETWORK);
  await lab.gone();
}

/** Every address and route is on the card or on the bridge. */
async function expectNothingLost(): Promise<void> {
  const [card, bridge] = await Promise.all([configOf(CARD), configOf(BRIDGE)]);
  const textsOf = ({ addresses }: Config) =>
    (addresses as { local: string }[]).map(({ local }) => local);
  const addresses = new Set([...textsOf(card), ...textsOf(bridge)]);
  expect([...addresses].sort()).toEqual(textsOf(original).sort());
  const routes = new Set([...card.routes, ...bridge.routes]);
  expect([...routes].sort()).toEqual([...original.routes].sort());
}

async function expectNoRecord(): Promise<void> {
  const ids = () => lab.fixture.node.vsctl('get', 'Open_vSwitch', '.', 'external_ids');
  await expect.poll(ids, SOON).not.toContain('provider-move');
}

test('the calls at which the daemon is killed are those of a whole move', () => {
  const some = [
    'ip.1',
    'ip.2',
    'ip.3',
    'ip.4',
    'ip.5',
    'ovs-vsctl.1',
    'ovs-vsctl.2',
    'ovs-vsctl.3',
  ];
  expect(SET_UP).toEqual(some);
  expect(REMOVAL).toEqual(['ip.1', 'ip.2', 'ip.3', 'ip.4', 'ovs-vsctl.1', 'ovs-vsctl.2']);
});

describe('a daemon that is killed while it moves addresses to the bridge loses none, and the next one finishes it:', () => {
  test.each(crashPoints(SET_UP))('killed %s', async (_, point) => {
    await daemon.crash(() => lab.network(), point);
    await expectNothingLost();
    await daemon.startAgain();
    await lab.ready();
    await expectNoRecord();
    expect(await configOf(BRIDGE)).toEqual(original);
    expect(await configOf(CARD)).toEqual(NOTHING);
    await remove();
    expect(await configOf(CARD)).toEqual(original);
  });
});

describe('a daemon that is killed while it gives addresses back loses none, and the next one finishes it:', () => {
  test.each(crashPoints(REMOVAL))('killed %s', async (_, point) => {
    await setUp();
    await daemon.crash(() => lab.fixture.api.delete('ProviderNetwork', NETWORK), point);
    await expectNothingLost();
    await daemon.startAgain();
    await lab.gone();
    await expectNoRecord();
    expect(await configOf(CARD)).toEqual(original);
  });
});

describe('a daemon whose API server is reached through that card, and says nothing,', () => {
  test.each([
    ['finishes what was begun', () => lab.network(), 'ovs-vsctl.2', BRIDGE],
    [
      'finishes what was taken back',
      () => lab.fixture.api.delete('ProviderNetwork', NETWORK),
      'ip.4',
      CARD,
    ],
  ] as const)('%s', async (_, begin, call, home) => {
    if (home === CARD) await setUp();
    await daemon.crash(begin, { call, how: 'before' });
    lab.fixture.api.silence();
    await daemon.startAgain();
    await expectNoRecord();
    expect(await configOf(home)).toEqual(original);
    lab.fixture.api.resume();
    if (home === BRIDGE) await remove();
    else await lab.gone();
    expect(await configOf(CARD)).toEqual(original);
  });
});
