/** Networks that pods ask for: the documentation's two, another plugin's, and two that cannot be used. */
import {
  ATTACHNET_NAD,
  attachnetSubnet,
  type Cluster,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
} from './support.ts';

export const cluster: Cluster = {
  nads: {
    'default/attachnet': ATTACHNET_NAD,
    'default/macvlan': MACVLAN_NAD,
    'default/bridge': { type: 'bridge', ipam: { type: 'host-local' } },
    'default/empty': '',
    'default/broken': '{',
  },
  subnets: { attachnet: attachnetSubnet, macvlan: macvlanSubnet },
};

/** Provider of the documentation's network of type kube-ovn. */
export const ATTACHNET = 'attachnet.default.ovn';

/** The annotation that asks for these networks, in Multus' JSON form. */
export const networks = (...elements: object[]) => ({ [NETWORKS]: JSON.stringify(elements) });
