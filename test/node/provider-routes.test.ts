/** Routes of all sorts that move between two links of a node, by the kernel itself. */
import { beforeEach, expect, test } from 'vitest';
import {
  addressLines,
  isMoved,
  type Move,
  removalLines,
  routeLines,
} from '../../src/daemon/node/provider/address-move.ts';
import { readKernelState } from '../../src/daemon/node/provider/carry-out.ts';
import { configOf } from '../../src/daemon/node/provider/kernel.ts';
import { command } from '../lab/command.ts';

const CARD = 'card';
const BRIDGE = 'bridge';

beforeEach(async () => {
  for (const link of [CARD, BRIDGE]) {
    await command('ip', ['link', 'delete', link]).catch(() => '');
    await command('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}-far`]);
    await command('ip', ['link', 'set', link, 'up']);
    await command('ip', ['link', 'set', `${link}-far`, 'up']);
  }
  await batch(
    `address add 10.0.0.1/24 dev ${CARD}`,
    `address add fd00::1/64 dev ${CARD} nodad`,
    `address change fd00::1/64 dev ${CARD}`,
  );
});

async function batch(...lines: readonly string[]): Promise<void> {
  await command('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** The move of all that a link has, as the daemon plans it. */
async function planned(from: string, to: string): Promise<Move> {
  const { links, routes } = await readKernelState([CARD, BRIDGE]);
  const link = links.get(from);
  if (link === undefined) throw new Error(`no ${from}`);
  return { config: configOf(link, routes), from, to };
}

async function carriedOut(move: Move): Promise<void> {
  const state = await readKernelState([CARD, BRIDGE]);
  const lines = [addressLines, routeLines, removalLines].flatMap((linesOf) => linesOf(move, state));
  await batch(...lines);
  expect(isMoved(move, await readKernelState([CARD, BRIDGE]))).toBe(true);
}

/** Routes over a link that are not the kernel's own, without the link. */
async function routesOf(link: string): Promise<string[]> {
  const texts = await Promise.all(
    ['-4', '-6'].map((family) => command('ip', [family, 'route', 'show', 'table', 'main'])),
  );
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.includes(` dev ${link} `) && !line.includes('proto kernel'))
    .map((line) => line.replace(` dev ${link} `, ' ').trim())
    .sort();
}

test('routes with an object for next hops, as of a routing daemon, go over the other link with hops of their own', async () => {
  await batch(
    `nexthop add id 30 via 10.0.0.2 dev ${CARD}`,
    `nexthop add id 60 via fd00::2 dev ${CARD}`,
    'route add 10.9.0.0/24 nhid 30 proto bgp metric 20',
    'route add fd09::/64 nhid 60 proto bgp metric 20',
  );
  await carriedOut(await planned(CARD, BRIDGE));
  expect(await routesOf(CARD)).toEqual([]);
  const moved = [
    '10.9.0.0/24 via 10.0.0.2 proto bgp metric 20',
    'fd09::/64 via fd00::2 proto bgp metric 20 pref medium',
  ];
  expect(await routesOf(BRIDGE)).toEqual(moved);
  await carriedOut(await planned(BRIDGE, CARD));
  expect(await routesOf(CARD)).toEqual(moved);
});

test('a move of such routes that was interrupted anywhere is finished by the rest of it', async () => {
  await batch(
    `nexthop add id 30 via 10.0.0.2 dev ${CARD}`,
    'route add 10.9.0.0/24 nhid 30',
    'route add 10.10.0.0/24 nhid 30',
  );
  const move = await planned(CARD, BRIDGE);
  for (let done = 1; ; done += 1) {
    const state = await readKernelState([CARD, BRIDGE]);
    const rest = [addressLines, routeLines, removalLines].flatMap((of) => of(move, state));
    const [next] = rest;
    if (next === undefined) break;
    expect(done).toBeLessThan(20);
    await batch(next);
  }
  expect(await routesOf(BRIDGE)).toEqual(['10.10.0.0/24 via 10.0.0.2', '10.9.0.0/24 via 10.0.0.2']);
});

test('settings of TCP that a route has go with it', async () => {
  const settings = 'congctl reno features ecn quickack 1 initcwnd 10';
  await batch(`route add 10.9.0.0/24 via 10.0.0.2 dev ${CARD} ${settings}`);
  const before = await routesOf(CARD);
  await carriedOut(await planned(CARD, BRIDGE));
  expect(await routesOf(BRIDGE)).toEqual(before);
});

test.each([
  ['encap', '10.9.0.0/24 encap ip id 5 dst 10.0.0.7 via 10.0.0.2'],
  ['flow', '10.9.0.0/24 via 10.0.0.2 realms 3'],
  ['from', 'fd09::/64 from fd00::/64 via fd00::2'],
])('a route that would lose its %s is refused before anything is touched', async (what, words) => {
  await batch(`route add ${words} dev ${CARD}`);
  await expect(planned(CARD, BRIDGE)).rejects.toThrow(`with "${what}", which cannot be moved`);
});
