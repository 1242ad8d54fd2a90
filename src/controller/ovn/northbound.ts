/**
 * The northbound database, as the controller uses it: reads, and plans that are made of them and
 * carried out.
 *
 * Plans go in rounds. A round is one read, the plans of all who wait, and some of their
 * transactions; plans that are in each other's way, and those that are too many for one round, are
 * made anew in the next. So thousands of objects that are as they ought to be are one read, and
 * nothing but its own round writes between a plan's read and its transactions, unless somebody else
 * does.
 */
import { setImmediate as turnOver } from 'node:timers/promises';
import pLimit from 'p-limit';
import { take } from './claims.ts';
import type { Plan } from './draft.ts';
import { NorthboundError } from './error.ts';
import type { Nbctl } from './nbctl.ts';
import { type NbState, readState } from './state.ts';

export interface Northbound {
  /**
   * What the database holds now.
   * @throws NorthboundError `unreachable`
   */
  read(): Promise<NbState>;
  /**
   * Reads, plans, and does what was planned.
   * @param plan one of the planners, for one object; called again where the database refused what
   *   it had planned
   * @returns the plan that was carried out
   * @throws NorthboundError what `plan` throws; `unreachable`; `refused` after several attempts
   */
  bring(plan: Planner): Promise<Plan>;
}

type Planner = (state: NbState) => Plan;

/** A plan that waits for its round. */
interface Job {
  readonly plan: Planner;
  readonly attempt: number;
  resolve(plan: Plan): void;
  reject(error: unknown): void;
}

/** Plans with something to do: whoever comes while a round is under way waits for no more than these. */
const WRITES_PER_ROUND = 64;
/** ovn-nbctl's that run at a time: more than two processors are of no use to the database. */
const WRITES_AT_ONCE = 8;
/** Plans that are made without letting anything else run. */
const PLANS_PER_TURN = 50;
/** Each one means that something else has written what the plan is about. */
const ATTEMPTS_MAX = 5;

/**
 * @param guard throws where nothing may be read or written any more; asked before each
 */
export function createNorthbound(nbctl: Nbctl, guard: () => void = () => {}): Northbound {
  let waiting: Job[] = [];
  let isRunning = false;
  const slots = pLimit(WRITES_AT_ONCE);

  function enqueue(job: Job): void {
    waiting.push(job);
    if (isRunning) return;
    isRunning = true;
    // Those who come in the same turn of the event loop are of the same round.
    queueMicrotask(() => void run());
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const jobs = waiting;
      waiting = [];
      await round(jobs);
    }
    isRunning = false;
  }

  async function round(jobs: readonly Job[]): Promise<void> {
    try {
      guard();
      const writes = await begin(jobs, await readState(nbctl));
      await Promise.all(writes);
    } catch (error) {
      for (const job of jobs) job.reject(error);
    }
  }

  /** Makes the plans, and begins to carry out as many as may be; the others wait for another round. */
  async function begin(jobs: readonly Job[], state: NbState): Promise<readonly Promise<void>[]> {
    const taken = new Map<string, 'alone' | 'shared'>();
    const late: Job[] = [];
    const writes: Promise<void>[] = [];
    for (const [index, job] of jobs.entries()) {
      if (index % PLANS_PER_TURN === 0) await turnOver();
      const plan = planned(job, state);
      if (plan === undefined) continue;
      const hasRoom = writes.length < WRITES_PER_ROUND && take(taken, plan.claims);
      if (hasRoom) writes.push(slots(() => carryOut(job, plan)));
      else late.push(job);
    }
    waiting = [...late, ...waiting];
    return writes;
  }

  async function carryOut(job: Job, plan: Plan): Promise<void> {
    try {
      for (const transaction of plan.transactions) {
        guard();
        await nbctl(transaction);
      }
      job.resolve(plan);
    } catch (error) {
      const isRefused = error instanceof NorthboundError && error.reason === 'refused';
      if (isRefused && job.attempt < ATTEMPTS_MAX)
        waiting.push({ ...job, attempt: job.attempt + 1 });
      else job.reject(error);
    }
  }

  return {
    read: () => readState(nbctl),
    bring: (plan) =>
      new Promise((resolve, reject) => enqueue({ plan, attempt: 1, resolve, reject })),
  };
}

/** The plan of a job, or nothing where there is nothing to do or no plan to be had. */
function planned({ plan, resolve, reject }: Job, state: NbState): Plan | undefined {
  try {
    const planned = plan(state);
    if (planned.transactions.length > 0) return planned;
    resolve(planned);
    return undefined;
  } catch (error) {
    reject(error);
    return undefined;
  }
}
