/** Kube-OVN's own NICs: "The attached NIC is a Kube-OVN type NIC", and more of their kind. */
import {
  attachnetPod,
  attachnetSubnet,
  customRoutesPod,
  customRoutesWorkload,
} from '../../test/lab/documented.ts';
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { podLink, podRoutes } from '../../test/lab/snapshot.ts';
import { dualNetwork, dualPod, dualSubnet, fixedPod, limitedPod, twoNicsPod } from './manifests.ts';
import { applyAll } from './objects.ts';
import { addressOf, nicsOf, podNamed, runPods, runWorkload, showPods } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';
import { type Usage, usageOf } from './usage.ts';

const ROUTES = ['default via 172.17.0.254 dev net1', '192.168.0.0/24 via 172.17.0.254 dev net1'];

/** @returns the pods, which stay, and Subnet attachnet's usage before they came */
export async function addAttached(
  stage: Stage,
  report: Report,
): Promise<{ pods: RunningPod[]; before: Usage }> {
  report.section("Kube-OVN's own NICs: Subnet attachnet with provider attachnet.default.ovn");
  applyAll(stage.api, [attachnetSubnet, dualNetwork, dualSubnet]);
  const before = await usageOf(stage, 'attachnet', 0);
  const pods = [
    ...(await runPods(stage, [
      [attachnetPod, 'any address'],
      [fixedPod, 'a fixed one and a fixed MAC'],
      [customRoutesPod, 'routes by annotation'],
    ], report)),
    ...(await runWorkload(stage, customRoutesWorkload, 'a Deployment with routes', report)),
    ...(await runPods(stage, [
      [twoNicsPod, 'two NICs of one network'],
      [dualPod, 'IPv4 and IPv6'],
      [limitedPod, '10 Mbit/s both ways'],
    ], report)),
  ]; // biome-ignore format: a table
  await showPods(pods, report);
  const fixed = podNamed(pods, 'fixed');
  const link = await podLink(fixed.sandbox, 'net1');
  const isFixed = addressOf(fixed) === '172.17.0.100' && link?.address === '02:00:00:53:6b:bb';
  report.check('fixed has the address and the MAC that it asks for', isFixed);
  await proveRoutes(pods, report);
  const { using, usingRange } = await usageOf(stage, 'attachnet', nicsOf(pods, 'attachnet'));
  report.info(`Subnet attachnet: ${using} in use, ${usingRange}`);
  return { pods, before };
}

async function proveRoutes(pods: readonly RunningPod[], report: Report): Promise<void> {
  const routed = pods.filter(({ pod }) => pod.name.startsWith('custom-routes-attach'));
  const found = await Promise.all(routed.map(({ sandbox }) => podRoutes(sandbox, 4)));
  const areRight = found.every((routes) => ROUTES.every((route) => routes.includes(route)));
  report.check('routes of the documentation', areRight, ROUTES.join(', '));
}
