/**
 * How many tests run at once. Some keep a processor busy, and some wait for what takes its time, like a program
 * that finds out that a server is gone: another one starts when the processors are idle beside those that run.
 */

export interface Limits {
  /** So many run at once in any case. */
  readonly least: number;
  /** And never more than so many. */
  readonly most: number;
  /** Resolves when there is room for one more beside those that run; rejects when `signal` is aborted. */
  readonly untilRoom: (signal: AbortSignal) => Promise<void>;
}

/**
 * Runs all jobs, and starts them in the order in which they are given.
 * @param run does not reject: it reports by itself what fails
 */
export async function runJobs<T>(
  jobs: readonly T[],
  { least, most, untilRoom }: Limits,
  run: (job: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for (const job of jobs) {
    while (running.size >= least && !(await hasRoom())) {
      // One has ended.
    }
    const done = run(job).finally(() => running.delete(done));
    running.add(done);
  }
  await Promise.all(running);

  /** True when there is room for one more, false when one of those that run has ended before. */
  async function hasRoom(): Promise<boolean> {
    const ended = Promise.race(running).then(() => false);
    if (running.size >= most) return await ended;
    const looking = new AbortController();
    const room = untilRoom(looking.signal).then(() => true);
    try {
      return await Promise.race([room, ended]);
    } finally {
      looking.abort();
    }
  }
}
