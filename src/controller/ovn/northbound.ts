/**
 * The northbound database, as the controller uses it: reads, and plans that are made of them and
 * carried out.
 *
 * Plans go in rounds. A round is one read, the plans of all who waited for it, and their
 * transactions, some at a time; plans that are in each other's way go into different rounds. So a
 * thousand pods are some twenty reads, and nothing but its own round writes between a plan's read
 * and its transactions, unless somebody else does.
 */
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

/** Whoever comes while a round is under way waits for no more than these, and a read. */
const JOBS_PER_ROUND = 64;
/** Each one means that something else has written what the plan is about. */
const ATTEMPTS_MAX = 5;

export function createNorthbound(nbctl: Nbctl): Northbound {
  let waiting: Job[] = [];
  let isRunning = false;

  function enqueue(job: Job): void {
    waiting.push(job);
    if (isRunning) return;
    isRunning = true;
    // Those who come in the same turn of the event loop are of the same round.
    queueMicrotask(() => void run());
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const jobs = waiting.slice(0, JOBS_PER_ROUND);
      waiting = waiting.slice(JOBS_PER_ROUND);
      await round(jobs);
    }
    isRunning = false;
  }

  async function round(jobs: readonly Job[]): Promise<void> {
    try {
      const state = await readState(nbctl);
      const taken = new Map<string, 'alone' | 'shared'>();
      const late: Job[] = [];
      const running = jobs.map((job) => {
        const plan = planned(job, state);
        if (plan === undefined) return undefined;
        if (take(taken, plan.claims)) return carryOut(job, plan);
        late.push(job);
        return undefined;
      });
      waiting = [...late, ...waiting];
      await Promise.all(running);
    } catch (error) {
      for (const job of jobs) job.reject(error);
    }
  }

  async function carryOut(job: Job, plan: Plan): Promise<void> {
    try {
      for (const transaction of plan.transactions) await nbctl(transaction);
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

/** The plan of a job, or nothing where there is no plan to be had. */
function planned({ plan, reject }: Job, state: NbState): Plan | undefined {
  try {
    return plan(state);
  } catch (error) {
    reject(error);
    return undefined;
  }
}
