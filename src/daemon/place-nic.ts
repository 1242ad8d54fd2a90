/**
 * Makes what a NicPlan says. Steps that do not need each other run side by side; when one
 * fails, the others are waited for and all is undone in reverse.
 */
import type { Context } from './context.ts';
import { messageOf } from './error.ts';
import type { NicPlan } from './nic-plan.ts';
import { flowsInstalled, plug, portIdentity, unplug } from './ovs/port.ts';
import { together } from './process/together.ts';
import { checkIpv4Free, ipv6Settled } from './sandbox/duplicate-address.ts';
import { gatewayAnswers, gatewayTriedOnce } from './sandbox/gateway.ts';
import {
  addressLines,
  applyInPod,
  createVeth,
  deleteLinks,
  disableTxChecksum,
  linkUpLine,
  prepareIpv6,
} from './sandbox/link.ts';
import { waiting } from './wait.ts';

/** @throws CniError; after it nothing of the NIC is left */
export async function placeNic(
  plan: NicPlan,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const { attachment, veth, port } = plan;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => logged(context, 'veth pair', deleteLinks([veth.hostInterface])));
  await createVeth(veth).catch((error) => {
    // Nothing was made: what has this name is somebody else's.
    undo.move();
    throw error;
  });
  signal.throwIfAborted();

  undo.defer(() => logged(context, 'port', unplug(context.vsctl, [portIdentity(port)])));
  await together(
    plug(context.vsctl, port, context.interfaces).then(() => awaitFlows(plan, context, signal)),
    bringUp(plan),
    plan.isUserspaceDatapath
      ? disableTxChecksum(attachment.netns, attachment.ifName)
      : Promise.resolve(),
  );
  if (plan.localnetPatchPort !== undefined) await takeUnderlayAddresses(plan, context, signal);
  await together(...plan.gateways.map((gateway) => checkGateway(plan, gateway, signal)));
  signal.throwIfAborted();
  undo.move();
}

/** A failed undo must not hide why there was something to undo; DEL comes after it anyway. */
async function logged(context: Context, what: string, step: Promise<void>): Promise<void> {
  await step.catch((error) =>
    context.log.error({ error: messageOf(error) }, `undoing ADD: ${what}`),
  );
}

async function awaitFlows(plan: NicPlan, context: Context, signal: AbortSignal): Promise<void> {
  const { ifaceId, hostInterface } = plan.port;
  const wait = {
    what: `OVN to install the flows of logical switch port ${ifaceId} (ovn-installed on interface ${hostInterface})`,
    lookAt: `ovn-controller on this node, and whether the northbound database has port ${ifaceId} and the southbound one does not bind it to another chassis`,
  };
  await waiting(wait, flowsInstalled(plan.port, context.interfaces, signal));
}

/** The pod's end: up, and with its addresses and routes unless the network must be asked first. */
async function bringUp(plan: NicPlan): Promise<void> {
  const { ifName, netns, addresses } = plan.interface;
  const isUnderlay = plan.localnetPatchPort !== undefined;
  const isIpv4Only =
    addresses.length > 0 && addresses.every(({ address }) => address.family === 'IPv4');
  if (isUnderlay || !isIpv4Only) await prepareIpv6(netns, ifName);
  const up = linkUpLine(plan.interface, isIpv4Only ? 'no-link-local' : 'link-local');
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
  const isThere = () =>
    [...interfaces.rows.values()].some((row) => row.name === patchPort) || undefined;
  const wait = {
    what: `the patch port ${patchPort} to the provider network's bridge`,
    lookAt:
      'ovn-bridge-mappings of this node (`ovs-vsctl get open . external_ids`) and the ProviderNetwork',
  };
  await waiting(wait, interfaces.until(isThere, signal));
  const ipv4 = addresses.filter(({ address }) => address.family === 'IPv4');
  if (context.detectIpv4Conflict && !skipDuplicateDetection) {
    await together(...ipv4.map(({ address }) => checkIpv4Free(netns, ifName, address, signal)));
  }
  const apply = () => applyInPod(netns, addressLines(plan.interface));
  if (skipDuplicateDetection || ipv4.length === addresses.length) await apply();
  else {
    const dad = {
      what: 'IPv6 duplicate address detection',
      lookAt: `\`ip -6 address\` in ${netns}`,
    };
    await waiting(dad, ipv6Settled(netns, ifName, apply, signal));
  }
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
  const wait = {
    what: `gateway ${gateway.text} to answer on ${probe.ifName}`,
    lookAt: `whether the gateway exists and logical switch port ${plan.port.ifaceId} reaches it; spec.disableGatewayCheck of the Subnet turns this check off`,
  };
  await waiting(wait, gatewayAnswers(probe));
}
