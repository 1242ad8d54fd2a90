/**
 * npm run demo: a node with real OVS and OVN in private namespaces, our executable and daemon on
 * it, and the pods of Kube-OVN's documentation. `-- --shell` stops before the DELs and gives a
 * shell on that node.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { isInside, runSelfInside, whyNotInside } from '../test/lab/namespaces.ts';
import { census } from './demo/census.ts';
import { addPods, deletePods } from './demo/play.ts';
import { proveTraffic } from './demo/proofs.ts';
import { Report } from './demo/report.ts';
import { startStage } from './demo/stage.ts';

const missing = whyNotInside();
if (missing !== undefined) {
  console.error(`npm run demo needs ${missing}`);
  process.exit(1);
}
if (!isInside()) {
  const build = spawnSync(process.execPath, [resolve(import.meta.dirname, 'build.ts')], {
    stdio: 'inherit',
  });
  if (build.status !== 0) process.exit(1);
  process.exit(runSelfInside().status ?? 1);
}

const report = new Report();
const stage = await startStage(report);
const before = await census(stage);
const pods = await addPods(stage, report);
await proveTraffic(stage, pods, report);
if (process.argv.includes('--shell')) openShell();
await deletePods(stage, pods, report);
report.unchanged('nothing is left on the node', before, await census(stage));
await stage.stop();
process.exit(report.finish());

function openShell(): void {
  console.log('\nA shell on this node; `exit` goes on with the DELs. For a start:');
  console.log('  ovs-vsctl show          ip netns          ip netns exec <name> ip address');
  spawnSync(process.env.SHELL ?? '/bin/sh', { stdio: 'inherit', env: stage.environment });
}
