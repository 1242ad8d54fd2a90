/**
 * ADD: from a request to an interface that works, or to nothing at all.
 *
 * Reads top to bottom; each step is a file of its own. What a step makes it also registers for
 * undoing, so that a failure at any point leaves the node as it was.
 */
import type { CniRequest, CniResponse, IpConfig } from '../wire/messages.ts';
import type { Allocation } from './allocation.ts';
import { awaitAllocation, endWithPod } from './allocation.ts';
import type { NicAddress } from './annotations.ts';
import type { LiveAttachment } from './attachment.ts';
import { parseAddRequest } from './attachment.ts';
import type { Context } from './context.ts';
import { recordNode } from './ip-object.ts';
import { logicalSwitchPort } from './names.ts';
import { cidrText } from './net/address.ts';
import { isDefaultRoute, lastOfEachDestination, toWireRoute } from './net/route.ts';
import { planNic } from './nic-plan.ts';
import { placeNic } from './place-nic.ts';
import { deleteDefaultRoutes } from './sandbox/link.ts';
import { checkNetns } from './sandbox/netns.ts';
import { abortable, startDeadline, waiting } from './wait.ts';

export interface AddResult {
  readonly response: CniResponse;
  /** What can wait until the caller has its answer. */
  readonly afterAnswer: () => Promise<void>;
}

/**
 * @param caller aborted when the caller goes away
 * @throws CniError as docs/errors.md lists them
 */
export async function add(
  request: CniRequest,
  context: Context,
  caller: AbortSignal,
): Promise<AddResult> {
  const attachment = parseAddRequest(request);
  using deadline = startDeadline(context.addTimeoutMs, caller);
  using _podWatch = endWithPod(attachment, context, deadline);
  return await context.queue.runAdd(attachment, deadline, async () => {
    checkNetns(attachment.netns);
    const allocation = await awaitAllocation(attachment, context, deadline);
    const response = attachment.ipamOnly
      ? await answerDelegate(attachment, allocation)
      : await makeNic(attachment, allocation, context, deadline.signal);
    return {
      response,
      afterAnswer: () => recordNode(allocation, portName(attachment, allocation), context),
    };
  });
}

/** Another plugin makes the interface: addresses and routes for it, and room for a default route. */
async function answerDelegate(
  attachment: LiveAttachment,
  { nic }: Allocation,
): Promise<CniResponse> {
  const routes = lastOfEachDestination([...attachment.routes, ...nic.routes]);
  for (const route of routes.filter(isDefaultRoute)) {
    await deleteDefaultRoutes(attachment.netns, route.destination.family);
  }
  return {
    ips: nic.addresses.map((address) => toIpConfig(address, nic.holdsDefaultRoute)),
    mac_address: '',
    routes: routes.map(toWireRoute),
    mtu: 0,
    nicname: '',
    dns: {},
    error: '',
  };
}

/** A veth pair into the integration bridge. */
async function makeNic(
  attachment: LiveAttachment,
  allocation: Allocation,
  context: Context,
  signal: AbortSignal,
): Promise<CniResponse> {
  const ovsRows = {
    what: "OVS's rows",
    lookAt: 'whether ovsdb-server runs and br-int exists on this node',
  };
  await waiting(
    ovsRows,
    Promise.all([context.interfaces.synced(signal), context.bridges.synced(signal)]),
  );
  const tunnels = { what: "the set-up of this node's tunnels", lookAt: "the daemon's log" };
  const tunnelMtu = await waiting(tunnels, abortable(context.tunnelMtu, signal));
  const plan = planNic(attachment, allocation, tunnelMtu, context);
  await placeNic(plan, context, signal);
  const { nic } = allocation;
  return {
    ips: nic.addresses.map((address) => toIpConfig(address, nic.holdsDefaultRoute)),
    mac_address: nic.mac ?? '',
    routes: plan.interface.routes.map(toWireRoute),
    mtu: plan.veth.mtu,
    nicname: attachment.ifName,
    dns: {},
    error: '',
  };
}

function toIpConfig({ address, cidr, gateway }: NicAddress, isDefault: boolean): IpConfig {
  const config = { protocol: address.family, ip: address.text, cidr: cidrText(cidr) };
  return isDefault && gateway ? { ...config, gateway: gateway.text } : config;
}

function portName(attachment: LiveAttachment, { nic }: Allocation): string {
  return logicalSwitchPort({
    workload: nic.workload,
    namespace: attachment.pod.namespace,
    provider: attachment.provider,
    ifName: nic.sharedNetworkIfName,
  });
}
