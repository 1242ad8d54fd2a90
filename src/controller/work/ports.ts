/**
 * The logical switch ports of pods, as OVN was last brought to have them: a pod whose ports are to
 * be what they are costs no look at the database.
 */
import type { DesiredPort } from '../ovn/desired.ts';
import { NorthboundError } from '../ovn/error.ts';
import { isOurs } from '../ovn/names.ts';
import type { Northbound } from '../ovn/northbound.ts';
import { planPod } from '../ovn/pod-plan.ts';
import type { NbState } from '../ovn/state.ts';

interface PodPorts {
  /** What they were brought to, as text; empty where nobody has looked since they changed. */
  brought: string;
}

export class Ports {
  readonly #northbound: Northbound | undefined;
  /** Of each pod that has ports. */
  readonly #pods = new Map<string, PodPorts>();

  constructor(northbound: Northbound | undefined) {
    this.#northbound = northbound;
  }

  /** Pods that have ports in `state`, which is from before any of them was brought. */
  begin(state: NbState): void {
    for (const port of state.switchPorts.values()) {
      const { pod } = port.ids;
      if (isOurs(port) && pod !== undefined && !this.#pods.has(pod)) this.forget(pod);
    }
  }

  /** Somebody else has changed ports of this pod. */
  forget(key: string): void {
    this.#pods.set(key, { brought: '' });
  }

  /** Whether a pod has ports. */
  has(key: string): boolean {
    return this.#pods.has(key);
  }

  /** Keys of all pods that have ports. */
  keys(): readonly string[] {
    return [...this.#pods.keys()];
  }

  /**
   * Makes the ports of a pod be exactly these.
   * @returns whether anything was written
   * @throws NorthboundError
   */
  async bring(key: string, ports: readonly DesiredPort[]): Promise<boolean> {
    const wanted = JSON.stringify(ports);
    const before = this.#pods.get(key);
    if (before === undefined ? ports.length === 0 : before.brought === wanted) return false;
    if (this.#northbound === undefined) throw noOvn(key);
    const entry: PodPorts = { brought: '' };
    this.#pods.set(key, entry);
    const { transactions } = await this.#northbound.bring((state) => planPod(state, key, ports));
    // Where it was forgotten meanwhile, there is another entry.
    if (ports.length > 0) entry.brought = wanted;
    else if (this.#pods.get(key) === entry) this.#pods.delete(key);
    return transactions.length > 0;
  }
}

function noOvn(key: string): NorthboundError {
  return new NorthboundError(
    'unsupported',
    `ports of pod ${key} cannot be made: there is no OVN in this cluster`,
    'start the controller with --ovn-nb-addr, or use networks of other plugins only',
  );
}
