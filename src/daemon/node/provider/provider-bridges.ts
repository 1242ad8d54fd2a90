/**
 * Follows ProviderNetworks, Vlans and this node's object, and brings the bridges of this node to what they
 * say: set up, changed, removed. One provider network at a time: they share OVS's maps of bridges.
 *
 * What a provider network was last brought to is remembered, with all that OVS has of it: as long as neither
 * changes, an event costs no tool. Moves of addresses that were interrupted are finished first, also before
 * the API server has answered: it may be reached through that very card (docs/adr/0013-provider-moves.md).
 */

import type { FieldProblem } from '../../../common/fields.ts';
import type { KubernetesApi } from '../../../common/kubernetes/api.ts';
import type { EventRecorder } from '../../../common/kubernetes/events.ts';
import type { Change, WatchCache } from '../../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../../common/log.ts';
import { outageOf } from '../../../common/ovsdb/error.ts';
import {
  bridgeName,
  interfaceOf,
  isExcluded,
  type ProviderNetwork,
  projectProviderNetwork,
  providerNetworkOfKey,
  providerNetworkProblems,
} from '../../../common/provider-network.ts';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import { ObjectEvents } from '../../../common/reconcile/object-events.ts';
import type { Queues } from '../../../common/reconcile/queues.ts';
import type { WorkQueue } from '../../../common/reconcile/work-queue.ts';
import { messageOf } from '../../../common/text.ts';
import type { Vlan } from '../../../common/vlan.ts';
import type { Node } from '../../model/node.ts';
import type { Pod } from '../../model/pod.ts';
import type { BridgeRow, InterfaceColumns, RootRow } from '../../ovs/rows.ts';
import type { OvsSession } from '../../ovs/session.ts';
import type { OvsState } from '../../ovs/state.ts';
import type { OvsTable } from '../../ovs/table.ts';
import type { AddressChange, AddressMonitor } from '../address-monitor.ts';
import type { SetUpParts } from './bring.ts';
import { recordedNetworks } from './move-record.ts';
import { BRIDGE_MAPPINGS, parseMap } from './names-map.ts';
import { findBridge, fingerprint, isOwnBridge, networkOf } from './ovs-bridge.ts';
import { type NetworkOutcome, Publication } from './publication.ts';
import { finishMove, moveToBridge } from './resume.ts';
import { setUp } from './set-up.ts';
import { takeDown } from './take-down.ts';

/** A ProviderNetwork, and what is wrong with it. */
export interface CheckedNetwork {
  readonly network: ProviderNetwork;
  readonly problems: readonly FieldProblem[];
}

/** A raw ProviderNetwork as the API server sends it. */
export function projectCheckedNetwork(raw: unknown): CheckedNetwork {
  return { network: projectProviderNetwork(raw), problems: providerNetworkProblems(raw) };
}

/** Between attempts that fail although OVS's database is there. */
const PAUSES = { firstMs: 500, maxMs: 60_000 };
/** What work waits for while there is no connection to OVS's database, or the first lists are not in. */
const DATABASE = "OVS's database";
const OBJECTS = 'ProviderNetworks and the Node';
const VLANS = 'Vlans';

export interface ProviderBridgesOptions extends Omit<SetUpParts, 'tunnelMtu' | 'ovs'> {
  readonly api: Pick<KubernetesApi, 'mergePatch'>;
  readonly networks: WatchCache<CheckedNetwork>;
  readonly vlans: WatchCache<Vlan>;
  /** This node only. */
  readonly node: WatchCache<Node>;
  /** Of this node. */
  readonly pods: Pick<WatchCache<Pod>, 'get'>;
  /** The daemon's own; undefined where it is in none. */
  readonly ownPod: { readonly namespace: string; readonly name: string } | undefined;
  readonly ovs: Pick<OvsSession, 'fresh' | 'state'>;
  readonly root: Pick<OvsTable<RootRow>, 'until'>;
  readonly bridges: Pick<OvsTable<BridgeRow>, 'until' | 'synced' | 'isLive'>;
  readonly interfaces: Pick<OvsTable<InterfaceColumns>, 'until'>;
  readonly addresses: Pick<AddressMonitor, 'onChange'>;
  readonly tunnels: { mtu(signal: AbortSignal): Promise<number> };
  readonly events: Pick<EventRecorder, 'record' | 'idle'>;
  readonly queues: Pick<Queues, 'create'>;
  readonly log: Logger;
}

