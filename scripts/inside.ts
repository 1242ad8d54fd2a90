/** What demo and bench begin with: a fresh build, and private namespaces. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { isInside, runSelfInside, whyNotInside } from '../test/lab/namespaces.ts';

/** Returns only inside private namespaces: outside it builds, runs this script inside, and exits. */
export function goInside(name: string): void {
  if (isInside()) return;
  const missing = whyNotInside();
  if (missing !== undefined) {
    console.error(`npm run ${name} needs ${missing}`);
    process.exit(1);
  }
  const argv = [resolve(import.meta.dirname, 'build.ts')];
  if (spawnSync(process.execPath, argv, { stdio: 'inherit' }).status !== 0) process.exit(1);
  process.exit(runSelfInside().status ?? 1);
}
