/**
 * npm run demo: a node with real OVS and OVN in private namespaces, our executable, daemon and
 * controller on it, and the manifests of Kube-OVN's documentation as they stand there. `-- --shell`
 * stops before the DELs and gives a shell on that node.
 */
import { spawnSync } from 'node:child_process';
import { addAttached } from './demo/attachnet.ts';
import { census } from './demo/census.ts';
import { proveLimits } from './demo/limits.ts';
import { showMacvlan } from './demo/macvlan.ts';
import { proveNewerSandbox } from './demo/newer-sandbox.ts';
import { removeAll } from './demo/objects.ts';
import { endPods, nicsOf } from './demo/pods.ts';
import { proveProviderNetwork } from './demo/provider-network.ts';
import { showProviderOvn } from './demo/provider-ovn.ts';
import { Report } from './demo/report.ts';
import { addGuarded } from './demo/security-group.ts';
import { type Stage, startStage } from './demo/stage.ts';
import { proveTraffic } from './demo/traffic.ts';
import { proveTrust } from './demo/trust.ts';
import { showUsage, usageOf } from './demo/usage.ts';
import { addVpcs, removeVpcs } from './demo/vpcs.ts';
import { goInside } from './inside.ts';

goInside('demo');

const report = new Report();
try {
  const stage = await startStage(report);
  await play(stage);
  await stage.stop();
} catch (error) {
  // What a step needs is not there: the steps that follow would say nothing.
  report.check('the demo goes on to its end', false, (error as Error).stack);
}
process.exit(report.finish());

async function play(stage: Stage): Promise<void> {
  const nothing = await census(stage);
  await showMacvlan(stage, report);
  await showProviderOvn(stage, report);
  const { pods: attached, before } = await addAttached(stage, report);
  await proveTraffic(stage, attached, report);
  await proveLimits(stage, attached, report);
  const guarded = await addGuarded(stage, attached, report);
  const inVpcs = await addVpcs(stage, report);
  await proveProviderNetwork(stage, report);
  const pods = await proveNewerSandbox(stage, [...attached, ...guarded, ...inVpcs], report);
  await proveTrust(stage, report);
  if (process.argv.includes('--shell')) openShell(stage);

  report.section('DEL of everything');
  const during = await usageOf(stage, 'attachnet', nicsOf(pods, 'attachnet'));
  stage.api.delete('Deployment', 'default/custom-routes-attach');
  await endPods(stage, pods, report);
  const after = await usageOf(stage, 'attachnet', 0);
  showUsage('attachnet', { before, during, after }, report);
  await removeAll(stage.api, 'Subnet', ['attachnet', 'dual']);
  await removeVpcs(stage);
  report.unchanged('nothing is left', nothing, await census(stage));
}

function openShell({ environment }: Stage): void {
  console.log('\nA shell on this node; `exit` goes on with the DELs. For a start:');
  console.log('  ovs-vsctl show          ip netns          ip netns exec <name> ip address');
  console.log('  ovn-nbctl show');
  spawnSync(process.env.SHELL ?? '/bin/sh', { stdio: 'inherit', env: environment });
}
