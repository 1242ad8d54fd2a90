/**
 * What the demo applies besides the manifests of Kube-OVN's documentation (documented.ts), for what
 * those pages say in words only.
 */
import { SOCKET } from '../../test/lab/daemon.ts';
import {
  type Manifest,
  namesApart,
  staticAddress,
  type WorkloadManifest,
} from '../../test/lab/documented.ts';

type Texts = Readonly<Record<string, string>>;

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const ATTACHNET = 'attachnet.default.ovn';

/** A network of OVN's; its provider is `<name>.default.ovn`. */
function network(name: string, cniVersion = '1.0.0'): Manifest {
  const provider = `${name}.default.ovn`;
  const config = { cniVersion, type: 'kube-ovn', server_socket: SOCKET, provider };
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: { config: JSON.stringify(config) },
  };
}

/** A Subnet whose gateways are the first addresses. */
function subnet(name: string, network: string, cidrBlock: string, vpc?: string): Manifest {
  const provider = `${network}.default.ovn`;
  const spec = { provider, cidrBlock, ...(vpc && { vpc }) };
  return { apiVersion: 'kubeovn.io/v1', kind: 'Subnet', metadata: { name }, spec };
}

export function podOf(name: string, networks: string, annotations: Texts = {}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations: { [NETWORKS]: networks, ...annotations } },
    spec: { containers: [] },
  };
}

/** Annotations of the NIC on attachnet. */
function onAttachnet(values: Texts): Texts {
  const entries = Object.entries(values);
  return Object.fromEntries(entries.map(([key, value]) => [keyOnAttachnet(key), value]));
}

export function keyOnAttachnet(key: string): string {
  return `${ATTACHNET}.kubernetes.io/${key}`;
}

/** A macvlan link has a MAC of its own choice unless the runtime is asked for one. */
export const macvlanMacPod = podOf(
  'static-mac',
  '[{ "name": "macvlan", "mac": "02:00:00:53:6b:aa", "ips": ["172.17.0.101"] }]',
);

export const statefulWorkload: WorkloadManifest = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'stateful', namespace: 'default' },
  spec: {
    replicas: 1,
    serviceName: 'stateful',
    selector: { matchLabels: { app: 'stateful' } },
    template: {
      metadata: { labels: { app: 'stateful' }, annotations: { [NETWORKS]: 'default/macvlan' } },
      spec: { containers: [] },
    },
  },
};

export const fixedPod = podOf(
  'fixed',
  'default/attachnet',
  onAttachnet({ ip_address: '172.17.0.100', mac_address: '02:00:00:53:6b:bb' }),
);

export const twoNicsPod = podOf(
  'two-nics',
  '[{ "name": "attachnet", "interface": "net1" }, { "name": "attachnet", "interface": "net2" }]',
);

export const limitedPod = podOf(
  'limited',
  'default/attachnet',
  onAttachnet({ ingress_rate: '10', egress_rate: '10' }),
);

export const latePod = podOf('latecomer', 'default/attachnet');

export const dualNetwork = network('dual');
export const dualSubnet = subnet('dual', 'dual', '10.20.0.0/16,fd00:10:20::/112');
export const dualPod = podOf('dual-stack', 'default/dual');

/** In the documentation's Vpc, beside its Subnet. */
export const backNetwork = network('back');
export const backSubnet = subnet('subnet-back', 'back', '10.101.0.0/16', 'vpc-secondary');
/** A pod of each Subnet gets to the other one by its own Subnet's gateway. */
export const frontPod = podOf('front', 'default/kube-ovn-vpc-network', {
  'kube-ovn-vpc-network.default.ovn.kubernetes.io/routes':
    '[{ "dst": "10.101.0.0/16", "gw": "10.100.0.1" }]',
});
export const backPod = podOf('back', 'default/back', {
  'back.default.ovn.kubernetes.io/routes': '[{ "dst": "10.100.0.0/16", "gw": "10.101.0.1" }]',
});

/** Another Vpc, with the network that the documentation's has, too. */
export const otherVpc: Manifest = {
  apiVersion: 'kubeovn.io/v1',
  kind: 'Vpc',
  metadata: { name: 'vpc-other' },
  spec: { namespaces: ['default'] },
};
export const otherNetwork = network('kube-ovn-network');
export const otherSubnet = subnet('subnet-other', 'kube-ovn-network', '10.100.0.0/16', 'vpc-other');
/** Its address is the documentation's example. */
export const otherPod: Manifest = {
  ...podOf('other', ''),
  metadata: {
    name: 'other',
    annotations: {
      ...namesApart(staticAddress),
      'kube-ovn-network.default.ovn.kubernetes.io/routes':
        '[{ "dst": "10.101.0.0/16", "gw": "10.100.0.1" }]',
    },
  },
};

/** A pod that is in SecurityGroup web. */
export const guardedPod = podOf(
  'guarded',
  'default/attachnet',
  onAttachnet({ security_groups: 'web' }),
);

/** A SecurityGroup that lets pings of these addresses in, and nothing else. */
export function webGroup(allowed: readonly string[]): Manifest {
  const ingressRules = allowed.map((remoteAddress) => ({
    ipVersion: 'ipv4',
    protocol: 'icmp',
    priority: 1,
    remoteType: 'address',
    remoteAddress,
    policy: 'allow',
  }));
  return {
    apiVersion: 'kubeovn.io/v1',
    kind: 'SecurityGroup',
    metadata: { name: 'web' },
    spec: { ingressRules },
  };
}

/** A network of its own, of the newest specification: GC is for all of a network. */
export const trustNetwork = network('trust', '1.1.0');
export const trustSubnet = subnet('trust', 'trust', '10.30.0.0/24');
export function trustPod(number: number): Manifest {
  const limit = { 'trust.default.ovn.kubernetes.io/ingress_rate': '10' };
  return podOf(`victim-${number}`, 'default/trust', limit);
}
