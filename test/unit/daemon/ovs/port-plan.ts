/** The plan of a port to deviate from. */
import type { PortPlan } from '../../../../src/daemon/ovs/port.ts';
import { attachmentOf } from '../support.ts';

export function planOf(changes: Partial<PortPlan> = {}): PortPlan {
  return {
    attachment: attachmentOf({
      ifName: 'net1',
      provider: 'attachnet.default.ovn',
      network: 'attachnet',
    }),
    hostInterface: 'c0ffee01_net1_h',
    ifaceId: 'web-0.shop.attachnet.default.ovn',
    podUid: 'uid-1',
    workload: 'web-0',
    addresses: ['10.16.0.15', 'fd00:10:16::f'],
    rates: { ingressMbps: 0, egressMbps: 0 },
    ...changes,
  };
}
