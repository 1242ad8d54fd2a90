/**
 * Steps side by side.
 */

/**
 * Runs all tasks at once and waits until every one has settled: what follows a failure (undo)
 * must not race with a step that is still running.
 * @throws what the first of the failed tasks, in order of the list, threw
 */
export async function together(...tasks: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(tasks);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
