/**
 * Tools that do not come back: which ones, and since when. A tool counts as one from when it has
 * run for long until any run of it ends by itself: that one of many hangs may be its own affair, but
 * as long as none ends, there is no sense in asking for more.
 */

/** A tool of ours takes some 10 ms, on a node under load some 100 ms; ms. */
const OVERDUE_AFTER_MS = 5000;

export interface Overdue {
  readonly tool: string;
  /** When the first run was started of those that have not come back. */
  readonly since: Date;
}

/** One run; `end` is called once. */
export interface Watched {
  /** @param isByItself false where the tool had to be ended, or could not be */
  end(isByItself: boolean): void;
}

export class OverdueTools {
  /** Runs that have not ended, by tool, with when they were started (on `performance.now()`). */
  readonly #running = new Map<string, Set<{ readonly startedAt: number }>>();
  /** Tools of which a run was ended after long, and when that one was started. */
  readonly #ended = new Map<string, number>();

  start(tool: string): Watched {
    const run = { startedAt: performance.now() };
    const runs = this.#running.get(tool) ?? new Set();
    this.#running.set(tool, runs.add(run));
    return {
      end: (isByItself) => {
        runs.delete(run);
        if (runs.size === 0) this.#running.delete(tool);
        const since = this.#ended.get(tool);
        if (isByItself) this.#ended.delete(tool);
        else if (isOverdue(run.startedAt) && (since === undefined || run.startedAt < since)) {
          this.#ended.set(tool, run.startedAt);
        }
      },
    };
  }

  /** Tools that do not come back now, by name. */
  list(): Overdue[] {
    const tools = [...new Set([...this.#running.keys(), ...this.#ended.keys()])].sort();
    return tools.flatMap((tool) => {
      const running = [...(this.#running.get(tool) ?? [])].map(({ startedAt }) => startedAt);
      const since = Math.min(...running.filter(isOverdue), this.#ended.get(tool) ?? Infinity);
      return since === Infinity ? [] : [{ tool, since: toDate(since) }];
    });
  }
}

function isOverdue(startedAt: number): boolean {
  return performance.now() - startedAt > OVERDUE_AFTER_MS;
}

function toDate(at: number): Date {
  return new Date(performance.timeOrigin + at);
}
