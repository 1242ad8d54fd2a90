/**
 * Vpcs: two Subnets of the documentation's one are routed between each other, and another Vpc with
 * the same network is isolated from it.
 */
import {
  multiNetworkPod,
  secondarySubnet,
  secondaryVpc,
  vpcNetwork,
} from '../../test/lab/documented.ts';
import type { RunningPod } from '../../test/lab/kubelet.ts';
import {
  backNetwork,
  backPod,
  backSubnet,
  frontPod,
  otherNetwork,
  otherPod,
  otherSubnet,
  otherVpc,
} from './manifests.ts';
import { applyAll, removeAll } from './objects.ts';
import { provePings, proveSilence } from './pings.ts';
import { addressOf, runPods, showPods } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const SUBNETS = ['subnet-secondary', 'subnet-back', 'subnet-other'];
const VPCS = ['vpc-secondary', 'vpc-other'];

/** @returns the pods, which stay */
export async function addVpcs(stage: Stage, report: Report): Promise<RunningPod[]> {
  report.section('Vpcs: vpc-secondary with two Subnets, and vpc-other with the network of one');
  applyAll(stage.api, [secondaryVpc, vpcNetwork, secondarySubnet, backNetwork, backSubnet]);
  applyAll(stage.api, [otherVpc, otherNetwork, otherSubnet]);
  const pods = await runPods(stage, [
    [multiNetworkPod, "the documentation's, in subnet-secondary"],
    [frontPod, 'in subnet-secondary, with a route to subnet-back'],
    [backPod, 'in subnet-back, with a route to subnet-secondary'],
    [otherPod, 'in subnet-other of vpc-other, with ips and a mask'],
  ], report); // biome-ignore format: a table
  await showPods(pods, report);
  const [plain, front, back, other] = pods as [RunningPod, RunningPod, RunningPod, RunningPod];
  const toBack = { to: addressOf(back), what: 'back' };
  const toFront = { to: addressOf(front), what: 'front' };
  await provePings([
    { from: plain, by: 'net1', to: '10.100.0.1', what: 'gateway of subnet-secondary' },
    { from: plain, by: 'net1', ...toFront },
    { from: front, ...toBack },
    { from: back, ...toFront },
    { from: other, by: 'net1', to: '10.100.0.1', what: 'gateway of subnet-other' },
  ], report); // biome-ignore format: a table
  const hasAddress = addressOf(other) === '10.100.0.100';
  report.check('other has the address that it asks for', hasAddress, addressOf(other));
  await proveSilence([
    { from: front, by: 'net1', to: addressOf(other), what: 'other' },
    { from: other, by: 'net1', ...toFront },
    { from: other, ...toBack },
  ], report); // biome-ignore format: a table
  return pods;
}

/** Takes Vpcs and Subnets away whose pods have gone. */
export async function removeVpcs({ api }: Stage): Promise<void> {
  await removeAll(api, 'Subnet', SUBNETS);
  await removeAll(api, 'Vpc', VPCS);
}
