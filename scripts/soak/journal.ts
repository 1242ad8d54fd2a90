/**
 * What happened, by container id, so that a leak can be told with its history.
 */

interface Entry {
  readonly atMs: number;
  readonly text: string;
}

/** Events of the whole node are shown from so long before a container's first to after its last; ms. */
const AROUND_MS = 3000;

export class Journal {
  readonly #startedMs = performance.now();
  readonly #byContainer = new Map<string, Entry[]>();
  /** What concerns every container: kills, faults, GCs. */
  readonly #common: Entry[] = [];

  note(containerId: string, text: string): void {
    const entries = this.#byContainer.get(containerId) ?? [];
    this.#byContainer.set(containerId, entries);
    entries.push({ atMs: this.#now(), text });
  }

  noteAll(text: string): void {
    this.#common.push({ atMs: this.#now(), text });
  }

  /** Lines for people: what happened to a container, and around it. */
  historyOf(containerId: string): string[] {
    const own = this.#byContainer.get(containerId) ?? [];
    const fromMs = (own.at(0)?.atMs ?? 0) - AROUND_MS;
    const untilMs = (own.at(-1)?.atMs ?? 0) + AROUND_MS;
    const around = this.#common.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
    const marked = around.map(({ atMs, text }) => ({ atMs, text: `-- ${text}` }));
    const sorted = [...own, ...marked].sort((one, other) => one.atMs - other.atMs);
    return sorted.map(({ atMs, text }) => `${(atMs / 1000).toFixed(3).padStart(9)} s  ${text}`);
  }

  #now(): number {
    return performance.now() - this.#startedMs;
  }
}
