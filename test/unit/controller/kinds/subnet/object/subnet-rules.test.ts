import { describe, expect, it } from 'vitest';
import { address, messagesOf, subnetObject } from '../../object-support.ts';

const V4 = { cidrBlock: '10.16.0.0/16' };
const V6 = { cidrBlock: '2001:db8::/32' };
const DUAL = { cidrBlock: '10.16.0.0/16,2001:db8::/32' };
const UNDERLAY = { vlan: 'vlan1' };

/** A rule, what its message begins with, a Subnet that breaks it, and its neighbour that does not. */
type Rule = readonly [what: string, message: string, wrong: object, right: object];

const cidrRules: readonly Rule[] = [
  ['a CIDR is there', 'CIDRBlock: "" format error', {}, V4],
  [
    'a CIDR has an address',
    'CIDRBlock: "10.16.0/16" format error',
    { cidrBlock: '10.16.0/16' },
    { cidrBlock: '10.16.0.0/16' },
  ],
  [
    'a CIDR has a prefix length',
    'CIDRBlock: "10.16.0.0/33" format error',
    { cidrBlock: '10.16.0.0/33' },
    { cidrBlock: '10.16.0.0/31' },
  ],
  [
    'there is one CIDR of a family',
    'CIDRBlock: "10.16.0.0/16,10.17.0.0/16" format error',
    { cidrBlock: '10.16.0.0/16,10.17.0.0/16' },
    DUAL,
  ],
  [
    'there are two CIDRs at most',
    'CIDRBlock: "10.16.0.0/16,2001:db8::/32,fd00::/8" format error',
    { cidrBlock: '10.16.0.0/16,2001:db8::/32,fd00::/8' },
    DUAL,
  ],
  [
    'a network of one IPv4 address gives none to pods',
    'subnet net cidr 10.16.0.0/32 mask is invalid, due to invalid network mask 32',
    { cidrBlock: '10.16.0.0/32' },
    { cidrBlock: '10.16.0.0/31' },
  ],
  [
    'a network of one IPv6 address gives none to pods',
    'subnet net cidr 2001:db8::/128 mask is invalid, due to invalid network mask 128',
    { cidrBlock: '2001:db8::/128' },
    { cidrBlock: '2001:db8::/127' },
  ],
  ['none is of zeros', 'invalid zero cidr "0.0.0.0/8"', { cidrBlock: '0.0.0.0/8' }, V4],
  [
    'none is of ones',
    'invalid broadcast cidr "255.255.255.255/32"',
    { cidrBlock: '255.255.255.255/32' },
    V4,
  ],
  [
    'none has the broadcast address',
    '255.0.0.0/8 conflict with v4 broadcast cidr 255.255.255.255/32',
    { cidrBlock: '255.0.0.0/8' },
    V4,
  ],
  [
    'none has multicast addresses',
    '224.1.0.0/16 conflict with v4 multicast cidr 224.0.0.0/4',
    { cidrBlock: '224.1.0.0/16' },
    { cidrBlock: '223.1.0.0/16' },
  ],
  [
    'none has loopback addresses',
    '127.0.0.0/8 conflict with v4 loopback cidr 127.0.0.1/8',
    { cidrBlock: '127.0.0.0/8' },
    { cidrBlock: '126.0.0.0/8' },
  ],
  [
    'none has link-local addresses',
    '169.254.1.0/24 conflict with v4 link local cidr 169.254.0.0/16',
    { cidrBlock: '169.254.1.0/24' },
    { cidrBlock: '169.253.1.0/24' },
  ],
  [
    'none has the unspecified address',
    '::/64 conflict with v6 unspecified cidr ::/128',
    { cidrBlock: '::/64' },
    { cidrBlock: '0:0:0:1::/64' },
  ],
  [
    'none has IPv6 multicast addresses',
    'ff02::/16 conflict with v6 multicast cidr ff00::/8',
    { cidrBlock: 'ff02::/16' },
    { cidrBlock: 'fd02::/16' },
  ],
  [
    'none has IPv6 link-local addresses',
    'fe80::/64 conflict with v6 link local cidr fe80::/10',
    { cidrBlock: 'fe80::/64' },
    { cidrBlock: 'fec0::/64' },
  ],
  [
    "cidr is cidrBlock's other name",
    'cidr 10.17.0.0/16 is another than cidrBlock 10.16.0.0/16',
    { ...V4, cidr: '10.17.0.0/16' },
    { ...V4, cidr: '10.16.9.9/16' },
  ],
];

