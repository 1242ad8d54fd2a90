/**
 * The work queues of a program: each kind has its own, and what happens to objects of one kind wakes
 * whoever waits for it in any of them.
 */
import type { Logger } from '../log.ts';
import type { WorkQueueFigures, WorkQueueObserver } from './queue-figures.ts';
import { type RetryPauses, WorkQueue } from './work-queue.ts';

/** One kind of work. */
export interface Reconciler {
  /** Of its queue, in metrics. */
  readonly name: string;
  /** What is not done when it fails, for the log: `the networks of a pod`. */
  readonly what: string;
  /** Keys that are worked on at a time. */
  readonly concurrency: number;
  /** Without it the queue's own. */
  readonly pauses?: RetryPauses;
  /** As WorkQueueOptions.work. */
  reconcile(key: string): Promise<void>;
}

/** What all queues of a program have in common. */
export interface QueuesOptions {
  readonly log: Logger;
  /** The observer of the runs of a queue, by its name. */
  readonly observerOf?: ((name: string) => WorkQueueObserver) | undefined;
}

/** All work queues of a program: they stop together, and their figures are read together. */
export class Queues {
  readonly #options: QueuesOptions;
  readonly #queues = new Map<string, WorkQueue>();

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  /** A queue for this work. Nothing runs before a key is added. */
  create({ name, what, concurrency, pauses, reconcile }: Reconciler): WorkQueue {
    const { log, observerOf } = this.#options;
    const observer = observerOf?.(name);
    const more = pauses === undefined ? {} : { pauses };
    const queue = new WorkQueue({ work: reconcile, concurrency, what, log, observer, ...more });
    this.#queues.set(name, queue);
    return queue;
  }

  /** As WorkQueue's, in all queues. */
  wake(...names: readonly string[]): void {
    for (const queue of this.#queues.values()) queue.wake(...names);
  }

  /** As WorkQueue's, in all queues. */
  wakeSome(name: string, left: () => number): void {
    for (const queue of this.#queues.values()) queue.wakeSome(name, left);
  }

  /** By name. */
  figures(): ReadonlyMap<string, WorkQueueFigures> {
    return new Map([...this.#queues].map(([name, queue]) => [name, queue.figures]));
  }

  /** Resolves when nothing is in line and nothing runs, in any of them. */
  async idle(): Promise<void> {
    const isIdle = ({ depth, running }: WorkQueueFigures) => depth + running === 0;
    while (![...this.#queues.values()].every(({ figures }) => isIdle(figures))) {
      await Promise.all([...this.#queues.values()].map((queue) => queue.idle()));
    }
  }

  /** Begins no more work. Resolves when what runs has ended. */
  async stop(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop()));
  }
}
