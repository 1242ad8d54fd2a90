/**
 * Which objects the schemas take: those of Kube-OVN's documentation and of its tests, those that
 * the controllers write, and which not. Rules in CEL are beyond this: only an API server has them.
 */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { definitions, schemaOf } from './support.ts';

// Formats of numbers say their size, and nothing that an object could break here.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const validators = new Map(
  [...definitions.keys()].map((kind) => [kind, ajv.compile(schemaOf(kind))]),
);

/** What is wrong with an object, by the paths of its fields. */
function errors(kind: string, object: object): readonly string[] {
  const validate = validators.get(kind);
  const whole = { apiVersion: 'kubeovn.io/v1', kind, metadata: { name: 'x' }, ...object };
  return validate?.(whole) ? [] : (validate?.errors ?? []).map(({ instancePath }) => instancePath);
}

const RULE = {
  ipVersion: 'ipv4',
  protocol: 'tcp',
  priority: 1,
  remoteType: 'address',
  remoteAddress: '10.16.0.0/16',
  portRangeMin: 80,
  portRangeMax: 80,
  policy: 'allow',
};

const RIGHT: readonly (readonly [what: string, kind: string, object: object])[] = [
  [
    'the documentation’s macvlan Subnet',
    'Subnet',
    {
      spec: {
        protocol: 'IPv4',
        provider: 'macvlan.default',
        cidrBlock: '172.17.0.0/16',
        gateway: '172.17.0.1',
        excludeIps: ['172.17.0.0..172.17.0.10'],
      },
    },
  ],
  [
    'the documentation’s Subnet with cidr (T5)',
    'Subnet',
    {
      spec: {
        vpc: 'vpc-secondary',
        cidr: '10.100.0.0/16',
        gateway: '10.100.0.1',
        provider: 'kube-ovn-vpc-network.default.ovn',
      },
    },
  ],
  ['the documentation’s Vpc', 'Vpc', { spec: { namespaces: ['default'] } }],
  [
    'the Subnet of the tests',
    'Subnet',
    {
      spec: {
        vpc: 'vpc-simple',
        cidrBlock: '10.100.0.0/16',
        default: false,
        excludeIps: ['10.100.0.1'],
        gateway: '10.100.0.1',
        protocol: 'IPv4',
        provider: 'vpc-simple-nad.vpc-simple-ns.ovn',
        namespaces: ['vpc-simple-ns'],
      },
    },
  ],
  [
    'the Vpc of the tests, with a route',
    'Vpc',
    {
      spec: {
        namespaces: ['vpc-nat-ns'],
        staticRoutes: [{ cidr: '0.0.0.0/0', nextHopIP: '10.101.0.254', policy: 'policyDst' }],
      },
    },
  ],
  [
    'the underlay of the tests',
    'Subnet',
    {
      spec: { vlan: 'vlan1', cidrBlock: '172.18.0.0/16', gateway: '172.18.0.1', protocol: 'IPv4' },
    },
  ],
  ['an underlay’s Vlan', 'Vlan', { spec: { id: 0, provider: 'net1' } }],
  ['an underlay’s network', 'ProviderNetwork', { spec: { defaultInterface: 'eth1' } }],
  [
    'a Subnet as the Go controller writes it',
    'Subnet',
    {
      spec: {
        cidrBlock: '10.16.0.0/16,fd00:10:16::/112',
        gateway: '10.16.0.1,fd00:10:16::1',
        gatewayNode: '',
        gatewayType: 'distributed',
        excludeIps: ['10.16.0.1', 'fd00:10:16::1'],
        default: true,
        natOutgoing: true,
        private: false,
        enableLb: true,
        u2oFeatures: {},
        natOutgoingPolicyRules: [{ action: 'nat', match: { srcIPs: '10.0.0.1' } }],
        namespaceSelectors: [
          {
            matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }],
            matchLabels: { c: 'd' },
          },
        ],
        acls: [{ direction: 'to-lport', priority: 1002, match: 'ip', action: 'allow-related' }],
      },
      status: {
        v4availableIPs: 65533,
        v6availableIPs: 1.8446744073709552e19,
        v4availableIPrange: '10.16.0.2-10.16.255.254',
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            lastUpdateTime: '2026-11-21T16:00:00Z',
            lastTransitionTime: '2026-11-21T16:00:00Z',
          },
        ],
      },
    },
  ],
  [
    'an IP as the controllers write it',
    'IP',
    {
      spec: {
        podName: 'web-0',
        namespace: 'shop',
        subnet: 'net',
        nodeName: '',
        ipAddress: '10.16.0.5,fd00::5',
        v4IpAddress: '10.16.0.5',
        v6IpAddress: 'fd00::5',
        macAddress: '',
        attachIps: [],
        attachMacs: [],
        attachSubnets: [],
        containerID: '',
        podType: 'StatefulSet',
      },
    },
  ],
  ['a reservation', 'IP', { spec: { podName: 'a', namespace: 'b', subnet: 'net' } }],
  [
    'an IPPool',
    'IPPool',
    {
      spec: { subnet: 'net', ips: ['10.0.0.5', '10.0.0.7..10.0.0.9', '10.0.1.0/24', 'fd00::/120'] },
    },
  ],
  [
    'a SecurityGroup',
    'SecurityGroup',
    {
      spec: {
        allowSameGroupTraffic: true,
        tier: 1,
        ingressRules: [RULE],
        egressRules: [{ ...RULE, protocol: 'all', portRangeMin: 0, policy: 'drop' }],
      },
    },
  ],
  [
    'addresses in upper case and lists with blanks, as Kube-OVN’s definitions do',
    'Subnet',
    {
      spec: {
        cidrBlock: '10.16.0.0/16, FD00::/64',
        gateway: ' 10.16.0.1 , FD00::1 ',
        excludeIps: ['FD00::A .. FD00::F', ' 10.16.0.9'],
        externalEgressGateway: '192.0.2.1, 2001:DB8::1',
        allowSubnets: ['FD01::/64 '],
        vips: ['FD00::B'],
        u2oInterconnectionIP: '10.16.0.8,fd00::8',
      },
    },
  ],
  [
    'addresses of every form',
    'IPPool',
    {
      spec: {
        subnet: 'net',
        ips: ['::', '1:2:3:4:5:6:7::', '::FFFF:10.0.0.1', '0.0.0.0/0', '::/0'],
      },
    },
  ],
  ['empty fields', 'Subnet', { spec: { cidrBlock: '', cidr: '', gateway: '', excludeIps: [] } }],
  ['a field that nobody knows', 'Subnet', { spec: { cidrBlock: '10.0.0.0/8', newField: 7 } }],
];

