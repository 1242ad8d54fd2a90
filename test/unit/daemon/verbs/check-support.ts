/** A NIC as it should be, and what pod and OVS have of it when it is: to deviate from. */
import * as fc from 'fast-check';
import { parseAddress, parseCidr } from '../../../../src/common/address.ts';
import { compareLimits } from '../../../../src/daemon/limits/comparison.ts';
import type { Difference } from '../../../../src/daemon/model/difference.ts';
import type { EarlierResult } from '../../../../src/daemon/model/earlier-result.ts';
import type { Nic } from '../../../../src/daemon/model/nic.ts';
import type { Pod } from '../../../../src/daemon/model/pod.ts';
import type { Route } from '../../../../src/daemon/model/route.ts';
import { parseRoutes } from '../../../../src/daemon/model/route.ts';
import { compareInterface } from '../../../../src/daemon/netns/comparison.ts';
import type { PodLink, PodNetwork } from '../../../../src/daemon/netns/inspect.ts';
import { compareAllocation } from '../../../../src/daemon/nic/allocation-comparison.ts';
import { comparePort, type ExpectedPort } from '../../../../src/daemon/ovs/port-comparison.ts';
import type { InspectedPort, PortInspection } from '../../../../src/daemon/ovs/port-inspection.ts';
import type { FoundControl, Qos } from '../../../../src/daemon/ovs/traffic-control.ts';
import { attachmentOf, NETNS } from '../support.ts';

export const attachment = attachmentOf({ ifName: 'net1', provider: 'attachnet.default.ovn' });
const IFACE_ID = 'web-0.shop.attachnet.default.ovn';
const HOST = 'c0ffee01_net1_h';

/** All that a CHECK compares. */
export interface Situation {
  readonly pod: Pod;
  readonly nic: Nic;
  readonly earlier: EarlierResult;
  readonly port: ExpectedPort;
  readonly link: PodLink;
  readonly network: PodNetwork;
  readonly own: InspectedPort;
  readonly inspection: PortInspection;
}

/** What the NIC is made of. */
export interface Seed {
  readonly addresses: readonly string[];
  readonly routes: readonly { dst: string; gw: string }[];
  readonly mac: string;
  readonly mtu: number;
  /** Before CNI 1.1 a result does not say it. */
  readonly isMtuSaid: boolean;
  /** 0 for no limit, here and for the others. */
  readonly ingressMbps: number;
  readonly egressMbps: number;
  readonly ingressBurstMbit: number | undefined;
  readonly latencyMs: number;
  readonly isMirrored: boolean;
}

export const SEED: Seed = {
  addresses: ['10.16.0.15/16', 'fd00:10:16::f/64'],
  routes: [
    { dst: '0.0.0.0/0', gw: '10.16.0.1' },
    { dst: 'fd00:99::/48', gw: 'fd00:10:16::1' },
  ],
  mac: '00:00:00:53:6b:b6',
  mtu: 1400,
  isMtuSaid: true,
  ingressMbps: 10,
  egressMbps: 20,
  ingressBurstMbit: undefined,
  latencyMs: 0,
  isMirrored: false,
};

const v4 = fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 32 }));
export const seeds: fc.Arbitrary<Seed> = fc.record({
  addresses: fc.oneof(
    fc.constant([]),
    v4.map(([a, b, length]) => [`10.16.${a}.${b}/${length}`]),
    v4.map(([a, b, length]) => [`10.16.${a}.${b}/${length}`, `fd00::${a}:${b}/${length + 64}`]),
  ),
  routes: fc.uniqueArray(
    v4.map(([a, b, length]) => ({ dst: `10.${a}.${b}.0/${length}`, gw: `10.16.${a}.${b}` })),
    { maxLength: 4, selector: ({ dst }) => parseCidr(dst)?.network },
  ),
  mac: fc.nat(255).map((last) => `00:00:00:53:6b:${last.toString(16).padStart(2, '0')}`),
  mtu: fc.integer({ min: 68, max: 65_535 }),
  isMtuSaid: fc.boolean(),
  ingressMbps: fc.nat(10_000),
  egressMbps: fc.nat(10_000),
  ingressBurstMbit: fc.option(fc.nat(1000), { nil: undefined }),
  latencyMs: fc.nat(100),
  isMirrored: fc.boolean(),
});

/** A healthy NIC, among others. */
export function situationOf(seed: Seed = SEED): Situation {
  const { mac, mtu } = seed;
  const addresses = seed.addresses.map((text) => {
    const [cidr, address] = [parseCidr(text), parseAddress(text.split('/')[0] ?? '')];
    if (cidr === undefined || address === undefined) throw new Error(`no address: ${text}`);
    return { address, cidr, prefixLength: cidr.prefixLength };
  });
  const routes = parseRoutes(seed.routes, 'routes');
  const link: PodLink = {
    name: 'net1',
    mac,
    mtu,
    state: 'up',
    addresses: ['fe80::1/64', ...addresses.map((each) => textOf(each)), '192.0.2.1/24'],
  };
  const own = ownPort(seed);
  return {
    pod: podOf(annotationsOf(seed)),
    nic: {
      addresses,
      mac,
      routes: [],
      holdsDefaultRoute: false,
      providerNetwork: '',
      workload: 'web-0',
      migrating: false,
      skipGatewayCheck: false,
      nicTypes: [],
    },
    earlier: { interface: { mac, mtu: seed.isMtuSaid ? mtu : undefined }, addresses, routes },
    port: {
      usualName: HOST,
      ifaceId: IFACE_ID,
      podUid: 'uid-1',
      mtu: seed.isMtuSaid ? mtu : undefined,
    },
    link,
    network: { links: [{ ...link, name: 'eth0', mac: '' }, link], routes: [...OTHERS, ...routes] },
    own,
    inspection: { own, others: [{ name: 'other_h', externalIds: { 'iface-id': 'other.shop' } }] },
  };
}

