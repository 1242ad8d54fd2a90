/**
 * A fuzz target: arbitrary cases, and a check that each must pass. fast-check makes the cases from
 * a seed and shrinks the first that fails; here it is counted what came of them, and whatever a
 * case must never do, whichever it is: pollute a prototype, hang, or fail where nobody waits.
 */
import { inspect } from 'node:util';
import * as fc from 'fast-check';

/** A target that is ready to run. */
export interface Fuzzed<T> extends AsyncDisposable {
  readonly cases: fc.Arbitrary<T>;
  /** Returns what came of a case, for the statistics; throws where the case shows a fault. */
  readonly check: (value: T) => string | Promise<string>;
}

export interface RunOptions {
  readonly cases: number;
  readonly seed: number;
  /** Where to go on: the path of an earlier failure, with its seed. */
  readonly path?: string;
}

export interface Report {
  readonly name: string;
  readonly cases: number;
  readonly ms: number;
  /** How many cases came to each outcome. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly failure?: Failure;
}

export interface Failure {
  readonly seed: number;
  readonly path: string;
  readonly shrinks: number;
  /** The shrunk case, as text. */
  readonly case: string;
  readonly error: string;
}

export interface Target {
  readonly name: string;
  /** How many of 100,000 cases it gets. */
  readonly share: number;
  run(options: RunOptions): Promise<Report>;
}

/** Far more than any case takes on a busy machine; ms. */
const CASE_MS_MAX = 20_000;
const CASE_CHARS_MAX = 8000;

export function target<T>(
  name: string,
  share: number,
  open: () => Promise<Fuzzed<T>> | Fuzzed<T>,
): Target {
  return { name, share, run: (options) => run(name, open, options) };
}

/** A target that needs nothing. */
export function pureTarget<T>(
  name: string,
  share: number,
  cases: fc.Arbitrary<T>,
  check: (value: T) => string,
): Target {
  return target(name, share, () => ({ cases, check, [Symbol.asyncDispose]: async () => {} }));
}

async function run<T>(
  name: string,
  open: () => Promise<Fuzzed<T>> | Fuzzed<T>,
  { cases, seed, path }: RunOptions,
): Promise<Report> {
  await using fuzzed = await open();
  using stray = catchStrayErrors();
  const outcomes = new Map<string, number>();
  const property = fc.asyncProperty(fuzzed.cases, async (value) => {
    const outcome = await fuzzed.check(value);
    stray.throwAny();
    refusePollution();
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  });
  const startedMs = performance.now();
  const details = await fc.check(property, {
    seed,
    numRuns: cases,
    timeout: CASE_MS_MAX,
    ...(path === undefined ? {} : { path }),
  });
  const report = { name, cases: details.numRuns, ms: performance.now() - startedMs, outcomes };
  return details.failed ? { ...report, failure: failureOf(details) } : report;
}

function failureOf<T>(details: fc.RunDetails<[T]>): Failure {
  const { seed, counterexamplePath, numShrinks, counterexample, errorInstance } = details;
  return {
    seed,
    path: counterexamplePath ?? '',
    shrinks: numShrinks,
    case: shortened(fc.stringify(counterexample)),
    error: shortened(inspect(errorInstance)),
  };
}

/** What is repeated is said once: `[×5000`. */
function shortened(text: string): string {
  const once = text.replace(/(.{1,8}?)\1{31,}/gs, (all: string, unit: string) => {
    return `${unit}×${all.length / unit.length}`;
  });
  return once.slice(0, CASE_CHARS_MAX);
}

/** Errors that no caller waits for: each would end a daemon. */
function catchStrayErrors(): Disposable & { throwAny(): void } {
  const errors: unknown[] = [];
  const take = (error: unknown) => void errors.push(error);
  const events = ['unhandledRejection', 'uncaughtException'] as const;
  for (const event of events) process.on(event, take);
  return {
    throwAny: () => {
      if (errors.length > 0) throw new Error('an error that nobody caught', { cause: errors[0] });
    },
    [Symbol.dispose]: () => {
      for (const event of events) process.off(event, take);
    },
  };
}

/** Own properties of the prototypes that everything inherits from, when nothing has happened. */
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const BUILT_IN = PROTOTYPES.map((prototype) => Object.getOwnPropertyDescriptors(prototype));

function refusePollution(): void {
  PROTOTYPES.forEach((prototype, index) => {
    const before: PropertyDescriptorMap = BUILT_IN[index] ?? {};
    for (const key of Reflect.ownKeys(prototype)) {
      const now = Object.getOwnPropertyDescriptor(prototype, key);
      if (!Object.hasOwn(before, key) || now?.value !== before[key as string]?.value) {
        throw new Error(`${String(key)} of a built-in prototype was changed`);
      }
    }
  });
}
