/**
 * The node daemon as Kube-OVN v1.17's two Helm charts install it, each in its default and its
 * non-primary mode: arguments, environment and role, as helm renders them.
 */
import type { Account } from './kubernetes/rbac.ts';

export interface ChartVariant {
  readonly name: string;
  readonly isPrimary: boolean;
  readonly args: readonly string[];
}

const FIRST = [
  '--ovs-socket=/run/openvswitch/db.sock',
  '--bind-socket=/run/openvswitch/kube-ovn-daemon.sock',
  '--enable-mirror=false',
  '--mirror-iface=mirror0',
  '--node-switch=join',
  '--encap-checksum=true',
  '--service-cluster-ip-range=10.96.0.0/12',
  '--iface=',
  '--dpdk-tunnel-iface=br-phy',
  '--network-type=geneve',
  '--default-interface-name=',
  '--logtostderr=false',
  '--alsologtostderr=true',
  '--log_file=/var/log/kube-ovn/kube-ovn-cni.log',
  '--log_file_max_size=200',
  '--enable-metrics=true',
  '--kubelet-dir=/var/lib/kubelet',
  '--enable-tproxy=false',
  '--ovs-vsctl-concurrency=100',
  '--secure-serving=false',
  '--enable-ovn-ipsec=false',
];

function variant(version: 'v1' | 'v2', isPrimary: boolean): ChartVariant {
  return {
    name: `${version}, ${isPrimary ? 'default' : 'non-primary'}`,
    isPrimary,
    args: [
      ...FIRST,
      ...(version === 'v1' ? ['--set-vxlan-tx-off=false'] : []),
      '--host-tunnel-src=false',
      `--non-primary-cni-mode=${!isPrimary}`,
    ],
  };
}

export const CHART_VARIANTS: readonly ChartVariant[] = [
  variant('v1', true),
  variant('v1', false),
  variant('v2', true),
  variant('v2', false),
];

/** @param address of the node, which the pod has as well */
export function chartEnvironment(nodeName: string, address: string): Record<string, string> {
  return {
    ENABLE_SSL: 'false',
    POD_IP: address,
    POD_IPS: address,
    NODE_NAME: nodeName,
    POD_NAME: 'kube-ovn-cni-x7k2p',
    POD_NAMESPACE: 'kube-system',
    ENABLE_BIND_LOCAL_IP: 'true',
    DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/host/var/run/dbus/system_bus_socket',
  };
}

const READ = ['get', 'list', 'watch'];

/** ClusterRole system:kube-ovn-cni, the same in all variants. */
export const CHART_DAEMON: Account = {
  user: 'system:serviceaccount:kube-system:kube-ovn-cni',
  grants: [
    {
      rules: [
        {
          apiGroups: ['kubeovn.io'],
          resources: ['subnets', 'vlans', 'provider-networks'],
          verbs: READ,
        },
        {
          apiGroups: ['', 'kubeovn.io'],
          resources: ['ovn-eips', 'ovn-eips/status', 'nodes', 'nodes/status', 'pods', 'services'],
          verbs: ['get', 'list', 'patch', 'watch'],
        },
        { apiGroups: ['kubeovn.io'], resources: ['ips'], verbs: ['get', 'update'] },
        { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
        { apiGroups: [''], resources: ['configmaps'], verbs: READ },
        { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: READ },
        {
          apiGroups: ['authentication.k8s.io'],
          resources: ['tokenreviews'],
          verbs: ['create'],
        },
        {
          apiGroups: ['authorization.k8s.io'],
          resources: ['subjectaccessreviews'],
          verbs: ['create'],
        },
      ],
    },
  ],
};