const addressRules: readonly Rule[] = [
  [
    'the gateway is in the CIDR',
    'gateway 10.17.0.1 is not in cidr 10.16.0.0/16',
    { ...V4, gateway: '10.17.0.1' },
    { ...V4, gateway: '10.16.0.1' },
  ],
  [
    'the gateway has a family that the CIDR has',
    'gateway 2001:db8::1 is not in cidr 10.16.0.0/16',
    { ...V4, gateway: '10.16.0.1,2001:db8::1' },
    { ...DUAL, gateway: '10.16.0.1,2001:db8::1' },
  ],
  [
    'there is one gateway of a family',
    'gateway 10.16.0.2 is not in cidr',
    { ...DUAL, gateway: '10.16.0.1,10.16.0.2' },
    { ...DUAL, gateway: '10.16.0.1' },
  ],
  [
    'the gateway is an address',
    'gateway 10.16.0.0/16 is not in cidr 10.16.0.0/16',
    { ...V4, gateway: '10.16.0.0/16' },
    V4,
  ],
  [
    'the gateway is no network number',
    'validate gateway 10.16.0.0 for cidr 10.16.0.0/16 failed: 10.16.0.0 is the network number',
    { ...V4, gateway: '10.16.0.0' },
    { cidrBlock: '10.16.0.0/31', gateway: '10.16.0.0' },
  ],
  [
    'the gateway is no broadcast address',
    'validate gateway 10.16.255.255 for cidr 10.16.0.0/16 failed: 10.16.255.255 is the broadcast',
    { ...V4, gateway: '10.16.255.255' },
    { cidrBlock: '2001:db8::/112', gateway: '2001:db8::ffff' },
  ],
  [
    'what is excluded is an address',
    'ip 10.16.1 in excludeIps is not a valid address',
    { ...V4, excludeIps: ['10.16.1'] },
    { ...V4, excludeIps: ['10.16.0.1'] },
  ],
  [
    'what is excluded is no CIDR',
    'ip 10.16.1.0/24 in excludeIps is not a valid address',
    { ...V4, excludeIps: ['10.16.1.0/24'] },
    { ...V4, excludeIps: ['10.16.1.0..10.16.1.255'] },
  ],
  [
    'a range that is excluded goes up',
    '10.16.0.2..10.16.0.1 in excludeIps is not a valid ip range',
    { ...V4, excludeIps: ['10.16.0.2..10.16.0.1'] },
    { ...V4, excludeIps: ['10.16.0.1..10.16.0.2'] },
  ],
  [
    'a range that is excluded has two ends',
    '10.16.0.1..10.16.0.2..10.16.0.3 in excludeIps is not a valid ip range',
    { ...V4, excludeIps: ['10.16.0.1..10.16.0.2..10.16.0.3'] },
    { ...V4, excludeIps: ['10.16.0.1..10.16.0.3'] },
  ],
  [
    'a range that is excluded is of one family',
    '10.16.0.1..2001:db8::1 in excludeIps is not a valid ip range',
    { ...DUAL, excludeIps: ['10.16.0.1..2001:db8::1'] },
    { ...DUAL, excludeIps: ['2001:db8::1..2001:db8::2'] },
  ],
  [
    'a vip is in the CIDR',
    'vip 10.17.2.1 conflicts with subnet net cidr 10.16.0.0/16',
    { ...V4, vips: ['10.17.2.1'] },
    { ...V4, vips: ['10.16.2.1'] },
  ],
  [
    'an underlay without a CIDR has no gateway',
    'gateway must be empty for underlay subnet net without cidrBlock',
    { ...UNDERLAY, gateway: '10.16.0.1' },
    UNDERLAY,
  ],
  [
    'an underlay without a CIDR excludes nothing',
    'excludeIps must be empty for underlay subnet net without cidrBlock',
    { ...UNDERLAY, excludeIps: ['10.16.0.1'] },
    { ...UNDERLAY, ...V4, excludeIps: ['10.16.0.1'] },
  ],
];

