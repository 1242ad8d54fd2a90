/**
 * Makes what a NicPlan says. Steps that do not need each other run side by side; when one
 * fails, the others are waited for and all is undone in reverse.
 *
 * The steps that make something use the node's processors, and a bounded number of NICs is made at
 * a time; the waits for OVN and for gateways, which use nothing, hold up no other NIC.
 */

import { together } from '../../common/concurrency/together.ts';
import { errorFields } from '../../common/log.ts';
import { ToolError } from '../../common/process/tool-error.ts';
import { undoInTime } from '../../common/process/tool-time.ts';
import { messageOf } from '../../common/text.ts';
import { enterStage, inStage } from '../call/stage.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import type { Context } from '../context.ts';
import { announcementFrames } from '../model/announcement.ts';
import { checkIpv4Free, ipv6Settled } from '../netns/duplicate-address.ts';
import { gatewayAnswers, gatewayTriedOnce } from '../netns/gateway.ts';
import {
  addressLines,
  applyInPod,
  createVeth,
  deleteLinks,
  disableTxChecksum,
  linkUpLine,
  nodeLinks,
  prepareIpv6,
} from '../netns/link.ts';
import { flowsInstalled, type InterfaceRow, interfaceNamed, plug } from '../ovs/port.ts';
import { findPort } from '../ovs/port-removal.ts';
import type { NicPlan } from './plan.ts';
import { removeAttachment, unplugFound } from './remove.ts';

/** What may end the making of a NIC. */
export interface Placing {
  /** Resolves when the cluster's record of the NIC says what the plan was made of. */
  readonly confirmation: Promise<unknown>;
  readonly signal: AbortSignal;
}

/**
 * While the allocation is being confirmed only the veth pair is made: it is no port yet, and has no
 * address.
 * @throws CniError, or what `confirmation` was rejected with; after it nothing of the NIC is left
 */
export async function placeNic(
  plan: NicPlan,
  context: Context,
  { confirmation, signal }: Placing,
): Promise<void> {
  const { attachment, veth } = plan;
  using _name = context.queue.use(veth.hostInterface, attachment);
  await using undo = new AsyncDisposableStack();
  const place = enterStage('nic-slot');
  let wait = A_PLACE;
  const make = async () => {
    place.leave();
    wait = TOOLS;
    const undoing = (what: string, step: () => Promise<void>) => {
      undo.defer(() => undone(plan, context, what, undoInTime(step)));
    };
    const made = (remove: () => Promise<void>) => undoing('veth pair', remove);
    await removeLeftovers(plan, context, signal);
    const pair = createVeth(veth, made).catch(async (error) => {
      // One that was ended for its time has made what the undo removes; there is none to try again.
      if (isKilled(error) || !(await removeUnfinished(plan, context))) throw error;
      await createVeth(veth, made);
    });
    await inStage('make-veth', pair);
    signal.throwIfAborted();
    await inStage('confirm-address', confirmation);
    undoing('port', () => removePort(plan, context));
    await together(signal, (steps) => [
      inStage('make-port', plugInTurn(plan, context, steps)),
      inStage('configure-interface', bringUp(plan, context)),
      plan.isUserspaceDatapath
        ? inStage('configure-interface', disableTxChecksum(attachment.netns, attachment.ifName))
        : Promise.resolve(),
    ]);
  };
  await waiting(() => wait, context.nicSlots.run(make, signal)).catch((error) => {
    place.fail(error);
    throw error;
  });
  await awaitFlows(plan, context, signal);
  if (plan.localnetPatchPort !== undefined) await takeUnderlayAddresses(plan, context, signal);
  // Not waited for: it is one frame for each address, and no reason for an ADD to fail.
  void announce(plan, context);
  await together(signal, (probes) =>
    plan.gateways.map((gateway) => checkGateway(plan, gateway, probes)),
  );
  signal.throwIfAborted();
  undo.move();
}

function isKilled(error: unknown): boolean {
  return error instanceof ToolError && error.how === 'killed';
}

/**
 * A pair of this attachment that is no port is what a killed ADD left: nobody can use it.
 * @returns whether there was one
 */
