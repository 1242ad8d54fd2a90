/** Which networks a pod is attached to, and what is said of those that cannot be used. */
import { describe, expect, it } from 'vitest';
import { ATTACHNET, cluster, networks } from './attachments-support.ts';
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
  short,
} from './support.ts';

const SHOP = { cidrBlock: '10.17.0.0/16', default: false, namespaces: ['shop'] };

describe('a network', () => {
  it('that is none of ours is ignored, whatever is asked for there', () => {
    const pod = podOf(
      networks(
        { name: 'bridge', ips: ['x'], mac: 'y', interface: 'no such name' },
        { name: 'macvlan' },
      ),
    );
    expect(nicsOf(pod, cluster).map(({ provider }) => provider)).toEqual(['macvlan.default']);
    expect(eventsOf(pod, cluster)).toEqual([]);
  });

  it('with an empty configuration is left out, and an event says so (T11)', () => {
    const pod = podOf({ [NETWORKS]: 'empty,macvlan' });
    expect(nicsOf(pod, cluster)).toHaveLength(1);
    expect(eventsOf(pod, cluster)).toMatchObject([
      {
        type: 'Warning',
        reason: 'PodNetworkNotSupported',
        message: expect.stringContaining('network-attachment-definition default/empty'),
      },
    ]);
  });

  it('that cannot be read is a problem of the whole pod', () => {
    expect(problemsOf(podOf({ [NETWORKS]: 'macvlan,broken' }), cluster)).toEqual([
      'failed to load config of net-attach-def default/broken: it is no JSON',
    ]);
  });

  it('that does not exist is one, too', () => {
    expect(problemsOf(podOf({ [NETWORKS]: 'shop/macvlan' }), cluster)).toEqual([
      'network-attachment-definition shop/macvlan not found',
    ]);
  });

  it('has the provider of its own name, and a warning where its configuration differs (T9)', () => {
    for (const provider of ['other.default', 'macvlan', '']) {
      const nad = { ...MACVLAN_NAD, ipam: { ...MACVLAN_NAD.ipam, provider } };
      const other = { ...cluster, nads: { 'default/macvlan': nad } };
      const pod = podOf({ [NETWORKS]: 'macvlan' });
      expect(nicsOf(pod, other)[0]?.provider).toBe('macvlan.default');
      expect(eventsOf(pod, other)).toMatchObject([
        { type: 'Warning', message: expect.stringContaining(`has provider "${provider}"`) },
      ]);
    }
  });

  it('of the host is no network of the pod', () => {
    const pod = podOf({ [NETWORKS]: 'nonsense!' }, { spec: { hostNetwork: true } });
    expect(nicsOf(pod, { ...cluster, settings: { isPrimary: true } })).toEqual([]);
  });
});

describe('a dot in the name of a network', () => {
  const named = networks({ name: 'dot.ted' });

  it('is the problem where the network is of type kube-ovn, whatever Subnets there are', () => {
    const nads = { 'default/dot.ted': { ...ATTACHNET_NAD, provider: 'dot.ted.default.ovn' } };
    const subnet = { ...attachnetSubnet, provider: 'dot.ted.default.ovn' };
    for (const subnets of [{}, { subnet }]) {
      expect(problemsOf(podOf(named), { nads, subnets })).toEqual([
        'network-attachment-definition default/dot.ted of type kube-ovn has a dot in its name, with which it cannot be used',
      ]);
    }
  });

  it('is none where another plugin makes the interface', () => {
    const ipam = { ...MACVLAN_NAD.ipam, provider: 'dot.ted.default' };
    const nads = { 'default/dot.ted': { ...MACVLAN_NAD, ipam } };
    const subnets = { subnet: { ...macvlanSubnet, provider: 'dot.ted.default' } };
    expect(nicsOf(podOf(named), { nads, subnets })).toHaveLength(1);
  });
});

describe('a network whose name in JSON has its namespace in it', () => {
  it('is served, and an event says what Multus takes instead', () => {
    const pod = podOf({ [NETWORKS]: JSON.stringify([{ name: 'default/attachnet' }]) });
    expect(nicsOf(pod, cluster)).toHaveLength(1);
    expect(eventsOf(pod, cluster)).toEqual([
      {
        type: 'Warning',
        reason: 'ValidatePodNetworkFailed',
        message:
          'stage=validate error=annotation k8s.v1.cni.cncf.io/networks has "name": "default/attachnet", which Multus refuses: write "namespace": "default", "name": "attachnet"',
      },
    ]);
  });

  it('is nothing to tell of where namespace and name are apart, or in the short form', () => {
    const apart = JSON.stringify([{ namespace: 'default', name: 'attachnet' }]);
    for (const text of [apart, 'default/attachnet']) {
      expect(eventsOf(podOf({ [NETWORKS]: text }), cluster)).toEqual([]);
    }
  });
});

