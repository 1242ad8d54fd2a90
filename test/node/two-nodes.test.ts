/**
 * Two nodes in non-primary mode: each has another plugin's eth0, and a network of Kube-OVN's goes through
 * a tunnel between them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { FarNode } from '../lab/far-node.ts';
import type { RunningPod } from '../lab/kubelet.ts';
import { DAEMON, type FakeApiServer } from '../lab/kubernetes/api.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { OVS_DIRECTORY, type OvnNode } from '../lab/ovn-node.ts';
import { inSandbox, type NetworkConfig } from '../lab/runtime.ts';
import { relayTcp } from '../lab/tcp-relay.ts';
import { joinUnderlay, UNDERLAY } from '../lab/underlay-port.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes } from './controller-observe.ts';

const MODE = '--non-primary-cni-mode=true';
const PROVIDER = 'layer3.default.ovn';
const NEAR_ADDRESS = '192.168.9.1';
const FAR_ADDRESS = '192.168.9.2';
const FAR_NAME = 'node2';
const SOUTHBOUND_PORT = 6642;
const MTU = 1300;
/** Headers of IPv4 and ICMP. */
const PING_HEADERS = 28;

const FAR_PRIMARY: NetworkConfig = {
  ...OTHER_PRIMARY_CONFIG,
  ipam: {
    ...(OTHER_PRIMARY_CONFIG.ipam as object),
    ranges: [[{ subnet: '10.244.1.0/24' }]],
  },
};

let fixture: ControllerFixture;
let far: FarNode;
let near: RunningPod;
let nearAddress: string;
let farAddress: string;
const relays: { close(): unknown }[] = [];

beforeAll(async () => {
  const daemonFlags = [MODE, '--add-timeout-seconds=20'];
  fixture = await ControllerFixture.start({
    flags: [MODE],
    daemonFlags,
    primary: OTHER_PRIMARY_CONFIG,
    before: ({ node, api }) => prepareNear(node, api),
  });
  const { api } = fixture;
  const { port } = new URL(api.url);
  far = await FarNode.start({
    name: FAR_NAME,
    address: FAR_ADDRESS,
    nearAddress: NEAR_ADDRESS,
    southboundPort: SOUTHBOUND_PORT,
    apiPort: Number(port),
    kubeconfig: api.kubeconfig(DAEMON),
    daemonFlags,
  });
  fixture.apply(
    ovnNetwork('layer3'),
    subnet('layer3', { cidrBlock: '10.100.0.0/16', provider: PROVIDER, mtu: MTU }),
  );
  const name = { kind: 'Subnet', name: 'layer3' };
  await conditionBecomes(fixture, name, { type: 'Ready', status: 'True' });
});
afterAll(async () => {
  await far?.stop();
  for (const relay of relays) relay.close();
  await fixture[Symbol.asyncDispose]();
});

/** The first node's end of the network between both, with the databases and the API server at its address. */
async function prepareNear(node: OvnNode, api: FakeApiServer): Promise<void> {
  const { near: link, far: other } = UNDERLAY;
  await command('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', other]);
  await joinUnderlay(node, link, NEAR_ADDRESS);
  const remote = `ptcp:${SOUTHBOUND_PORT}:${NEAR_ADDRESS}`;
  const control = `${OVS_DIRECTORY}/sb.ctl`;
  await command('ovs-appctl', ['-t', control, 'ovsdb-server/add-remote', remote]);
  const port = Number(new URL(api.url).port);
  relays.push(await relayTcp({ host: NEAR_ADDRESS, port }, { host: '127.0.0.1', port }));
  api.create({
    kind: 'Node',
    metadata: { name: FAR_NAME },
    status: { addresses: [{ type: 'InternalIP', address: FAR_ADDRESS }] },
  });
}

/** A pod on the second node, with an eth0 of its primary plugin and an interface of the network. */
async function farPod(name: string): Promise<string> {
  const { metadata } = fixture.api.create({
    ...podOf(name, 'layer3'),
    metadata: { ...podOf(name, 'layer3').metadata, name, namespace: 'default' },
    spec: { nodeName: FAR_NAME, containers: [] },
  });
  const { ip_address: address = '' } = await fixture.allocated(`default/${name}`, PROVIDER);
  const nad = fixture.api.get('NetworkAttachmentDefinition', 'default/layer3');
  const config = JSON.parse(String(nad.spec?.config)) as NetworkConfig;
  const pod = { namespace: 'default', name, uid: String(metadata.uid) };
  await far.pod(pod, [
    ['eth0', FAR_PRIMARY],
    ['net1', config],
  ]);
  return address;
}

describe('a network of two nodes, beside the primary network of another plugin', () => {
  test('goes through the tunnel, in packets as large as the Subnet says and no larger', async () => {
    near = await fixture.pod(podOf('near', 'layer3'));
    nearAddress = (await fixture.allocated('default/near', PROVIDER)).ip_address ?? '';
    farAddress = await farPod('far');
    expect(farAddress).not.toBe(nearAddress);
    const ping = (size: number, target: string) =>
      [
        'ping',
        '-n',
        '-q',
        '-M',
        'do',
        '-s',
        `${size - PING_HEADERS}`,
        '-c',
        '5',
        '-i',
        '0.2',
        target,
      ] as const;
    // The userspace datapath drops the packet for which it has to find the other tunnel's end by ARP.
    await inSandbox(near.sandbox, 'ping', '-n', '-c', '1', '-w', '30', farAddress);
    expect(await inSandbox(near.sandbox, ...ping(MTU, farAddress))).toContain(' 5 received');
    expect(await far.inPod('far', ...ping(MTU, nearAddress))).toContain(' 5 received');
    await expect(far.inPod('far', ...ping(MTU + 1, nearAddress))).rejects.toThrow(' 0 received');
    const tunnel = await fixture.node.vsctl(
      '--bare',
      '--columns=options',
      'find',
      'Interface',
      'type=geneve',
    );
    expect(tunnel).toContain(`remote_ip=${FAR_ADDRESS}`);
  });

  test('leaves the default route of eth0 as it is, on both nodes, and eth0 itself', async () => {
    const routes = (text: string) => JSON.parse(text) as { dev: string; gateway: string }[];
    const route = ['ip', '-j', 'route', 'show', 'default'] as const;
    expect(routes(await inSandbox(near.sandbox, ...route))).toMatchObject([
      { dev: 'eth0', gateway: '10.244.0.1' },
    ]);
    expect(routes(await far.inPod('far', ...route))).toMatchObject([
      { dev: 'eth0', gateway: '10.244.1.1' },
    ]);
    const mtu = JSON.parse(await far.inPod('far', 'ip', '-j', 'link', 'show', 'dev', 'net1'));
    expect(mtu).toMatchObject([{ mtu: MTU }]);
  });

  test('goes without a trace on either node', async () => {
    await far.endPods();
    await fixture.kubelet.end(near.pod);
    const rows = await fixture.node.vsctl(
      '--bare',
      '--columns=name',
      'find',
      'Interface',
      'external_ids:vendor=kube-ovn',
    );
    expect(rows.trim()).toBe('');
  });
});
