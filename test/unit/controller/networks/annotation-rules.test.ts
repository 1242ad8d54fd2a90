import { describe, expect, it } from 'vitest';
import { annotationProblems } from '../../../../src/controller/networks/annotation-rules.ts';
import {
  ATTACHNET_NAD,
  attachnetSubnet,
  eventsOf,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  nicsOf,
  ovnDefault,
  podOf,
  problemsOf,
} from './support.ts';

const P = 'ovn.kubernetes.io';
const problems = (annotations: object) =>
  annotationProblems(podOf(annotations)).map(({ message }) => message);

const RIGHT: readonly object[] = [
  {},
  { [`${P}/ip_address`]: '10.244.0.5' },
  { [`${P}/ip_address`]: '10.244.0.5/16,fd00::5/64' },
  { [`${P}/ip_address`]: '10.244.0.5', [`${P}/cidr`]: '10.244.0.0/16' },
  { [`${P}/ip_address`]: 'fd00::5', [`${P}/cidr`]: '10.244.0.0/16,fd00::/64' },
  { [`${P}/mac_address`]: '00:00:00:53:6B:B6' },
  { [`${P}/ip_pool`]: 'pool1' },
  { [`${P}/ip_pool`]: '10.16.0.15,10.16.0.16' },
  { [`${P}/ip_pool`]: '11.16.10.14,10.244.0.9', [`${P}/cidr`]: '10.244.0.0/16,11.16.0.0/16' },
  { [`${P}/ingress_rate`]: '0', 'net1.ns1.kubernetes.io/egress_burst': '1000' },
  { 'net1.ns1.kubernetes.io/ip_family': 'ipv4' },
  {
    'net1.ns1.kubernetes.io/ip_family': 'ipv6',
    'net1.ns1.kubernetes.io/ip_address': 'fd00::5',
  },
  {
    'net1.ns1.ovn.net1.kubernetes.io/ip_family': 'ipv4',
    'net1.ns1.kubernetes.io/ip_address.net2': 'fd00::5',
  },
  { 'net1.ns1.kubernetes.io/mac_address': 'no MAC: of other networks that is said later' },
];

const WRONG: readonly (readonly [message: string, annotations: object])[] = [
  [`10.244.000.0 is not a valid ${P}/ip_address`, { [`${P}/ip_address`]: '10.244.000.0' }],
  [`10.0.0.0/40 is not a valid ${P}/ip_address`, { [`${P}/ip_address`]: '10.0.0.0/40' }],
  [
    '10.244.0.5 not in cidr 10.16.0.0/16',
    { [`${P}/ip_address`]: '10.244.0.5', [`${P}/cidr`]: '10.16.0.0/16' },
  ],
  ['invalid cidr 10.16.0/16', { [`${P}/cidr`]: '10.16.0/16' }],
  [`00:00:54:17:2A is not a valid ${P}/mac_address`, { [`${P}/mac_address`]: '00:00:54:17:2A' }],
  [
    `10.16.1111.15 in ${P}/ip_pool is not a valid address`,
    { [`${P}/ip_pool`]: '10.16.0.14,10.16.1111.15' },
  ],
  [`10.16.0.0/24 in ${P}/ip_pool is not a valid address`, { [`${P}/ip_pool`]: '10.16.0.0/24' }],
  [
    '10.17.0.5 not in cidr 10.16.0.0/16',
    { [`${P}/ip_pool`]: '10.16.0.5;10.17.0.5', [`${P}/cidr`]: '10.16.0.0/16' },
  ],
  [`a3 is not a valid ${P}/ingress_rate`, { [`${P}/ingress_rate`]: 'a3' }],
  [`-1 is not a valid ${P}/egress_burst`, { [`${P}/egress_burst`]: '-1' }],
  [
    '10m is not a valid net1.ns1.kubernetes.io/egress_rate',
    { 'net1.ns1.kubernetes.io/egress_rate': '10m' },
  ],
  ['IPv4 is not a valid a.b.kubernetes.io/ip_family', { 'a.b.kubernetes.io/ip_family': 'IPv4' }],
  [`dual is not a valid ${P}/ip_family`, { [`${P}/ip_family`]: 'dual' }],
  [
    'fd00::5 does not match a.b.kubernetes.io/ip_family ipv4',
    {
      'a.b.kubernetes.io/ip_family': 'ipv4',
      'a.b.kubernetes.io/ip_address': '10.0.0.5,fd00::5',
    },
  ],
  [
    'fd00::5 does not match a.b.ovn.net1.kubernetes.io/ip_family ipv4',
    {
      'a.b.ovn.net1.kubernetes.io/ip_family': 'ipv4',
      'a.b.kubernetes.io/ip_address.net1': 'fd00::5',
    },
  ],
];

