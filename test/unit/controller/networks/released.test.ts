import { describe, expect, it } from 'vitest';
import { releasedNics } from '../../../../src/controller/networks/released.ts';
import {
  ATTACHNET_NAD,
  attachnetSubnet,
  type Cluster,
  DEFAULT_NETWORK,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  ovnDefault,
  podOf,
  viewOf,
} from './support.ts';

const cluster: Cluster = {
  nads: { 'default/attachnet': ATTACHNET_NAD, 'default/macvlan': MACVLAN_NAD },
  subnets: { attachnet: attachnetSubnet, macvlan: macvlanSubnet, 'ovn-default': ovnDefault },
};
const released = (annotations: object, changes: Partial<Cluster> = {}, shape = {}) =>
  releasedNics(podOf(annotations, shape), viewOf({ ...cluster, ...changes }));
const PORT = 'samplepod.default';
const ATTACHNET = 'attachnet.default.ovn';

describe('a pod that is being deleted', () => {
  it('gives back what its networks gave it', () => {
    expect(released({ [NETWORKS]: 'attachnet,macvlan' })).toEqual([
      { provider: ATTACHNET, port: `${PORT}.${ATTACHNET}`, subnet: 'attachnet' },
      { provider: 'macvlan.default', port: `${PORT}.macvlan.default`, subnet: 'macvlan' },
    ]);
  });

  it('gives back its primary address where that is ours', () => {
    const settings = { isPrimary: true };
    expect(released({}, { settings })).toEqual([{ provider: 'ovn', port: PORT }]);
    const named = { 'ovn.kubernetes.io/logical_switch': 'ovn-default' };
    expect(released(named, { settings })).toMatchObject([{ subnet: 'ovn-default' }]);
    expect(released({ [DEFAULT_NETWORK]: 'macvlan' }, { settings })).toHaveLength(1);
    expect(released({})).toEqual([]);
  });

  it('gives back what it has of each NIC of a network', () => {
    const networks = 'attachnet@net1,attachnet@net2';
    expect(released({ [NETWORKS]: networks }).map(({ port }) => port)).toEqual([
      `${PORT}.${ATTACHNET}.net1`,
      `${PORT}.${ATTACHNET}.net2`,
    ]);
  });

  it('has its Subnets by name first', () => {
    const named = { [`${ATTACHNET}.kubernetes.io/logical_switch`]: 'ovn-default' };
    expect(released({ [NETWORKS]: 'attachnet', ...named })).toMatchObject([
      { subnet: 'ovn-default' },
    ]);
  });

  it('may have lost its network: then it was of either kind', () => {
    expect(released({ [NETWORKS]: 'macvlan@net1' }, { nads: {} })).toEqual([
      { provider: 'macvlan.default.ovn', port: `${PORT}.macvlan.default.ovn` },
      { provider: 'macvlan.default', port: `${PORT}.macvlan.default`, subnet: 'macvlan' },
    ]);
  });

  it('may have lost its Subnet: the name of the NIC is known all the same', () => {
    expect(released({ [NETWORKS]: 'attachnet' }, { subnets: {} })).toEqual([
      { provider: ATTACHNET, port: `${PORT}.${ATTACHNET}` },
    ]);
  });

  it('may have annotations that cannot be read', () => {
    expect(released({ [NETWORKS]: '[{' })).toEqual([]);
  });

  it('has nothing of ours on the network of the host', () => {
    const spec = { hostNetwork: true };
    expect(released({ [NETWORKS]: 'macvlan' }, {}, { spec })).toEqual([]);
  });
});
