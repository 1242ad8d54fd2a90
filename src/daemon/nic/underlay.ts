/**
 * The last steps of a NIC on a provider network: its switch gets its connection to the wire, and the NIC its
 * addresses, since only then the network can be asked whether somebody has them.
 *
 * Detection takes one to two seconds in each family, so that the families go side by side. Within one the
 * order stays: a gateway that is asked by an address which another host has would send that host's
 * packets here (RFC 5227, section 2.1.1).
 */
import type { Family } from '../../common/address.ts';
import { together } from '../../common/concurrency/together.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import { checkIpv4Free, ipv6Settled } from '../netns/duplicate-address.ts';
import { addressLines, applyInPod, type InterfacePlan } from '../netns/link.ts';
import { type Interfaces, interfaceNamed } from '../ovs/port.ts';
import type { NicPlan } from './plan.ts';
import { FAMILIES, type ReachParts, reachNetwork } from './reach.ts';

/** What the last steps on a provider network use. */
export interface UnderlayParts extends ReachParts {
  readonly interfaces: Pick<Interfaces, 'named' | 'until'>;
  /** Look for other users of an IPv4 address. */
  readonly detectIpv4Conflict: boolean;
}

/**
 * @param plan of a NIC that is up, and whose port has its flows
 * @throws CniError 7 for an address that another host has; 11 naming the wait when the deadline passes
 */
export async function joinUnderlay(
  plan: NicPlan & { readonly localnetPatchPort: string },
  parts: UnderlayParts,
  signal: AbortSignal,
): Promise<void> {
  await patchPortWorks(plan.localnetPatchPort, parts, signal);
  await together(signal, (lanes) => FAMILIES.map((family) => joinWith(family, plan, parts, lanes)));
}

/** ovn-controller makes the pair; OVS gives each end its number when it works. */
async function patchPortWorks(
  name: string,
  { interfaces }: Pick<UnderlayParts, 'interfaces'>,
  signal: AbortSignal,
): Promise<void> {
  const wait: Wait = {
    what: `the patch port ${name} to the provider network's bridge`,
    lookAt:
      'ovn-bridge-mappings of this node (`ovs-vsctl get open . external_ids`) and the ProviderNetwork',
    stage: 'install-flows',
  };
  const works = () => interfaceNamed(interfaces, name)?.openflowPort;
  await waiting(wait, interfaces.until(works, signal));
}

/** Nothing for a family of which the NIC has no address. */
async function joinWith(
  family: Family,
  plan: NicPlan,
  parts: UnderlayParts,
  signal: AbortSignal,
): Promise<void> {
  const own = ofFamily(plan.interface, family);
  if (own.addresses.length === 0) return;
  if (family === 'IPv4') await takeIpv4(own, parts, signal);
  else await takeIpv6(own, signal);
  await reachNetwork(plan, [family], parts, signal);
}

function ofFamily(plan: InterfacePlan, family: Family): InterfacePlan {
  return {
    ...plan,
    addresses: plan.addresses.filter(({ address }) => address.family === family),
    routes: plan.routes.filter(({ destination }) => destination.family === family),
  };
}

async function takeIpv4(
  plan: InterfacePlan,
  { detectIpv4Conflict }: Pick<UnderlayParts, 'detectIpv4Conflict'>,
  signal: AbortSignal,
): Promise<void> {
  const { ifName, netns, addresses, skipDuplicateDetection } = plan;
  if (detectIpv4Conflict && !skipDuplicateDetection) {
    const probe: Wait = {
      what: 'the probe for other users of its IPv4 address',
      lookAt: `${ifName} in ${netns}`,
      stage: 'detect-duplicate',
    };
    const probes = together(signal, (steps) =>
      addresses.map(({ address }) => checkIpv4Free(netns, ifName, address, steps)),
    );
    await waiting(probe, probes);
    signal.throwIfAborted();
  }
  await applyInPod(netns, addressLines(plan));
}

async function takeIpv6(plan: InterfacePlan, signal: AbortSignal): Promise<void> {
  const { ifName, netns, skipDuplicateDetection } = plan;
  const apply = () => applyInPod(netns, addressLines(plan));
  if (skipDuplicateDetection) {
    await apply();
    return;
  }
  const detection: Wait = {
    what: 'IPv6 duplicate address detection',
    lookAt: `\`ip -6 address\` in ${netns}`,
    stage: 'detect-duplicate',
  };
  await waiting(detection, ipv6Settled(netns, ifName, apply, signal));
}
