/**
 * Log lines about STATUS. Runtimes ask every few seconds (CRI-O: 5 s), so that an answer is worth
 * a line only where it is not the one before.
 */

import type { Logger } from '../../common/log.ts';
import { show } from '../../common/text.ts';
import type { StatusRequest } from '../../wire/messages.ts';
import { CniError } from '../call/error.ts';

/** Networks whose last answer is remembered: more than a cluster's runtimes ask about. */
const REMEMBERED_MAX = 256;

/** Remembers of each network whether its last STATUS failed, and how. */
export class StatusLog {
  readonly #log: Logger;
  /** What was wrong the last time, by network; nothing of a network where nothing was. */
  readonly #failures = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Awaits an answer, and says what has changed since the one before for the same network. */
  async follow(request: StatusRequest, answer: Promise<void>): Promise<void> {
    const { cni_type: cniType, provider } = request;
    const network = show([cniType, provider]);
    try {
      await answer;
    } catch (error) {
      if (error instanceof CniError && this.#failures.get(network) !== error.message) {
        this.#remember(network, error.message);
        this.#log.warn({ cniType, provider, code: error.code }, `STATUS: ${error.message}`);
      }
      throw error;
    }
    if (this.#failures.delete(network)) {
      this.#log.info({ cniType, provider }, 'STATUS: ADDs can be served again');
    }
  }

  #remember(network: string, failure: string): void {
    this.#failures.set(network, failure);
    // A Map keeps the order in which its keys came.
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > REMEMBERED_MAX && oldest !== undefined) this.#failures.delete(oldest);
  }
}
