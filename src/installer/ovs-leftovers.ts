/**
 * What is left of the daemon in OVS when it is taken off a node: ports of pods that live, which stay;
 * ports of sandboxes that are gone; the mirror that was made for it.
 *
 * The tunnels' address (`ovn-encap-ip`) stays: it is a setting of OVS's, by which other nodes reach this
 * one as long as ovn-controller runs.
 */

import { nodeLinks } from '../daemon/netns/link.ts';
import { isNetnsUnmounted } from '../daemon/netns/netns.ts';
import { type MarkedPort, readMarkedPort } from '../daemon/ovs/marked-port.ts';
import { MIRROR_NAME, type MirrorRows, toMirrorRows } from '../daemon/ovs/mirror-plan.ts';
import { INTEGRATION_BRIDGE, toInterfaceRow } from '../daemon/ovs/port.ts';
import {
  findOrphanedLimits,
  findPort,
  type OvsAccess,
  unplug,
} from '../daemon/ovs/port-removal.ts';
import type { FreshLook } from '../daemon/ovs/session.ts';

/** The ports of pods that OVS has on this node. */
export interface PodPorts {
  readonly living: readonly MarkedPort[];
  /** Nothing is mounted at the sandbox's path, and the node has no link of the port's name. */
  readonly dead: readonly MarkedPort[];
}

/** The ports of pods, of this daemon's making or of Kube-OVN's. @throws OvsdbError where OVS is away */
export async function findPodPorts(ovs: FreshLook): Promise<PodPorts> {
  const { interfaces } = await ovs.fresh();
  const ports = [...interfaces.values()].flatMap(
    (row) => readMarkedPort(toInterfaceRow(row)) ?? [],
  );
  const links = ports.length > 0 ? await nodeLinks() : new Map();
  const isDead = ({ name, attachment }: MarkedPort) =>
    isNetnsUnmounted(attachment.netns) && links.has(INTEGRATION_BRIDGE) && !links.has(name);
  return { living: ports.filter((port) => !isDead(port)), dead: ports.filter(isDead) };
}

/** Removes the ports with their limits, and limits that no port has. */
export async function removePorts(access: OvsAccess, ports: readonly MarkedPort[]): Promise<void> {
  for (const { name, attachment } of ports) {
    const { rows } = await findPort(access.ovs, attachment, [name]);
    await unplug(access, rows);
  }
  await unplug(access, await findOrphanedLimits(access.ovs));
}

/**
 * Removes the mirror, if its port was made by the daemon, and that port with its link.
 * @returns whether there was one
 */
export async function removeMirror({ ovs, vsctl }: OvsAccess): Promise<boolean> {
  const commands = mirrorRemoval(toMirrorRows(await ovs.fresh(), ''));
  if (commands.length > 0) await vsctl(commands, { waits: true });
  return commands.length > 0;
}

/** One transaction; empty where no port was made for a mirror. Pure. */
export function mirrorRemoval({ bridges, ports, mirrors, interfaces }: MirrorRows): string[] {
  const bridge = bridges.find(({ name }) => name === INTEGRATION_BRIDGE);
  const made = interfaces.map(({ name }) => name);
  const own = ports
    .filter(({ name }) => made.includes(name))
    .map(({ uuid }) => uuid)
    .filter((uuid) => bridge?.ports.has(uuid));
  const ofBridge = mirrors.filter(({ uuid }) => bridge?.mirrors.includes(uuid));
  const leavesBy = (uuid: string) => ofBridge.filter((row) => row.output_port === uuid);
  // A port by which copies of the operator's own mirror leave stays.
  const unused = own.filter((uuid) => leavesBy(uuid).every(({ name }) => name === MIRROR_NAME));
  const remove = (column: string, uuid: string) => {
    return ['--', 'remove', 'Bridge', INTEGRATION_BRIDGE, column, uuid];
  };
  return unused.flatMap((port) => [
    ...leavesBy(port).flatMap(({ uuid }) => remove('mirrors', uuid)),
    ...remove('ports', port),
  ]);
}
