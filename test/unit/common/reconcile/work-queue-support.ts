/** A queue whose runs begin and end when a test says so. */
import { NotDone } from '../../../../src/common/reconcile/not-done.ts';
import { type RetryPauses, WorkQueue } from '../../../../src/common/reconcile/work-queue.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';

/** Pauses that no test lives to see end. */
export const NEVER: RetryPauses = { firstMs: 600_000, maxMs: 600_000, namedMs: 600_000 };

/** A queue whose runs end when the test says so. */
export function gatedQueue({ concurrency = 1, pauses = NEVER } = {}) {
  const log = new RecordingLog();
  /** Keys of the runs that have begun, in order. */
  const begun: string[] = [];
  const gates: { key: string; gate: PromiseWithResolvers<void> }[] = [];
  const queue = new WorkQueue({
    concurrency,
    pauses,
    log,
    what: 'the work',
    work: (key) => {
      begun.push(key);
      const gate = Promise.withResolvers<void>();
      gates.push({ key, gate });
      return gate.promise;
    },
  });
  const take = (key: string) => {
    const index = gates.findIndex((gated) => gated.key === key);
    const [found] = gates.splice(index, 1);
    if (index < 0 || found === undefined) throw new Error(`${key} is not running`);
    return found.gate;
  };
  const settle = async (act: () => void) => {
    act();
    await turns();
  };
  return {
    queue,
    log,
    begun,
    add: (...keys: string[]) =>
      settle(() => {
        for (const key of keys) queue.add(key);
      }),
    succeed: (key: string) => settle(() => take(key).resolve()),
    fail: (key: string, why = 'broken') => settle(() => take(key).reject(new Error(why))),
    throws: (key: string, thrown: unknown) => settle(() => take(key).reject(thrown)),
    /** The work ends since it has to wait for these. */
    waitFor: (key: string, ...waitsFor: string[]) =>
      settle(() => take(key).reject(new NotDone('waiting', { waitsFor }))),
    wake: (...names: string[]) => settle(() => queue.wake(...names)),
    runningKeys: () => gates.map(({ key }) => key),
  };
}

/** Lets everything that can go on go on. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
