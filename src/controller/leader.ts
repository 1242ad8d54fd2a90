/**
 * The leader at work: begins with all objects of all kinds (kinds.ts), and ends.
 */

import { stackOf } from '../common/log.ts';
import type { WorkQueueFigures } from '../common/reconcile/queue-figures.ts';
import { Queues } from '../common/reconcile/queues.ts';
import { messageOf } from '../common/text.ts';
import type { Context } from './kinds/context.ts';
import type { Kind, Unsubscribe } from './kinds/kind.ts';
import { createKinds } from './kinds.ts';
import type { DriftChange } from './ovn/drift-tables.ts';

/** The work of the controller that holds the Lease, from its start to the loss of the Lease. */
export class Leader {
  readonly #context: Context;
  readonly #queues: Queues;
  readonly #kinds: readonly Kind[];
  #subscriptions: readonly Unsubscribe[] = [];

  constructor(context: Context) {
    const { log, observerOf } = context;
    this.#context = context;
    this.#queues = new Queues({ log, observerOf });
    this.#kinds = createKinds(context, this.#queues);
  }

  /** Works on all objects once, and on those that change from then on. */
  start(): void {
    this.#subscriptions = [
      ...this.#kinds.flatMap((kind) => kind.subscribe()),
      // What needs objects of that kind can be done now, or has another reason to wait.
      this.#context.cluster.onAvailability(() => this.#addAll()),
    ];
    this.#addAll();
  }

  /** What the queues have to do, by their names. */
  queueFigures(): ReadonlyMap<string, WorkQueueFigures> {
    return this.#queues.figures();
  }

  #addAll(): void {
    this.#each('to have all objects worked on', (kind) => kind.addAll?.());
  }

  /** What a kind throws is a fault of ours: the others go on, and so does whoever has called us with a change. */
  #each(what: string, act: (kind: Kind) => void): void {
    for (const kind of this.#kinds) {
      try {
        act(kind);
      } catch (error) {
        this.#context.log.error(
          stackOf(error),
          `a kind of objects failed ${what}: ${messageOf(error)}`,
        );
      }
    }
  }

  /** Begins no more work; resolves when what runs has ended. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    await this.#queues.stop();
  }

  /** The northbound database is known. */
  found(): void {
    this.#each('to look for objects that have gone', (kind) => kind.found?.());
  }

  /** Somebody else has changed rows of ours in the northbound database. */
  drifted(change: DriftChange): void {
    this.#each('to look at rows that others changed', (kind) => kind.drifted?.(change));
  }

  /** The northbound database is in reach again: what has failed meanwhile can be done. */
  northboundBack(): void {
    this.#addAll();
    this.found();
  }
}
