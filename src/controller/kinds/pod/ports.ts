/**
 * The logical switch ports of pods, as OVN was last brought to have them: a pod whose ports are to
 * be what they are costs no look at the database.
 */
import { portsKeyOf, twinOf } from '../../model/owner-key.ts';
import type { DesiredPort } from '../../ovn/desired.ts';
import { NorthboundError } from '../../ovn/error.ts';
import { isOurs } from '../../ovn/names.ts';
import type { Northbound } from '../../ovn/northbound.ts';
import type { NbState } from '../../ovn/state.ts';
import { planPod } from './pod-plan.ts';

interface PodPorts {
  /** They are being removed: nothing that happens to them meanwhile matters. */
  readonly isEnding?: boolean;
  /** What they were brought to, as text; empty where nobody has looked since they changed. */
  brought: string;
}

export class Ports {
  readonly #northbound: Northbound | undefined;
  readonly #portsOf: (owner: string) => ReadonlySet<string>;
  /** Of each pod that has ports, by what their rows say for `pod` (`portsKeyOf`). */
  readonly #pods = new Map<string, PodPorts>();

  /** @param portsOf names of all NICs of an owner, as far as they are known */
  constructor(
    northbound: Northbound | undefined,
    portsOf: (owner: string) => ReadonlySet<string> = () => new Set(),
  ) {
    this.#northbound = northbound;
    this.#portsOf = portsOf;
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
   * Makes the ports of an owner be exactly these. Those of a machine and of a pod of one name are told
   * apart by their names alone.
   * @param owner see `ownerOfPod`
   * @param keptNames names of ports that stay as they are, where they are
   * @returns whether anything was written
   * @throws NorthboundError
   */
  async bring(
    owner: string,
    ports: readonly DesiredPort[],
    keptNames: ReadonlySet<string> = new Set(),
  ): Promise<boolean> {
    const key = portsKeyOf(owner);
    const others = this.#portsOf(twinOf(owner));
    const kept = new Set([...keptNames, ...others]);
    // The two of one name bring their ports by turns.
    const turn = others.size > 0 ? [owner] : [];
    const wanted = JSON.stringify([ports, [...kept].sort(), ...turn]);
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
