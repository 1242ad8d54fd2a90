/**
 * When the node is swept: at start, after an outage of OVS's database, when a pod disappears, when OVS
 * reports that a port is new or that its link is gone, when the namespace of a port without a link goes,
 * and on a slow timer for what none of these shows. Rounds do not overlap; what happens during one asks
 * for one more.
 */

import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { messageOf } from '../../common/text.ts';
import type { Pod } from '../model/pod.ts';
import { isNetnsUnmounted } from '../netns/netns.ts';
import { readMarkedPort } from '../ovs/marked-port.ts';
import { type Interfaces, toInterfaceRow } from '../ovs/port.ts';
import type { BridgeRow, InterfaceColumns } from '../ovs/rows.ts';
import type { OvsTable } from '../ovs/table.ts';
import { releaseIfaceIdsOfOlderSandboxes } from './iface-id-owners.ts';
import { SecondLook } from './second-look.ts';
import { removeDeadPorts, removeOrphanedLimits, type SweepParts } from './sweep.ts';

/** Nothing waits for the timer's rounds: they are for what no event has shown. */
const INTERVAL_MS = 10 * 60_000;

/** What a round looks at; each scope has those before it, which cost less. */
const Scope = { nothing: 0, ifaceIds: 1, ports: 2, all: 3 } as const;
type Scope = (typeof Scope)[keyof typeof Scope];

/** What the clean-up of a node uses. */
export interface SweeperParts extends SweepParts {
  readonly interfaces: SweepParts['interfaces'] & Pick<Interfaces, 'synced' | 'onRow' | 'onLive'>;
  readonly bridges: Pick<OvsTable<BridgeRow>, 'synced'>;
  readonly pods: SweepParts['pods'] & Pick<WatchCache<Pod>, 'onChange'>;
}

/** Says when a round of the clean-up runs: after events, and by a timer for what no event has shown. */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #stopped = new AbortController();
  readonly #secondLook = new SecondLook(() => this.#sweep(Scope.ports));
  #isSweeping = false;
  #wanted: Scope = Scope.nothing;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Sweeps as soon as OVS's rows are here, and from then on whenever there is a reason. */
  start(): void {
    const { interfaces, bridges, pods } = this.#parts;
    const { signal } = this.#stopped;
    const timer = setInterval(() => this.#sweep(Scope.all), INTERVAL_MS);
    const stopListening = pods.onChange(({ type }) => {
      if (type === 'deleted') this.#sweep(Scope.ports);
    });
    interfaces.onRow((row) => this.#sweep(hasLostItsLink(row) ? Scope.ports : Scope.ifaceIds));
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      stopListening();
      this.#secondLook.stop();
    });
    Promise.all([interfaces.synced(signal), bridges.synced(signal)]).then(
      () => {
        this.#sweep(Scope.all);
        // What could not be removed in an outage, and what no event has shown meanwhile.
        interfaces.onLive(() => this.#sweep(Scope.all));
      },
      () => {},
    );
  }

  stop(): void {
    this.#stopped.abort();
  }

  #sweep(scope: Scope): void {
    this.#wanted = Math.max(this.#wanted, scope) as Scope;
    if (!this.#isSweeping) void this.#rounds();
  }

  async #rounds(): Promise<void> {
    this.#isSweeping = true;
    while (this.#wanted > Scope.nothing && !this.#stopped.signal.aborted) {
      const scope = this.#wanted;
      this.#wanted = Scope.nothing;
      try {
        await releaseIfaceIdsOfOlderSandboxes(this.#parts);
        if (scope >= Scope.ports) await removeDeadPorts(this.#parts);
        if (scope >= Scope.all) await removeOrphanedLimits(this.#parts);
      } catch (error) {
        this.#parts.log.warn({ error: messageOf(error) }, 'the clean-up of this node failed');
      }
    }
    this.#isSweeping = false;
    if (!this.#stopped.signal.aborted) this.#secondLook.at(this.#undecided());
  }

  /** Namespaces that are there, of ports without a link. */
  #undecided(): string[] {
    return [...this.#parts.interfaces.rows.values()]
      .filter(hasLostItsLink)
      .flatMap((row) => readMarkedPort(toInterfaceRow(row)) ?? [])
      .map(({ attachment }) => attachment.netns)
      .filter((netns) => !isNetnsUnmounted(netns));
  }
}

/** The index goes with the link; the error comes when OVS opens the interface anew. */
function hasLostItsLink({ ifindex, error = '' }: InterfaceColumns): boolean {
  return ifindex === 0 || error !== '';
}
