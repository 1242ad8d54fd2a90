import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkQueue } from '../../../../src/common/reconcile/work-queue.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import { gatedQueue, turns } from './work-queue-support.ts';

type Step =
  | { readonly kind: 'add'; readonly key: string }
  | { readonly kind: 'end'; readonly how: 'succeed' | 'fail' | 'waitFor'; readonly which: number }
  | { readonly kind: 'wake'; readonly key: string };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const how = fc.constantFrom('succeed' as const, 'fail' as const, 'waitFor' as const);
const which = fc.nat(10);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), how, which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wake' as const), key }) },
);

/** A queue, and the keys that it owes a run. */
class Model {
  readonly gated;
  readonly #limit: number;
  /** Keys that have changed since their last run began. */
  readonly due = new Set<string>();
  /** Keys that wait for what has their name. */
  readonly #waiting = new Set<string>();
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.gated = gatedQueue({ concurrency: limit });
  }

  async apply(next: Step): Promise<void> {
    const { queue, add } = this.gated;
    if (next.kind === 'add') {
      this.due.add(next.key);
      await add(next.key);
    } else if (next.kind === 'wake') {
      // Whoever has not failed for want of it since then is owed another look.
      if (this.#waiting.delete(next.key)) this.due.add(next.key);
      queue.wake(next.key);
      await turns();
    } else {
      await this.#end(next);
    }
    this.#check();
  }

  /** Lets all that runs, and what begins then, succeed. */
  async finish(): Promise<void> {
    while (this.gated.runningKeys().length > 0) {
      await this.apply({ kind: 'end', how: 'succeed', which: 0 });
    }
  }

  async #end({ how: end, which: index }: Extract<Step, { kind: 'end' }>): Promise<void> {
    const running = this.gated.runningKeys();
    const ending = running[index % Math.max(running.length, 1)];
    if (ending === undefined) return;
    if (end !== 'waitFor') await this.gated[end](ending);
    else {
      this.#waiting.add(ending);
      await this.gated.waitFor(ending, ending, 'else');
    }
  }

  #check(): void {
    const { begun, runningKeys } = this.gated;
    for (const started of begun.slice(this.#seen)) {
      this.due.delete(started);
      this.#waiting.delete(started);
    }
    this.#seen = begun.length;
    const running = runningKeys();
    expect(running.length).toBeLessThanOrEqual(this.#limit);
    expect(new Set(running).size).toBe(running.length);
    // Nothing waits while there is room, but for what is running already.
    const waiting = [...this.due].filter((waits) => !running.includes(waits));
    if (running.length < this.#limit) expect(waiting).toEqual([]);
  }
}

describe('under any order of changes, ends and failures, a queue', () => {
  it('runs a key once at a time, within the limit, and after its last change', async () => {
    const concurrency = fc.integer({ min: 1, max: 3 });
    const steps = fc.array(step, { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(concurrency, steps, async (limit, all) => {
        const model = new Model(limit);
        for (const next of all) await model.apply(next);
        await model.finish();
        expect(model.due).toEqual(new Set());
        const { queue, begun } = model.gated;
        const { depth, running, runs } = queue.figures;
        expect({ depth, running, runs }).toEqual({ depth: 0, running: 0, runs: begun.length });
        await queue.stop();
      }),
      { numRuns: 100 },
    );
  });

  it('takes keys in the order in which they came', async () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 4 }), async (all, concurrency) => {
        const begun: string[] = [];
        const work = async (next: string) => void begun.push(next);
        const log = new RecordingLog();
        const queue = new WorkQueue({ concurrency, what: 'the work', log, work });
        for (const next of all) queue.add(next);
        await queue.idle();
        expect(begun).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });
});
