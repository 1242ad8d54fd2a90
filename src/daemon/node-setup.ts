/**
 * What the daemon settles about its node when it starts: the tunnels' address and MTU, and the
 * chassis id that the controller looks for.
 */

import Type, { type Static } from 'typebox';
import { parseAddress } from '../common/address.ts';
import { untilDone } from '../common/concurrency/retry.ts';
import { KINDS, objectPath } from '../common/kubernetes/path.ts';
import { parseOutput, unreadable } from '../common/process/output.ts';
import { run } from '../common/process/run.ts';
import type { Context } from './context.ts';
import { tunnelMtu } from './nic/mtu.ts';
import type { InterfacePatterns } from './node/interface-patterns.ts';
import type { TunnelSettings } from './node/tunnel-settings.ts';
import { CHASSIS_ANNOTATION } from './objects/node.ts';
import type { Vsctl } from './ovs/vsctl.ts';
import { quoted } from './ovs/vsctl.ts';

const LINKS = Type.Array(
  Type.Object({
    ifname: Type.String(),
    mtu: Type.Number(),
    /** A point-to-point address may have no local end. */
    addr_info: Type.Array(
      Type.Object({ local: Type.Optional(Type.String()), scope: Type.String() }),
    ),
  }),
);
type Link = Static<typeof LINKS>[number];

/**
 * MTU of a NIC whose packets go through this node's tunnels; bytes.
 *
 * The tunnels' address is the one that OVS has (`ovn-encap-ip`). Where it has none, ovn-controller
 * makes no tunnel at all, so it is set: to the first global address of `--iface`, or else to the
 * node's own.
 *
 * @throws Error that says which address or device is missing
 */
export async function settleTunnel(options: {
  vsctl: Vsctl;
  tunnel: TunnelSettings;
  /** The node's InternalIP, asked only where it is needed. */
  nodeAddress: () => Promise<string>;
}): Promise<number> {
  const { vsctl, nodeAddress } = options;
  const { mtu, networkType, interfaces } = options.tunnel;
  const links = parseOutput('ip', await run('ip', ['-j', 'address', 'show']), LINKS);
  let address = await externalId(vsctl, 'ovn-encap-ip');
  if (address === '') {
    address = interfaces === undefined ? await nodeAddress() : firstAddress(links, interfaces);
    await vsctl(['--', 'set', 'Open_vSwitch', '.', `external_ids:ovn-encap-ip=${quoted(address)}`]);
  }
  if (mtu > 0) return mtu;
  const first = address.split(',')[0] ?? '';
  const link = links.find(({ addr_info }) => addr_info.some(({ local }) => local === first));
  if (link === undefined) {
    throw new Error(
      `no interface of this node has the tunnels' address ${first} (ovn-encap-ip): set --iface or --mtu`,
    );
  }
  return tunnelMtu(link.mtu, networkType, parseAddress(first)?.family === 'IPv6');
}

function firstAddress(links: readonly Link[], { text, matches }: InterfacePatterns): string {
  const [name] = matches(links.map(({ ifname }) => ifname));
  const link = links.find(({ ifname }) => ifname === name);
  const address = link?.addr_info.find(({ scope }) => scope === 'global')?.local;
  if (address === undefined)
    throw new Error(`--iface=${text}: no such interface, or it has no global address`);
  return address;
}

/** One of OVS's own external_ids; empty where it is not set. */
async function externalId(vsctl: Vsctl, key: string): Promise<string> {
  const output = await vsctl([
    '--',
    '--if-exists',
    'get',
    'Open_vSwitch',
    '.',
    `external_ids:${key}`,
  ]);
  const [value, ...others] = output.trim().split('\n');
  // It goes into an annotation of the node, by which the controller finds the chassis.
  if (others.length > 0 || !/^[\x21-\x7e]{0,253}$/.test(value ?? '')) {
    throw unreadable('ovs-vsctl', output);
  }
  return (value ?? '').replace(/^"(.*)"$/, '$1');
}

/**
 * Writes OVS's system-id into the node's annotation, by which the controller knows the chassis;
 * again when somebody changes the annotation. Resolves never.
 */
export async function announceChassis(context: Context): Promise<void> {
  const { node, nodeName, bridges, log } = context;
  const forever = new AbortController().signal;
  await bridges.synced(forever);
  const systemId = await untilDone(
    'cannot announce this chassis',
    () => readSystemId(context),
    log,
  );
  for (;;) {
    await node.until(() => {
      const known = node.get(nodeName);
      return known !== undefined && known.chassis !== systemId ? known : undefined;
    }, forever);
    await untilDone('cannot announce this chassis', () => annotate(context, systemId), log);
    await node.until(() => node.get(nodeName)?.chassis === systemId || undefined, forever);
  }
}

async function readSystemId({ vsctl }: Context): Promise<string> {
  const systemId = await externalId(vsctl, 'system-id');
  if (systemId === '') throw new Error('external_ids:system-id of Open_vSwitch is not set');
  return systemId;
}

async function annotate({ api, nodeName }: Context, systemId: string): Promise<void> {
  const patch = { metadata: { annotations: { [CHASSIS_ANNOTATION]: systemId } } };
  await api.mergePatch(objectPath(KINDS.nodes, nodeName), patch, AbortSignal.timeout(30_000));
}
