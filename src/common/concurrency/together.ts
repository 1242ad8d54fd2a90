/**
 * Steps side by side.
 */

/**
 * Runs steps at once. The first failure aborts the signal that the others were given, and still
 * all are waited for: what follows a failure (undo) must not race with a step that is running.
 * @param start starts the steps; their signal is also aborted when `outer` is
 * @throws what the step threw that failed first
 */
export async function together(
  outer: AbortSignal,
  start: (signal: AbortSignal) => readonly Promise<unknown>[],
): Promise<void> {
  const others = new AbortController();
  const failures: unknown[] = [];
  const steps = start(AbortSignal.any([outer, others.signal]));
  await Promise.all(
    steps.map((step) =>
      step.catch((error) => {
        failures.push(error);
        others.abort(error);
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}

/**
 * Waits for all of them, also where one fails: whoever tries again must not race with what still runs.
 * @throws what the first of the list threw that failed
 */
export async function allOf<T extends readonly unknown[]>(
  steps: { readonly [I in keyof T]: Promise<T[I]> },
): Promise<T> {
  const outcomes = await Promise.allSettled(steps);
  const values = outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  return values as unknown as T;
}
