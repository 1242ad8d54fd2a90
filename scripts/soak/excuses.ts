/** What a call may answer when something else is being disturbed, and what to do when it does not. */
import type { Answer } from './calls.ts';
import type { Home } from './pods.ts';
import { printWithHistory } from './print-history.ts';
import type { Stage } from './stage.ts';

/** CNI's code for what may succeed on a retry (docs/errors.md, as all codes here). */
const TRY_AGAIN = 11;
const POD_GONE = 100;
const SUPERSEDED = 102;
/** CHECK: OVN takes an interface back while it restarts. */
const PORT_DIFFERS = 111;
/** CHECK: limits follow annotations when OVS's database is there. */
const LIMITS_DIFFER = 113;

/** Says whether an answer other than success is as it may be. */
export type Excuse = (answer: Answer) => boolean;

/** ADD and GC need all parts, and the API server. */
export const disturbed: Excuse = ({ code, faults }) => code === TRY_AGAIN && faults.size > 0;

/** A DEL needs nothing but OVS's database: without a daemon it is recorded. */
export const withoutDatabase: Excuse = ({ code, faults }) =>
  code === TRY_AGAIN && faults.has('ovsdb-server');

export const disturbedCheck: Excuse = (answer) =>
  disturbed(answer) ||
  (answer.faults.size > 0 && (answer.code === PORT_DIFFERS || answer.code === LIMITS_DIFFER));

/** The executable was killed on purpose. */
export const killed: Excuse = ({ code }) => code === 'killed';
/** A daemon that was started later has never seen the pod, and waits for it in vain. */
export const podGone: Excuse = ({ code }) => code === POD_GONE || code === TRY_AGAIN;
export const superseded: Excuse = ({ code }) => code === SUPERSEDED;

export function anyOf(...excuses: readonly Excuse[]): Excuse {
  return (answer) => excuses.some((excuse) => excuse(answer));
}

/** Attempts at a call for whose failures there are excuses. */
const ATTEMPTS_MAX = 8;

/**
 * Repeats a call until it succeeds, as kubelet does, each time when nothing is disturbed any more;
 * a failure without an excuse is a surprise.
 */
export async function untilDone(
  stage: Stage,
  what: string,
  attempt: () => Promise<Answer>,
  excuse: Excuse,
): Promise<Answer> {
  for (let attempts = 1; ; attempts += 1) {
    const answer = await attempt();
    if (answer.code === 0) return answer;
    if (!excuse(answer) || attempts === ATTEMPTS_MAX) {
      surprise(stage, `${what} after ${attempts} attempts`, answer);
      return answer;
    }
    await stage.faults.over();
  }
}

/** Enters a failure that has no excuse. */
export function expectSuccess(stage: Stage, what: string, answer: Answer, excuse: Excuse): void {
  if (answer.code !== 0 && !excuse(answer)) surprise(stage, what, answer);
}

/** Enters an answer that must not be. */
export function surprise(stage: Stage, what: string, answer: Answer): void {
  const { tally } = stage;
  const { code, text, faults, containerId } = answer;
  const around = faults.size === 0 ? 'nothing' : [...faults].join(', ');
  const title = `${what}: ${code} ${text.trim()} (disturbed: ${around})`;
  tally.surprises += 1;
  printWithHistory(stage, `SURPRISE: ${title}`, containerId);
}

/** The names of a home's interfaces, for titles. */
export function titleOf(verb: string, { sandbox }: Home, ifName: string): string {
  return `${verb} of ${ifName} for ${sandbox.pod.name} in ${sandbox.containerId.slice(0, 12)}`;
}
