/** What must not have happened, counted once each and shown when it is found. */

export type Crime =
  | 'double_addresses'
  | 'usurped_ports'
  | 'out_of_range'
  | 'honest_delayed'
  | 'honest_cut_off'
  | 'programs_ended'
  | 'leaked';

export class Verdict {
  readonly #found = new Map<Crime, Set<string>>();

  /**
   * @param what the same text for the same finding
   * @returns whether it is a new one
   */
  add(crime: Crime, what: string): boolean {
    const found = this.#found.get(crime) ?? new Set();
    this.#found.set(crime, found);
    if (found.has(what)) return false;
    found.add(what);
    console.log(`\n${crime}: ${what}`);
    return true;
  }

  count(crime: Crime): number {
    return this.#found.get(crime)?.size ?? 0;
  }

  get isClean(): boolean {
    return this.#found.size === 0;
  }
}
