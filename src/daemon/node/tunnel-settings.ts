/**
 * What the operator says about this node's tunnels by the daemon's flags and environment.
 */
import type { NetworkType } from '../model/mtu.ts';
import type { InterfacePatterns } from './interface-patterns.ts';

/** The tunnels of this node as the operator wants them, checked. */
export interface TunnelSettings {
  /** Of pods' interfaces; bytes, 0 to derive it from the tunnels' device. */
  readonly mtu: number;
  readonly networkType: NetworkType;
  /** `--iface`: the tunnels' device. */
  readonly interfaces?: InterfacePatterns;
  /** `--dpdk-tunnel-iface`: the tunnels' device of nodes whose OVS has its datapath in userspace. */
  readonly userspaceInterface: string;
  /** `--host-tunnel-src`: an address with a prefix of its full length (/32, /128) may be the tunnels'. */
  readonly takesHostAddresses: boolean;
  /** `--encap-checksum`: the outer headers of the tunnels have UDP checksums. */
  readonly checksum: boolean;
  /** `--set-vxlan-tx-off`: no TX checksum offload on VXLAN's device; only with that type of tunnels. */
  readonly disablesVxlanOffload: boolean;
  /** POD_IP: of this daemon's pod, which is the node's. */
  readonly podAddress?: string;
}