/** What a provider network was last brought to. */
interface Settled {
  /** What the objects ask for. */
  readonly asked: string;
  /** What OVS had then. */
  readonly fingerprint: string;
  readonly outcome: NetworkOutcome;
}

/** Keeps the bridges of provider networks on this node at what the cluster's objects say. */
export class ProviderBridges {
  readonly #options: ProviderBridgesOptions;
  readonly #parts: SetUpParts;
  readonly #publication: Publication;
  readonly #events: ObjectEvents;
  /** Of provider networks, by their names. */
  readonly #work: WorkQueue;
  readonly #settled = new Map<string, Settled>();
  /** Of which something may have changed since the last look at the node began. */
  readonly #doubtful = new Set<string>();
  readonly #stopped = new AbortController();
  /** Labels of the node when they were last looked at. */
  #labels = '';
  #areVlansFollowed = false;
  #areObjectsKnown = false;

  constructor(options: ProviderBridgesOptions) {
    this.#options = options;
    const { tunnels, queues, events } = options;
    this.#parts = { ...options, tunnelMtu: () => tunnels.mtu(this.#stopped.signal) };
    this.#events = new ObjectEvents(events);
    this.#publication = new Publication({ ...options, events: this.#events });
    this.#work = queues.create({
      name: 'provider-networks',
      what: 'the bridge of a provider network',
      concurrency: 1,
      pauses: PAUSES,
      reconcile: (name) => this.#reconcile(name),
    });
  }

  /** Begins to follow ProviderNetworks; Vlans, when there is one. */
  start(): void {
    const { networks, node, vlans, bridges, root, interfaces, addresses } = this.#options;
    const { signal } = this.#stopped;
    networks.start();
    const ends = [
      networks.onChange((change) => this.#onNetwork(change)),
      node.onChange(() => this.#onNode()),
      vlans.onChange(({ value, previous }) => {
        for (const { provider } of [value, previous ?? value]) this.#work.add(provider);
      }),
      addresses.onChange((change) => this.#onAddress(change)),
    ];
    signal.addEventListener('abort', () => {
      for (const end of ends) end();
    });
    for (const table of [bridges, root, interfaces]) this.#followRows(table).catch(() => {});
    this.#begin().catch(() => {});
  }

  stop(): void {
    this.#stopped.abort(new Error('the daemon is ending'));
    this.#options.networks.stop();
    if (this.#areVlansFollowed) this.#options.vlans.stop();
    void this.#work.stop();
  }

  async #begin(): Promise<void> {
    const { bridges, networks, node } = this.#options;
    await bridges.synced(this.#stopped.signal);
    const { externalIds } = await this.#stateAgain();
    const mapped = parseMap(externalIds[BRIDGE_MAPPINGS]).keys();
    for (const name of [...mapped, ...recordedNetworks(externalIds)]) this.#work.add(name);
    await Promise.all([networks.synced, node.synced]);
    if (networks.size > 0) this.#followVlans();
    this.#areObjectsKnown = true;
    this.#work.wake(OBJECTS);
    for (const name of await this.#allNames()) this.#work.add(name);
  }

  /** As `fresh`, once OVS's database is there: what is looked for at the start is looked for only then. */
  async #stateAgain(): Promise<OvsState> {
    const { bridges, ovs } = this.#options;
    for (;;) {
      await bridges.until(() => bridges.isLive || undefined, this.#stopped.signal);
      try {
        return await ovs.fresh();
      } catch (error) {
        if (outageOf(error) === undefined) throw error;
      }
    }
  }

  /** In a cluster without provider networks nobody asks for their Vlans. */
  #followVlans(): void {
    if (this.#areVlansFollowed) return;
    this.#areVlansFollowed = true;
    const { vlans } = this.#options;
    vlans.start();
    void vlans.synced.then(() => this.#work.wake(VLANS));
  }

  /** Of all that there are, and of those of which the node still has something. */
  async #allNames(): Promise<Set<string>> {
    const { networks, node, nodeName } = this.#options;
    const state = await this.#stateAgain();
    const mapped = parseMap(state.externalIds[BRIDGE_MAPPINGS]);
    const names = new Map([...mapped].map(([network, bridge]) => [bridge, network]));
    const own = [...state.bridges.values()].flatMap(({ name }) => {
      const bridge = findBridge(state, name);
      if (bridge === undefined || !isOwnBridge(bridge)) return [];
      return names.get(name) ?? networkOf(bridge) ?? [];
    });
    const labels = Object.keys(node.get(nodeName)?.labels ?? {});
    return new Set([
      ...[...networks.values()].map(({ network }) => network.name),
      ...own,
      ...labels.flatMap((key) => providerNetworkOfKey(key) ?? []),
    ]);
  }

  #onNetwork({ type, value }: Change<CheckedNetwork>): void {
    const { name, uid } = value.network;
    if (type === 'deleted') this.#events.forget(uid);
    this.#work.add(name);
  }

  /** A Node changes with each heartbeat of its kubelet. */
  #onNode(): void {
    const { networks, node, nodeName } = this.#options;
    const labels = JSON.stringify(node.get(nodeName)?.labels ?? {});
    if (labels === this.#labels) return;
    this.#labels = labels;
    for (const { network } of networks.values()) this.#work.add(network.name);
  }

  /**
   * A card has an address that it is not to have: the host's own set-up, or DHCP. It may have come while
   * the provider network was worked on, and after the look at the card.
   */
  #onAddress(change: AddressChange | undefined): void {
    const { networks, nodeName } = this.#options;
    if (change?.isGone) return;
    for (const { network } of networks.values()) {
      if (this.#isExcluded(network)) continue;
      const own = interfaceOf(network, nodeName);
      const card = network.exchangeLinkName ? bridgeName(network.name) : own;
      const isOfCard =
        change === undefined ||
        change.link === card ||
        change.link.startsWith(`${card}.`) ||
        network.vlanInterfaces.includes(change.link);
      if (isOfCard) this.#lookAgain(network.name);
    }
  }

  /** Ends only with the daemon. */
  async #followRows(table: Pick<OvsTable<unknown>, 'until'>): Promise<never> {
    for (;;) {
      const changed = await table.until(() => this.#changedNetwork(), this.#stopped.signal);
      this.#lookAgain(changed);
    }
  }

  #lookAgain(name: string): void {
    this.#doubtful.add(name);
    this.#settled.delete(name);
    this.#work.add(name);
  }

  /** One of which OVS has something else than when it was brought to it. */
  #changedNetwork(): string | undefined {
    const { bridges, ovs } = this.#options;
    if (!bridges.isLive) return undefined;
    for (const [name, settled] of this.#settled) {
      if (fingerprint(ovs.state, name) !== settled.fingerprint) return name;
    }
    return undefined;
  }

  /** @throws NotDone where something has to come first; what is in the way else */
  async #reconcile(name: string): Promise<void> {
    try {
      await this.#resume(name);
      await this.#bring(name);
    } catch (error) {
      throw outageOf(error) === undefined ? error : this.#awaitDatabase(error);
    }
  }

  /**
   * What cannot wait for the API server, which may be reached through that card: a move that was
   * interrupted is finished, and what a reboot has left on a card is moved.
   */
  async #resume(name: string): Promise<void> {
    const isFinished = await finishMove(this.#parts, name);
    if (isFinished) this.#settled.delete(name);
    if (!this.#areObjectsKnown) await moveToBridge(this.#parts, name);
  }

  async #bring(name: string): Promise<void> {
    const { networks } = this.#options;
    if (!this.#areObjectsKnown)
      throw new NotDone('they are not known yet', { waitsFor: [OBJECTS] });
    const checked = networks.get(name);
    if (checked?.network.deleting) return;
    if (checked !== undefined) this.#requireVlans();
    const asked = this.#askedOf(checked);
    if (asked === undefined) throw new NotDone('this node has no object', { waitsFor: [] });
    const outcome = (await this.#settledOutcome(name, asked)) ?? (await this.#settle(name, asked));
    await this.#publication.publish(name, checked?.network, outcome);
    if (outcome.kind === 'gone') this.#settled.delete(name);
    if (outcome.kind === 'failed') throw new NotDone(outcome.error);
  }

  /** What it was brought to, where that is what is asked for and there; undefined else. */
  async #settledOutcome(name: string, asked: string): Promise<NetworkOutcome | undefined> {
    const settled = this.#settled.get(name);
    if (settled?.asked !== asked || this.#doubtful.has(name)) return undefined;
    const now = fingerprint(await this.#options.ovs.fresh(), name);
    // What was right is not written down anew here: what somebody changes just now would be right, too.
    return settled.fingerprint === now ? settled.outcome : undefined;
  }

  async #settle(name: string, asked: string): Promise<NetworkOutcome> {
    const { networks, vlans, ovs } = this.#options;
    this.#doubtful.delete(name);
    // What OVS has is about to be something else, by our own doing.
    this.#settled.delete(name);
    const outcome = await this.#change(name, networks.get(name), [...vlans.values()]);
    if (outcome.kind === 'failed') return outcome;
    const now = fingerprint(await ovs.fresh(), name);
    this.#settled.set(name, { asked, fingerprint: now, outcome });
    return outcome;
  }

  /** @throws NotDone where they are not known: by a port without them, pods would lose their VLAN */
  #requireVlans(): void {
    this.#followVlans();
    if (this.#options.vlans.isSynced) return;
    throw new NotDone('Vlans are not known yet', { waitsFor: [VLANS] });
  }

  /** What the objects ask for on this node, as one text; undefined where the node is not known. */
  #askedOf(checked: CheckedNetwork | undefined): string | undefined {
    const { node, nodeName, vlans } = this.#options;
    const own = node.get(nodeName);
    if (own === undefined) return undefined;
    if (checked === undefined) return 'nothing';
    const { network, problems } = checked;
    const ids = [...vlans.values()]
      .filter(({ provider }) => provider === network.name)
      .map(({ id }) => id);
    const { autoCreateVlanSubinterfaces, preserveVlanInterfaces, vlanInterfaces } = network;
    return JSON.stringify([
      ...[network.uid, problems, this.#isExcluded(network), interfaceOf(network, nodeName)],
      ...[network.exchangeLinkName, autoCreateVlanSubinterfaces, preserveVlanInterfaces],
      ...[vlanInterfaces, ids.sort((a, b) => a - b)],
    ]);
  }

  #isExcluded(network: ProviderNetwork): boolean {
    const { node, nodeName } = this.#options;
    const labels = new Map(Object.entries(node.get(nodeName)?.labels ?? {}));
    return isExcluded(network, { name: nodeName, labels });
  }

  /** @throws OvsdbError where OVS's database is away: then nothing is said of the provider network */
  async #change(
    name: string,
    checked: CheckedNetwork | undefined,
    vlans: readonly Vlan[],
  ): Promise<NetworkOutcome> {
    const failed = (error: string): NetworkOutcome => {
      const { nodeName } = this.#options;
      return {
        kind: 'failed',
        error,
        interface: checked ? interfaceOf(checked.network, nodeName) : '',
      };
    };
    const [problem] = checked?.problems ?? [];
    if (problem !== undefined) return failed(`${problem.message}: ${problem.advice}`);
    try {
      if (checked === undefined || this.#isExcluded(checked.network)) {
        await takeDown(this.#parts, name);
        return { kind: checked === undefined ? 'gone' : 'excluded' };
      }
      return { kind: 'ready', setUp: await setUp(this.#parts, checked.network, vlans) };
    } catch (error) {
      if (outageOf(error) !== undefined) throw error;
      return failed(messageOf(error));
    }
  }

  /** Where OVS's database is away, nothing is tried until it is back. */
  #awaitDatabase(error: unknown): NotDone {
    const { bridges } = this.#options;
    bridges
      .until(() => bridges.isLive || undefined, this.#stopped.signal)
      .then(
        () => this.#work.wake(DATABASE),
        // It is only ended by a stop.
        () => undefined,
      );
    return new NotDone(messageOf(error), { waitsFor: [DATABASE] });
  }
}
