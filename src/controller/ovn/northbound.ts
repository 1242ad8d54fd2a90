/**
 * The northbound database, as the controller uses it: reads, and plans that are made of them and
 * carried out.
 */
import type { Plan } from './draft.ts';
import { NorthboundError } from './error.ts';
import type { Nbctl } from './nbctl.ts';
import { type NbState, readState } from './state.ts';

export interface Northbound {
  /**
   * What the database holds; never older than this call. Those who call while a read is under way
   * share the next one, so that a thousand pods at once are a few reads.
   * @throws NorthboundError `unreachable`
   */
  read(): Promise<NbState>;
  /**
   * Reads, plans, and does what was planned. Objects that share rows (members of one group, say)
   * may be planned of one read, and the database then takes one of them: the other is planned anew.
   * @param plan one of the planners, for one object
   * @returns the plan that was carried out
   * @throws NorthboundError what `plan` throws; `unreachable`; `refused` after several attempts
   */
  bring(plan: (state: NbState) => Plan): Promise<Plan>;
}

/** Each one means that something else has written what the plan is about. */
const ATTEMPTS_MAX = 5;

export function createNorthbound(nbctl: Nbctl): Northbound {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<NbState> | undefined;

  function read(): Promise<NbState> {
    next ??= current.then(() => {
      const reading = readState(nbctl);
      next = undefined;
      // Whoever waits for its end does not care how it ended.
      current = reading.catch(() => {});
      return reading;
    });
    return next;
  }

  async function bring(plan: (state: NbState) => Plan, attempt = 1): Promise<Plan> {
    const planned = plan(await read());
    try {
      for (const transaction of planned.transactions) await nbctl(transaction);
      return planned;
    } catch (error) {
      const isRefused = error instanceof NorthboundError && error.reason === 'refused';
      if (!isRefused || attempt === ATTEMPTS_MAX) throw error;
      return await bring(plan, attempt + 1);
    }
  }

  return { read, bring: (plan) => bring(plan) };
}