const OTHERS: readonly Route[] = parseRoutes([{ dst: '0.0.0.0/0', gw: '10.99.0.1' }], 'routes');

function textOf({ address, prefixLength }: EarlierResult['addresses'][number]): string {
  return `${address.text}/${prefixLength}`;
}

function annotationsOf(seed: Seed): Record<string, string> {
  const { ingressMbps, egressMbps, ingressBurstMbit, latencyMs, isMirrored } = seed;
  return {
    ingress_rate: `${ingressMbps}`,
    egress_rate: `${egressMbps}`,
    latency: `${latencyMs}`,
    mirror: `${isMirrored}`,
    ...(ingressBurstMbit === undefined ? {} : { ingress_burst: `${ingressBurstMbit}` }),
  };
}

/** @param annotations of the attachment's network, by their names */
export function podOf(annotations: Record<string, string>): Pod {
  const entries = Object.entries(annotations).map(([name, value]) => {
    return [`${attachment.provider}.kubernetes.io/${name}`, value];
  });
  return {
    ...attachment.pod,
    uid: 'uid-1',
    deleting: false,
    finished: false,
    annotations: Object.fromEntries(entries),
  };
}

/** As Kube-OVN writes them. */
function ownControl(seed: Seed): FoundControl {
  const { ingressMbps, egressMbps, ingressBurstMbit, latencyMs, isMirrored } = seed;
  const burst = ingressBurstMbit === undefined ? ingressMbps * 100_000 : ingressBurstMbit * 125_000;
  const htb: Qos = {
    type: 'linux-htb',
    config: { 'max-rate': `${ingressMbps * 1_000_000}`, burst: `${burst}` },
  };
  const netem: Qos = { type: 'linux-netem', config: { latency: `${latencyMs * 1000}` } };
  const disturbed = latencyMs > 0 ? netem : undefined;
  return {
    interfaceRow: 'interface',
    portRow: 'port',
    qosRow: undefined,
    queueRow: undefined,
    mirrorRow: 'mirror',
    mirrorOutput: undefined,
    policing: { rateKbps: egressMbps * 1000, burstKbit: egressMbps * 800 },
    qos: ingressMbps > 0 ? htb : disturbed,
    isMirrored,
  };
}

function ownPort(seed: Seed): InspectedPort {
  return {
    name: HOST,
    externalIds: {
      'iface-id': IFACE_ID,
      'iface-id-ver': 'uid-1',
      'ovn-installed': 'true',
      vendor: 'kube-ovn',
      pod_name: 'web-0',
      pod_namespace: 'shop',
      pod_netns: NETNS,
      container_id: attachment.containerId,
      if_name: 'net1',
    },
    error: null,
    type: '',
    isOnBridge: true,
    ofport: 7,
    mtu: seed.mtu,
    control: ownControl(seed),
  };
}

/** All comparisons of a NIC that we made. */
export function differencesOf(situation: Situation): Difference[] {
  const { pod, nic, earlier, port, network, inspection } = situation;
  return [
    ...compareAllocation(attachment, earlier, nic),
    ...comparePort(port, inspection),
    ...compareInterface(attachment, earlier, network, inspection.own?.mtu ?? undefined),
    ...(inspection.own ? compareLimits(pod, inspection.own, false) : []),
  ];
}

/** The same, said as an error says it. */
export function saidOf(situation: Situation): string[] {
  return differencesOf(situation).map(
    ({ code, what, expected, found }) => `${code} ${what}: ${expected} | ${found}`,
  );
}

/** The situation with another own port. */
export function withPort(situation: Situation, changes: Partial<InspectedPort>): Situation {
  const own = { ...situation.own, ...changes };
  return { ...situation, own, inspection: { ...situation.inspection, own } };
}

/** The situation with other limits in OVS. */
export function withControl(situation: Situation, changes: Partial<FoundControl>): Situation {
  const { control } = situation.own;
  if (control === undefined) throw new Error('a port with limits');
  return withPort(situation, { control: { ...control, ...changes } });
}

/** The situation with another external id of the own port; undefined takes it away. */
export function withId(situation: Situation, key: string, value: string | undefined): Situation {
  const { [key]: _, ...ids } = situation.own.externalIds;
  const externalIds = value === undefined ? ids : { ...ids, [key]: value };
  return withPort(situation, { externalIds });
}

/** The situation with another link in the pod. */
export function withLink(situation: Situation, changes: Partial<PodLink>): Situation {
  const link = { ...situation.link, ...changes };
  const links = situation.network.links.map((each) => (each.name === 'net1' ? link : each));
  return { ...situation, link, network: { ...situation.network, links } };
}
