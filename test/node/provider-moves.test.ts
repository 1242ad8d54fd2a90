/**
 * A move of addresses and routes between two links, which may be cut off behind any of its lines: whoever goes
 * on with the same record brings it to the same end, and nothing is away meanwhile.
 */
import { beforeAll, expect, test } from 'vitest';
import {
  addressLines,
  isMoved,
  type Move,
  removalLines,
  routeLines,
} from '../../src/daemon/node/provider/address-move.ts';
import { readKernelState } from '../../src/daemon/node/provider/carry-out.ts';
import { configOf as movable } from '../../src/daemon/node/provider/kernel.ts';
import { command } from '../lab/command.ts';
import { type Config, configLines, configOf, NOTHING } from './provider-fixture.ts';

const LINKS = ['eth1', 'br-net1'];

let original: Config;
let lines: readonly string[];
beforeAll(async () => {
  await makeLinks();
  original = await configOf('eth1');
  lines = await linesOf(await moveOf('eth1', 'br-net1'));
});

/** Two cards; the first has addresses and routes of both families. */
async function makeLinks(): Promise<void> {
  const names = (JSON.parse(await command('ip', ['-j', 'link'])) as { ifname: string }[]).map(
    ({ ifname }) => ifname,
  );
  const old = LINKS.filter((name) => names.includes(name)).map((name) => `link delete ${name}`);
  const made = LINKS.flatMap((name, index) => [
    `link add ${name} type veth peer name peer${index}`,
    `link set peer${index} up`,
    `link set ${name} up`,
  ]);
  const { addresses, routes } = configLines('eth1');
  // The kernel may have another link's route with the same destination and metric.
  const foreign = [
    'address add 198.18.0.1/24 dev peer0',
    'route add default via 198.18.0.9 metric 300 dev peer0',
    'route append default via 192.0.2.3 metric 300 dev eth1',
    'route add 10.77.0.0/16 nexthop via 192.0.2.3 dev eth1 nexthop via 198.18.0.9 dev peer0',
  ];
  await batch([...old, ...made, ...addresses, ...routes, ...foreign]);
}

async function batch(words: readonly string[]): Promise<void> {
  if (words.length > 0) await command('ip', ['-batch', '-'], { input: `${words.join('\n')}\n` });
}

async function moveOf(from: string, to: string): Promise<Move> {
  const { links, routes } = await readKernelState(LINKS);
  const link = links.get(from);
  if (link === undefined) throw new Error(`there is no ${from}`);
  return { config: movable(link, routes), from, to };
}

async function linesOf(move: Move): Promise<string[]> {
  const state = await readKernelState(LINKS);
  return [...addressLines(move, state), ...routeLines(move, state), ...removalLines(move, state)];
}

/** Addresses and destinations that the node has on either link. */
async function everything(): Promise<{ addresses: string[]; routes: string[] }> {
  const both = await Promise.all(LINKS.map(configOf));
  const addresses = both.flatMap((config) => config.addresses as { local: string }[]);
  return {
    addresses: [...new Set(addresses.map(({ local }) => local))].sort(),
    routes: [...new Set(both.flatMap(({ routes }) => routes))].sort(),
  };
}

test('a move has lines for each address and route, and none when it is done', async () => {
  const move = await moveOf('eth1', 'br-net1');
  expect(lines.length).toBeGreaterThan(25);
  await batch(lines);
  expect(await configOf('br-net1')).toEqual(original);
  expect(await configOf('eth1')).toEqual(NOTHING);
  expect(isMoved(move, await readKernelState(LINKS))).toBe(true);
  expect(await linesOf(move)).toEqual([]);
});

test('the route of another link with the same destination and metric stays', async () => {
  const routes = await command('ip', ['route', 'show', 'default', 'metric', '300']);
  expect(routes.split('\n').filter(Boolean)).toHaveLength(2);
  expect(routes).toContain('via 198.18.0.9 dev peer0');
  expect(await command('ip', ['route', 'show', '10.77.0.0/16'])).toContain(
    'via 198.18.0.9 dev peer0',
  );
});

test('the way back gives the first link all of it', async () => {
  await batch(await linesOf(await moveOf('br-net1', 'eth1')));
  expect(await configOf('eth1')).toEqual(original);
  expect(await configOf('br-net1')).toEqual(NOTHING);
});

test('cut off behind any line it has lost nothing, and the same record brings it to its end', async () => {
  for (let done = 0; done <= lines.length; done += 1) {
    await makeLinks();
    const all = await everything();
    const move = await moveOf('eth1', 'br-net1');
    await batch(lines.slice(0, done));
    expect(await everything(), `behind line ${done}`).toEqual(all);
    await batch(await linesOf(move));
    expect(await configOf('br-net1'), `behind line ${done}`).toEqual(original);
    expect(await configOf('eth1'), `behind line ${done}`).toEqual(NOTHING);
  }
});

test('cut off behind any line it can be taken back', async () => {
  for (let done = 0; done <= lines.length; done += 1) {
    await makeLinks();
    const { config, from, to } = await moveOf('eth1', 'br-net1');
    await batch(lines.slice(0, done));
    await batch(await linesOf({ config, from: to, to: from }));
    expect(await configOf('eth1'), `behind line ${done}`).toEqual(original);
    expect(await configOf('br-net1'), `behind line ${done}`).toEqual(NOTHING);
  }
});
