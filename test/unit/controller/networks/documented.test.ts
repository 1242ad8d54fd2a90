/**
 * The fields and values of the documentation's manifests, and of Kube-OVN's end-to-end tests: what
 * is made of them.
 */
import { describe, expect, it } from 'vitest';
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
  ovnSubnet,
  podOf,
  problemsOf,
  short,
  statefulPod,
} from './support.ts';

const macvlan: Cluster = {
  nads: { 'default/macvlan': MACVLAN_NAD },
  subnets: { macvlan: macvlanSubnet, 'ovn-default': ovnDefault },
};
const attachnet: Cluster = {
  nads: { 'default/attachnet': ATTACHNET_NAD },
  subnets: { attachnet: attachnetSubnet, 'ovn-default': ovnDefault },
};
const primary = (cluster: Cluster): Cluster => ({ ...cluster, settings: { isPrimary: true } });
const shortOf = (annotations: object, cluster: Cluster) =>
  nicsOf(podOf(annotations), cluster).map(short);

const MACVLAN_NIC = {
  kind: 'ipam',
  provider: 'macvlan.default',
  port: 'samplepod.default.macvlan.default',
  attempts: ['macvlan any'],
  mac: 'none',
};
const ATTACHNET_NIC = {
  kind: 'ovn',
  provider: 'attachnet.default.ovn',
  port: 'samplepod.default.attachnet.default.ovn',
  attempts: ['attachnet any'],
  mac: 'dynamic',
};
const PRIMARY_NIC = {
  kind: 'ovn',
  provider: 'ovn',
  port: 'samplepod.default',
  attempts: ['ovn-default any'],
  mac: 'dynamic',
};

describe('a macvlan network', () => {
  it('gives any address (D1)', () => {
    expect(shortOf({ [NETWORKS]: 'default/macvlan' }, macvlan)).toEqual([MACVLAN_NIC]);
  });

  it('is beside the primary network in primary mode, and before it', () => {
    expect(shortOf({ [NETWORKS]: 'default/macvlan' }, primary(macvlan))).toEqual([
      MACVLAN_NIC,
      PRIMARY_NIC,
    ]);
  });

  it('gives a fixed address, and a MAC that is asked for (D2, T7)', () => {
    const annotations = {
      [NETWORKS]: 'default/macvlan',
      'ovn.kubernetes.io/ip_address': '10.16.0.15',
      'ovn.kubernetes.io/mac_address': '00:00:00:53:6B:B6',
      'macvlan.default.kubernetes.io/ip_address': '172.17.0.100',
      'macvlan.default.kubernetes.io/mac_address': '00:00:00:53:6B:BB',
    };
    const fixed = {
      ...MACVLAN_NIC,
      attempts: ['macvlan 172.17.0.100'],
      mac: '00:00:00:53:6b:bb',
    };
    expect(shortOf(annotations, macvlan)).toEqual([fixed]);
    expect(shortOf(annotations, primary(macvlan))).toEqual([
      fixed,
      { ...PRIMARY_NIC, attempts: ['ovn-default 10.16.0.15'], mac: '00:00:00:53:6b:b6' },
    ]);
  });

  it('gives an address of a list to each pod of a Deployment (D3)', () => {
    const annotations = {
      [NETWORKS]: 'default/macvlan',
      'ovn.kubernetes.io/ip_pool': '10.16.0.15,10.16.0.16,10.16.0.17',
      'macvlan.default.kubernetes.io/ip_pool': '172.17.0.200,172.17.0.201,172.17.0.202',
    };
    expect(shortOf(annotations, primary(macvlan))).toEqual([
      { ...MACVLAN_NIC, attempts: ['macvlan 172.17.0.200;172.17.0.201;172.17.0.202'] },
      { ...PRIMARY_NIC, attempts: ['ovn-default 10.16.0.15;10.16.0.16;10.16.0.17'] },
    ]);
  });

  it('gives each pod of a StatefulSet the address at its number', () => {
    const pool = '172.17.0.200,172.17.0.201';
    const annotations = {
      [NETWORKS]: 'default/macvlan',
      'macvlan.default.kubernetes.io/ip_pool': pool,
    };
    const [nic] = nicsOf(statefulPod(annotations, 'web-1'), macvlan);
    expect(nic && short(nic).attempts).toEqual(['macvlan 172.17.0.200;172.17.0.201 at 1']);
  });

  it('may be selected with a default route, which is Multus’ business (D4, T12)', () => {
    const networks = `[{
      "name": "macvlan",
      "namespace": "default",
      "default-route": ["172.17.0.1"]
    }]`;
    expect(shortOf({ [NETWORKS]: networks }, macvlan)).toEqual([MACVLAN_NIC]);
  });

  it('may take the place of the primary network (D5)', () => {
    const annotations = { [DEFAULT_NETWORK]: 'default/macvlan' };
    const nics = nicsOf(podOf(annotations), primary(macvlan));
    expect(nics.map(short)).toEqual([MACVLAN_NIC]);
    expect(nics[0]?.isDefault).toBe(true);
  });

  it('may have its addresses from a Subnet of provider ovn, by name (D6, T1)', () => {
    const cluster = { ...macvlan, subnets: { macvlan: ovnSubnet } };
    const annotations = {
      [NETWORKS]: 'default/macvlan',
      'macvlan.default.kubernetes.io/logical_switch': 'macvlan',
    };
    expect(shortOf(annotations, cluster)).toEqual([MACVLAN_NIC]);
    expect(problemsOf(podOf({ [NETWORKS]: 'default/macvlan' }), cluster)).toEqual([
      'provider macvlan.default is not bound to any subnet',
    ]);
  });

  it('goes by the name rather than by the provider', () => {
    const cluster = { ...macvlan, subnets: { macvlan: macvlanSubnet, other: ovnSubnet } };
    const annotations = {
      [NETWORKS]: 'default/macvlan',
      'macvlan.default.kubernetes.io/logical_switch': 'other',
      'macvlan.default.kubernetes.io/ip_address': '172.17.0.100',
    };
    expect(shortOf(annotations, cluster)).toMatchObject([{ attempts: ['other 172.17.0.100'] }]);
  });

  it('is not the main network with a Subnet of provider ovn, and an event says so', () => {
    const cluster = { ...macvlan, subnets: { macvlan: ovnSubnet } };
    const pod = podOf({
      [DEFAULT_NETWORK]: 'default/macvlan',
      'macvlan.default.kubernetes.io/logical_switch': 'macvlan',
    });
    expect(nicsOf(pod, cluster)).toEqual([]);
    expect(eventsOf(pod, cluster)).toMatchObject([
      { type: 'Warning', reason: 'PodNetworkNotSupported' },
    ]);
  });
});

