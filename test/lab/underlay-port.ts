/**
 * The network between two nodes of one lab: a pair of links, each in a bridge of its node's Open vSwitch
 * that has the node's address. Tunnels of OVS's userspace datapath leave only by such a bridge.
 */
import { command } from './command.ts';
import type { OvnNode } from './ovn-node.ts';

const BRIDGE = 'br-phy';

/** The links whose ends the two nodes have. */
export const UNDERLAY = { near: 'phy-near', far: 'phy-far' } as const;

/** Puts a link of this node into its bridge, which gets the address; tunnels of the node end there. */
export async function joinUnderlay(node: OvnNode, link: string, address: string): Promise<void> {
  await node.vsctl(
    ...['add-br', BRIDGE, '--', 'set', 'Bridge', BRIDGE, 'datapath_type=netdev'],
    ...['--', 'add-port', BRIDGE, link],
    ...['--', 'set', 'Open_vSwitch', '.', `external_ids:ovn-encap-ip=${address}`],
  );
  await node.switchDone();
  await command('ip', ['address', 'add', `${address}/24`, 'dev', BRIDGE]);
  // The userspace datapath hands on what the kernel has left without a checksum as it is.
  for (const name of [link, BRIDGE]) {
    await command('ip', ['link', 'set', name, 'up']);
    await command('ethtool', ['-K', name, 'tx', 'off']);
  }
}
