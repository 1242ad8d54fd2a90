/**
 * The northbound database, as the controller uses it: a replica of it, and plans that are made from
 * the replica and carried out.
 *
 * Plans of many objects share a transaction, and so one round trip and one commit of the database's
 * cluster: those that wait when the one before has been answered. Plans that are in each other's way
 * go in different ones. What a transaction has changed is in the replica when it is answered, so that
 * the next plans start from it. Where it is refused, the plan that is to blame is made anew from a newer
 * replica; the others go again at once, without it.
 */
import { setImmediate as turnOver } from 'node:timers/promises';
import { DeadlinePassed, startDeadline } from '../../common/concurrency/deadline.ts';
import { TurnBudget } from '../../common/concurrency/turn-budget.ts';
import type { CommandObserver } from '../../common/ovs-commands.ts';
import { OvsdbError, TransactionError } from '../../common/ovsdb/error.ts';
import type { OvsdbSession } from '../../common/ovsdb/session.ts';
import { Batch } from './batch.ts';
import { take } from './claims.ts';
import { NorthboundError } from './error.ts';
import type { NbState } from './state.ts';
import type { Plan } from './transaction-builder.ts';

/** The northbound database for those who plan. */
export interface Northbound {
  /** What the database holds, as far as has been heard. */
  readonly state: NbState;
  /**
   * Resolves when the state is that of the database.
   * @throws NorthboundError `unreachable` where that takes long
   */
  ready(): Promise<void>;
  /**
   * Makes a plan, and does what was planned.
   * @param plan one of the planners, for one object; called again where the database refused what
   *   it had planned
   * @returns the plan that was carried out; its changes are in the state
   * @throws NorthboundError what `plan` throws; `unreachable`; `refused` after several attempts
   */
  apply(plan: Planner): Promise<Plan>;
}

/**
 * Makes a plan of what the database holds now. It is called in one turn of the event loop, may be called
 * again, and throws NorthboundError where there can be no plan.
 */
export type Planner = (state: NbState) => Plan;

/** With which session plans are carried out, and until when. */
export interface NorthboundOptions {
  readonly session: Pick<OvsdbSession, 'live' | 'transact'>;
  readonly state: NbState;
  /** Where the database is, for people. */
  readonly remotes: string;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
  /** Throws where nothing may be written any more; asked before each transaction. */
  readonly guard?: () => void;
  readonly observe?: CommandObserver;
  /** An outage that is waited out: a cluster may need some seconds to find a leader; ms. */
  readonly graceMs?: number;
  /** Plans have failed since the database is out of reach. */
  readonly onUnreachable?: () => void;
}

/** A plan that waits for a transaction. */
interface Job {
  readonly plan: Planner;
  readonly attempt: number;
  /** It goes without others, since it may be the one that the database refuses. */
  readonly isAlone: boolean;
  resolve(plan: Plan): void;
  reject(error: unknown): void;
}

/** Whoever comes while a transaction is under way waits for no more than so many plans. */
const PLANS_PER_TRANSACTION = 64;
/** Each one means that something else has written what the plan is about. */
const ATTEMPTS_MAX = 5;
const GRACE_MS = 10_000;
/** For the answer to a transaction; ms. */
const ANSWER_MS = 20_000;

/** Makes the queue of plans over a session that somebody else starts and stops. */
export function createNorthbound(options: NorthboundOptions): Northbound {
  return new PlanQueue(options);
}

class PlanQueue implements Northbound {
  readonly #options: NorthboundOptions;
  #waiting: Job[] = [];
  #isRunning = false;

  constructor(options: NorthboundOptions) {
    this.#options = options;
  }

  get state(): NbState {
    return this.#options.state;
  }

  async ready(): Promise<void> {
    const { session, signal, graceMs = GRACE_MS } = this.#options;
    try {
      await session.live(graceMs, signal);
    } catch (error) {
      throw asNorthboundError(error, this.#options.remotes);
    }
  }

  apply(plan: Planner): Promise<Plan> {
    const { promise, resolve, reject } = Promise.withResolvers<Plan>();
    this.#waiting.push({ plan, attempt: 1, isAlone: false, resolve, reject });
    if (!this.#isRunning) {
      this.#isRunning = true;
      // Those who come in the same turn of the event loop share a transaction.
      queueMicrotask(() => void this.#run());
    }
    return promise;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        await this.ready();
        this.#options.guard?.();
        const batch = this.#draw();
        if (batch.isEmpty) await turnOver();
        else await this.#carryOut(batch);
      } catch (error) {
        const jobs = this.#waiting;
        this.#waiting = [];
        for (const job of jobs) this.#reject(job, error);
      }
    }
    this.#isRunning = false;
  }

