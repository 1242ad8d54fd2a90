/** A node for IPAM tests: what macvlan needs, and pods that have an eth0 of another plugin. */
import { expect } from 'vitest';
import type { NicPlan, SubnetPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { attachmentsOf, type Request } from '../lab/multus.ts';
import {
  type CniOutcome,
  createSandbox,
  inSandbox,
  type NetworkConfig,
  type Sandbox,
} from '../lab/runtime.ts';
import { Fixture } from './fixture.ts';

export const MACVLAN = 'macvlan.default';
export const DUAL = 'dual.default';
export const ETH0_DEFAULT_4 = 'default via 10.16.0.1 dev eth0';
export const ETH0_DEFAULT_6 = 'default via fd00:10:16::1 dev eth0';

/** The documentation's Subnet for macvlan. */
export const macvlanSubnet: SubnetPlan = {
  name: 'macvlan',
  provider: MACVLAN,
  cidrBlock: '172.17.0.0/16',
  gateway: '172.17.0.1',
  spec: { protocol: 'IPv4', excludeIps: ['172.17.0.0..172.17.0.10'] },
};
export const dualSubnet: SubnetPlan = {
  name: 'dual',
  provider: DUAL,
  cidrBlock: '172.18.0.0/16,fd00:172:18::/64',
  gateway: '172.18.0.1,fd00:172:18::1',
};

/** A node with the documentation's macvlan network, its master eth0, and a dual stack network. */
export async function startIpamNode(): Promise<Fixture> {
  const fixture = await Fixture.start();
  await command('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'uplink']);
  await command('ip', ['link', 'set', 'eth0', 'up']);
  await command('ip', ['link', 'set', 'uplink', 'up']);
  await fixture.cluster.createSubnet(macvlanSubnet);
  await fixture.cluster.createSubnet(dualSubnet);
  fixture.cluster.createNetworkAttachment('default', 'macvlan', {
    cniVersion: '0.3.0',
    type: 'macvlan',
    master: 'eth0',
    mode: 'bridge',
    ipam: { type: 'kube-ovn', server_socket: SOCKET, provider: MACVLAN },
  });
  return fixture;
}

/** Configuration of a plugin that asks us for addresses. */
export function delegated(
  type: string,
  provider: string,
  more: object = {},
  ipam: object = {},
): NetworkConfig {
  const ours = { type: 'kube-ovn', server_socket: SOCKET, provider, ...ipam };
  return { cniVersion: '1.0.0', type, ...more, ipam: ours };
}

export function macvlanConfig(provider: string, ipam: object = {}): NetworkConfig {
  return delegated('macvlan', provider, { master: 'eth0', mode: 'bridge' }, ipam);
}

/** A pod with an address on macvlan, from what the user wrote into its annotations. */
export async function samplePod(
  fixture: Fixture,
  annotations: Readonly<Record<string, string>>,
  nic: Partial<NicPlan> & { ip: string },
): Promise<{ sandbox: Sandbox; request: Request }> {
  const pod = fixture.cluster.createPod(fixture.next().name, annotations);
  await fixture.cluster.allocate(pod, { provider: MACVLAN, subnet: macvlanSubnet, ...nic });
  const [request] = attachmentsOf(fixture.api, pod);
  if (request === undefined) throw new Error('the pod asks for no network');
  return { sandbox: await createSandbox(pod), request };
}

/** A pod on the dual stack network that has an eth0 of another plugin, with default routes. */
export async function dualPod(
  fixture: Fixture,
  annotations: Readonly<Record<string, string>> = {},
) {
  const { name, v4, v6 } = fixture.next();
  const ip = `${v4.replace('172.17.', '172.18.')},${v6.replace('172:17:', '172:18:')}`;
  const pod = fixture.cluster.createPod(name, annotations);
  await fixture.cluster.allocate(pod, { provider: DUAL, subnet: dualSubnet, ip });
  const sandbox = await createSandbox(pod);
  // Duplicate detection is the other plugins' affair, and takes a second.
  await inSandbox(sandbox, 'sysctl', '-q', '-w', 'net.ipv6.conf.default.accept_dad=0');
  for (const words of [
    'link add eth0 type veth peer name eth0-peer',
    'link set eth0-peer up',
    'link set eth0 up',
    'address add 10.16.0.2/16 dev eth0',
    'address add fd00:10:16::2/64 dev eth0 nodad',
    'route add default via 10.16.0.1 dev eth0',
    'route add default via fd00:10:16::1 dev eth0',
    'route add default via 10.16.0.7 dev eth0 table 100',
  ])
    await inSandbox(sandbox, 'ip', ...words.split(' '));
  return { pod, sandbox, ip, addresses: [`${ip.split(',')[0]}/16`, `${ip.split(',')[1]}/64`] };
}

/** The result of a call that must succeed. */
export function succeeded(outcome: CniOutcome): NonNullable<CniOutcome['result']> {
  expect(outcome.exitCode, outcome.stdout + outcome.stderr).toBe(0);
  return outcome.result ?? { cniVersion: '' };
}
