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
  /** They are being removed: nothing that happens to them meanwhile matters. */
  readonly isEnding?: boolean;
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
    if (this.#pods.get(key)?.isEnding) return;
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
   * @param kept names of ports that stay as they are, where they are
   * @returns whether anything was written
   * @throws NorthboundError
   */
  async bring(
    key: string,
    ports: readonly DesiredPort[],
    kept: ReadonlySet<string> = new Set(),
  ): Promise<boolean> {
    const wanted = JSON.stringify([ports, [...kept].sort()]);
    const isEnding = ports.length + kept.size === 0;
    const before = this.#pods.get(key);
    const isDone = before === undefined ? ports.length === 0 : before.brought === wanted;
    if (isDone) return false;
    if (this.#northbound === undefined) throw noOvn(key);
    const entry: PodPorts = { brought: '', isEnding };
    this.#pods.set(key, entry);
    try {
      const plan = await this.#northbound.bring((state) => planPod(state, key, ports, kept));
      // Where it was forgotten meanwhile, there is another entry.
      if (!isEnding) entry.brought = wanted;
      else if (this.#pods.get(key) === entry) this.#pods.delete(key);
      return plan.transactions.length > 0;
    } catch (error) {
      if (this.#pods.get(key) === entry) this.#pods.set(key, { brought: '' });
      throw error;
    }
  }
}

function noOvn(key: string): NorthboundError {
  return new NorthboundError(
    'unsupported',
    `ports of pod ${key} cannot be made: there is no OVN in this cluster`,
    'start the controller with --ovn-nb-addr, or use networks of other plugins only',
  );
}