  /** Makes plans for one turn, and takes those that may go together; the others go on waiting. */
  #draw(): Batch<Job> {
    const jobs = this.#waiting;
    const taken = new Map<string, 'alone' | 'shared'>();
    const batch = new Batch<Job>();
    const late: Job[] = [];
    const budget = new TurnBudget();
    let next = 0;
    while (next < jobs.length && batch.size < PLANS_PER_TRANSACTION && !budget.isSpent) {
      const job = jobs[next] as Job;
      next += 1;
      const plan = planned(job, this.state);
      if (plan === undefined) continue;
      if (mayJoin(batch, job) && take(taken, plan.claims)) batch.add(job, plan);
      else late.push(job);
    }
    this.#waiting = [...late, ...jobs.slice(next)];
    return batch;
  }

  async #carryOut(batch: Batch<Job>): Promise<void> {
    const { session, signal, observe } = this.#options;
    const startedAt = performance.now();
    let succeeded = false;
    try {
      using deadline = startDeadline(ANSWER_MS, signal);
      await session.transact(batch.operations, deadline.signal);
      succeeded = true;
      for (const [job, plan] of batch.members) job.resolve(plan);
    } catch (error) {
      this.#again(batch, error);
    } finally {
      const ms = performance.now() - startedAt;
      observe?.({ db: 'ovn-nb', method: 'transact', succeeded, ms });
    }
  }

  /** Puts the plans of a transaction that failed in line again, or gives them up. */
  #again(batch: Batch<Job>, failure: unknown): void {
    const toBlame = failure instanceof TransactionError ? batch.blamed(failure.operation) : 'all';
    const jobs = [...batch.members].flatMap(([job]) => {
      if (toBlame === 'nobody') return [{ ...job, isAlone: true }];
      if (toBlame !== 'all' && !toBlame.has(job)) return [job];
      if (job.attempt < ATTEMPTS_MAX && mayHelp(failure)) {
        return [{ ...job, attempt: job.attempt + 1 }];
      }
      this.#reject(job, failure);
      return [];
    });
    this.#waiting = [...jobs, ...this.#waiting];
  }

  #reject(job: Job, failure: unknown): void {
    const error = asNorthboundError(failure, this.#options.remotes);
    const isUnreachable = error instanceof NorthboundError && error.reason === 'unreachable';
    if (isUnreachable) this.#options.onUnreachable?.();
    job.reject(error);
  }
}

/** The plan of a job, or nothing where there is nothing to do or no plan to be had. */
function planned({ plan, resolve, reject }: Job, state: NbState): Plan | undefined {
  try {
    const made = plan(state);
    if (made.operations.length > 0) return made;
    resolve(made);
  } catch (error) {
    reject(error);
  }
  return undefined;
}

function mayJoin(batch: Batch<Job>, job: Job): boolean {
  const [first] = batch.members;
  return first === undefined || !(job.isAlone || first[0].isAlone);
}

/** Whether a plan that is made anew may be carried out. */
function mayHelp(failure: unknown): boolean {
  if (!(failure instanceof OvsdbError)) return false;
  return ['changed', 'refused', 'interrupted', 'unreachable'].includes(failure.reason);
}

function asNorthboundError(failure: unknown, remotes: string): unknown {
  if (failure instanceof TransactionError && failure.reason !== 'interrupted') {
    return new NorthboundError(
      'refused',
      `OVN's northbound database refused a transaction: ${failure.message}`,
      'something else may have written the same rows at the same time: reading again and planning anew solves that',
    );
  }
  if (!(failure instanceof OvsdbError || failure instanceof DeadlinePassed)) return failure;
  return new NorthboundError(
    'unreachable',
    `cannot reach OVN's northbound database: ${failure.message}`,
    `is ovn-central running, and is ${remotes} its northbound database? \`ovn-nbctl --db=${remotes} show\` tells`,
  );
}
