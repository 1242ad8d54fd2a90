/**
 * Objects as the API server has them: of the right types, since it checks those, with any values.
 * What no API server sends is in targets/objects.ts.
 */
import * as fc from 'fast-check';
import { HOSTILE_MACS } from './dictionary.ts';
import { address, almost, cidr, hostileText, mac, netns, podName } from './texts.ts';

export type Texts = Readonly<Record<string, string>>;

/** `one` or `one,two`, now and then more. */
function list(one: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(one, { minLength: 1, maxLength: 3 }), fc.constantFrom(',', ',', ', ', ',,'))
    .map(([all, separator]) => all.join(separator));
}

const V4 = { ip_address: '10.16.0.15', cidr: '10.16.0.0/16', gateway: '10.16.0.1' };
const V6 = { ip_address: 'fd00::f', cidr: 'fd00::/112', gateway: 'fd00::1' };
const DUAL = {
  ip_address: `${V4.ip_address},${V6.ip_address}`,
  cidr: `${V4.cidr},${V6.cidr}`,
  gateway: `${V4.gateway},${V6.gateway}`,
};
const WRITTEN = {
  allocated: 'true',
  mac_address: '00:00:00:53:6b:b6',
  logical_switch: 'ovn-default',
  routed: 'true',
};

const rate = fc.oneof(fc.nat(10_000_001).map(String), almost(fc.constant('10')));
const name = almost(fc.constantFrom('subnet-1', 'vm-1', 'provider1', 'a.b'));

/** What the controller writes for one NIC, and users may change. */
const ANNOTATIONS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  allocated: fc.constantFrom('true', 'true', 'false', ''),
  ip_address: almost(list(fc.oneof(address, cidr))),
  cidr: almost(list(cidr)),
  gateway: almost(list(address)),
  mac_address: almost(fc.oneof(mac, fc.constantFrom(...HOSTILE_MACS))),
  logical_switch: name,
  routed: fc.constantFrom('true', 'true', 'false', ''),
  routes: almost(
    fc
      .array(fc.record({ dst: almost(cidr), gw: almost(address) }, { requiredKeys: [] }), {
        maxLength: 3,
      })
      .map((routes) => JSON.stringify(routes)),
  ),
  default_route: fc.constantFrom('true', 'false', 'TRUE', ''),
  ingress_rate: rate,
  egress_rate: rate,
  ingress_burst: rate,
  egress_burst: rate,
  provider_network: name,
  virtualmachine: name,
  pod_nic_type: almost(fc.constantFrom('', 'veth-pair'), 20),
  activation_strategy: fc.constantFrom('', 'rarp'),
  latency: rate,
  jitter: rate,
  limit: rate,
  loss: almost(fc.constantFrom('0', '5', '100', '0.5', '100.1')),
  mirror: fc.constantFrom('true', 'false', 'TRUE', ''),
};

/** Names and values of the annotations of one NIC. */
const written = fc.constantFrom<Texts>(
  { ...WRITTEN, ...V4 },
  { ...WRITTEN, ...V6 },
  { ...WRITTEN, ...DUAL },
  { allocated: 'true', mac_address: WRITTEN.mac_address },
  { ...WRITTEN, cidr: V4.cidr },
);

/** At most some of them changed, in order that most NICs have a plan. */
const changed = fc
  .constantFrom(...Object.keys(ANNOTATIONS))
  .chain((key) => (ANNOTATIONS[key] ?? hostileText).map((value): Texts => ({ [key]: value })));
/** Up to two annotations of one NIC, by their names. */
export const changedAnnotations: fc.Arbitrary<Texts> = fc
  .array(changed, { maxLength: 2 })
  .map((changes) => Object.assign({}, ...changes));
const ofNic = fc
  .tuple(written, changedAnnotations)
  .map(([first, changes]): Texts => ({ ...first, ...changes }));

