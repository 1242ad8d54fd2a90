/**
 * Two nodes with a network card each on one wire, and what stands there beside them: a machine that reaches the
 * nodes by the addresses of their cards, and the physical gateways of two VLANs. The cards become those of a
 * provider network; pods of both nodes are in its VLANs.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { command } from './command.ts';
import type { FarNode } from './far-node.ts';
import type { FakeApiServer, NewObject } from './kubernetes/api.ts';
import { attachmentsOf } from './multus.ts';
import { Ping } from './ping.ts';
import { startSecondNode } from './second-node.ts';
import { asSandbox, type Machine, readyCard, Wire } from './wire.ts';
import { bindPod, identityOf } from './workloads.ts';

export const FAR_NAME = 'node2';
export const PROVIDER_NETWORK = 'physnet';
/** Numbers of the VLANs; the networks of pods, and the Subnets, are named `vlan<number>`. */
export const VLANS = [100, 200] as const;

/** The second node's card has another name, as machines of another make have. */
const CARDS = { near: 'eth1', far: 'eth2' } as const;
/** Of the nodes, on their cards. */
export const ADDRESSES = { near: '198.51.100.11', far: '198.51.100.12' } as const;
const STATION = '198.51.100.1';
const PREFIX = 24;

/** The manifests of docs/underlay.md: the provider network, and VLAN 100 with its Subnet and network. */
const [networkText = '', vlanText = ''] = yamlOf(
  readFileSync(resolve(import.meta.dirname, '../../docs/underlay.md'), 'utf8'),
);

/** The provider network, as the page has it. */
export const providerNetwork = load(networkText) as NewObject;

/** A VLAN of it with its Subnet, whose gateway is on the wire, and the network by which pods ask for it. */
export function vlanManifests(number: number): readonly NewObject[] {
  return loadAll(vlanText.replaceAll('100', String(number))) as NewObject[];
}

/**
 * A Subnet, with all that it needs, on the untagged network that the nodes themselves are on. Its name, and that of
 * the network by which pods ask for it, is `vlan0`.
 */
export function untaggedManifests(): readonly NewObject[] {
  const [vlan, attachment, subnet] = vlanManifests(0) as [NewObject, NewObject, NewObject];
  const own = {
    cidrBlock: `${ADDRESSES.near.replace(/\d+$/, '0')}/${PREFIX}`,
    gateway: STATION,
    excludeIps: [`${STATION}..${ADDRESSES.far}`],
  };
  return [vlan, attachment, { ...subnet, spec: { ...(subnet.spec as object), ...own } }];
}

function yamlOf(page: string): string[] {
  return [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
}

/** The address of a VLAN's physical gateway. */
export function gatewayOf(vlan: number): string {
  return `10.7.${vlan}.1`;
}

export class NodesOnWire {
  readonly far: FarNode;
  readonly #api: FakeApiServer;
  readonly #wire: Wire;
  readonly #station: Machine;
  readonly #stopFar: () => Promise<void>;

  private constructor(
    api: FakeApiServer,
    parts: { wire: Wire; station: Machine; far: FarNode; stopFar: () => Promise<void> },
  ) {
    this.#api = api;
    this.#wire = parts.wire;
    this.#station = parts.station;
    this.far = parts.far;
    this.#stopFar = parts.stopFar;
  }

  /** Starts the second node and the wire; the first one is that of this process. */
  static async start(api: FakeApiServer, daemonFlags: readonly string[]): Promise<NodesOnWire> {
    const wire = await Wire.start();
    for (const card of Object.values(CARDS)) await wire.card(card);
    await readyCard(CARDS.near);
    const cards = [CARDS.far];
    const second = await startSecondNode({ api, name: FAR_NAME, daemonFlags, cards });
    const onNear = (...argv: readonly [string, ...string[]]) => command(argv[0], argv.slice(1));
    const onFar = (...argv: readonly [string, ...string[]]) => second.node.onNode(...argv);
    for (const [node, run] of [
      ['near', onNear],
      ['far', onFar],
    ] as const) {
      const dev = ['dev', CARDS[node]] as const;
      await run('ip', 'address', 'add', `${ADDRESSES[node]}/${PREFIX}`, ...dev);
      await run('ip', 'route', 'add', '203.0.113.0/24', 'via', STATION, ...dev, 'metric', '50');
    }
    const station = await wire.machine({
      name: 'station',
      vlan: 0,
      addresses: [`${STATION}/${PREFIX}`],
    });
    for (const vlan of VLANS) {
      const addresses = [`${gatewayOf(vlan)}/24`];
      await wire.machine({ name: `gateway${vlan}`, vlan, addresses });
    }
    return new NodesOnWire(api, { wire, station, far: second.node, stopFar: second.stop });
  }

  /** Global addresses and routes of each node's card, or of the bridge that has them. */
  async configuration(of: 'card' | 'bridge'): Promise<Record<keyof typeof CARDS, string[]>> {
    const bridge = `br-${PROVIDER_NETWORK}`;
    const [near, far] = of === 'card' ? [CARDS.near, CARDS.far] : [bridge, bridge];
    return {
      near: await configOf(near, (...argv) => command(argv[0], argv.slice(1))),
      far: await configOf(far, (...argv) => this.far.onNode(...argv)),
    };
  }

  /** Pings both nodes from the wire; each is stopped by its own. */
  async pingNodes(intervalMs: number): Promise<readonly Ping[]> {
    const from = asSandbox(this.#station);
    const pings = Object.values(ADDRESSES).map((address) => Ping.start(from, address, intervalMs));
    return await Promise.all(pings);
  }

  /** Applies a pod for the second node, and brings up its interfaces. @returns its address on net1 */
  async farPod(manifest: NewObject): Promise<string> {
    const api = this.#api;
    const pod = identityOf(
      api.create({
        ...manifest,
        metadata: { namespace: 'default', ...manifest.metadata } as never,
      }),
    );
    bindPod(api, pod, FAR_NAME);
    const requests = attachmentsOf(api, pod);
    const interfaces = requests.map(({ ifName, config }) => [ifName, config] as const);
    const results = await this.far.pod(pod, interfaces);
    return results[0]?.ips?.[0]?.address.split('/')[0] ?? '';
  }

  /** Ends all that was started, the first node's card with it. */
  async stop(): Promise<void> {
    await this.#stopFar();
    await this.#wire.stop();
    for (const name of ['station', ...VLANS.map((vlan) => `gateway${vlan}`)]) {
      await command('ip', ['netns', 'delete', name]);
    }
  }
}

type Run = (...argv: readonly [string, ...string[]]) => Promise<string>;

async function configOf(link: string, run: Run): Promise<string[]> {
  const [found] = JSON.parse(await run('ip', '-j', '-4', 'address', 'show', 'dev', link));
  const addresses = (found?.addr_info ?? []) as { local: string; prefixlen: number }[];
  const routes = await run('ip', '-4', 'route', 'show', 'table', 'main', 'dev', link);
  const own = routes.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  return [
    ...addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ...own.filter(Boolean).sort(),
  ];
}
