/**
 * How many events may be recorded: about one object, whose author may be after a flood of them, and
 * about all together, so that a node asks no more of the API server than its share. Like client-go,
 * which allows 25 about one object, and then one in 5 minutes.
 */

/** So many at once, and then one each `everyMs`. */
export interface Allowance {
  readonly burst: number;
  readonly everyMs: number;
}

/** For one object; both programs have it. */
export const OBJECT_ALLOWANCE: Allowance = { burst: 25, everyMs: 60_000 };

/** What is allowed about each object, and in total. */
export interface EventRates {
  readonly perObject: Allowance;
  readonly total: Allowance;
}

/** What is left of an allowance, at a time. */
interface Bucket {
  readonly left: number;
  /** On the clock of `performance.now()`. */
  readonly atMs: number;
}

/** Objects whose allowance is remembered; one that is forgotten has all of it again. */
const OBJECTS_MAX = 1024;

/**
 * Counts events against both allowances; each is refilled as time passes (a token bucket). It remembers 1,024
 * objects.
 */
export class EventBudget {
  readonly #rates: EventRates;
  /** By UID, the least recently used first: a Map keeps the order in which its keys came. */
  readonly #objects = new Map<string, Bucket>();
  #total: Bucket | undefined;

  constructor(rates: EventRates) {
    this.#rates = rates;
  }

  /**
   * Takes one event about an object from what is allowed.
   * @returns whose allowance is used up, if one is: then nothing is taken
   */
  take(uid: string, nowMs: number): keyof EventRates | undefined {
    const { perObject, total } = this.#rates;
    const ofObject = refilled(this.#objects.get(uid), perObject, nowMs);
    const ofAll = refilled(this.#total, total, nowMs);
    if (ofObject.left < 1) return 'perObject';
    if (ofAll.left < 1) return 'total';
    this.#total = spent(ofAll);
    this.#objects.delete(uid);
    this.#objects.set(uid, spent(ofObject));
    const [oldest] = this.#objects.keys();
    if (this.#objects.size > OBJECTS_MAX && oldest !== undefined) this.#objects.delete(oldest);
    return undefined;
  }
}

function refilled(bucket: Bucket | undefined, allowance: Allowance, nowMs: number): Bucket {
  const { burst, everyMs } = allowance;
  if (bucket === undefined) return { left: burst, atMs: nowMs };
  const left = bucket.left + (nowMs - bucket.atMs) / everyMs;
  return { left: Math.min(burst, left), atMs: nowMs };
}

function spent({ left, atMs }: Bucket): Bucket {
  return { left: left - 1, atMs };
}
