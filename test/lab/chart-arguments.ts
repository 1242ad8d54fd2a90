/**
 * What Kube-OVN's charts (v1.17) pass to the controller as they are rendered with their own values, and
 * with non-primary mode on, which differs in one flag.
 */

const COMMON = [
  '--default-ls=ovn-default',
  '--default-cidr=10.16.0.0/16',
  '--default-gateway=10.16.0.1',
  '--default-gateway-check=true',
  '--default-logical-gateway=false',
  '--default-u2o-interconnection=false',
  '--default-exclude-ips=',
  '--cluster-router=ovn-cluster',
  '--node-switch=join',
  '--node-switch-cidr=100.64.0.0/16',
  '--service-cluster-ip-range=10.96.0.0/12',
  '--network-type=geneve',
  '--default-provider-name=provider',
  '--default-interface-name=',
  '--default-exchange-link-name=false',
  '--default-vlan-name=ovn-vlan',
  '--default-vlan-id=100',
  '--ls-dnat-mod-dl-dst=true',
  '--ls-ct-skip-dst-lport-ips=true',
  '--pod-nic-type=veth-pair',
  '--enable-lb=true',
  '--enable-np=true',
  '--enable-eip-snat=true',
  '--enable-external-vpc=false',
  '--enable-ecmp=false',
  '--logtostderr=false',
  '--alsologtostderr=true',
  '--gc-interval=360',
  '--inspect-interval=20',
  '--log_file=/var/log/kube-ovn/kube-ovn-controller.log',
  '--log_file_max_size=200',
  '--enable-lb-svc=false',
  '--keep-vm-ip=true',
  '--enable-metrics=true',
  '--node-local-dns-ip=',
  '--secure-serving=false',
  '--enable-ovn-ipsec=false',
  '--enable-anp=false',
  '--enable-dns-name-resolver=false',
  '--ovsdb-con-timeout=3',
  '--ovsdb-inactivity-timeout=10',
  '--enable-live-migration-optimize=true',
  '--enable-ovn-lb-prefer-local=false',
  '--image=docker.io/kubeovn/kube-ovn:v1.17.0',
  '--skip-conntrack-dst-cidrs=',
];

const V1 = [...COMMON, '--np-enforcement=standard'];
/** The quotation marks are in the argument. */
const V2 = [...COMMON, '--np-enforcement="standard"'];

export interface Rendered {
  readonly chart: string;
  readonly isPrimary: boolean;
  readonly flags: readonly string[];
}

/** All four renderings. */
export const CONTROLLER_RENDERINGS: readonly Rendered[] = [
  { chart: 'v1', isPrimary: true, flags: [...V1, '--non-primary-cni-mode=false'] },
  { chart: 'v1, non-primary', isPrimary: false, flags: [...V1, '--non-primary-cni-mode=true'] },
  { chart: 'v2', isPrimary: true, flags: [...V2, '--non-primary-cni-mode=false'] },
  { chart: 'v2, non-primary', isPrimary: false, flags: [...V2, '--non-primary-cni-mode=true'] },
];
