/**
 * The daemon is killed at each child process by which it moves a node's addresses to the bridge of a
 * provider network and back: none of them is ever lost, and the next daemon finishes what was begun.
 */
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { orphans, remainingOrphans } from '../lab/processes.ts';
import { type Crash, ToolShims } from '../lab/tool-shims.ts';
import { crashPoints } from './crash-fixture.ts';
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
const shims = await ToolShims.install('/run/shims');
const original = await configOf(CARD);
await startDaemon();
/** Daemons of OVS and OVN. */
const servers = (await orphans()).length;
const SET_UP = await callsOf(setUp);
/** What is looked at once more when the bridge has gone is left out: that depends on what comes first. */
const REMOVAL = (await callsOf(remove)).filter((call) => call !== 'ip.5');

beforeAll(() => expect(original.addresses).toHaveLength(6));
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(async () => {
  await shims.disarm();
  const { exitCode, signalCode } = lab.fixture.daemon.process;
  if (exitCode !== null || signalCode !== null) await startDaemon();
});

async function startDaemon(): Promise<void> {
  await lab.fixture.restartDaemon([], 'SIGTERM', { PATH: shims.path });
}

async function setUp(): Promise<void> {
  lab.network();
  await lab.ready();
}

async function remove(): Promise<void> {
  lab.fixture.api.delete('ProviderNetwork', NETWORK);
  await lab.gone();
}

/** The calls of tools that it takes, by their names. */
async function callsOf(work: () => Promise<void>): Promise<string[]> {
  await shims.arm(WORDS);
  await work();
  return await shims.disarm();
}

/** Begins something, and kills the daemon at one of its calls. */
async function crash(begin: () => void, { call, how }: { call: string; how: Crash }) {
  const { process } = lab.fixture.daemon;
  const gone = once(process, 'exit');
  await shims.arm(WORDS, { call, how, pid: process.pid as number });
  begin();
  await gone;
  await remainingOrphans(servers);
  expect(await shims.disarm()).toContain(call);
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
    await crash(() => lab.network(), point);
    await expectNothingLost();
    await startDaemon();
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
    await crash(() => lab.fixture.api.delete('ProviderNetwork', NETWORK), point);
    await expectNothingLost();
    await startDaemon();
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
    await crash(begin, { call, how: 'before' });
    lab.fixture.api.silence();
    await startDaemon();
    await expectNoRecord();
    expect(await configOf(home)).toEqual(original);
    lab.fixture.api.resume();
    if (home === BRIDGE) await remove();
    else await lab.gone();
    expect(await configOf(CARD)).toEqual(original);
  });
});
