/** Two nodes on one wire: a provider network from its set-up to its removal, with pods of both nodes in two VLANs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningPod } from '../lab/kubelet.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import {
  ADDRESSES,
  gatewayOf,
  NodesOnWire,
  PROVIDER_NETWORK,
  providerNetwork,
  untaggedManifests,
  VLANS,
  vlanManifests,
} from '../lab/nodes-on-wire.ts';
import type { Ping } from '../lab/ping.ts';
import { inSandbox } from '../lab/runtime.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { podOf } from './controller-manifests.ts';
import { canPing, pings } from './observe.ts';

const MODE = '--non-primary-cni-mode=true';
const FLAGS = [MODE, '--add-timeout-seconds=60'];
const SOON = { timeout: 60_000, interval: 100 };

let fixture: ControllerFixture;
let nodes: NodesOnWire;
let before: Awaited<ReturnType<NodesOnWire['configuration']>>;
let watching: readonly Ping[];
const near: RunningPod[] = [];
const farAddresses: string[] = [];
beforeAll(async () => {
  fixture = await ControllerFixture.start({
    flags: [MODE],
    daemonFlags: FLAGS,
    primary: OTHER_PRIMARY_CONFIG,
    hasCard: false,
  });
  nodes = await NodesOnWire.start(fixture.api, FLAGS);
  before = await nodes.configuration('card');
  watching = await nodes.pingNodes(200);
});
afterAll(async () => {
  await nodes?.stop();
  await fixture[Symbol.asyncDispose]();
});

describe('a provider network of two nodes', () => {
  test('takes the card of each node, with the addresses and routes of the node', async () => {
    fixture.apply(providerNetwork, ...VLANS.flatMap(vlanManifests));
    await fixture.becomes('ProviderNetwork', PROVIDER_NETWORK, ({ status }) => {
      return status?.ready === true && (status.readyNodes as string[]).length === 2;
    });
    expect(await nodes.configuration('bridge')).toEqual(before);
  });

  test('connects pods of both nodes in the same VLAN, and with the physical gateway', async () => {
    for (const vlan of VLANS) {
      near.push(await fixture.pod(podOf(`near-${vlan}`, `vlan${vlan}`)));
      farAddresses.push(await nodes.farPod(podOf(`far-${vlan}`, `vlan${vlan}`)));
    }
    for (const [index, vlan] of VLANS.entries()) {
      const { sandbox } = near[index] as RunningPod;
      expect(await pings(sandbox, farAddresses[index] ?? '')).toBe(true);
      expect(await pings(sandbox, gatewayOf(vlan))).toBe(true);
      const ping = ['ping', '-n', '-c', '1', '-w', '5', gatewayOf(vlan)] as const;
      expect(await nodes.far.inPod(`far-${vlan}`, ...ping)).toContain(' 1 received');
    }
  });

  test('does not connect one VLAN with the other', async () => {
    const [pod] = near as [RunningPod];
    const [, other = ''] = farAddresses;
    await inSandbox(pod.sandbox, 'ip', 'route', 'add', `${other}/32`, 'dev', 'net1');
    await inSandbox(pod.sandbox, 'ip', 'route', 'add', `${gatewayOf(200)}/32`, 'dev', 'net1');
    expect(await canPing(pod.sandbox, other)).toBe(false);
    expect(await canPing(pod.sandbox, gatewayOf(200))).toBe(false);
  });

  test('connects pods without a tag with the nodes themselves, and with each other', async () => {
    fixture.apply(...untaggedManifests());
    const pod = await fixture.pod(podOf('near-0', 'vlan0'));
    near.push(pod);
    const far = await nodes.farPod(podOf('far-0', 'vlan0'));
    for (const address of [far, ADDRESSES.near, ADDRESSES.far]) {
      expect(await pings(pod.sandbox, address), address).toBe(true);
    }
  });

  test('goes with its objects, and gives each node its card back as it was', async () => {
    for (const { pod } of near) await fixture.kubelet.end(pod);
    await nodes.far.endPods();
    const { api } = fixture;
    const all = [0, ...VLANS];
    for (const vlan of all) api.delete('Pod', `default/far-${vlan}`, { gracePeriodSeconds: 0 });
    for (const vlan of all) api.delete('Subnet', `vlan${vlan}`);
    const subnets = () =>
      api.list('Subnet').filter(({ metadata }) => metadata.name.startsWith('vlan'));
    await expect.poll(subnets, SOON).toEqual([]);
    for (const vlan of all) api.delete('Vlan', `vlan${vlan}`);
    api.delete('ProviderNetwork', PROVIDER_NETWORK);
    await expect.poll(() => nodes.configuration('card'), SOON).toEqual(before);
    const labels = () =>
      api.list('Node').flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}));
    await expect
      .poll(() => labels().filter((key) => key.includes(PROVIDER_NETWORK)), SOON)
      .toEqual([]);
  });

  test('loses at most one packet that goes to a node meanwhile', async () => {
    const results = await Promise.all(watching.map((ping) => ping.stop()));
    for (const { answered, lost } of results) {
      console.log(`${answered} answers, lost: ${lost.join(', ') || 'none'}`);
      expect(answered).toBeGreaterThan(25);
      expect(lost.length).toBeLessThanOrEqual(1);
    }
  });
});