/** Annotations of a pod, under the prefixes that this NIC's may have. */
export function annotationsOf(provider: string, ifName: string): fc.Arbitrary<Texts> {
  const under = (prefix: string, values: Texts): [string, string][] =>
    Object.entries(values).map(([key, value]) => [`${prefix}.kubernetes.io/${key}`, value]);
  return fc
    .tuple(
      ofNic,
      fc.option(ofNic, { freq: 5, nil: undefined }),
      fc.option(fc.constant('job'), { freq: 9, nil: undefined }),
      fc.dictionary(hostileText, hostileText, { maxKeys: 2 }),
    )
    .map(([own, shared, migration, others]) => {
      const entries = [
        ...Object.entries(others),
        ...under(provider, own),
        ...(shared === undefined ? [] : under(`${provider}.${ifName}`, shared)),
        ...(migration === undefined ? [] : [['kubevirt.io/migrationJobName', migration]]),
      ];
      return Object.fromEntries(entries) as Texts;
    });
}

export const rawSubnet = fc.record({
  metadata: fc.record({ name: fc.constantFrom('ovn-default', 'subnet-1') }),
  spec: fc.record(
    {
      provider: fc.constantFrom('ovn', 'attachnet.default.ovn', 'macvlan.default'),
      cidrBlock: almost(list(cidr)),
      mtu: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(0, 1400, 1500, 9000) },
        { weight: 1, arbitrary: fc.oneof(fc.constantFrom(67, 65_536), fc.integer(), fc.double()) },
      ),
      vlan: fc.constantFrom('', 'vlan1'),
      logicalGateway: fc.boolean(),
      u2oInterconnection: fc.boolean(),
      disableGatewayCheck: fc.boolean(),
      nodeNetwork: fc.constantFrom('', '', '', '', 'storage', 'storage', '__proto__', 'toString'),
    },
    { requiredKeys: ['provider'] },
  ),
  status: fc.record(
    {
      u2oInterconnectionIP: almost(list(address)),
      v4availableIPs: fc.oneof(fc.double(), fc.constantFrom('0', '1', '')),
      v6availableIPs: fc.oneof(fc.double(), fc.constantFrom('0', '1', '')),
    },
    { requiredKeys: [] },
  ),
});

export const rawNode = fc.record({
  metadata: fc.record({
    name: fc.constant('node-1'),
    labels: fc.constantFrom<Texts>(
      {},
      { 'provider1.provider-network.kubernetes.io/mtu': '1450' },
      { 'provider1.provider-network.kubernetes.io/mtu': '1450\nup' },
      { 'provider1.provider-network.kubernetes.io/mtu': '99999' },
    ),
    annotations: fc.record({
      'ovn.kubernetes.io/node_networks': fc.oneof(
        almost(address).map((ip) => JSON.stringify({ storage: ip })),
        almost(fc.constant('{"storage":"10.9.0.1","__proto__":"10.9.0.2"}')),
      ),
    }),
  }),
});

/** What OVSDB can hold: any text of UTF-8 without a NUL (RFC 7047, section 3.1; OVS refuses that). */
export const inDatabase = (text: fc.Arbitrary<string>) =>
  almost(text).map((value) => value.toWellFormed().replaceAll('\0', ''));

/** `external_ids` of an Interface row, whoever made it. */
export const rowIds = fc.record(
  {
    vendor: fc.constantFrom('kube-ovn', 'ovs-cni'),
    container_id: inDatabase(fc.constantFrom('c0ffee0123456789abcdef0123456789abcdef', 'other')),
    if_name: inDatabase(fc.constantFrom('eth0', 'net1')),
    pod_name: inDatabase(podName),
    pod_namespace: inDatabase(podName),
    pod_netns: inDatabase(netns),
    provider: inDatabase(fc.constantFrom('ovn', 'attachnet.default.ovn')),
    network: inDatabase(fc.constantFrom('net', '')),
    'iface-id': fc.constantFrom('web-0.shop', 'web-0.shop.attachnet.default.ovn'),
    'iface-id-ver': fc.constantFrom('uid-1', 'uid-2'),
  },
  { requiredKeys: [] },
);

/** A row, whose name may be that of any interface of OVS. */
export const row = fc.record({
  name: inDatabase(fc.constantFrom('c0ffee012345_h', 'c0ffee01_net1_h', 'if12_h')),
  external_ids: rowIds,
  error: fc.constantFrom(undefined, 'could not open network device'),
});