describe('a network of type kube-ovn', () => {
  it('gives any address and a MAC', () => {
    expect(shortOf({ [NETWORKS]: 'default/attachnet' }, attachnet)).toEqual([ATTACHNET_NIC]);
  });

  it('leaves routes to the node (D8)', () => {
    const routes = '[{"dst": "192.168.0.101/24", "gw": "172.17.0.254"}, {"gw": "172.17.0.254"}]\n';
    const annotations = {
      [NETWORKS]: 'default/attachnet',
      'attachnet.default.ovn.kubernetes.io/routes': routes,
    };
    expect(shortOf(annotations, attachnet)).toEqual([ATTACHNET_NIC]);
  });

  it('may be on a Subnet of provider ovn, by name (D7, T2)', () => {
    const cluster = { ...attachnet, subnets: { attachnet: ovnSubnet } };
    const annotations = {
      [NETWORKS]: 'default/attachnet',
      'attachnet.default.ovn.kubernetes.io/logical_switch': 'attachnet',
    };
    expect(shortOf(annotations, cluster)).toEqual([ATTACHNET_NIC]);
  });

  it('may take the place of the primary network', () => {
    const annotations = { [DEFAULT_NETWORK]: 'default/attachnet' };
    expect(shortOf(annotations, primary(attachnet))).toEqual([ATTACHNET_NIC]);
    expect(shortOf(annotations, attachnet)).toEqual([ATTACHNET_NIC]);
  });

  it('fails with all NICs of the pod where its Subnet has another provider (M4)', () => {
    const mismatch = { ...attachnetSubnet, provider: 'attachnet-mismatch.default.ovn' };
    const cluster = primary({
      ...attachnet,
      subnets: { attachnet: mismatch, 'ovn-default': ovnDefault },
    });
    const pod = podOf({ [NETWORKS]: 'default/attachnet' });
    expect(problemsOf(pod, cluster)).toEqual([
      'provider attachnet.default.ovn is not bound to any subnet',
    ]);
    expect(eventsOf(pod, cluster)).toMatchObject([
      {
        type: 'Warning',
        reason: 'PodNetworkUpdateFailed',
        message: expect.stringContaining('stage=getPodKubeovnNets error=provider attachnet'),
      },
    ]);
  });
});

