/**
 * The stages of an ADD and a DEL: in which one a call is or has failed, and how long each took. Events,
 * metrics and log lines name stages by this one list.
 *
 * What is known of a call is kept beside its work (Node's AsyncLocalStorage) and not handed from
 * function to function: a failure belongs to the innermost stage that it passes through.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Names of Kube-OVN's daemon where it has one: people search for them. */
export const STAGES = {
  'validate-request': "Kube-OVN's",
  provider: "Kube-OVN's",
  'get-pod': "Kube-OVN's",
  'parse-address': "Kube-OVN's",
  'parse-routes': "Kube-OVN's",
  'wait-address': "Kube-OVN's",
  'wait-route': "Kube-OVN's",
  'get-subnet': "Kube-OVN's",
  'u2o-address': "Kube-OVN's",
  'get-node': "Kube-OVN's",
  mtu: "Kube-OVN's",
  'encap-ip': "Kube-OVN's",
  'configure-nic': "Kube-OVN's",
  'remove-default-route': "Kube-OVN's",
  'delete-nic': "Kube-OVN's",
  /** An earlier call of the same interface runs. */
  queue: 'ours',
  /** The NIC's IP object is to say what the annotations say. */
  'confirm-address': 'ours',
  /** Other NICs are being made. The stages from here on are `configure-nic` in Kube-OVN. */
  'nic-slot': 'part of configure-nic',
  'make-interface': 'part of configure-nic',
  'make-port': 'part of configure-nic',
  'configure-interface': 'part of configure-nic',
  'install-flows': 'part of configure-nic',
  'detect-duplicate': 'part of configure-nic',
  'check-gateway': 'part of configure-nic',
} as const;

/** The name of a stage. */
export type Stage = keyof typeof STAGES;

/** How an event names a stage: those that are part of Kube-OVN's `configure-nic` are its steps. */
export function stageText(stage: Stage): string {
  return STAGES[stage] === 'part of configure-nic'
    ? `stage=configure-nic step=${stage}`
    : `stage=${stage}`;
}

/** What is known of the stages of one call. */
export class CallStages {
  readonly #failures = new WeakMap<object, Stage>();
  readonly #ms = new Map<Stage, number>();

  /** Runs the work of the call. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return calls.run(this, task);
  }

  /** Time spent in each stage that was entered so far; ms. Stages inside others count in both. */
  get ms(): ReadonlyMap<Stage, number> {
    return this.#ms;
  }

  /** The stage in which the call met an error, or the cause of it; undefined outside all of them. */
  ofFailure(error: unknown): Stage | undefined {
    if (!isObject(error)) return undefined;
    return this.#failures.get(error) ?? this.ofFailure((error as { cause?: unknown }).cause);
  }

  /** A stage took so long. */
  took(stage: Stage | undefined, ms: number): void {
    if (stage === undefined) return;
    this.#ms.set(stage, (this.#ms.get(stage) ?? 0) + ms);
  }

  /** An error leaves a stage. The innermost one, which it leaves first, counts. */
  failed(stage: Stage | undefined, error: unknown): void {
    if (stage === undefined || !isObject(error)) return;
    if (this.ofFailure(error) === undefined) this.#failures.set(error, stage);
  }
}

const calls = new AsyncLocalStorage<CallStages>();

/** A stage that has begun and is not over. */
interface Begun {
  readonly stage: () => Stage | undefined;
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
}

/** In the order in which they began. */
const begun = new Set<Begun>();

function begin(stage: () => Stage | undefined): Begun {
  const one = { stage, startedMs: performance.now() };
  begun.add(one);
  return one;
}

/** What is in a stage now. */
export interface StageNow {
  readonly count: number;
  /** Since when the oldest is; ms. */
  readonly oldestMs: number;
}

/** Stages that calls are in now. */
export function stagesNow(): ReadonlyMap<Stage, StageNow> {
  const now = new Map<Stage, StageNow>();
  for (const { stage, startedMs } of begun) {
    const name = stage();
    if (name === undefined) continue;
    const { count, oldestMs } = now.get(name) ?? {
      count: 0,
      oldestMs: performance.now() - startedMs,
    };
    now.set(name, { count: count + 1, oldestMs });
  }
  return now;
}

/** A stage that has begun. */
export interface EnteredStage {
  /** It is over; what fails from here on has failed elsewhere. */
  leave(): void;
  /** It has failed, unless it is over. */
  fail(error: unknown): void;
}

/** Enters a stage of the call that runs here. */
export function enterStage(stage: Stage): EnteredStage {
  const call = calls.getStore();
  const one = begin(() => stage);
  let isOver = false;
  const leave = () => {
    if (!isOver) call?.took(stage, performance.now() - one.startedMs);
    isOver = true;
    begun.delete(one);
  };
  const fail = (error: unknown) => {
    if (!isOver) call?.failed(stage, error);
    leave();
  };
  return { leave, fail };
}

/**
 * Awaits `task` as a stage of the call that runs here.
 * @param stage undefined for none; a function where the task goes through several: the last one counts
 * @throws what `task` throws
 */
export async function inStage<T>(
  stage: Stage | undefined | (() => Stage | undefined),
  task: Promise<T>,
): Promise<T> {
  const call = calls.getStore();
  const current = typeof stage === 'function' ? stage : () => stage;
  const one = begin(current);
  try {
    return await task;
  } catch (error) {
    call?.failed(current(), error);
    throw error;
  } finally {
    begun.delete(one);
    call?.took(current(), performance.now() - one.startedMs);
  }
}

/** The same for what is done at once. */
export function atStage<T>(stage: Stage, task: () => T): T {
  try {
    return task();
  } catch (error) {
    calls.getStore()?.failed(stage, error);
    throw error;
  }
}

/** A function that others call, on behalf of the call that runs here. */
export function forThisCall<T>(task: () => T): () => T {
  return AsyncLocalStorage.bind(task);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
