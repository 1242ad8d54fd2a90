/**
 * npm run demo: a node with real OVS and OVN in private namespaces, our executable and daemon on
 * it, and the pods of Kube-OVN's documentation. `-- --shell` stops before the DELs and gives a
 * shell on that node.
 */
import { spawnSync } from 'node:child_process';
import { census } from './demo/census.ts';
import { proveLimits } from './demo/limits.ts';
import { addPods, deletePods } from './demo/play.ts';
import { proveTraffic } from './demo/proofs.ts';
import { Report } from './demo/report.ts';
import { startStage } from './demo/stage.ts';
import { proveTrust } from './demo/trust.ts';
import { goInside } from './inside.ts';

goInside('demo');

const report = new Report();
const stage = await startStage(report);
const before = await census(stage);
const pods = await addPods(stage, report);
await proveTraffic(stage, pods, report);
await proveLimits(stage, pods, report);
await proveTrust(stage, report);
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
