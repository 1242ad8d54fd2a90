/**
 * The removals of one clean-up. One that fails is no reason to leave the others, unless OVS's database is
 * away or hangs: then each of them would wait as long, for the same answer.
 */
import { type OvsdbError, outageOf } from '../../common/ovsdb/error.ts';
import { messageOf } from '../../common/text.ts';
import { tryAgain } from '../call/error.ts';

/** Collects the failures of one clean-up, for one error at its end. */
export class Attempts {
  readonly #failures: string[] = [];
  /** Why nothing more is tried. */
  #outage: OvsdbError | undefined;
  #leftOut = 0;

  /** Tries `task`, unless an earlier one has found OVS's database away. Never fails. */
  async add(task: () => Promise<unknown>): Promise<void> {
    if (this.#outage !== undefined) {
      this.#leftOut += 1;
      return;
    }
    try {
      await task();
    } catch (error) {
      this.#outage = outageOf(error);
      this.#failures.push(messageOf(error));
    }
  }

  /**
   * Says what has failed.
   * @throws CniError 11 where something has
   */
  end(details: string): void {
    if (this.#failures.length === 0) return;
    const rest =
      this.#leftOut === 0 ? [] : [`steps that were not tried for that: ${this.#leftOut}`];
    throw tryAgain([...this.#failures, ...rest].join('; '), details, this.#outage);
  }
}
