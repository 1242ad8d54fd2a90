/**
 * Keeps OVS's word on this node's tunnels right: their address, their other addresses (node networks)
 * and checksums; and knows the MTU that follows. It looks again when an address of the node changes, when
 * the Node object does, and when OVS's word does: another program, or an empty database in its place.
 *
 * `ovn-encap-ip` has the tunnels' address first, then those of the node's networks; `ovn-encap-ip-default`
 * the first alone (ovn-controller(8)). Without an address ovn-controller makes no tunnels, and no port
 * gets its flows.
 */
import { parseAddress } from '../../common/address.ts';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { Condition } from '../../common/concurrency/condition.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../common/log.ts';
import { outageOf } from '../../common/ovsdb/error.ts';
import { messageOf, show } from '../../common/text.ts';
import { tunnelMtu } from '../model/mtu.ts';
import type { Node } from '../model/node.ts';
import type { BridgeRow, RootRow } from '../ovs/rows.ts';
import type { FreshLook } from '../ovs/session.ts';
import type { OvsTable } from '../ovs/table.ts';
import { quoted, type Vsctl } from '../ovs/vsctl.ts';
import type { AddressMonitor } from './address-monitor.ts';
import { type Link, readLinks, readRouteSources } from './links.ts';
import type { TunnelSettings } from './tunnel-settings.ts';
import { DATAPATH_LABEL, findTunnelEnd, linkWith, type TunnelEnd } from './tunnel-source.ts';

const IP = 'ovn-encap-ip';
const DEFAULT_IP = 'ovn-encap-ip-default';
const CHECKSUM = 'ovn-encap-csum';
const KEYS = [IP, DEFAULT_IP, CHECKSUM] as const;
type ExternalIds = Readonly<Record<(typeof KEYS)[number], string>>;

const PAUSES = { firstMs: 500, maxMs: 30_000 };

/** What the tunnels' address is decided by, and by what it is read and written. */
export interface TunnelsOptions {
  readonly settings: TunnelSettings;
  readonly nodeName: string;
  readonly node: Pick<WatchCache<Node>, 'get' | 'isSynced' | 'onChange'> & {
    readonly synced: Promise<unknown>;
  };
  readonly ovs: FreshLook;
  readonly bridges: Pick<OvsTable<BridgeRow>, 'synced'>;
  readonly root: Pick<OvsTable<RootRow>, 'onRow'>;
  readonly vsctl: Vsctl;
  readonly addresses: AddressMonitor;
  readonly log: Logger;
}

