/** Settings of a controller that is given no flags. */
import type { ClusterSettings } from '../../../src/controller/model/settings.ts';

export const defaultSettings: ClusterSettings = {
  isPrimary: true,
  defaultVpc: 'ovn-cluster',
  defaultSubnet: 'ovn-default',
  joinSubnet: 'join',
  defaultProviderNetwork: 'provider',
  agentNamespace: 'kube-system',
  serviceCidrs: [],
  podNicType: 'veth-pair',
  keepsVmAddresses: true,
  enforcesNamespaces: false,
};
