/**
 * The logical switch ports of pods: what the northbound database has, and what it is to have.
 */
import { portsKeyOf, twinOf } from '../../model/owner-key.ts';
import type { DesiredPort } from '../../ovn/desired.ts';
import { NorthboundError } from '../../ovn/error.ts';
import { isOurs } from '../../ovn/names.ts';
import type { Northbound } from '../../ovn/northbound.ts';
import { planPod } from './pod-plan.ts';

/**
 * Reads and ensures the logical switch ports of pods; without OVN there are none, and asking for one fails.
 */
export class Ports {
  readonly #northbound: Northbound | undefined;
  readonly #portsOf: (owner: string) => ReadonlySet<string>;

  /** @param portsOf names of all NICs of an owner, as far as they are known */
  constructor(
    northbound: Northbound | undefined,
    portsOf: (owner: string) => ReadonlySet<string> = () => new Set(),
  ) {
    this.#northbound = northbound;
    this.#portsOf = portsOf;
  }

  /** Whether a pod has ports, as far as has been heard. @param key what rows of ports say for `pod` */
  has(key: string): boolean {
    return (this.#northbound?.state.portsOfPod(key).length ?? 0) > 0;
  }

  /** Keys of all pods that have ports, as far as has been heard. */
  keys(): readonly string[] {
    const keys = new Set<string>();
    for (const port of this.#northbound?.state.switchPorts.values() ?? []) {
      const { pod } = port.external_ids;
      if (pod !== undefined && isOurs(port)) keys.add(pod);
    }
    return [...keys];
  }

  /** @throws NorthboundError where these ports can never be made, since there is no OVN */
  checkPossible(owner: string, ports: readonly DesiredPort[]): void {
    if (ports.length > 0 && this.#northbound === undefined) throw noOvn(portsKeyOf(owner));
  }

  /**
   * Makes the ports of an owner be exactly these. Those of a machine and of a pod of one name are told
   * apart by their names alone. An owner that has none, and is to have none, waits for no database: as
   * soon as that is there, whoever has ports is looked at (`keys`).
   * @param owner see `ownerOfPod`
   * @param keptNames names of ports that stay as they are, where they are
   * @returns whether anything was written
   * @throws NorthboundError
   */
  async ensure(
    owner: string,
    ports: readonly DesiredPort[],
    keptNames: ReadonlySet<string> = new Set(),
  ): Promise<boolean> {
    const key = portsKeyOf(owner);
    if (ports.length === 0 && !this.has(key)) return false;
    if (this.#northbound === undefined) throw noOvn(key);
    const kept = new Set([...keptNames, ...this.#portsOf(twinOf(owner))]);
    const plan = await this.#northbound.apply((state) => planPod(state, key, ports, kept));
    return plan.operations.length > 0;
  }
}

function noOvn(key: string): NorthboundError {
  return new NorthboundError(
    'unsupported',
    `ports of pod ${key} cannot be made: there is no OVN in this cluster`,
    'start the controller with --ovn-nb-addr, or use networks of other plugins only',
  );
}
