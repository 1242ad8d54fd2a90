/** A leader whose event loop has much else to do; alone in its file, since it holds up all others. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Election, leads } from './support.ts';

it('a leader renews in time while its process is busy in turns of 100 ms', async () => {
  await using election = await Election.start();
  const times = { leaseSeconds: 15, renewDeadlineMs: 5_000, renewEveryMs: 500 };
  const leading = await (await election.contend('pod-a', times)).leadership;
  const until = performance.now() + 1.5 * times.renewDeadlineMs;
  while (performance.now() < until) {
    const turnUntil = performance.now() + 100;
    while (performance.now() < turnUntil);
    await nextTurn();
  }
  expect(leads(leading)).toBe(true);
});
