import { describe, expect, it } from 'vitest';
import { unusedAnnotations } from '../../../../src/controller/networks/unused-annotations.ts';
import {
  ATTACHNET_NAD,
  attachnetSubnet,
  type Cluster,
  DEFAULT_NETWORK,
  eventsOf,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  nicsOf,
  ovnDefault,
  podOf,
  problemsOf,
} from './support.ts';

const cluster: Cluster = {
  nads: {
    'default/attachnet': ATTACHNET_NAD,
    'default/macvlan': MACVLAN_NAD,
    'default/bridge': { type: 'bridge', ipam: { type: 'host-local' } },
  },
  subnets: { attachnet: attachnetSubnet, macvlan: macvlanSubnet, 'ovn-default': ovnDefault },
};
const OVN = 'attachnet.default.ovn.kubernetes.io';
const MACVLAN = 'macvlan.default.kubernetes.io';
const TWINS = JSON.stringify(
  ['net1', 'net2'].map((each) => ({ name: 'attachnet', interface: each })),
);
const NAMED = '[{"name":"attachnet","interface":"data"}]';

/** What is said of a pod with these networks and annotations, in non-primary mode. */
function said(networks: string, annotations: object, more: Cluster = {}): readonly string[] {
  const selected = networks === '' ? {} : { [NETWORKS]: networks };
  const pod = podOf({ ...selected, ...annotations });
  expect(problemsOf(pod, { ...cluster, ...more })).toEqual([]);
  return eventsOf(pod, { ...cluster, ...more })
    .filter(({ reason }) => reason === 'PodAnnotationIgnored')
    .map(({ message }) => message);
}

describe('an annotation that means nothing is told, and what to write instead', () => {
  it.each<[what: string, networks: string, key: string, value: string, instead: string]>([
    [
      'of a network of another plugin, for one of type kube-ovn',
      'attachnet',
      'attachnet.default.kubernetes.io/ip_address',
      '172.17.0.9',
      `write ${OVN}/ip_address instead`,
    ],
    [
      'of a network of type kube-ovn, for one of another plugin',
      'macvlan',
      'macvlan.default.ovn.kubernetes.io/ip_address',
      '172.17.0.9',
      `write ${MACVLAN}/ip_address instead`,
    ],
    [
      'with namespace and name the wrong way round',
      'attachnet',
      'default.attachnet.ovn.kubernetes.io/mac_address',
      '00:00:00:53:6b:b6',
      `write ${OVN}/mac_address instead`,
    ],
    ...['routes', 'security_groups', 'mirror'].map(
      (name): [string, string, string, string, string] => [
        'of the primary network, in non-primary mode',
        'attachnet',
        `ovn.kubernetes.io/${name}`,
        'x',
        `its own are under ${OVN}/${name}`,
      ],
    ),
    [
      'for a limit, where no NIC is OVN’s',
      'macvlan',
      'ovn.kubernetes.io/ingress_rate',
      '5',
      `its own are under ${MACVLAN}/ingress_rate`,
    ],
    [
      'of a pod without networks',
      '',
      'ovn.kubernetes.io/mirror',
      'true',
      'no network of the pod has its addresses from this controller',
    ],
    [
      'of a network that the pod does not select',
      'attachnet',
      'other.shop.ovn.kubernetes.io/ip_pool',
      'x',
      `its own are under ${OVN}/ip_pool`,
    ],
    [
      'of a network whose addresses are another’s',
      'bridge,attachnet',
      'bridge.default.kubernetes.io/ip_address',
      '10.9.0.1',
      'the pod has no such network of this controller',
    ],
    [
      'with an interface, where the network is there once',
      NAMED,
      'attachnet.default.ovn.data.kubernetes.io/ip_address',
      '172.17.0.9',
      `write ${OVN}/ip_address instead`,
    ],
    [
      'for an interface that no network asks for',
      NAMED,
      'attachnet.default.kubernetes.io/ip_address.net1',
      '172.17.0.9',
      'no network of the pod asks for interface net1',
    ],
    [
      'for an interface, with .ovn',
      NAMED,
      `${OVN}/mac_address.data`,
      '00:00:00:53:6b:b6',
      'write attachnet.default.kubernetes.io/mac_address.data instead',
    ],
    [
      'under a network that several NICs share',
      TWINS,
      `${OVN}/ingress_rate`,
      '5',
      'write attachnet.default.ovn.net1.kubernetes.io/ingress_rate or attachnet.default.ovn.net2',
    ],
    ['that is neither yes nor no', 'attachnet', `${OVN}/default_route`, 'yes', 'it is "yes"'],
    ['that is yes in capitals', 'attachnet', `${OVN}/default_route`, 'FALSE', 'it is "FALSE"'],
    ['that is neither, of another kind', 'macvlan', `${MACVLAN}/default_route`, '1', 'it is "1"'],
    ['that mirrors neither way', 'attachnet', `${OVN}/mirror`, 'on', 'it is "on"'],
    ['that is neither, of all of them', TWINS, `${OVN}/default_route`, 'True', 'it is "True"'],
    ...['ingress_rate', 'egress_burst', 'latency', 'loss', 'mirror', 'security_groups'].map(
      (name): [string, string, string, string, string] => [
        'on an interface of another plugin',
        'macvlan',
        `${MACVLAN}/${name}`,
        '1',
        'another plugin makes the interface of network macvlan.default',
      ],
    ),
    ['misspelled', 'attachnet', `${OVN}/ip_adress`, '172.17.0.9', `write ${OVN}/ip_address`],
    ['with other marks', 'attachnet', `${OVN}/ip-address`, '172.17.0.9', `write ${OVN}/ip_address`],
    ['in one form of two', 'attachnet', `${OVN}/security_group`, 'x', `${OVN}/security_groups`],
    [
      'misspelled under the wrong network',
      'attachnet',
      'attachnet.default.kubernetes.io/logicalswitch',
      'x',
      `write ${OVN}/logical_switch`,
    ],
    [
      'with several gateways for one destination',
      'attachnet',
      `${OVN}/routes`,
      '[{"dst":"10.9.0.0/16","gw":"172.17.0.2"},{"dst":"10.9.0.1/16","gw":"172.17.0.3"}]',
      'that via 172.17.0.2 has no effect',
    ],
    [
      'with several default routes',
      'macvlan',
      `${MACVLAN}/routes`,
      '[{"gw":"172.17.0.2"},{"dst":"0.0.0.0/0","gw":"172.17.0.3"}]',
      'several routes to 0.0.0.0/0',
    ],
    [
      "with a route to the NIC's own network",
      'attachnet',
      `${OVN}/routes`,
      '[{"dst":"172.17.9.9/16","gw":"172.17.0.2"}]',
      "172.17.0.0/16, which is the NIC's own network",
    ],
    ['with routes that are none', 'attachnet', `${OVN}/routes`, '{}', 'write a JSON array'],
  ])('%s: %s', (_, networks, key, value, instead) => {
    const messages = said(networks, { [key]: value });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(`annotation ${key} `);
    expect(messages[0]).toContain(instead);
  });

  it('several NICs that want the default route', () => {
    const wanted = { [`${OVN}/default_route`]: 'true', [`${MACVLAN}/default_route`]: 'true' };
    expect(said('attachnet,macvlan', wanted)).toEqual([
      expect.stringContaining('a pod has one default route'),
    ]);
  });

  it('in primary mode, of a main network that another takes the place of', () => {
    const settings = { isPrimary: true };
    const annotations = { 'ovn.kubernetes.io/logical_switch': 'ovn-default' };
    expect(said('', annotations, { settings })).toEqual([]);
    const replaced = { ...annotations, [DEFAULT_NETWORK]: 'default/macvlan' };
    expect(said('', replaced, { settings })).toHaveLength(1);
  });
});

