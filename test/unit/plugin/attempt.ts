import { type CniErrorBody, errorBody } from '../../../src/plugin/error.ts';

/** The CNI error that `action` throws; fails the test where it throws none. */
export function failureOf(action: () => unknown): CniErrorBody {
  try {
    action();
  } catch (thrown) {
    return errorBody(thrown);
  }
  throw new Error('expected a failure and got none');
}

/** The same for a promise. */
export async function rejectionOf(promise: Promise<unknown>): Promise<CniErrorBody> {
  return errorBody(
    await promise.then(
      () => 'fulfilled',
      (thrown: unknown) => thrown,
    ),
  );
}
