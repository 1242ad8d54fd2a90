/**
 * A provider network with two VLANs on two nodes: pods of both see each other and the physical gateway, each in
 * its own VLAN; the nodes, whose own addresses are on the cards that are used, are reached all the time.
 */

import type { RunningPod } from '../../test/lab/kubelet.ts';
import {
  gatewayOf,
  NodesOnWire,
  PROVIDER_NETWORK,
  providerNetwork,
  VLANS,
  vlanManifests,
} from '../../test/lab/nodes-on-wire.ts';
import type { Ping } from '../../test/lab/ping.ts';
import { inSandbox } from '../../test/lab/runtime.ts';
import { podOf } from './manifests.ts';
import { applyAll, removeAll, untilObject } from './objects.ts';
import { provePings, proveSilence } from './pings.ts';
import { addressOf, endPods, runPods } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

const DAEMON_FLAGS = ['--non-primary-cni-mode=true'];
/** Five times as often as ping(8) pings by itself. */
const PING_EVERY_MS = 200;
type Configuration = Awaited<ReturnType<NodesOnWire['configuration']>>;

/** Two nodes get a provider network, use it, and lose it again. */
export async function proveProviderNetwork(stage: Stage, report: Report): Promise<void> {
  report.section('Two nodes on one wire: a provider network with two VLANs');
  const nodes = await NodesOnWire.start(stage.api, DAEMON_FLAGS);
  const before = await nodes.configuration('card');
  report.info(`node1 has ${before.near[0]} on eth1, node2 ${before.far[0]} on eth2`);
  const pings = await nodes.pingNodes(PING_EVERY_MS);
  await setUp(stage, nodes, before, report);
  const near = await usePods(stage, nodes, report);
  await takeDown(stage, nodes, near, report);
  const after = await nodes.configuration('card');
  report.check('each card is as it was', isSame(after, before), after.near.join(', '));
  await showLosses(pings, report);
  await nodes.stop();
  stage.api.delete('Node', 'node2');
}

async function setUp(
  { api }: Stage,
  nodes: NodesOnWire,
  before: Configuration,
  report: Report,
): Promise<void> {
  applyAll(api, [providerNetwork, ...VLANS.flatMap(vlanManifests)]);
  const { status = {} } = await untilObject(api, 'ProviderNetwork', PROVIDER_NETWORK, (object) => {
    const { ready, readyNodes } = object.status ?? {};
    return ready === true && (readyNodes as readonly string[]).length === 2;
  });
  report.check(`ProviderNetwork ${PROVIDER_NETWORK} is ready`, true, String(status.readyNodes));
  const moved = isSame(await nodes.configuration('bridge'), before);
  report.check('each bridge has the addresses and routes of its card', moved);
}

/** @returns the pods of the first node */
async function usePods(stage: Stage, nodes: NodesOnWire, report: Report): Promise<RunningPod[]> {
  const near: RunningPod[] = [];
  const far: string[] = [];
  for (const vlan of VLANS) {
    const manifest = podOf(`near-${vlan}`, `vlan${vlan}`);
    near.push(...(await runPods(stage, [[manifest, `node1, VLAN ${vlan}`]], report)));
    const address = await nodes.farPod(podOf(`far-${vlan}`, `vlan${vlan}`));
    report.check(`far-${vlan}: node2, VLAN ${vlan}`, address !== '', address);
    far.push(address);
  }
  for (const [index, vlan] of VLANS.entries()) {
    const [from, address] = [near[index] as RunningPod, far[index] ?? ''];
    const gateway = gatewayOf(vlan);
    await provePings(
      [
        { from, to: address, what: `far-${vlan} on the other node` },
        { from, to: gateway, what: 'the physical gateway' },
      ],
      report,
    );
    const echo = ['ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', gateway] as const;
    const output = await nodes.far.inPod(`far-${vlan}`, ...echo).catch(String);
    report.check(`ping from far-${vlan} to ${gateway}`, output.includes(' 0% packet loss'));
  }
  const [from, other] = near as [RunningPod, RunningPod];
  const targets = [
    { from, to: addressOf(other), what: 'near-200 on the same node, in the other VLAN' },
    { from, to: far[1] ?? '', what: 'far-200 on the other node, in the other VLAN' },
  ];
  for (const { to } of targets) {
    await inSandbox(from.sandbox, 'ip', 'route', 'add', `${to}/32`, 'dev', 'net1');
  }
  await proveSilence(targets, report);
  return near;
}

async function takeDown(
  stage: Stage,
  nodes: NodesOnWire,
  near: readonly RunningPod[],
  report: Report,
): Promise<void> {
  const { api } = stage;
  await endPods(stage, near, report);
  await nodes.far.endPods();
  const names = VLANS.map((vlan) => `vlan${vlan}`);
  for (const vlan of VLANS) api.delete('Pod', `default/far-${vlan}`, { gracePeriodSeconds: 0 });
  for (const name of names) api.delete('NetworkAttachmentDefinition', `default/${name}`);
  await removeAll(api, 'Subnet', names);
  await removeAll(api, 'Vlan', names);
  await removeAll(api, 'ProviderNetwork', [PROVIDER_NETWORK]);
  for (const name of [stage.node.chassis, 'node2']) {
    await untilObject(api, 'Node', name, ({ metadata }) => {
      return !Object.keys(metadata.labels ?? {}).some((key) => key.startsWith(PROVIDER_NETWORK));
    });
  }
}

async function showLosses(pings: readonly Ping[], report: Report): Promise<void> {
  for (const [index, ping] of pings.entries()) {
    const { answered, lost } = await ping.stop();
    const detail = `${answered} answers, ${lost.length} lost, one ping each ${PING_EVERY_MS} ms`;
    report.check(`node${index + 1} was reached all the time`, lost.length <= 1, detail);
  }
}

function isSame(one: Configuration, other: Configuration): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
