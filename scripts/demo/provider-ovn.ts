/**
 * Subnets with provider `ovn`, which pods choose by the annotation `logical_switch`: for macvlan's
 * addresses, and for Kube-OVN's own NIC. Both have the documentation's one network, and so come one
 * after the other.
 */
import {
  attachnetNetwork,
  attachnetPodWithSwitch,
  attachnetSubnetOfOvn,
  type Manifest,
  macvlanPodWithSwitch,
  macvlanSubnetOfOvn,
} from '../../test/lab/documented.ts';
import { applyAll, removeAll } from './objects.ts';
import { provePings } from './pings.ts';
import { addressOf, endPods, runPods } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';
import { showUsage, usageOf } from './usage.ts';

export async function showProviderOvn(stage: Stage, report: Report): Promise<void> {
  report.section('Subnets with provider ovn, chosen by the annotation logical_switch');
  const wire = "gateway on the node's wire";
  await showSubnet(stage, [macvlanSubnetOfOvn, macvlanPodWithSwitch, wire], report);
  applyAll(stage.api, [attachnetNetwork]);
  await showSubnet(stage, [attachnetSubnetOfOvn, attachnetPodWithSwitch, "OVN's router"], report);
}

async function showSubnet(
  stage: Stage,
  [subnet, manifest, gateway]: readonly [subnet: Manifest, pod: Manifest, gateway: string],
  report: Report,
): Promise<void> {
  const { name } = subnet.metadata;
  applyAll(stage.api, [subnet]);
  const before = await usageOf(stage, name, 0);
  const pods = await runPods(stage, [[manifest, `logical_switch ${name}`]], report);
  const during = await usageOf(stage, name, 1);
  for (const pod of pods) {
    report.check(`its address is of Subnet ${name}`, addressOf(pod) === '172.17.0.11');
    await provePings([{ from: pod, by: 'net1', to: '172.17.0.1', what: gateway }], report);
  }
  await endPods(stage, pods, report);
  const after = await usageOf(stage, name, 0);
  showUsage(name, { before, during, after }, report);
  await removeAll(stage.api, 'Subnet', [name]);
}