/**
 * The tunnels of one node, kept right from `start` to `stop`. Attempts that fail are repeated after 0.5 s to
 * 30 s, and at once when something changes.
 */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #condition = new Condition();
  readonly #stopping = new AbortController();
  readonly #backoff = new Backoff(PAUSES);
  /** Ends the pause before the next attempt: something has changed, or the daemon is ending. */
  #wakeUp = new AbortController();
  #isDirty = false;
  #isRunning = false;
  #mtu: number | undefined;
  #failure: string | undefined;
  /** Whether it is that OVS's database is away. */
  #isOutage = false;
  #end: TunnelEnd | undefined;
  /** What OVS has as far as is known: as it was read, or written since. */
  #word = '';

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  start(): void {
    const { node, bridges, root, addresses } = this.#options;
    addresses.onChange(() => this.#look());
    addresses.start();
    root.onRow(({ external_ids: ids }) => {
      if (wordOf(ids) !== this.#word) this.#look();
    });
    let said = '';
    node.onChange(() => {
      // A Node changes with each heartbeat of its kubelet.
      const says = saysOfTunnels(node.get(this.#options.nodeName));
      if (says !== said) this.#look();
      said = says;
    });
    const { signal } = this.#stopping;
    // What OVS has counts until the Node is known: a daemon that starts while the API server is away.
    for (const ready of [bridges.synced(signal), node.synced]) {
      ready.then(
        () => this.#look(),
        () => {},
      );
    }
  }

  stop(): void {
    const reason = new Error('the daemon is ending');
    this.#stopping.abort(reason);
    this.#wakeUp.abort(reason);
    this.#options.addresses.stop();
  }

  /**
   * Bytes left for a pod's packet in this node's tunnels, as soon as they are known.
   * @throws `signal.reason` when aborted
   */
  mtu(signal: AbortSignal): Promise<number> {
    return this.#condition.until(() => this.#mtu, signal);
  }

  /** True where ADDs know their MTU. */
  get isKnown(): boolean {
    return this.#mtu !== undefined;
  }

  /** What is wrong with the tunnels; undefined where nothing is. */
  get failure(): string | undefined {
    if (this.#failure !== undefined) return this.#failure;
    return this.#mtu === undefined ? 'it is not known yet where they end' : undefined;
  }

  /** Where they end, for people; undefined until that is known. */
  get text(): string | undefined {
    return this.#end && `they end at ${this.#end.address}, by ${this.#end.source}`;
  }

  #look(): void {
    this.#isDirty = true;
    this.#wakeUp.abort(new Error('something changed'));
    if (this.#isRunning || this.#stopping.signal.aborted) return;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    this.#isRunning = true;
    while (this.#isDirty && !signal.aborted) {
      this.#isDirty = false;
      this.#wakeUp = new AbortController();
      try {
        await this.#settle();
        this.#backoff.reset();
      } catch (error) {
        this.#fail(error);
        this.#isDirty = true;
        await this.#backoff.pause(this.#wakeUp.signal).catch(() => {});
      }
    }
    // In the turn in which nothing was dirty: what comes from now on runs anew.
    this.#isRunning = false;
  }

  #fail(error: unknown): void {
    const reason = messageOf(error);
    // What is said of one outage changes: closed, then refused, then silent.
    const isSameOutage = this.#isOutage && outageOf(error) !== undefined;
    this.#isOutage = outageOf(error) !== undefined;
    if (signalled(this.#stopping.signal) || isSameOutage || reason === this.#failure) return;
    this.#failure = reason;
    this.#options.log.error({}, `cannot set up this node's tunnels: ${reason}; trying again`);
  }

  async #settle(): Promise<void> {
    const { node, nodeName } = this.#options;
    const [links, current] = await Promise.all([readLinks(), this.#read()]);
    const [first = '', ...others] = current[IP].split(',');
    const { settings } = this.#options;
    const isWorking = linkWith(links, first) !== undefined;
    if (!node.isSynced) {
      // An annotation may say something else, so that nothing is written.
      if (isWorking) this.#know(mtuAt(first, links, settings));
      return;
    }
    const own = node.get(nodeName);
    const end = await findTunnelEnd({
      settings,
      node: own,
      links,
      current: first,
      routeSources: readRouteSources,
      bridgeOf: (name) => this.#bridgeOf(name),
    }).catch((error: unknown) => {
      // The tunnels that there are go on, and pods with them.
      if (isWorking) this.#know(mtuAt(first, links, settings));
      throw error;
    });
    const mtu = mtuAt(end.address, links, settings);
    const wanted = wantedIds(end, { own, others, checksum: settings.checksum });
    const changes = Object.entries(wanted).filter(
      ([key, value]) => current[key as keyof ExternalIds] !== value,
    );
    if (changes.length > 0) {
      const pairs = changes.map(([key, value]) => `external_ids:${key}=${quoted(value)}`);
      // Before it is written: its row may come before ovs-vsctl has ended.
      this.#word = wordOf({ ...current, ...Object.fromEntries(changes) });
      await this.#options.vsctl(['--', 'set', 'Open_vSwitch', '.', ...pairs]);
    }
    this.#know(mtu);
    const isNew = this.#end?.address !== end.address || this.#failure !== undefined;
    this.#end = end;
    this.#failure = undefined;
    this.#isOutage = false;
    if (isNew || changes.length > 0) {
      const fields = { address: end.address, source: end.source, ...Object.fromEntries(changes) };
      this.#options.log.info(fields, "this node's tunnels are set up");
    }
  }

  #know(mtu: number): void {
    this.#mtu = mtu;
    this.#condition.check();
  }

  async #read(): Promise<ExternalIds> {
    const { externalIds } = await this.#options.ovs.fresh();
    this.#word = wordOf(externalIds);
    const values = KEYS.map((key) => [key, externalIds[key] ?? ''] as const);
    for (const [key, value] of values) {
      if (/^[\x21-\x7e]{0,1024}$/.test(value)) continue;
      throw new Error(
        `external_ids:${key} of Open_vSwitch is no list of addresses: ${show(value)}`,
      );
    }
    return Object.fromEntries(values) as ExternalIds;
  }

  async #bridgeOf(name: string): Promise<string | undefined> {
    return (await this.#options.ovs.fresh()).bridgeOfInterface(name)?.name;
  }
}

/** @throws Error where the MTU follows from an interface that there is not */
function mtuAt(
  address: string,
  links: readonly Link[],
  { mtu, networkType }: TunnelSettings,
): number {
  if (mtu > 0) return mtu;
  const link = linkWith(links, address);
  if (link === undefined) {
    throw new Error(
      `no interface of this node has the tunnels' address ${address} (${IP}): set --iface or --mtu`,
    );
  }
  return tunnelMtu(link.mtu, networkType, parseAddress(address)?.family === 'IPv6');
}

function saysOfTunnels(node: Node | undefined): string {
  if (node === undefined) return '';
  const { labels, tunnelInterface, internalAddress, nodeNetworks } = node;
  return JSON.stringify([labels[DATAPATH_LABEL], tunnelInterface, internalAddress, nodeNetworks]);
}

function wordOf(ids: Readonly<Record<string, string>>): string {
  return JSON.stringify(KEYS.map((key) => ids[key] ?? ''));
}

function signalled({ aborted }: AbortSignal): boolean {
  return aborted;
}

interface Known {
  readonly own: Node | undefined;
  /** Further addresses that OVS has. */
  readonly others: readonly string[];
  readonly checksum: boolean;
}

/** What OVS is to have: all of it where the tunnels are ours to set up, else only what was asked for. */
function wantedIds(end: TunnelEnd, { own, others, checksum }: Known): Partial<ExternalIds> {
  const { address, isKept } = end;
  const networks = Object.values(own?.nodeNetworks ?? {}).filter((other) => other !== address);
  const further = isKept && networks.length === 0 ? others : [...new Set(networks)].sort();
  const ips = { [IP]: [address, ...further].join(',') };
  if (isKept) {
    return {
      ...ips,
      ...(networks.length > 0 ? { [DEFAULT_IP]: address } : {}),
      ...(checksum ? {} : { [CHECKSUM]: 'false' }),
    };
  }
  return { ...ips, [DEFAULT_IP]: address, [CHECKSUM]: String(checksum) };
}
