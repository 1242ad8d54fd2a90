/**
 * What follows when a NIC has its addresses: its network hears of them, and its gateways prove that they
 * answer.
 */
import type { Family } from '../../common/address.ts';
import { together } from '../../common/concurrency/together.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import { announcementFrames } from '../model/announcement.ts';
import { gatewayAnswers, gatewayTriedOnce } from '../netns/gateway.ts';
import type { PacketSender } from '../ovs/packet-out.ts';
import { type Interfaces, interfaceNamed } from '../ovs/port.ts';
import type { NicPlan } from './plan.ts';

/** By what frames are sent and ports are found. */
export interface ReachParts {
  /** For frames that a NIC's network is to have from its port. */
  readonly packets: Pick<PacketSender, 'send'>;
  readonly interfaces: Pick<Interfaces, 'named'>;
}

/** Both families, in the order in which addresses are written. */
export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

/**
 * Announces a NIC's addresses of these families, and resolves when its gateways of them have answered.
 * @throws CniError 11 that names the gateway when the deadline passes
 */
export async function reachNetwork(
  plan: NicPlan,
  families: readonly Family[],
  parts: ReachParts,
  signal: AbortSignal,
): Promise<void> {
  // Not waited for: it is one frame for each address, and no reason for an ADD to fail.
  void announce(plan, families, parts);
  const gateways = plan.gateways.filter(({ family }) => families.includes(family));
  await together(signal, (probes) =>
    gateways.map((gateway) => checkGateway(plan, gateway, probes)),
  );
}

/**
 * Tells the network that the NIC's addresses are here now. Not where a virtual machine is still
 * running elsewhere with them: it announces itself when it has come.
 */
async function announce(
  plan: NicPlan,
  families: readonly Family[],
  { packets, interfaces }: ReachParts,
): Promise<void> {
  const { mac, hostInterface } = plan.link;
  const port = interfaceNamed(interfaces, hostInterface)?.openflowPort;
  const addresses = plan.interface.addresses
    .map(({ address }) => address)
    .filter(({ family }) => families.includes(family));
  if (plan.gatewayCheck === 'skip' || mac === undefined || port === undefined) return;
  if (addresses.length > 0)
    await packets.send({ port, frames: announcementFrames(mac, addresses) });
}

async function checkGateway(
  plan: NicPlan,
  gateway: NicPlan['gateways'][number],
  signal: AbortSignal,
): Promise<void> {
  const probe = { netns: plan.attachment.netns, ifName: plan.attachment.ifName, gateway, signal };
  if (plan.gatewayCheck === 'skip') return;
  if (plan.gatewayCheck === 'try-once') {
    await gatewayTriedOnce(probe);
    return;
  }
  const wait: Wait = {
    what: `gateway ${gateway.text} to answer on ${probe.ifName}`,
    lookAt: `whether the gateway exists and logical switch port ${plan.port.ifaceId} reaches it; spec.disableGatewayCheck of the Subnet turns this check off`,
    stage: 'check-gateway',
  };
  await waiting(wait, gatewayAnswers(probe));
}
