/**
 * Counts of a run: steps, calls by what came of them, kills; and what must not have happened.
 */

/** What a row of the report's tables is made of. */
export interface Timed {
  count: number;
  totalMs: number;
  maxMs: number;
}

export class Tally {
  readonly steps = new Map<string, Timed>();
  /** By verb, then by code; 0 is success. */
  readonly calls = new Map<string, Map<string, Timed>>();
  /** Processes that SIGKILL ended, by program. */
  readonly kills = new Map<string, number>();
  /** SIGTERM restarts and faults of the API server, by kind. */
  readonly faults = new Map<string, number>();
  /** Calls that should have succeeded, or failed in another way. */
  surprises = 0;

  step(kind: string, ms: number): void {
    time(this.steps, kind, ms);
  }

  call(verb: string, code: number | string, ms: number): void {
    const codes = this.calls.get(verb) ?? new Map<string, Timed>();
    this.calls.set(verb, codes);
    time(codes, String(code), ms);
  }

  kill(program: string): void {
    this.kills.set(program, (this.kills.get(program) ?? 0) + 1);
  }

  fault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  get killCount(): number {
    return [...this.kills.values()].reduce((sum, count) => sum + count, 0);
  }
}

function time(counts: Map<string, Timed>, key: string, ms: number): void {
  const { count, totalMs, maxMs } = counts.get(key) ?? { count: 0, totalMs: 0, maxMs: 0 };
  counts.set(key, { count: count + 1, totalMs: totalMs + ms, maxMs: Math.max(maxMs, ms) });
}
