/**
 * Says when an address of the node's own network namespace comes, goes or changes, by `ip monitor`.
 *
 * Only addresses of global scope count: the node's ends of pods' interfaces get link-local ones from
 * some CNI plugins, with each pod.
 */
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { startLineMonitor } from '../../common/process/line-monitor.ts';
import { Signal } from '../../common/reconcile/signal.ts';

const ARGS = ['-o', 'monitor', 'address'];
const GLOBAL = /\sscope global\b/;
const LINK = /^(Deleted )?\d+: (\S+)/;
const RESTART_PAUSE_MIN_MS = 100;
const RESTART_PAUSE_MAX_MS = 30_000;

/** An address that came, changed or went. */
export interface AddressChange {
  readonly link: string;
  readonly isGone: boolean;
}

/** @param change undefined where one may have been missed */
type AddressListener = (change: AddressChange | undefined) => void;

/**
 * Follows the addresses from `start` to `stop`; a monitor that has ended is started again after pauses of 0.1
 * s to 30 s.
 */
export class AddressMonitor {
  readonly #changes = new Signal<AddressChange | undefined>();
  readonly #outage: Outage;
  #stopMonitor: (() => void) | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = RESTART_PAUSE_MIN_MS;

  constructor(log: Logger) {
    this.#outage = new Outage(log, {
      fields: {},
      lost: "changes of this node's addresses are not seen: `ip monitor` has ended, trying again",
      back: "changes of this node's addresses are seen again",
    });
  }

  /** Calls back with each change from now on. @returns ends it */
  onChange(listener: AddressListener): () => void {
    return this.#changes.on(listener);
  }

  start(): void {
    this.#stopMonitor = startLineMonitor('ip', ARGS, {
      line: (line) => {
        this.#pauseMs = RESTART_PAUSE_MIN_MS;
        this.#outage.end(performance.now());
        if (GLOBAL.test(line)) this.#changes.emit(changeOf(line));
      },
      end: (reason) => {
        this.#outage.begin(reason);
        this.#restart = setTimeout(() => {
          this.start();
          this.#changes.emit(undefined);
        }, this.#pauseMs);
        this.#pauseMs = Math.min(this.#pauseMs * 2, RESTART_PAUSE_MAX_MS);
      },
    });
  }

  stop(): void {
    clearTimeout(this.#restart);
    this.#stopMonitor?.();
  }
}

function changeOf(line: string): AddressChange | undefined {
  const [, deleted, link] = LINK.exec(line) ?? [];
  return link === undefined ? undefined : { link, isGone: deleted !== undefined };
}
