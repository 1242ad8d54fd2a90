/** Leaks and damaged pods, each told once, with its history. */
import type { Finding } from './census.ts';
import type { Home } from './pods.ts';
import { printWithHistory } from './print-history.ts';
import type { Stage } from './stage.ts';

export class Verdict {
  readonly #leaks = new Map<string, Finding>();
  readonly #damaged = new Set<Home>();

  addLeaks(stage: Stage, leaks: readonly Finding[]): void {
    for (const leak of leaks) {
      const { what, name, key, externalIds } = leak;
      if (this.#leaks.has(`${what} ${name}`)) continue;
      this.#leaks.set(`${what} ${name}`, leak);
      const [containerId = ''] = (key ?? '').split('/');
      printWithHistory(stage, `LEAK: ${what} ${name} ${JSON.stringify(externalIds)}`, containerId);
    }
  }

  /** All leaks so far. */
  get leaks(): Finding[] {
    return [...this.#leaks.values()];
  }

  addDamage(stage: Stage, home: Home, wrong: readonly string[]): void {
    if (this.#damaged.has(home)) return;
    this.#damaged.add(home);
    const { containerId, pod } = home.sandbox;
    printWithHistory(stage, `DAMAGED: ${pod.name}: ${wrong.join('; ')}`, containerId);
  }

  /** Leaks of some kinds; of all kinds where none is named. */
  leaked(...kinds: readonly Finding['what'][]): number {
    const counts = ({ what }: Finding) => kinds.length === 0 || kinds.includes(what);
    return this.leaks.filter(counts).length;
  }

  get damaged(): number {
    return this.#damaged.size;
  }
}