const WRONG: readonly (readonly [path: string, kind: string, object: object])[] = [
  ['/spec/cidrBlock', 'Subnet', { spec: { cidrBlock: 16 } }],
  ['/spec/cidrBlock', 'Subnet', { spec: { cidrBlock: '10.16.0.0/16 10.17.0.0/16' } }],
  ...[
    '10.9.0.0/33',
    '10.9.0.256/24',
    '10.9.0/24',
    'fd00::/129',
    'fd00/64',
    '10.9.0.0',
    '10.9.0.0/08',
  ].map((cidrBlock): [string, string, object] => [
    '/spec/cidrBlock',
    'Subnet',
    { spec: { cidrBlock } },
  ]),
  ['/spec/cidr', 'Subnet', { spec: { cidr: '10.9.0.0/33' } }],
  ['/spec/gateway', 'Subnet', { spec: { gateway: '10.9.0.1/24' } }],
  ['/spec/gateway', 'Subnet', { spec: { gateway: '10.9.0.1;10.9.0.2' } }],
  ['/spec/excludeIps/0', 'Subnet', { spec: { excludeIps: ['10.9.0.1...10.9.0.5'] } }],
  ['/spec/vips/0', 'Subnet', { spec: { vips: ['10.9.0'] } }],
  ['/spec/allowSubnets/0', 'Subnet', { spec: { allowSubnets: ['10.16.0.0/99'] } }],
  ['/spec/ips/0', 'IPPool', { spec: { subnet: 'net', ips: ['10.0.0.0/33'] } }],
  ['/spec/staticRoutes/0/nextHopIP', 'Vpc', { spec: { staticRoutes: [{ nextHopIP: '10.0.0' }] } }],
  [
    '/spec/ingressRules/0/remoteAddress',
    'SecurityGroup',
    { spec: { ingressRules: [{ ...RULE, remoteAddress: '10.0.0.0/40' }] } },
  ],
  ['/spec/protocol', 'Subnet', { spec: { protocol: 'ipv4' } }],
  ['/spec/gatewayType', 'Subnet', { spec: { gatewayType: 'central' } }],
  ['/spec/excludeIps', 'Subnet', { spec: { excludeIps: '10.16.0.1' } }],
  ['/spec/excludeIps/0', 'Subnet', { spec: { excludeIps: ['10.16.0.0/24'] } }],
  ['/spec/mtu', 'Subnet', { spec: { mtu: '1400' } }],
  ['/spec/mtu', 'Subnet', { spec: { mtu: 100_000 } }],
  ['/spec/private', 'Subnet', { spec: { private: 'yes' } }],
  ['/spec/allowSubnets/0', 'Subnet', { spec: { allowSubnets: ['10.16.0.1'] } }],
  ['/spec/acls/0/direction', 'Subnet', { spec: { acls: [{ direction: 'in' }] } }],
  ['/spec/acls/0/action', 'Subnet', { spec: { acls: [{ action: 'deny' }] } }],
  ['/spec/acls/0/priority', 'Subnet', { spec: { acls: [{ priority: 40_000 }] } }],
  ['/spec/namespaces/0', 'Vpc', { spec: { namespaces: [7] } }],
  ['/spec/staticRoutes/0/policy', 'Vpc', { spec: { staticRoutes: [{ policy: 'dst' }] } }],
  ['/spec/policyRoutes/0/action', 'Vpc', { spec: { policyRoutes: [{ action: 'deny' }] } }],
  ['/spec', 'IPPool', { spec: { ips: [] } }],
  ['/spec', 'IPPool', { spec: { subnet: 'net' } }],
  ['/spec/subnet', 'IPPool', { spec: { subnet: '', ips: [] } }],
  ['/spec/ips/0', 'IPPool', { spec: { subnet: 'net', ips: ['10.0.0.5-10.0.0.7'] } }],
  ['/spec/v4IpAddress', 'IP', { spec: { v4IpAddress: ['10.0.0.5'] } }],
  ['/spec/tier', 'SecurityGroup', { spec: { tier: 2 } }],
  [
    '/spec/ingressRules/0/policy',
    'SecurityGroup',
    { spec: { ingressRules: [{ ...RULE, policy: 'deny' }] } },
  ],
  [
    '/spec/egressRules/0/priority',
    'SecurityGroup',
    { spec: { egressRules: [{ ...RULE, priority: 0 }] } },
  ],
  [
    '/spec/egressRules/0/portRangeMax',
    'SecurityGroup',
    { spec: { egressRules: [{ ...RULE, portRangeMax: 65_536 }] } },
  ],
  [
    '/spec/egressRules/0/ipVersion',
    'SecurityGroup',
    { spec: { egressRules: [{ ...RULE, ipVersion: 'IPv4' }] } },
  ],
  ['/spec/id', 'Vlan', { spec: { id: 4096, provider: 'net1' } }],
  ['/spec', 'Vlan', { spec: { id: 7 } }],
  ['/spec/defaultInterface', 'ProviderNetwork', { spec: { defaultInterface: 'a/b' } }],
];

describe('the schemas', () => {
  it.each(RIGHT)('take %s', (_, kind, object) => {
    expect(errors(kind, object)).toEqual([]);
  });

  it.each(WRONG)('refuse a wrong %s of a %s', (path, kind, object) => {
    expect(errors(kind, object)).toContain(path);
  });
});