async function removeUnfinished({ attachment, veth }: NicPlan, { vsctl }: Context) {
  const { rows } = await findPort(vsctl, attachment, [veth.hostInterface]);
  const mark = (await nodeLinks()).get(veth.hostInterface);
  if (rows.ports.length > 0 || !mark || mark !== veth.mark) return false;
  await deleteLinks([veth.hostInterface]);
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

async function removePort({ attachment, veth }: NicPlan, context: Context): Promise<void> {
  await unplugFound(await findPort(context.vsctl, attachment, [veth.hostInterface]), context);
}

/**
 * Removes what an earlier ADD of this attachment left: one that could not be undone, as where a tool
 * did its work and then hung, or whose daemon was killed. A port that works is left alone: a runtime
 * that repeats an ADD of it is told that the interface is there.
 * @throws CniError 11 when OVS or the kernel refuses
 */
async function removeLeftovers(
  plan: NicPlan,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const { attachment, veth } = plan;
  const row = interfaceNamed(context.interfaces, veth.hostInterface);
  const isUnfinished = row !== undefined && !(await isWhole(row));
  if (!isUnfinished && !context.queue.hasLeftovers(attachment)) return;
  await removeAttachment(attachment, context, [veth.hostInterface]);
  await context.interfaces.until(
    () => interfaceNamed(context.interfaces, veth.hostInterface) === undefined || undefined,
    signal,
  );
  context.log.info({ port: veth.hostInterface }, 'removed what an unfinished ADD had left');
}

/** An ADD that was answered has a port with flows, and both ends of its veth pair. */
async function isWhole({ name, externalIds }: InterfaceRow): Promise<boolean> {
  return externalIds['ovn-installed'] === 'true' && (await nodeLinks()).has(name);
}

/** Two sandboxes of one pod are the same logical switch port: the one plugged last is it. */
async function plugInTurn(plan: NicPlan, context: Context, signal: AbortSignal): Promise<void> {
  await context.portLock.run(plan.port.ifaceId, async () => {
    signal.throwIfAborted();
    await plug(context.vsctl, plan.port, context, signal);
  });
}

/**
 * A failed undo must not hide why there was something to undo; the next ADD or DEL of the attachment
 * does it again.
 */
async function undone(
  { attachment }: NicPlan,
  { log, queue }: Context,
  what: string,
  step: Promise<unknown>,
): Promise<void> {
  await step.catch((error) => {
    queue.leftovers(attachment);
    log.error(errorFields(error), `cannot undo ADD: ${what}`);
  });
}

async function awaitFlows(plan: NicPlan, context: Context, signal: AbortSignal): Promise<void> {
  const { ifaceId, hostInterface } = plan.port;
  const wait: Wait = {
    what: `OVN to install the flows of logical switch port ${ifaceId} (ovn-installed on interface ${hostInterface})`,
    lookAt: `ovn-controller on this node, and whether the northbound database has port ${ifaceId} and the southbound one does not bind it to another chassis`,
    stage: 'install-flows',
  };
  await waiting(wait, flowsInstalled(plan.port, context.interfaces, signal));
}

/** The pod's end: up, and with its addresses and routes unless the network must be asked first. */
async function bringUp(plan: NicPlan, { ipv6Outage }: Context): Promise<void> {
  const { ifName, netns, addresses } = plan.interface;
  const { isIpv6Prepared, acceptsAdvertisements = false, hasLinkLocal = false } = plan.attachment;
  const isUnderlay = plan.localnetPatchPort !== undefined;
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
  await applyInPod(netns, isUnderlay ? [up] : [up, ...addressLines(plan.interface)]);
}

/** Addresses of an underlay NIC: the network must be connected before it can be asked. */
async function takeUnderlayAddresses(
  plan: NicPlan,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const { ifName, netns, addresses, skipDuplicateDetection } = plan.interface;
  const { interfaces } = context;
  const patchPort = plan.localnetPatchPort;
  const isThere = () => interfaces.named(patchPort ?? '');
  const wait: Wait = {
    what: `the patch port ${patchPort} to the provider network's bridge`,
    lookAt:
      'ovn-bridge-mappings of this node (`ovs-vsctl get open . external_ids`) and the ProviderNetwork',
    stage: 'install-flows',
  };
  await waiting(wait, interfaces.until(isThere, signal));
  const ipv4 = addresses.filter(({ address }) => address.family === 'IPv4');
  if (context.detectIpv4Conflict && !skipDuplicateDetection) {
    const probe: Wait = {
      what: 'the probe for other users of its IPv4 address',
      lookAt: `${ifName} in ${netns}`,
      stage: 'detect-duplicate',
    };
    const probes = together(signal, (steps) =>
      ipv4.map(({ address }) => checkIpv4Free(netns, ifName, address, steps)),
    );
    await waiting(probe, probes);
  }
  const apply = () => applyInPod(netns, addressLines(plan.interface));
  if (skipDuplicateDetection || ipv4.length === addresses.length) await apply();
  else {
    const dad: Wait = {
      what: 'IPv6 duplicate address detection',
      lookAt: `\`ip -6 address\` in ${netns}`,
      stage: 'detect-duplicate',
    };
    await waiting(dad, ipv6Settled(netns, ifName, apply, signal));
  }
}

/**
 * Tells the network that the NIC's addresses are here now. Not where a virtual machine is still
 * running elsewhere with them: it announces itself when it has come.
 */
async function announce(plan: NicPlan, { packets, interfaces }: Context): Promise<void> {
  const { mac, hostInterface } = plan.veth;
  const port = interfaceNamed(interfaces, hostInterface)?.openflowPort;
  const addresses = plan.interface.addresses.map(({ address }) => address);
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
