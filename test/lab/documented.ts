/**
 * The manifests of Kube-OVN's documentation as they stand there, as objects: the pages "Manage
 * Multiple Interface" (guide/multi-nic) and "Non-Primary CNI Mode" (guide/non-primary-mode). Each
 * says under which heading it is. Annotations are the text that YAML makes of them.
 *
 * Not here is the VpcNatGateway, which is a kind that this project does not have.
 */
import type { NewObject } from './kubernetes/api.ts';

/** What a user writes; the namespace may be left to kubectl. */
export interface Manifest extends NewObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A Deployment or StatefulSet. */
export interface WorkloadManifest extends Manifest {
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly serviceName?: string;
    readonly template: {
      readonly metadata: Omit<Manifest['metadata'], 'name'>;
      readonly spec: object;
    };
  };
}

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const SOCKET = { server_socket: '/run/openvswitch/kube-ovn-daemon.sock' };
const NGINX = 'docker.io/library/nginx:alpine';

function network(name: string, config: object): Manifest {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: { config: JSON.stringify(config) },
  };
}

function subnet(name: string, provider: string): Manifest {
  return {
    apiVersion: 'kubeovn.io/v1',
    kind: 'Subnet',
    metadata: { name },
    spec: {
      protocol: 'IPv4',
      provider,
      cidrBlock: '172.17.0.0/16',
      gateway: '172.17.0.1',
      excludeIps: ['172.17.0.0..172.17.0.10'],
    },
  };
}

/** A pod whose one container sleeps. */
function sleepingPod(name: string, annotations: Readonly<Record<string, string>>): Manifest {
  const command = ['/bin/ash', '-c', 'trap : TERM INT; sleep infinity & wait'];
  const container = { name, command, image: 'docker.io/library/alpine:edge' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations },
    spec: { containers: [container] },
  };
}

/** "Compatibility Issues": a network whose configuration is a file on each node. */
export const networkWithoutSpec: Manifest = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'macvlan-conf-2' },
};

/** "Provide IPAM for other types of CNI", "Create NetworkAttachmentDefinition". */
export const macvlanNetwork = network('macvlan', {
  cniVersion: '0.3.0',
  type: 'macvlan',
  master: 'eth0',
  mode: 'bridge',
  ipam: { type: 'kube-ovn', ...SOCKET, provider: 'macvlan.default' },
});

/** There, "Create a Kube-OVN Subnet". */
export const macvlanSubnet = subnet('macvlan', 'macvlan.default');

/** There, "Create a Pod with Multiple NIC". */
export const macvlanPod = sleepingPod('samplepod', { [NETWORKS]: 'default/macvlan' });

/** There, "Create Pod with a Fixed IP". */
export const staticIpPod: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'static-ip',
    namespace: 'default',
    annotations: {
      [NETWORKS]: 'default/macvlan',
      'ovn.kubernetes.io/ip_address': '10.16.0.15',
      'ovn.kubernetes.io/mac_address': '00:00:00:53:6B:B6',
      'macvlan.default.kubernetes.io/ip_address': '172.17.0.100',
      'macvlan.default.kubernetes.io/mac_address': '00:00:00:53:6B:BB',
    },
  },
  spec: { containers: [{ name: 'static-ip', image: NGINX }] },
};

/** There, "Create Workloads with Fixed IPs". */
export const staticWorkload: WorkloadManifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    namespace: 'default',
    name: 'static-workload',
    labels: { app: 'static-workload' },
  },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'static-workload' } },
    template: {
      metadata: {
        labels: { app: 'static-workload' },
        annotations: {
          [NETWORKS]: 'default/macvlan',
          'ovn.kubernetes.io/ip_pool': '10.16.0.15,10.16.0.16,10.16.0.17',
          'macvlan.default.kubernetes.io/ip_pool': '172.17.0.200,172.17.0.201,172.17.0.202',
        },
      },
      spec: { containers: [{ name: 'static-workload', image: NGINX }] },
    },
  },
};

/** There, "Create a Pod using macvlan as default route". */
export const macvlanRoutePod = sleepingPod('samplepod-route', {
  [NETWORKS]: '[{ "name": "macvlan", "namespace": "default", "default-route": ["172.17.0.1"] }]',
});

/** There, "Create a Pod using macvlan as the main nic". */
export const macvlanMainPod = sleepingPod('samplepod-macvlan', {
  'v1.multus-cni.io/default-network': 'default/macvlan',
});

/** There, "Create a Kube-OVN Subnet (Provider ovn)". */
export const macvlanSubnetOfOvn = subnet('macvlan', 'ovn');

/** There, below that: "Create a Pod with Multiple NIC". */
export const macvlanPodWithSwitch = sleepingPod('samplepod', {
  [NETWORKS]: 'default/macvlan',
  'macvlan.default.kubernetes.io/logical_switch': 'macvlan',
});

/** "The attached NIC is a Kube-OVN type NIC", "Create NetworkAttachmentDefinition". */
export const attachnetNetwork = network('attachnet', {
  cniVersion: '0.3.0',
  type: 'kube-ovn',
  ...SOCKET,
  provider: 'attachnet.default.ovn',
});