describe('addresses and a MAC of the selection', () => {
  const element = { mac: '02:00:00:00:0A:05', ips: ['172.17.0.50'] };
  const networks = (name: string) => JSON.stringify([{ name, namespace: 'default', ...element }]);

  it('are those of a NIC of type kube-ovn (M8)', () => {
    expect(shortOf({ [NETWORKS]: networks('attachnet') }, attachnet)).toEqual([
      { ...ATTACHNET_NIC, attempts: ['attachnet 172.17.0.50'], mac: '02:00:00:00:0a:05' },
    ]);
  });

  it('are those of a macvlan NIC (M6, M9)', () => {
    expect(shortOf({ [NETWORKS]: networks('macvlan') }, macvlan)).toEqual([
      { ...MACVLAN_NIC, attempts: ['macvlan 172.17.0.50'], mac: '02:00:00:00:0a:05' },
    ]);
  });
});

describe('the documentation of non-primary mode', () => {
  const cluster: Cluster = {
    nads: {
      'default/kube-ovn-network': { ...ATTACHNET_NAD, provider: 'kube-ovn-network.default.ovn' },
      'default/kube-ovn-network-1': {
        ...ATTACHNET_NAD,
        provider: 'kube-ovn-network-1.default.ovn',
      },
      'default/kube-ovn-network-2': {
        ...ATTACHNET_NAD,
        provider: 'kube-ovn-network-2.default.ovn',
      },
    },
    subnets: {
      // "cidr" instead of "cidrBlock" (T5).
      'subnet-secondary': {
        vpc: 'vpc-secondary',
        cidr: '10.100.0.0/16',
        gateway: '10.100.0.1',
        provider: 'kube-ovn-network.default.ovn',
      },
      one: { cidrBlock: '10.101.0.0/16', provider: 'kube-ovn-network-1.default.ovn' },
      two: { cidrBlock: '10.102.0.0/16', provider: 'kube-ovn-network-2.default.ovn' },
    },
  };

  it('has names with a slash in JSON (T3, D10)', () => {
    const networks = `[
        {"name": "default/kube-ovn-network-1", "interface": "net1"},
        {"name": "default/kube-ovn-network-2", "interface": "net2"}
      ]`;
    const nics = nicsOf(podOf({ [NETWORKS]: networks }), cluster);
    expect(nics.map(({ provider, ifName }) => [provider, ifName])).toEqual([
      ['kube-ovn-network-1.default.ovn', 'net1'],
      ['kube-ovn-network-2.default.ovn', 'net2'],
    ]);
  });

  it('has addresses with a mask, which is cut off (T4, D10)', () => {
    const networks = '[{"name": "default/kube-ovn-network", "ips": ["10.100.0.100/16"]}]';
    expect(shortOf({ [NETWORKS]: networks }, cluster)).toMatchObject([
      { attempts: ['subnet-secondary 10.100.0.100'] },
    ]);
  });
});

describe('the end-to-end test of non-primary mode (N1)', () => {
  const provider = 'vpc-simple-nad.vpc-simple-ns.ovn';
  const cluster: Cluster = {
    nads: {
      'vpc-simple-ns/vpc-simple-nad': { ...ATTACHNET_NAD, name: 'kube-ovn', provider },
    },
    subnets: {
      'vpc-simple-subnet': {
        vpc: 'vpc-simple',
        cidrBlock: '10.100.0.0/16',
        default: false,
        excludeIps: ['10.100.0.1'],
        gateway: '10.100.0.1',
        protocol: 'IPv4',
        provider,
        namespaces: ['vpc-simple-ns'],
      },
    },
  };
  const namespace = 'vpc-simple-ns';

  it('has a pod with one NIC, and an annotation that means nothing', () => {
    const pod = podOf(
      {
        [NETWORKS]: 'vpc-simple-ns/vpc-simple-nad',
        'vpc-simple-nad.vpc-simple-ns.ovn/logical_switch': 'vpc-simple-subnet',
      },
      { name: 'vpc-simple-pod1', namespace },
    );
    expect(nicsOf(pod, cluster).map(short)).toMatchObject([
      { port: `vpc-simple-pod1.vpc-simple-ns.${provider}`, attempts: ['vpc-simple-subnet any'] },
    ]);
  });

  it('has a pod with two NICs of one network', () => {
    const networks =
      '[{"name": "vpc-simple-nad", "namespace": "vpc-simple-ns", "interface": "net1"}, {"name": "vpc-simple-nad", "namespace": "vpc-simple-ns", "interface": "net2"}]';
    const pod = podOf(
      {
        [NETWORKS]: networks,
        [`${provider}.net1.kubernetes.io/logical_switch`]: 'vpc-simple-subnet',
        [`${provider}.net2.kubernetes.io/logical_switch`]: 'vpc-simple-subnet',
      },
      { name: 'vpc-multi-nic-pod', namespace },
    );
    expect(nicsOf(pod, cluster).map(({ port }) => port)).toEqual([
      `vpc-multi-nic-pod.vpc-simple-ns.${provider}.net1`,
      `vpc-multi-nic-pod.vpc-simple-ns.${provider}.net2`,
    ]);
  });
});
