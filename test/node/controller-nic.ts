/**
 * What is to be found of a NIC that the controller has given its addresses: on the pod, in its IP
 * object, in OVN's northbound database and in the pod's namespace.
 */
import { expect } from 'vitest';
import {
  type Cidr,
  contains,
  type Family,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../src/common/address.ts';
import type { RunningPod } from '../lab/kubelet.ts';
import type { KubernetesObject } from '../lab/kubernetes/api.ts';
import { type NetworkStatus, networkStatusesOf } from '../lab/network-status.ts';
import { inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podLink } from '../lab/snapshot.ts';
import type { PodIdentity } from '../lab/workloads.ts';
import type { ControllerFixture } from './controller-fixture.ts';
import { eventAbout } from './controller-observe.ts';
import { plain } from './observe.ts';

/** A NetworkAttachmentDefinition and its Subnet. */
export interface Network {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'kube-ovn' | 'macvlan';
  readonly provider: string;
  readonly subnet: string;
  /** Of each family, IPv4 first. */
  readonly cidrs: readonly string[];
  readonly gateways: readonly string[];
}

/** What was found of a NIC, and fits together. */
export interface Nic {
  readonly provider: string;
  readonly subnet: string;
  /** Name of its IP object, and of its logical switch port if it has one. */
  readonly port: string;
  readonly addresses: readonly string[];
  /** Of the interface; of a macvlan one it is not recorded. */
  readonly mac: string;
}

export interface NicRequests {
  readonly ifName?: string;
  /** Where it is not the network's. */
  readonly provider?: string;
  /** All of the network, unless told otherwise. */
  readonly families?: readonly Family[];
}

/** Expects everything of a NIC but its routes: annotations, IP object, status, port, interface. */
export async function expectNic(
  fixture: ControllerFixture,
  running: RunningPod,
  network: Network,
  requests: NicRequests = {},
): Promise<Nic> {
  const { ifName = 'net1', provider = network.provider } = requests;
  const { families = cidrsOf(network).map(({ family }) => family) } = requests;
  const { pod, sandbox } = running;
  const { metadata } = fixture.api.get('Pod', `${pod.namespace}/${pod.name}`);
  const addresses = expectAnnotations(metadata, network, provider, families);
  const link = await podLink(sandbox, ifName);
  const mac = link?.address ?? '';
  const port = `${pod.name}.${pod.namespace}.${provider}`;
  const nic: Nic = { provider, subnet: network.subnet, port, addresses, mac };
  expect(metadata.annotations?.[`${provider}.kubernetes.io/mac_address`]).toBe(parseMac(mac));
  expect(statusOf(metadata, ifName)).toMatchObject({
    name: `${network.namespace}/${network.name}`,
    ips: addresses,
    mac,
  });
  expect((await podAddresses(sandbox, ifName)).sort()).toEqual(
    addresses.map((each) => `${each}/${cidrOf(each, network)?.prefixLength}`).sort(),
  );
  await expectIp(fixture, pod, nic, network.kind === 'kube-ovn' ? mac : '');
  if (network.kind === 'kube-ovn') await expectPort(fixture, pod, nic);
  else await expectNoSwitch(fixture, nic);
  return nic;
}

/** What the pod says of a NIC. @returns its addresses */
function expectAnnotations(
  { annotations = {} }: KubernetesObject['metadata'],
  network: Network,
  provider: string,
  families: readonly Family[],
): string[] {
  const text = (name: string) => annotations[`${provider}.kubernetes.io/${name}`];
  const isOvn = network.kind === 'kube-ovn';
  expect({
    allocated: text('allocated'),
    cidr: text('cidr'),
    gateway: text('gateway'),
    logicalSwitch: text('logical_switch'),
    routed: text('routed'),
    nicType: text('pod_nic_type'),
  }).toEqual({
    allocated: 'true',
    cidr: network.cidrs.join(','),
    gateway: network.gateways.join(','),
    logicalSwitch: isOvn ? network.subnet : undefined,
    routed: isOvn ? 'true' : undefined,
    nicType: isOvn ? 'veth-pair' : undefined,
  });
  const addresses = (text('ip_address') ?? '').split(',');
  expect(addresses.map((each) => parseAddress(each)?.family)).toEqual(families);
  for (const each of [...addresses, ...network.gateways])
    expect(cidrOf(each, network), each).toBeDefined();
  return addresses;
}

function cidrsOf({ cidrs }: Network): Cidr[] {
  return cidrs.flatMap((each) => parseCidr(each) ?? []);
}

/** The network of an address; undefined where it is outside of the Subnet. */
function cidrOf(text: string, network: Network): Cidr | undefined {
  const address = parseAddress(text);
  return cidrsOf(network).find((cidr) => address !== undefined && contains(cidr, address));
}

/** The entry of an interface in what Multus wrote on the pod. */
export function statusOf(
  { annotations }: KubernetesObject['metadata'],
  ifName: string,
): NetworkStatus | undefined {
  return networkStatusesOf(annotations).find((status) => status.interface === ifName);
}

/** The IP object of a NIC, whole. @param macAddress empty where another plugin makes the NIC */
async function expectIp(
  fixture: ControllerFixture,
  pod: PodIdentity,
  { port, subnet, addresses }: Nic,
  macAddress: string,
): Promise<void> {
  const nodeName = fixture.node.chassis;
  // The pod came to its node after its addresses were chosen.
  const ip = await fixture.becomes('IP', port, ({ metadata, spec }) => {
    return metadata.labels?.['ovn.kubernetes.io/node-name'] === nodeName && spec?.nodeName !== '';
  });
  expect(ip.spec).toEqual({
    podName: pod.name,
    namespace: pod.namespace,
    nodeName,
    subnet,
    ipAddress: addresses.join(','),
    v4IpAddress: addresses.find((each) => !each.includes(':')) ?? '',
    v6IpAddress: addresses.find((each) => each.includes(':')) ?? '',
    macAddress,
    podType: '',
    containerID: '',
    attachIps: [],
    attachMacs: [],
    attachSubnets: [],
  });
  expect(ip.metadata.labels).toEqual({
    [subnet]: '',
    'ovn.kubernetes.io/subnet': subnet,
    'ovn.kubernetes.io/node-name': nodeName,
    'ovn.kubernetes.io/ip_reserved': 'false',
  });
  expect(ip.metadata.finalizers).toEqual(['kubeovn.io/kube-ovn-controller']);
}

/** A row of OVN's northbound database, in JSON's forms; undefined where there is none. */
export async function northboundRow(
  { node }: ControllerFixture,
  table: string,
  name: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const output = await node.nbctl('--format=json', '--if-exists', 'list', table, name);
  if (output.trim() === '') return undefined;
  const { headings, data } = JSON.parse(output) as { headings: string[]; data: unknown[][] };
  const [values] = data;
  return values && Object.fromEntries(headings.map((key, index) => [key, plain(values[index])]));
}

async function expectPort(
  fixture: ControllerFixture,
  pod: PodIdentity,
  { port, subnet, addresses, mac }: Nic,
): Promise<void> {
  // OVN says so some time after the node has the NIC.
  await fixture.node.nbctl('wait-until', 'Logical_Switch_Port', port, 'up=true');
  const row = await northboundRow(fixture, 'Logical_Switch_Port', port);
  expect(row).toMatchObject({
    type: '',
    addresses: [mac, ...addresses].join(' '),
    port_security: null,
    external_ids: { vendor: 'kube-ovn', ls: subnet, pod: `${pod.namespace}/${pod.name}` },
  });
}

/** OVN has no part in networks of other plugins. */
async function expectNoSwitch(fixture: ControllerFixture, { port, subnet }: Nic): Promise<void> {
  expect(await northboundRow(fixture, 'Logical_Switch_Port', port)).toBeUndefined();
  expect(await northboundRow(fixture, 'Logical_Switch', subnet)).toBeUndefined();
}

/** All routes of a pod's main table but those of link-local addresses, like `10.1.0.0/16 dev net1`. */
export async function routesOf(sandbox: Sandbox, family: Family): Promise<string[]> {
  const option = family === 'IPv4' ? '-4' : '-6';
  const routes = JSON.parse(await inSandbox(sandbox, 'ip', '-j', option, 'route')) as {
    dst: string;
    gateway?: string;
    dev: string;
  }[];
  return routes
    .filter(({ dst }) => !dst.startsWith('fe80::') && !dst.startsWith('ff00::'))
    .map(({ dst, gateway, dev }) => `${dst}${gateway ? ` via ${gateway}` : ''} dev ${dev}`);
}

/** Expects that a pod was told of these NICs, in their order, and before eth0. */
export async function expectPublished(
  fixture: ControllerFixture,
  { name }: PodIdentity,
  nics: readonly Nic[],
): Promise<void> {
  const sentences = nics.map(sentenceOf).join('; ');
  const query = { kind: 'Pod', name, reason: 'PodNetworkAllocated', text: sentences };
  const message = await eventAbout(fixture, query);
  expect(message.startsWith(sentences), message).toBe(true);
}

/** Expects that, and that the pod was never warned. */
export async function expectAnnounced(
  fixture: ControllerFixture,
  pod: PodIdentity,
  nics: readonly Nic[],
): Promise<void> {
  await expectPublished(fixture, pod, nics);
  const events = fixture.api.list('Event', { fieldSelector: `involvedObject.uid=${pod.uid}` });
  expect(events.filter(({ type }) => type === 'Warning')).toEqual([]);
}

function sentenceOf({ provider, subnet, addresses, mac, port }: Nic): string {
  return `provider=${provider} subnet=${subnet} ip=${addresses} mac=${mac} logicalSwitchPort=${port}`;
}

/**
 * Expects that all of these answer a pod within seconds: duplicate detection for an IPv6 address
 * that another plugin has set takes one or two.
 * @param ifName by which it asks
 */
export async function expectAnswers(
  sandbox: Sandbox,
  addresses: readonly string[],
  ifName: string,
): Promise<void> {
  for (const address of addresses)
    await inSandbox(sandbox, 'ping', '-n', '-c', '1', '-w', '10', '-I', ifName, address);
}