/** There, "Create a Kube-OVN Subnet". */
export const attachnetSubnet = subnet('attachnet', 'attachnet.default.ovn');

/** There, "Create a Pod with Multiple NIC". */
export const attachnetPod = sleepingPod('samplepod', { [NETWORKS]: 'default/attachnet' });

/** Both of "Configure Custom Routes for Attached NICs". */
const customRoutes = {
  [NETWORKS]: 'default/attachnet',
  'attachnet.default.ovn.kubernetes.io/routes': `[{
  "dst": "192.168.0.101/24",
  "gw": "172.17.0.254"
}, {
  "gw": "172.17.0.254"
}]
`,
};

/** There, "Configure Custom Routes for Attached NICs". */
export const customRoutesPod = sleepingPod('custom-routes-attach', customRoutes);

/** There, "Configure Custom Routes for Attached NICs". */
export const customRoutesWorkload: WorkloadManifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'custom-routes-attach', labels: { app: 'nginx' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'nginx' } },
    template: {
      metadata: { labels: { app: 'nginx' }, annotations: customRoutes },
      spec: { containers: [{ name: 'nginx', image: NGINX }] },
    },
  },
};

/** There, "Create a Kube-OVN Subnet (Provider ovn)". */
export const attachnetSubnetOfOvn = subnet('attachnet', 'ovn');

/** There, below that: "Create a Pod with Multiple NIC". */
export const attachnetPodWithSwitch = sleepingPod('samplepod', {
  [NETWORKS]: 'default/attachnet',
  'attachnet.default.ovn.kubernetes.io/logical_switch': 'attachnet',
});

/** Non-primary mode, "Network Attachment Definitions (NADs)". */
export const vpcNetwork = network('kube-ovn-vpc-network', {
  cniVersion: '0.3.1',
  type: 'kube-ovn',
  ...SOCKET,
  provider: 'kube-ovn-vpc-network.default.ovn',
});

/** Non-primary mode, "VPC and Subnet Configuration". */
export const secondaryVpc: Manifest = {
  apiVersion: 'kubeovn.io/v1',
  kind: 'Vpc',
  metadata: { name: 'vpc-secondary' },
  spec: { namespaces: ['default'] },
};

/** Non-primary mode, "VPC and Subnet Configuration": with `cidr`, which is no field of a Subnet. */
export const secondarySubnet: Manifest = {
  apiVersion: 'kubeovn.io/v1',
  kind: 'Subnet',
  metadata: { name: 'subnet-secondary' },
  spec: {
    vpc: 'vpc-secondary',
    cidr: '10.100.0.0/16',
    gateway: '10.100.0.1',
    provider: 'kube-ovn-vpc-network.default.ovn',
  },
};

/** Non-primary mode, "Pod Configuration". */
export const multiNetworkPod: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'multi-network-pod',
    annotations: { [NETWORKS]: 'default/kube-ovn-vpc-network' },
  },
  spec: { containers: [{ name: 'app', image: 'nginx' }] },
};

/** Non-primary mode, "Network Segmentation": names with a slash in JSON; the page has no spec. */
export const frontendPod: Manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'frontend',
    annotations: {
      [NETWORKS]: `[
  {"name": "default/public-network"},
  {"name": "default/internal-network"}
]
`,
    },
  },
};

/** Non-primary mode, "Multi-Tenancy"; the page has no spec. */
export const tenantPods: readonly Manifest[] = ['tenant-a', 'tenant-b'].map((tenant) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `${tenant}-app`,
    annotations: { [NETWORKS]: `default/${tenant}-network` },
  },
}));

/**
 * The same annotations as Multus takes them. The page joins namespace and name in JSON, which Multus
 * refuses for ever, and our controller's event says so; everything else stays as the page has it.
 */
export function namesApart(
  annotations: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const networks = annotations[NETWORKS] ?? '';
  const apart = networks.replaceAll(
    /"name": "([^"/]+)\/([^"]+)"/g,
    (_, namespace, name) => `"namespace": "${namespace}", "name": "${name}"`,
  );
  return { ...annotations, [NETWORKS]: apart };
}

/** Non-primary mode, "Multiple Network Providers": annotations of a pod that the page has no more of. */
export const twoProviders: Readonly<Record<string, string>> = {
  [NETWORKS]: `[
  {"name": "default/kube-ovn-network-1", "interface": "net1"},
  {"name": "default/kube-ovn-network-2", "interface": "net2"}
]
`,
};

/** Non-primary mode, "IP Address Assignment": annotations, with an address that has a mask. */
export const staticAddress: Readonly<Record<string, string>> = {
  [NETWORKS]: `[{
  "name": "default/kube-ovn-network",
  "ips": ["10.100.0.100/16"]
}]
`,
};

/** Non-primary mode, "Quality of Service (QoS)": annotations; Mbit/s. */
export const qualityOfService: Readonly<Record<string, string>> = {
  'ovn.kubernetes.io/ingress_rate': '1000',
  'ovn.kubernetes.io/egress_rate': '1000',
};
