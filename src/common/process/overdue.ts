/**
 * Tools that do not come back: which ones, and since when. A tool counts as one from when it has
 * run for long until any run of it ends by itself: that one of many hangs may be its own affair, but
 * as long as none ends, there is no sense in asking for more. A run that had to be ended counts for a
 * minute longer: a node of which STATUS says that it does not work gets no calls, and without calls
 * nobody would find out that the tool works again.
 */

/** A tool of ours takes some 10 ms, on a node under load some 100 ms; ms. */
const OVERDUE_AFTER_MS = 5000;
/** For how long a run counts that had to be ended; ms. */
const REMEMBERED_MS = 60_000;

/** A tool that does not come back. */
export interface Overdue {
  readonly tool: string;
  /** When the first run was started of those that have not come back. */
  readonly since: Date;
}

/** One run; only the first call of `end` counts. */
export interface Watched {
  /** @param isByItself false where the tool had to be ended, or could not be */
  end(isByItself: boolean): void;
}

/** Counts the runs of tools by name; `list` says which of them do not come back. */
export class OverdueTools {
  /** Runs that have not ended, by tool, with when they were started (on `performance.now()`). */
  readonly #running = new Map<string, Set<{ readonly startedAt: number }>>();
  /** The last run of a tool that was ended after long; of several in a row, the first one's start. */
  readonly #ended = new Map<string, { readonly startedAt: number; readonly endedAt: number }>();

  /** A run of a tool has begun; its end is to be reported by what is returned. */
  start(tool: string): Watched {
    const run = { startedAt: performance.now() };
    const runs = this.#running.get(tool) ?? new Set();
    this.#running.set(tool, runs.add(run));
    return {
      end: (isByItself) => {
        // A tool that cannot be started ends twice: with an error, and when its pipes are closed.
        if (!runs.delete(run)) return;
        if (runs.size === 0) this.#running.delete(tool);
        if (isByItself) this.#ended.delete(tool);
        else if (isOverdue(run.startedAt)) {
          const startedAt = Math.min(run.startedAt, this.#endedSince(tool));
          this.#ended.set(tool, { startedAt, endedAt: performance.now() });
        }
      },
    };
  }

  /** Tools that do not come back now, by name. */
  list(): Overdue[] {
    const tools = [...new Set([...this.#running.keys(), ...this.#ended.keys()])].sort();
    return tools.flatMap((tool) => {
      const running = [...(this.#running.get(tool) ?? [])].map(({ startedAt }) => startedAt);
      const since = Math.min(...running.filter(isOverdue), this.#endedSince(tool));
      return since === Infinity ? [] : [{ tool, since: toDate(since) }];
    });
  }

  /** When the first run was started of those that were ended; Infinity where that is long ago. */
  #endedSince(tool: string): number {
    const { startedAt, endedAt } = this.#ended.get(tool) ?? NEVER;
    return performance.now() - endedAt < REMEMBERED_MS ? startedAt : Infinity;
  }
}

const NEVER = { startedAt: Infinity, endedAt: -Infinity };

function isOverdue(startedAt: number): boolean {
  return performance.now() - startedAt > OVERDUE_AFTER_MS;
}

function toDate(at: number): Date {
  return new Date(performance.timeOrigin + at);
}
