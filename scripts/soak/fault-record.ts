/**
 * Which parts of the node and the cluster are being disturbed, and when: only by that a failed call
 * is a fault of ours or not. A part counts as disturbed from the kill until it provably works.
 */
import { Condition } from '../../src/common/concurrency/condition.ts';

export type FaultyPart =
  | 'kube-ovn-cni'
  | 'kube-ovn-controller'
  | 'API server'
  | 'ovsdb-server'
  | 'ovs-vswitchd'
  | 'ovn-controller';

interface FaultTime {
  readonly part: FaultyPart;
  endMs: number;
}

const FOREVER = new AbortController().signal;

export class FaultRecord {
  readonly #times: FaultTime[] = [];
  readonly #changed = new Condition();

  /** The part counts as disturbed from now until disposal. */
  begin(part: FaultyPart): Disposable {
    const time = { part, endMs: Number.POSITIVE_INFINITY };
    this.#times.push(time);
    return {
      [Symbol.dispose]: () => {
        time.endMs = performance.now();
        this.#changed.check();
      },
    };
  }

  /** What was disturbed at `startedMs` or at any time since, by the clock of performance.now. */
  since(startedMs: number): Set<FaultyPart> {
    const met = this.#times.filter(({ endMs }) => endMs >= startedMs);
    return new Set(met.map(({ part }) => part));
  }

  /** Resolves when nothing is disturbed. */
  async over(): Promise<void> {
    const isOver = () => this.since(performance.now()).size === 0 || undefined;
    await this.#changed.until(isOver, FOREVER);
  }
}
