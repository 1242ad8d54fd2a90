/**
 * What holds for the whole cluster: names that Kube-OVN's objects have by default, and what its
 * controller's flags decide.
 */
import type { Address, Cidr } from '../../common/address.ts';

/** Settings that all parts of a controller share; they stay the same for as long as it runs. */
export interface ClusterSettings {
  /** True where the pods' eth0 is a NIC of the provider `ovn`; false in non-primary mode. */
  readonly isPrimary: boolean;
  readonly defaultVpc: string;
  /** The Subnet of namespaces that have no other. */
  readonly defaultSubnet: string;
  /** The Subnet that connects nodes with pods. */
  readonly joinSubnet: string;
  /** The ProviderNetwork of Vlans that do not say one. */
  readonly defaultProviderNetwork: string;
  /** Where the nodes' daemons run: the controller's own namespace. */
  readonly agentNamespace: string;
  /** Networks of Services, at most one of each family. */
  readonly serviceCidrs: readonly Cidr[];
  /** What Subnets that do not say get for `enableLb`; undefined leaves them alone. */
  readonly enableLb?: boolean;
  /** The API server's address within the cluster: no Subnet of the default VPC may have it. */
  readonly apiServer?: Address;
  /** What pods get for `pod_nic_type` where they do not say. */
  readonly podNicType: string;
  /** True where a KubeVirt VM's pods have their addresses under the VM's name. */
  readonly keepsVmAddresses: boolean;
  /** True where `namespaces` of Subnets, Vpcs and IPPools say whose pods may be there at all. */
  readonly enforcesNamespaces: boolean;
}