describe('nothing is said', () => {
  it.each<[what: string, networks: string, annotations: object]>([
    [
      'of what has its effect',
      'attachnet,macvlan',
      {
        [`${OVN}/ip_address`]: '172.17.0.99',
        [`${OVN}/ingress_rate`]: '5',
        [`${OVN}/mirror`]: 'true',
        [`${OVN}/default_route`]: 'false',
        [`${OVN}/security_groups`]: 'a,b',
        [`${OVN}/routes`]: '[{"dst":"10.9.0.0/16","gw":"172.17.0.2"},{"gw":"172.17.0.2"}]',
        [`${MACVLAN}/default_route`]: 'true',
        [`${MACVLAN}/routes`]: '[{"dst":"172.17.5.0/24","gw":"172.17.0.2"}]',
        [`${MACVLAN}/mac_address`]: '00:00:00:53:6b:b6',
      },
    ],
    ['of a limit in non-primary mode', 'attachnet', { 'ovn.kubernetes.io/egress_rate': '5' }],
    [
      'of an address for an interface',
      NAMED,
      { 'attachnet.default.kubernetes.io/ip_address.data': '172.17.0.9' },
    ],
    ['of what several NICs share', TWINS, { [`${OVN}/mirror`]: 'true', [`${OVN}/routes`]: '[]' }],
    [
      'of what an earlier NIC was given',
      'attachnet',
      {
        'old.default.ovn.kubernetes.io/allocated': 'true',
        'old.default.ovn.kubernetes.io/ip_address': '10.9.0.9',
      },
    ],
    [
      'of what is not ours',
      'attachnet',
      {
        'kubernetes.io/config.hash': 'x',
        'apps.kubernetes.io/pod-index': '1',
        'container.apparmor.security.beta.kubernetes.io/app': 'x',
        [`${OVN}/vlan_id`]: '5',
        [`${OVN}/something`]: 'x',
        [`${OVN}/ip_adress`]: '',
      },
    ],
  ])('%s', (_, networks, annotations) => {
    expect(said(networks, annotations)).toEqual([]);
  });
});

