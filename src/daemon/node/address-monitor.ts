/**
 * Says when an address of the node's own network namespace comes, goes or changes, by `ip monitor`.
 *
 * Only addresses of global scope count: the node's ends of pods' interfaces get link-local ones from
 * some CNI plugins, with each pod.
 */
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { startLineMonitor } from '../../common/process/line-monitor.ts';

const ARGS = ['-o', 'monitor', 'address'];
const GLOBAL = /\sscope global\b/;
const RESTART_PAUSE_MIN_MS = 100;
const RESTART_PAUSE_MAX_MS = 30_000;

export class AddressMonitor {
  readonly #onChange: () => void;
  readonly #outage: Outage;
  #stopMonitor: (() => void) | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = RESTART_PAUSE_MIN_MS;

  /** @param onChange is also called where a change may have been missed */
  constructor(onChange: () => void, log: Logger) {
    this.#onChange = onChange;
    this.#outage = new Outage(log, {
      fields: {},
      lost: "changes of this node's addresses are not seen: `ip monitor` has ended, trying again",
      back: "changes of this node's addresses are seen again",
    });
  }

  start(): void {
    this.#stopMonitor = startLineMonitor('ip', ARGS, {
      line: (line) => {
        this.#pauseMs = RESTART_PAUSE_MIN_MS;
        this.#outage.end(performance.now());
        if (GLOBAL.test(line)) this.#onChange();
      },
      end: (reason) => {
        this.#outage.begin(reason);
        this.#restart = setTimeout(() => {
          this.start();
          this.#onChange();
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
