/**
 * What tests of provider networks on a real node start with: a network card on the wire, with addresses
 * and routes of both families, and what a test looks at: where these are, and what OVS has.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../lab/command.ts';
import { type Machine, readyCard, Wire } from '../lab/wire.ts';
import { Fixture } from './fixture.ts';

export const CARD = 'eth1';
export const NETWORK = 'net1';
export const BRIDGE = 'br-net1';
export const SOON = { timeout: 30_000, interval: 50 };

const ADDRESSES = [
  ['192.0.2.10/24', 'broadcast', '+'],
  ['192.0.2.11/24'],
  ['198.51.100.10', 'peer', '198.51.100.11', 'noprefixroute'],
  ['203.0.113.10/25', 'metric', '50'],
  ['2001:db8:2::10/64', 'nodad'],
  ['2001:db8:3::10/64', 'nodad', 'noprefixroute'],
];
/** Words behind `ip route add`, less the device. */
const ROUTES = [
  ['default', 'via', '192.0.2.1', 'metric', '100', 'proto', 'dhcp', 'src', '192.0.2.10'],
  ['default', 'via', '192.0.2.2', 'metric', '200'],
  ['10.5.0.0/16', 'via', '192.0.2.1', 'table', '100', 'mtu', '1400', 'advmss', '1300'],
  ['10.6.0.0/16', 'via', '10.99.0.1', 'onlink'],
  ['10.7.0.0/16', 'scope', 'link'],
  ['10.8.0.0/16', 'via', '10.7.0.1'],
  ['10.9.0.0/16', 'via', 'inet6', 'fe80::1'],
  ['default', 'via', '2001:db8:2::1', 'metric', '512'],
  ['2001:db8:50::/64', 'via', 'fe80::1', 'table', '200', 'pref', 'high'],
  ['2001:db8:51::/64'],
];

/** Addresses and routes of a link, as values that tests compare. */
export interface Config {
  readonly addresses: readonly object[];
  readonly routes: readonly string[];
}

export class ProviderFixture implements AsyncDisposable {
  readonly fixture: Fixture;
  readonly wire: Wire;
  /** Asks the node for its addresses. */
  readonly machine: Machine;

  private constructor(fixture: Fixture, wire: Wire, machine: Machine) {
    this.fixture = fixture;
    this.wire = wire;
    this.machine = machine;
  }

  /** @param cards names of the node's network cards; the first has addresses and routes */
  static async start(
    cards: readonly string[] = [CARD],
    flags?: readonly string[],
  ): Promise<ProviderFixture> {
    const fixture = await Fixture.start(flags);
    const wire = await Wire.start();
    for (const card of cards) {
      await wire.card(card);
      await readyCard(card);
    }
    const [card = CARD] = cards;
    await configure(card);
    const addresses = ['192.0.2.1/24', '192.0.2.2/24', '2001:db8:2::1/64'];
    const machine = await wire.machine({ name: 'outside', vlan: 0, addresses });
    return new ProviderFixture(fixture, wire, machine);
  }

  /** Makes the ProviderNetwork, or changes it. */
  network(spec: object = {}, name = NETWORK): void {
    const { api } = this.fixture;
    const isThere = api.list('ProviderNetwork').some(({ metadata }) => metadata.name === name);
    if (isThere) api.patch('ProviderNetwork', name, { spec });
    else {
      const whole = { defaultInterface: CARD, ...spec };
      api.create({ kind: 'ProviderNetwork', metadata: { name }, spec: whole });
    }
  }

  labels(name = NETWORK): Record<string, string> {
    const [node] = this.fixture.api.list('Node');
    const prefix = `${name}.provider-network.kubernetes.io/`;
    const labels = Object.entries((node?.metadata.labels ?? {}) as Record<string, string>);
    return Object.fromEntries(
      labels.flatMap(([key, value]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
      ),
    );
  }

  /** Resolves when the Node says that the provider network is ready. */
  async ready(name = NETWORK): Promise<void> {
    await until(`${name} is ready`, () => this.labels(name).ready === 'true');
  }

  /** Resolves when nothing of the provider network is left on the Node and on the node. */
  async gone(name = NETWORK): Promise<void> {
    await until(`${name} is gone`, async () => {
      const isLabelled = Object.keys(this.labels(name)).length > 0;
      return !isLabelled && !(await this.links()).includes(`br-${name}`);
    });
  }

  async links(): Promise<string[]> {
    const links: { ifname: string }[] = JSON.parse(await command('ip', ['-j', 'link']));
    return links.map(({ ifname }) => ifname);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.wire.stop();
    await this.fixture[Symbol.asyncDispose]();
  }
}

/** Resolves when something is so. @throws Error after 60 s */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`it is not so that ${what}`);
    await sleep(50);
  }
}

/** Gives a card the addresses and routes. */
export async function configure(card: string): Promise<void> {
  const { addresses, routes } = configLines(card);
  const input = `${[...addresses, ...routes].join('\n')}\n`;
  await command('ip', ['-batch', '-'], { input });
}

/** The lines of `ip -batch` by which a card gets them. */
export function configLines(card: string): { addresses: string[]; routes: string[] } {
  return {
    addresses: ADDRESSES.flatMap((words) => {
      const plain = words.filter((word) => word !== 'nodad').join(' ');
      const add = `address add ${words.join(' ')} dev ${card}`;
      return words.includes('nodad') ? [add, `address change ${plain} dev ${card}`] : [add];
    }),
    routes: ROUTES.map((words) => {
      const isV6 = words.some((word) => word.startsWith('2001:'));
      const family = words.map((word) => (word === 'default' && isV6 ? '::/0' : word));
      return `route add ${family.join(' ')} dev ${card}`;
    }),
  };
}

/** Addresses and routes of a link that are not the kernel's own, with the link's name left out. */
export async function configOf(link: string): Promise<Config> {
  const [found] = JSON.parse(
    await command('ip', ['-j', 'address', 'show', 'dev', link]).catch(() => '[]'),
  );
  const addresses = (found?.addr_info ?? []) as { scope: string; label?: string }[];
  const routes = await Promise.all(
    ['-4', '-6'].map((family) => command('ip', [family, 'route', 'show', 'table', 'all'])),
  );
  const isLocal = /^(local|broadcast|multicast|anycast|ff00|fe80)/;
  return {
    addresses: addresses.filter(({ scope }) => scope !== 'link').map(({ label, ...rest }) => rest),
    routes: routes
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.includes(` dev ${link} `) && !isLocal.test(line))
      .map((line) => line.replace(` dev ${link} `, ' ').trim())
      .sort(),
  };
}

export const NOTHING: Config = { addresses: [], routes: [] };
