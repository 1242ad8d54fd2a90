/**
 * Makes what a NicPlan says. Steps that do not need each other run side by side; when one
 * fails, the others are waited for and all is undone in reverse.
 *
 * The steps that make something use the node's processors, and a bounded number of NICs is made at
 * a time; the waits for OVN and for gateways, which use nothing, hold up no other NIC.
 */

import type { Slots } from '../../common/concurrency/slots.ts';
import { together } from '../../common/concurrency/together.ts';
import type { Logger } from '../../common/log.ts';
import { errorFields } from '../../common/log.ts';
import type { Outage } from '../../common/outage.ts';
import { ToolError } from '../../common/process/tool-error.ts';
import { undoInTime } from '../../common/process/tool-time.ts';
import { messageOf } from '../../common/text.ts';
import { enterStage, inStage } from '../call/stage.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import { addressLines, applyInPod, linkUpLine, nodeLinks, prepareIpv6 } from '../netns/link.ts';
import { type InterfaceRow, type Interfaces, interfaceNamed } from '../ovs/port.ts';
import { findPort } from '../ovs/port-removal.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import { flowsInstalled, olderOwners, plugPort, unplugPort } from '../ownership/iface-id-owner.ts';
import type { NicPlan } from './plan.ts';
import { FAMILIES, type ReachParts, reachNetwork } from './reach.ts';
import { type RemoveParts, removeNic } from './remove.ts';
import { joinUnderlay } from './underlay.ts';

/** What the making of a NIC uses. */
export interface PlaceParts extends RemoveParts, Pick<ReachParts, 'packets'> {
  readonly queue: Pick<
    AttachmentQueue,
    'mayUse' | 'noLeftovers' | 'use' | 'leftovers' | 'hasLeftovers'
  >;
  /** NICs that are made at a time. */
  readonly nicSlots: Pick<Slots, 'run'>;
  /** IPv6 parameters of pods' interfaces cannot be set. */
  readonly ipv6Outage: Pick<Outage, 'begin' | 'end'>;
  /** Look for other users of an IPv4 address on underlay networks. */
  readonly detectIpv4Conflict: boolean;
  readonly log: Logger;
}

