/**
 * Runs a cache until stdin ends, stops it, and writes how long the process lived on; ms. Any
 * timer or socket that is left over keeps it from ending.
 */
import { loadKubeConfig } from '../../../../src/common/kubernetes/config.ts';
import { WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';

const ignore = () => undefined;
const cache = new WatchCache({
  config: loadKubeConfig(process.argv[2]),
  path: '/api/v1/pods',
  project: (raw) => raw,
  log: { info: ignore, warn: ignore, error: ignore },
  // Pauses so long that the test would fail if it had to wait for one.
  limits: { backoffFirstMs: 20_000, backoffMaxMs: 20_000, ...shortFirstPause(process.argv[3]) },
});
cache.start();
process.stdin.resume();
process.stdin.once('end', () => {
  const stoppedAt = performance.now();
  cache.stop();
  process.once('exit', () => {
    process.stdout.write(String(Math.round(performance.now() - stoppedAt)));
  });
});

/** A pause that is over soon, for a test that needs a second attempt. */
function shortFirstPause(state: string | undefined) {
  return state === 'silent-watch' ? { backoffFirstMs: 10 } : {};
}
