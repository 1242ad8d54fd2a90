/** How long the daemon takes from its start until it answers. */
import { request } from 'node:http';
import { Daemon, SOCKET } from '../../test/lab/daemon.ts';
import type { Bench } from './stage.ts';
import { median, round } from './statistics.ts';

const STARTS = 15;

/** Ends the bench's daemon: it is the last thing to measure. */
export async function measureDaemonStart({ daemon, daemonOptions }: Bench) {
  await daemon.stop();
  const times: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const startedMs = performance.now();
    const next = await Daemon.start(daemonOptions);
    await firstAnswer();
    times.push(performance.now() - startedMs);
    await next.stop();
  }
  return { daemon_start_ms: round(median(times)) };
}

/** To a question that it does not know: any answer will do. */
function firstAnswer(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asked = request({ socketPath: SOCKET, path: '/', agent: false }, (answer) => {
    answer.resume().on('end', resolve);
  });
  asked.on('error', reject).end();
  return promise;
}
