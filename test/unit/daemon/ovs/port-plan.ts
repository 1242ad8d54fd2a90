/** The plan of a port to deviate from, and limits for it. */
import type { PortPlan } from '../../../../src/daemon/ovs/port.ts';
import { NO_CONTROL, type TrafficControl } from '../../../../src/daemon/ovs/traffic-control.ts';
import { attachmentOf } from '../support.ts';

/** Limits to and from the pod: 5 and 3 Mbit/s, with the usual bursts. */
export const LIMITED: TrafficControl = {
  policing: { rateKbps: 3000, burstKbit: 2400 },
  qos: { type: 'linux-htb', config: { 'max-rate': '5000000', burst: '500000' } },
  isMirrored: false,
};

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
    control: NO_CONTROL,
    ...changes,
  };
}
