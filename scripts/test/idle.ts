/** Whether this machine's processors have nothing to do. */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** For how long; a test that has just started shows within it what it needs; ms. */
const LOOK_MS = 3000;
/** Of one processor. Less is what any test leaves idle now and then. */
const SHARE = 0.5;

/** Resolves when half of a processor or more was idle for three seconds, by all that runs on this machine. */
export async function untilIdle(signal: AbortSignal): Promise<void> {
  for (;;) {
    const [idleMs, startedAtMs] = [idleMsOfAll(), performance.now()];
    await sleep(LOOK_MS, undefined, { signal });
    const tookMs = performance.now() - startedAtMs;
    if (idleMsOfAll() - idleMs >= SHARE * tookMs) return;
  }
}

/** Since the machine started. */
function idleMsOfAll(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}
