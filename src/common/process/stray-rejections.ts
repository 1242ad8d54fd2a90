/**
 * What becomes of a rejected promise that nobody awaits: a line in the log, and the process goes on.
 *
 * Such a promise is a defect of ours, in the work for one pod or object. Node's default would end the
 * process, and with it the work for all others, again and again: the next leader, or the daemon that
 * is started again, meets the same object. What the failed work has left undone is found by its next
 * run, since work looks at how things are and not at what was done before.
 *
 * An exception that nobody caught (`uncaughtException`) still ends the process: it left a callback in
 * the middle, and what that was about is not known. Whether the controller leads does not depend on
 * this: a Lease that is not renewed in time is lost, whatever kept it from being renewed.
 */
import type { Logger } from '../log.ts';
import { messageOf } from '../text.ts';

/** Different messages that are logged: the same defect may show itself for each pod. */
const MESSAGES_MAX = 100;

/** @returns ends it */
export function surviveStrayRejections(log: Logger): () => void {
  const logged = new Set<string>();
  const onRejection = (reason: unknown) => {
    const error = messageOf(reason);
    if (logged.has(error) || logged.size >= MESSAGES_MAX) return;
    logged.add(error);
    const stack = reason instanceof Error ? reason.stack : undefined;
    log.error(
      { error, stack },
      'a promise was rejected that nobody awaits: this is a defect, please report it; going on',
    );
  };
  process.on('unhandledRejection', onRejection);
  return () => process.off('unhandledRejection', onRejection);
}
