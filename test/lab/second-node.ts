/**
 * A second node of a lab whose first one has the databases and the API server: the link between both, by which
 * it reaches these, its Node object, and the node itself. Pods of both see each other by a provider network; for
 * networks of tunnels the first node's end would have to be a bridge of its Open vSwitch (underlay-port.ts).
 */
import { command } from './command.ts';
import { FarNode } from './far-node.ts';
import { DAEMON, type FakeApiServer } from './kubernetes/api.ts';
import { OVS_DIRECTORY } from './ovn-node.ts';
import { relayTcp } from './tcp-relay.ts';
import { UNDERLAY } from './underlay-port.ts';

const NEAR_ADDRESS = '192.168.9.1';
const FAR_ADDRESS = '192.168.9.2';
const SOUTHBOUND_PORT = 6642;

export interface SecondNodeOptions {
  readonly api: FakeApiServer;
  readonly name: string;
  readonly daemonFlags: readonly string[];
  /** Links of this namespace that become its network cards. */
  readonly cards: readonly string[];
}

/** @returns the node, and what ends it */
export async function startSecondNode({ api, name, daemonFlags, cards }: SecondNodeOptions) {
  const { near, far: other } = UNDERLAY;
  await command('ip', ['link', 'add', near, 'type', 'veth', 'peer', 'name', other]);
  await command('ip', ['address', 'add', `${NEAR_ADDRESS}/24`, 'dev', near]);
  await command('ip', ['link', 'set', near, 'up']);
  // The other end is in a userspace datapath, which hands on what has no checksum as it is.
  await command('ethtool', ['-K', near, 'tx', 'off']);
  const control = `${OVS_DIRECTORY}/sb.ctl`;
  const remote = `ptcp:${SOUTHBOUND_PORT}:${NEAR_ADDRESS}`;
  await command('ovs-appctl', ['-t', control, 'ovsdb-server/add-remote', remote]);
  const port = Number(new URL(api.url).port);
  const relay = await relayTcp({ host: NEAR_ADDRESS, port }, { host: '127.0.0.1', port });
  api.create({
    kind: 'Node',
    metadata: { name },
    status: { addresses: [{ type: 'InternalIP', address: FAR_ADDRESS }] },
  });
  const node = await FarNode.start({
    ...{ name, daemonFlags, cards },
    address: FAR_ADDRESS,
    nearAddress: NEAR_ADDRESS,
    southboundPort: SOUTHBOUND_PORT,
    apiPort: port,
    kubeconfig: api.kubeconfig(DAEMON),
  });
  const stop = async () => {
    await node.stop();
    relay.close();
    await command('ovs-appctl', ['-t', control, 'ovsdb-server/remove-remote', remote]);
    // The link has gone with the node's namespace, or goes now.
    await command('ip', ['link', 'delete', near]).catch(() => {});
    // As an administrator does for a node that is taken out: OVN's tunnels to it go.
    await command('ovn-sbctl', [`--db=unix:${OVS_DIRECTORY}/sb.sock`, 'chassis-del', name]);
  };
  return { node, stop };
}