describe('a network of provider ovn', () => {
  const named = { type: 'kube-ovn', provider: 'ovn' };
  const others: Cluster = {
    ...cluster,
    nads: { ...cluster.nads, 'default/plain': named, 'shop/plain': named },
    subnets: { ...cluster.subnets, 'ovn-default': ovnDefault, shop: { ...ovnDefault, ...SHOP } },
  };

  it('is the default Subnet, under the annotations of a primary NIC, in non-primary mode', () => {
    const pod = podOf({ [NETWORKS]: 'plain,attachnet' });
    expect(nicsOf(pod, others).map(short)).toEqual([
      {
        kind: 'ovn',
        provider: 'ovn',
        port: 'samplepod.default',
        attempts: ['ovn-default any'],
        mac: 'dynamic',
      },
      expect.objectContaining({ provider: ATTACHNET }),
    ]);
    expect(eventsOf(pod, others)).toEqual([]);
  });

  it('is what the pod or its namespace says, as for a primary NIC', () => {
    const of = (annotations: object, namespace = 'default') =>
      nicsOf(podOf({ [NETWORKS]: 'plain', ...annotations }, { namespace }), others)
        .map(short)
        .flatMap(({ attempts }) => attempts);
    expect(of({}, 'shop')).toEqual(['shop any']);
    expect(of({ 'ovn.kubernetes.io/logical_switch': 'shop' })).toEqual(['shop any']);
    expect(of({ 'ovn.kubernetes.io/ip_address': '10.16.0.9' })).toEqual(['ovn-default 10.16.0.9']);
  });

  it('is eth0 where it takes the place of the primary network', () => {
    const [nic] = nicsOf(podOf({ [DEFAULT_NETWORK]: 'plain' }), others);
    expect(nic).toMatchObject({ provider: 'ovn', isDefault: true });
  });

  it('is there once in a pod', () => {
    const twice = podOf(
      networks({ name: 'plain', interface: 'net1' }, { name: 'plain', interface: 'net2' }),
    );
    expect(problemsOf(twice, others)).toEqual([
      'network default/plain of provider ovn is selected more than once',
    ]);
    expect(problemsOf(podOf({ [NETWORKS]: 'plain,shop/plain' }), others)).toEqual([
      expect.stringContaining('cannot be told apart'),
    ]);
  });

  it('is an attachment like others in primary mode, where the primary network has that provider', () => {
    const primary = { ...others, settings: { isPrimary: true } };
    const pod = podOf({
      [NETWORKS]: 'plain',
      'plain.default.ovn.kubernetes.io/logical_switch': 'shop',
    });
    expect(nicsOf(pod, primary).map(({ provider }) => provider)).toEqual([
      'plain.default.ovn',
      'ovn',
    ]);
  });
});

describe('a network of OVN-Kubernetes', () => {
  it('is ignored without a word', () => {
    const config = {
      cniVersion: '0.4.0',
      name: 'l3-network',
      type: 'ovn-k8s-cni-overlay',
      topology: 'layer3',
      subnets: '10.245.0.0/16/24',
      mtu: 1300,
      netAttachDefName: 'default/l3-network',
    };
    const pod = podOf({ [NETWORKS]: 'l3-network' });
    const nads = { 'default/l3-network': config };
    expect(nicsOf(pod, { nads })).toEqual([]);
    expect(eventsOf(pod, { nads })).toEqual([]);
  });
});

describe('what a pod asks of the primary network in non-primary mode', () => {
  const asked = { 'ovn.kubernetes.io/ip_address': '10.16.0.9', 'ovn.kubernetes.io/ip_pool': 'x' };

  it('is told by one event: that network is another plugin’s', () => {
    const pod = podOf(asked);
    expect(nicsOf(pod, cluster)).toEqual([]);
    const [event, ...rest] = eventsOf(pod, cluster);
    expect(rest).toEqual([]);
    expect(event).toMatchObject({ type: 'Warning', reason: 'PodNetworkNotSupported' });
    const keys = 'ovn.kubernetes.io/ip_address, ovn.kubernetes.io/ip_pool';
    expect(event?.message).toContain(`${keys}: without effect`);
    expect(event?.message).toContain('--non-primary-cni-mode');
    expect(event?.message).toContain('k8s.v1.cni.cncf.io/networks');
  });

  it('is told with where its own networks have theirs', () => {
    const [event] = eventsOf(podOf({ ...asked, [NETWORKS]: 'attachnet' }), cluster);
    expect(event?.message).toContain(`under ${ATTACHNET}.kubernetes.io/ip_address`);
  });

  it('is nothing to tell of a pod that was given it when Kube-OVN was primary', () => {
    const given = { ...asked, 'ovn.kubernetes.io/allocated': 'true' };
    expect(eventsOf(podOf(given), cluster)).toEqual([]);
  });

  it('is nothing to tell where a network of the pod has that provider, nor in primary mode', () => {
    const nads = { 'default/plain': { type: 'kube-ovn', provider: 'ovn' } };
    const subnets = { 'ovn-default': ovnDefault };
    const address = { 'ovn.kubernetes.io/ip_address': '10.16.0.9' };
    expect(eventsOf(podOf({ ...address, [NETWORKS]: 'plain' }), { nads, subnets })).toEqual([]);
    const settings = { isPrimary: true };
    expect(eventsOf(podOf(address), { settings, subnets })).toEqual([]);
  });
});