const optionRules: readonly Rule[] = [
  [
    'allowSubnets are CIDRs',
    '10.18.0/16 in allowSubnets is not a valid address',
    { ...V4, allowSubnets: ['10.18.0/16'] },
    { ...V4, allowSubnets: ['10.18.0.0/16'] },
  ],
  [
    'a gateway type is one of two',
    'damn is not a valid gateway type',
    { ...V4, gatewayType: 'damn' },
    { ...V4, gatewayType: 'centralized' },
  ],
  [
    'a protocol is one that there is',
    'ipv5 is not a valid protocol type',
    { ...V4, protocol: 'ipv5' },
    { ...V4, protocol: 'IPv6' },
  ],
  [
    'with IPv6 the MTU is what IPv6 needs',
    'subnet net mtu 1200 is below the IPv6 minimum 1280',
    { ...DUAL, mtu: 1200 },
    { ...V4, mtu: 1200 },
  ],
  [
    'the least MTU of IPv6 is enough',
    'subnet net mtu 1279 is below the IPv6 minimum 1280',
    { ...V6, mtu: 1279 },
    { ...V6, mtu: 1280 },
  ],
  [
    'a provider of OVN’s has no dot in the name of the network',
    'subnet net provider a.b.default.ovn has 4 parts: the name of a network of type kube-ovn must not have a dot',
    { ...V4, provider: 'a.b.default.ovn' },
    { ...V4, provider: 'a.b.default' },
  ],
  [
    'an MTU is one that an interface can have',
    'subnet net mtu 60 is below the minimum 68',
    { ...V4, mtu: 60 },
    { ...V4, mtu: 68 },
  ],
  [
    'so it is without addresses of ours',
    'subnet net mtu 67 is below the minimum 68',
    { vlan: 'vlan1', mtu: 67 },
    { vlan: 'vlan1', mtu: 0 },
  ],
  [
    'no interface has a greater MTU than veth',
    'spec.mtu is wrong: 65536',
    { ...V4, mtu: 65_536 },
    { ...V4, mtu: 65_535 },
  ],
  [
    "the Vpc's name is another",
    'subnet net and vpc net cannot have the same name',
    { ...V4, vpc: 'net' },
    { ...V4, vpc: 'other' },
  ],
  [
    'there is one way out',
    'conflict configuration: natOutgoing and externalEgressGateway',
    { ...V4, natOutgoing: true, externalEgressGateway: '192.168.0.1' },
    { ...V4, externalEgressGateway: '192.168.0.1' },
  ],
  [
    'an external gateway is an address',
    'IP 192.178..2 in externalEgressGateway is not a valid address',
    { ...V4, externalEgressGateway: '192.178..2' },
    { ...V4, externalEgressGateway: '192.178.0.2' },
  ],
  [
    'there are two external gateways at most',
    'invalid external egress gateway configuration',
    { ...DUAL, externalEgressGateway: '192.168.0.1,fd00::1,fd00::2' },
    { ...DUAL, externalEgressGateway: '192.168.0.1,fd00::1' },
  ],
  [
    'an external gateway has a family that the CIDR has',
    'invalid external egress gateway configuration: address family is conflict with CIDR',
    { ...V4, externalEgressGateway: 'fd00::1' },
    { ...V6, externalEgressGateway: 'fd00::1' },
  ],
  [
    'an underlay has one kind of gateway',
    "logicalGateway and u2oInterconnection can't be opened at the same time",
    { ...V4, ...UNDERLAY, logicalGateway: true, u2oInterconnection: true },
    { ...V4, ...UNDERLAY, logicalGateway: true },
  ],
  [
    'overlay-only routing needs an interconnection',
    'u2oFeatures.overlayOnlyRouting can only be enabled when u2OInterconnection is true',
    { ...V4, ...UNDERLAY, u2oFeatures: { overlayOnlyRouting: true } },
    { ...V4, ...UNDERLAY, u2oInterconnection: true, u2oFeatures: { overlayOnlyRouting: true } },
  ],
  [
    'overlay-only routing needs an underlay',
    'u2oFeatures.overlayOnlyRouting can only be enabled on underlay subnets (vlan must be set)',
    { ...V4, u2oInterconnection: true, u2oFeatures: { overlayOnlyRouting: true } },
    { ...V4, u2oInterconnection: true, u2oFeatures: {} },
  ],
  [
    "the interconnection's address is in the CIDR",
    'u2oInterconnectionIP 3001:db8::2 is not in subnet net cidr 2001:db8::/32',
    { ...V6, ...UNDERLAY, u2oInterconnection: true, u2oInterconnectionIP: '3001:db8::2' },
    { ...V6, ...UNDERLAY, u2oInterconnection: true, u2oInterconnectionIP: '2001:db8::2' },
  ],
  [
    "the interconnection's address is not the gateway's",
    'u2oInterconnectionIP 2001:db8::0:1 conflicts with subnet gateway 2001:db8::1',
    { ...V6, ...UNDERLAY, u2oInterconnection: true, u2oInterconnectionIP: '2001:db8::0:1' },
    { ...V6, ...UNDERLAY, u2oInterconnection: true, u2oInterconnectionIP: '2001:db8::0:2' },
  ],
  [
    'an ACL is one that OVN takes',
    'acl 1 is not valid',
    {
      ...V4,
      acls: [
        { direction: 'to-lport', action: 'drop', match: 'ip', priority: 1 },
        { direction: 'to-lport', action: 'deny', match: 'ip', priority: 1 },
      ],
    },
    { ...V4, acls: [{ direction: 'from-lport', action: 'drop', match: 'ip' }] },
  ],
  [
    'a provider is a name',
    'subnet net provider Macvlan default is not valid',
    { ...V4, provider: 'Macvlan default' },
    { ...V4, provider: 'macvlan.default' },
  ],
  [
    'a field has its type',
    'spec.excludeIps is wrong: "10.16.0.1"',
    { ...V4, excludeIps: '10.16.0.1' },
    { ...V4, excludeIps: null },
  ],
  ['a number is one', 'spec.mtu is wrong: "1400"', { ...V4, mtu: '1400' }, { ...V4, mtu: 1400 }],
];

