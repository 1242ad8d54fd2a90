/**
 * Which parts of the node and the cluster are being disturbed, and when: only by that a failed call
 * is a fault of ours or not. A part counts as disturbed from the kill until it provably works.
 */
import { Condition } from '../../src/common/concurrency/condition.ts';

export type Trouble =
  | 'kube-ovn-cni'
  | 'kube-ovn-controller'
  | 'API server'
  | 'ovsdb-server'
  | 'ovs-vswitchd'
  | 'ovn-controller';

interface Spell {
  readonly trouble: Trouble;
  endMs: number;
}

const FOREVER = new AbortController().signal;

export class Weather {
  readonly #spells: Spell[] = [];
  readonly #changed = new Condition();

  /** From now until disposal. */
  trouble(trouble: Trouble): Disposable {
    const spell = { trouble, endMs: Number.POSITIVE_INFINITY };
    this.#spells.push(spell);
    return {
      [Symbol.dispose]: () => {
        spell.endMs = performance.now();
        this.#changed.check();
      },
    };
  }

  /** What was disturbed at `startedMs` or at any time since, by the clock of performance.now. */
  since(startedMs: number): Set<Trouble> {
    const met = this.#spells.filter(({ endMs }) => endMs >= startedMs);
    return new Set(met.map(({ trouble }) => trouble));
  }

  /** Resolves when nothing is disturbed. */
  async calm(): Promise<void> {
    const isCalm = () => this.since(performance.now()).size === 0 || undefined;
    await this.#changed.until(isCalm, FOREVER);
  }
}
