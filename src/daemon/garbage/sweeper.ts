/**
 * When the node is swept: at start, when a pod disappears, when OVS reports that the link of a port
 * is gone, and on a slow timer for whatever none of these tell. Rounds do not overlap; what happens
 * during one asks for one more.
 */
import type { Context } from '../context.ts';
import { messageOf } from '../error.ts';
import type { Row } from '../ovs/table.ts';
import { removeDeadPorts, removeOrphanedLimits } from './sweep.ts';

/** Nothing waits for the timer's rounds: they are for what no event told. */
const INTERVAL_MS = 10 * 60_000;

export class Sweeper {
  readonly #context: Context;
  readonly #stopped = new AbortController();
  #round: Promise<void> | undefined;
  #wanted: 'nothing' | 'ports' | 'all' = 'nothing';

  constructor(context: Context) {
    this.#context = context;
  }

  /** Sweeps as soon as OVS's rows are here, and from then on whenever there is a reason. */
  start(): void {
    const { interfaces, bridges, pods } = this.#context;
    const { signal } = this.#stopped;
    const timer = setInterval(() => this.#sweep('all'), INTERVAL_MS);
    const stopListening = pods.onChange(({ type }) => {
      if (type === 'deleted') this.#sweep('ports');
    });
    interfaces.onRow((row) => {
      if (hasLostItsLink(row)) this.#sweep('ports');
    });
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      stopListening();
    });
    Promise.all([interfaces.synced(signal), bridges.synced(signal)]).then(
      () => this.#sweep('all'),
      () => {},
    );
  }

  stop(): void {
    this.#stopped.abort();
  }

  #sweep(what: 'ports' | 'all'): void {
    if (this.#wanted !== 'all') this.#wanted = what;
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined;
    });
  }

  async #rounds(): Promise<void> {
    while (this.#wanted !== 'nothing' && !this.#stopped.signal.aborted) {
      const isAll = this.#wanted === 'all';
      this.#wanted = 'nothing';
      try {
        await removeDeadPorts(this.#context);
        if (isAll) await removeOrphanedLimits(this.#context);
      } catch (error) {
        this.#context.log.warn({ error: messageOf(error) }, 'the clean-up of this node failed');
      }
    }
  }
}

/** OVS says so when the link goes; a link that is only set down looks the same. */
function hasLostItsLink({ error, link_state: state }: Row): boolean {
  return state === 'down' || (typeof error === 'string' && error !== '');
}