it('of many annotations some are told, and that there may be more', () => {
  const many = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`n${index}.default.kubernetes.io/routes`, 'x']),
  );
  const messages = said('attachnet', many);
  expect(messages).toHaveLength(17);
  expect(messages[16]).toContain('there may be more');
});

it('many names that there are not cost little, and hide nothing else', () => {
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`${OVN}/unknown_name_${index}`, 'x']),
  );
  expect(said('attachnet', { ...many, [`${OVN}/mirror`]: 'no' })).toHaveLength(1);
});

describe('of more annotations than any pod needs', () => {
  const many = (count: number, name: (index: number) => string) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), 'true']));
  const mistaken = (index: number) => `${OVN}/zz_${index}`;

  /** How many annotations are read for what is said of them, and not for what is asked for. */
  function readsOf(annotations: Record<string, string>): number {
    let reads = 0;
    const counted = new Proxy(annotations, {
      get: (target, key, receiver) => {
        reads += 1;
        return Reflect.get(target, key, receiver);
      },
    });
    unusedAnnotations({ ...podOf({}), annotations: counted }, [], { isPrimary: false });
    return reads;
  }

  it.each([
    [
      'names that controllers write',
      (index: number) => `n${index}.default.kubernetes.io/allocated`,
    ],
    ['names that there are not', mistaken],
    ['names for an interface', (index: number) => `n${index}.default.kubernetes.io/ip_address.a`],
  ])('no more are read where there are more: %s', (_, name) => {
    const reads = readsOf(many(10_000, name));
    expect(reads).toBeLessThan(5_000);
    expect(readsOf(many(20_000, name))).toBe(reads);
  });

  it('that is told', () => {
    const messages = said('attachnet', many(3000, mistaken));
    expect(messages).toEqual([
      expect.stringContaining('3001 annotations of networks, and only the first 2048 are checked'),
    ]);
  });

  it('some mistaken names are compared with those that there are, and no more', () => {
    const near = { [`${OVN}/ip_adress`]: '172.17.0.9' };
    expect(said('attachnet', { ...many(15, mistaken), ...near })).toHaveLength(1);
    expect(said('attachnet', { ...many(16, mistaken), ...near })).toEqual([]);
  });
});

describe('two networks with one interface', () => {
  const networks = (...list: [name: string, ifName?: string][]) =>
    JSON.stringify(
      list.map(([name, ifName]) => (ifName === undefined ? { name } : { name, interface: ifName })),
    );

  it.each<[what: string, networks: string, ifName: string]>([
    ['that both say it', networks(['attachnet', 'data'], ['macvlan', 'data']), 'data'],
    ['of which one is another’s', networks(['bridge', 'data'], ['macvlan', 'data']), 'data'],
    ['by the name that Multus chooses', networks(['attachnet'], ['macvlan', 'net1']), 'net1'],
    ['by the name of one after it', networks(['macvlan', 'net2'], ['attachnet']), 'net2'],
    ['that is the main network’s', networks(['attachnet', 'eth0']), 'eth0'],
  ])('%s are refused: the pod gets no addresses', (_, text, ifName) => {
    const problems = problemsOf(podOf({ [NETWORKS]: text }), cluster);
    expect(problems).toEqual([expect.stringContaining(`interface ${ifName} is both `)]);
  });

  it.each([
    ['of others', networks(['bridge', 'data'], ['bridge', 'data'], ['attachnet'])],
    ['apart', networks(['attachnet', 'net2'], ['macvlan', 'net1'])],
    ['where Multus chooses both', networks(['attachnet'], ['macvlan'])],
  ])('%s are none of ours to refuse', (_, text) => {
    expect(nicsOf(podOf({ [NETWORKS]: text }), cluster).length).toBeGreaterThan(0);
  });

  it('is no other than eth0 for the network in the main one’s place', () => {
    const pod = podOf({ [DEFAULT_NETWORK]: 'default/macvlan', [NETWORKS]: 'attachnet' });
    expect(nicsOf(pod, { ...cluster, settings: { isPrimary: true } })).toHaveLength(2);
    const taken = networks(['attachnet', 'eth0']);
    const both = podOf({ [DEFAULT_NETWORK]: 'default/macvlan', [NETWORKS]: taken });
    expect(problemsOf(both, cluster)).toHaveLength(1);
  });
});