describe("a pod's annotations by themselves", () => {
  it.each(RIGHT.map((annotations) => [annotations]))('are right: %j', (annotations) => {
    expect(problems(annotations)).toEqual([]);
  });

  it.each(WRONG)('are wrong: %s', (message, annotations) => {
    expect(problems(annotations)).toEqual([message]);
  });

  it('are said to be wrong all at once, in an event', () => {
    const pod = podOf(
      Object.assign({}, ...WRONG.slice(8, 11).map(([, annotations]) => annotations)),
    );
    const [event] = eventsOf(pod, { settings: { isPrimary: true } });
    expect(event).toMatchObject({ type: 'Warning', reason: 'ValidatePodNetworkFailed' });
    for (const [message] of WRONG.slice(8, 11)) expect(event?.message).toContain(message);
  });

  it('keep the pod from having any NIC, also of other networks', () => {
    const pod = podOf({ [`${P}/ingress_rate`]: 'x', 'k8s.v1.cni.cncf.io/networks': 'none' });
    const settings = { isPrimary: true };
    expect(eventsOf(pod, { settings }).map(({ reason }) => reason)).toEqual([
      'ValidatePodNetworkFailed',
    ]);
  });
});

describe('in non-primary mode, annotations of provider ovn', () => {
  const cluster = {
    nads: {
      'default/macvlan': MACVLAN_NAD,
      'default/attachnet': ATTACHNET_NAD,
      'default/plain': { ...ATTACHNET_NAD, provider: 'ovn' },
    },
    subnets: { macvlan: macvlanSubnet, attachnet: attachnetSubnet, 'ovn-default': ovnDefault },
  };
  const OF_ADDRESSES = {
    [`${P}/cidr`]: '10.16.0/16',
    [`${P}/ip_address`]: 'of the other plugin',
    [`${P}/ip_family`]: 'both',
    [`${P}/ip_pool`]: '10.16.0.0/24',
    [`${P}/mac_address`]: 'any',
  };
  const OF_LIMITS = { [`${P}/ingress_rate`]: '10M' };
  const reasons = (annotations: object) =>
    eventsOf(podOf(annotations), cluster).map(({ reason }) => reason);

  it('may be anything where the pod has no NIC of ours: nothing is refused', () => {
    const pod = podOf({ ...OF_ADDRESSES, ...OF_LIMITS });
    expect(nicsOf(pod, cluster)).toEqual([]);
    expect(reasons(OF_LIMITS)).toEqual(['PodAnnotationIgnored']);
  });

  it('keep no NIC of another network of ours from the pod', () => {
    const pod = podOf({ ...OF_ADDRESSES, [NETWORKS]: 'attachnet' });
    expect(nicsOf(pod, cluster).map(({ provider }) => provider)).toEqual(['attachnet.default.ovn']);
    expect(reasons({ ...OF_ADDRESSES, [NETWORKS]: 'attachnet' })).toEqual([
      'PodNetworkNotSupported',
    ]);
  });

  it.each(Object.entries(OF_ADDRESSES))(
    'are refused where the pod attaches that network: %s',
    (key, text) => {
      expect(problemsOf(podOf({ [key]: text, [NETWORKS]: 'plain' }), cluster)).toHaveLength(1);
    },
  );

  it('are refused as the limits of NICs that have none of their own', () => {
    const annotations = { ...OF_LIMITS, [NETWORKS]: 'attachnet' };
    expect(reasons(annotations)).toEqual(['ValidatePodNetworkFailed']);
  });
});