/** What may end the making of a NIC. */
export interface Placing {
  /** Resolves when the cluster's record of the NIC says what the plan was made of. */
  readonly confirmation: Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * While the allocation is being confirmed only the interface is made: it is no port yet, and has no
 * address.
 * @param plan of this turn of the event loop: the name of its interface on the node is taken here
 * @throws CniError, or what `confirmation` was rejected with; after it nothing of the NIC is left
 */
export async function placeNic(
  plan: NicPlan,
  parts: PlaceParts,
  { confirmation, signal }: Placing,
): Promise<void> {
  const { attachment, kind, link } = plan;
  using _name = parts.queue.use(link.hostInterface, attachment);
  // An older sandbox fails before it makes anything.
  olderOwners(plan.port, parts);
  await using undo = new AsyncDisposableStack();
  const place = enterStage('nic-slot');
  let wait = A_PLACE;
  const undoing = (what: string, step: () => Promise<void>) => {
    undo.defer(() => undone(plan, parts, what, undoInTime(step)));
  };
  const make = async () => {
    place.leave();
    wait = TOOLS;
    await removeLeftovers(plan, parts, signal);
    await inStage('make-interface', createLink(plan, parts, undoing));
    signal.throwIfAborted();
    await inStage('confirm-address', confirmation);
    undoing('port', () => removePort(plan, parts));
    // OVN's work begins with the port, and takes longest: ovs-vsctl is started first.
    await together(signal, (steps) => [
      inStage('make-port', plugPort(plan.port, parts, steps)),
      inStage('configure-interface', bringUp(plan, parts)),
      inStage('configure-interface', kind.adjust(link)),
    ]);
  };
  await waiting(() => wait, parts.nicSlots.run(make, signal)).catch((error) => {
    place.fail(error);
    throw error;
  });
  await awaitFlows(plan, parts, signal);
  if (isOnWire(plan)) await joinUnderlay(plan, parts, signal);
  else await reachNetwork(plan, FAMILIES, parts, signal);
  signal.throwIfAborted();
  undo.move();
}

/** Makes the interface; where what a killed ADD left of it is in the way, that is removed first. */
async function createLink(
  plan: NicPlan,
  parts: Pick<PlaceParts, 'ovs'>,
  undoing: (what: string, step: () => Promise<void>) => void,
): Promise<void> {
  const { kind, link } = plan;
  const made = (remove: () => Promise<void>) => undoing('interface', remove);
  try {
    await kind.create(link, made);
  } catch (error) {
    // One that was ended for its time has made what the undo removes; there is none to try again.
    if (isKilled(error) || !(await removeUnfinished(plan, parts))) throw error;
    await kind.create(link, made);
  }
}

function isKilled(error: unknown): boolean {
  return error instanceof ToolError && error.how === 'killed';
}

/**
 * An interface with the mark of this attachment that is no port is what a killed ADD left: nobody can use
 * it.
 * @returns whether there was one
 */
async function removeUnfinished(
  { attachment, kind, link }: NicPlan,
  { ovs }: Pick<PlaceParts, 'ovs'>,
): Promise<boolean> {
  const { rows } = await findPort(ovs, attachment, [link.hostInterface]);
  const mark = (await nodeLinks()).get(link.hostInterface);
  if (rows.ports.length > 0 || !mark || mark !== link.mark) return false;
  await kind.remove([link.hostInterface]);
  return true;
}

const A_PLACE: Wait = {
  what: 'its turn among the NICs that are being made on this node',
  lookAt: 'the load of this node, and how long ip and ovs-vsctl take',
};
const TOOLS: Wait = {
  what: 'ip and ovs-vsctl to make the interface and its port',
  lookAt: 'the load of this node, and whether ovsdb-server answers: `ovs-vsctl show`',
};

async function removePort({ attachment, link }: NicPlan, parts: PlaceParts): Promise<void> {
  await unplugPort(await findPort(parts.ovs, attachment, [link.hostInterface]), parts);
}

/**
 * Removes what an earlier ADD of this attachment left: one that could not be undone, as where a tool
 * did its work and then hung, or whose daemon was killed. A port that works is left alone: a runtime
 * that repeats an ADD of it is told that the interface is there.
 * @throws CniError 11 when OVS or the kernel refuses
 */
async function removeLeftovers(
  plan: NicPlan,
  parts: PlaceParts,
  signal: AbortSignal,
): Promise<void> {
  const { attachment, link } = plan;
  const { interfaces, queue, log } = parts;
  const row = interfaceNamed(interfaces, link.hostInterface);
  const isUnfinished = row !== undefined && !(await isWhole(row));
  if (!isUnfinished && !queue.hasLeftovers(attachment)) return;
  await removeNic(attachment, parts, [link.hostInterface]);
  const isGone = () => interfaceNamed(interfaces, link.hostInterface) === undefined;
  await interfaces.until(() => isGone() || undefined, signal);
  log.info({ port: link.hostInterface }, 'removed what an unfinished ADD had left');
}

/** An ADD that was answered has a port with flows, and its interface. */
async function isWhole({ name, externalIds }: InterfaceRow): Promise<boolean> {
  return externalIds['ovn-installed'] === 'true' && (await nodeLinks()).has(name);
}

/**
 * A failed undo must not hide why there was something to undo; the next ADD or DEL of the attachment
 * does it again.
 */
async function undone(
  { attachment }: NicPlan,
  { log, queue }: Pick<PlaceParts, 'log' | 'queue'>,
  what: string,
  step: Promise<unknown>,
): Promise<void> {
  await step.catch((error) => {
    queue.leftovers(attachment);
    log.error(errorFields(error), `cannot undo ADD: ${what}`);
  });
}

/** @throws CniError 11 when the flows do not come in time; as `flowsInstalled` */
export async function awaitFlows(
  plan: Pick<NicPlan, 'port'>,
  { interfaces }: { readonly interfaces: Pick<Interfaces, 'named' | 'until' | 'isLive'> },
  signal: AbortSignal,
): Promise<void> {
  const current = () => (interfaces.isLive ? flowsOf(plan.port) : NO_DATABASE);
  await waiting(current, flowsInstalled(plan.port, interfaces, signal));
}

/** Without OVS's database nobody learns of flows that are installed. */
const NO_DATABASE: Wait = {
  what: "OVS's database, which says whether OVN has installed the flows of the port",
  lookAt: 'whether ovsdb-server runs and answers on this node: `ovs-vsctl show`',
  stage: 'install-flows',
};

function flowsOf({ ifaceId, hostInterface }: NicPlan['port']): Wait {
  return {
    what: `OVN to install the flows of logical switch port ${ifaceId} (ovn-installed on interface ${hostInterface})`,
    lookAt: `ovn-controller on this node, and whether the northbound database has port ${ifaceId} and the southbound one does not bind it to another chassis`,
    stage: 'install-flows',
  };
}

/** A NIC on a provider network: its addresses wait until the network can be asked. */
function isOnWire(plan: NicPlan): plan is NicPlan & { readonly localnetPatchPort: string } {
  return plan.localnetPatchPort !== undefined;
}

/** The pod's end: up, and with its addresses and routes unless the network must be asked first. */
async function bringUp(
  plan: NicPlan,
  { ipv6Outage }: Pick<PlaceParts, 'ipv6Outage'>,
): Promise<void> {
  const { ifName, netns, addresses } = plan.interface;
  const { isIpv6Prepared, acceptsAdvertisements = false, hasLinkLocal = false } = plan.attachment;
  const isIpv4Only =
    addresses.length > 0 && addresses.every(({ address }) => address.family === 'IPv4');
  if (!isIpv6Prepared) {
    // Kube-OVN's executable, or an older one of ours. A container may see /proc/sys read-only.
    const prepared = prepareIpv6({ netns, ifName, acceptsAdvertisements });
    await prepared.then(
      () => ipv6Outage.end(performance.now()),
      (error) => {
        if (isKilled(error)) throw error;
        ipv6Outage.begin(messageOf(error));
      },
    );
  }
  const isWithoutIpv6 = isIpv4Only && !acceptsAdvertisements && !hasLinkLocal;
  const up = linkUpLine(plan.interface, isWithoutIpv6 ? 'no-link-local' : 'link-local');
  await applyInPod(netns, isOnWire(plan) ? [up] : [up, ...addressLines(plan.interface)]);
}