describe.each([
  ['the CIDR of a Subnet', cidrRules],
  ['the addresses of a Subnet', addressRules],
  ['the options of a Subnet', optionRules],
])('%s', (_, rules) => {
  it.each(rules)('%s: %s', (_what, message, wrong, right) => {
    const found = messagesOf(subnetObject('net', wrong).checked);
    expect(found.filter((text) => text.startsWith(message))).toHaveLength(1);
    expect(messagesOf(subnetObject('net', right).checked)).toEqual([]);
  });
});

describe('a Subnet of the default VPC', () => {
  const apiServer = address('10.20.0.1');

  it('does not have the address of the API server', () => {
    const found = subnetObject('net', { cidrBlock: '10.20.0.0/16' }, {}, { apiServer });
    expect(messagesOf(found.checked)).toEqual([
      'subnet net cidr 10.20.0.0/16 conflicts with k8s apiserver svc ip 10.20.0.1',
    ]);
  });

  it('is the only one that may not', () => {
    for (const spec of [{ vpc: 'other' }, { provider: 'macvlan.default' }]) {
      const found = subnetObject('net', { cidrBlock: '10.20.0.0/16', ...spec }, {}, { apiServer });
      expect(messagesOf(found.checked)).toEqual([]);
    }
  });
});

describe('a Subnet with which several things are wrong', () => {
  it('has all of them said at once', () => {
    const spec = { ...V4, gateway: '10.17.0.1', excludeIps: ['x'], gatewayType: 'y' };
    expect(messagesOf(subnetObject('net', spec).checked)).toHaveLength(3);
  });

  it('has advice for each', () => {
    for (const [, , wrong] of [...cidrRules, ...addressRules, ...optionRules]) {
      const { checked } = subnetObject('net', wrong);
      const problems = 'problems' in checked ? checked.problems : [];
      expect(problems.every(({ advice }) => advice.length > 10)).toBe(true);
    }
  });

  it('still has its provider, so that it is known which network it is of', () => {
    expect(subnetObject('net', { provider: 'macvlan.default' }).provider).toBe('macvlan.default');
    expect(subnetObject('net', {}).provider).toBe('ovn');
  });
});
