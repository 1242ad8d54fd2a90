/**
 * ADD: from a request to an interface that works, or to nothing at all.
 *
 * Reads top to bottom; each step is a file of its own. Only nic/place.ts makes something, and
 * undoes it when a later step fails.
 */

import { bits, cidrText } from '../../common/address.ts';
import { abortable, startDeadline } from '../../common/concurrency/deadline.ts';
import { withToolTime } from '../../common/process/tool-time.ts';
import type { CniRequest, CniResponse, IpConfig } from '../../wire/messages.ts';
import { tryAgain } from '../call/error.ts';
import { atStage, enterStage, inStage } from '../call/stage.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import type { Context } from '../context.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { parseAddRequest } from '../model/attachment.ts';
import { ownMtu, refuseSmallMtu } from '../model/mtu.ts';
import type { Nic, NicAddress } from '../model/nic.ts';
import type { Pod } from '../model/pod.ts';
import type { Route } from '../model/route.ts';
import { isDefaultRoute, lastOfEachDestination, toWireRoute } from '../model/route.ts';
import { deleteDefaultRoutes } from '../netns/link.ts';
import { checkNetns } from '../netns/netns.ts';
import type { Allocation } from '../nic/allocation.ts';
import { endWithPod } from '../nic/allocation.ts';
import { type Confirmed, portName, withConfirmed } from '../nic/confirmation.ts';
import { delegatedAddresses } from '../nic/delegated-addresses.ts';
import { recordNode } from '../nic/ip-object.ts';
import { placeNic } from '../nic/place.ts';
import { type NicPlan, planNic } from '../nic/plan.ts';
import { interfaceNamed, refuseTakenName, staleHolders } from '../ovs/port.ts';
import { OVS_ROWS } from '../ovs/table.ts';

export interface AddResult {
  readonly response: CniResponse;
  readonly pod: Pod;
  /** Name of the NIC's Subnet; empty where nothing says it. */
  readonly subnet: string;
  /** What can wait until the caller has its answer. */
  readonly afterAnswer: () => Promise<void>;
}

/** Who asks. */
export interface Asker {
  /** Aborted when the caller goes away. */
  readonly caller: AbortSignal;
  /** How long it has waited already; ms. */
  readonly waitedMs: number;
}

/** @throws CniError as docs/errors.md lists them */
export async function add(
  request: CniRequest,
  context: Context,
  { caller, waitedMs }: Asker,
): Promise<AddResult> {
  const attachment = atStage('validate-request', () => parseAddRequest(request));
  atStage('queue', () => refuseOverload(context));
  using deadline = startDeadline(context.addTimeoutMs, caller, waitedMs);
  using _podWatch = endWithPod(attachment, context, deadline);
  using _claim = attachment.ipamOnly ? undefined : context.succession.enter(attachment, deadline);
  const make = async () => {
    atStage('validate-request', () => refuseWithout(attachment, context));
    return await withConfirmed(attachment, context, deadline, async (allocation, confirmation) => {
      const placing = { confirmation, signal: deadline.signal };
      const plan = attachment.ipamOnly
        ? undefined
        : await inStage('configure-nic', makeNic(attachment, allocation, context, placing));
      const response = plan
        ? toResponse(plan, allocation, context)
        : await answerDelegate(
            attachment,
            allocation,
            await inStage('confirm-address', confirmation),
            context,
          );
      const port = portName(attachment, allocation);
      const { pod, nic, subnet } = allocation;
      return {
        plan,
        response,
        pod,
        subnet: subnet?.name ?? nic.logicalSwitch ?? '',
        afterAnswer: () => recordNode(allocation, port, context),
      };
    });
  };
  const turn = enterStage('queue');
  const leftMs = Math.max(0, context.addTimeoutMs - waitedMs);
  const result = withToolTime(leftMs, undoReserveMs(context.addTimeoutMs), () =>
    context.queue.runAdd(attachment, deadline, () => {
      turn.leave();
      return make();
    }),
  );
  const { plan, ...answer } = await waiting(TURN, result).catch((error) => {
    turn.fail(error);
    // It may have failed on an interface that is there, whose limits could not be changed meanwhile.
    context.limits.follow(attachment.pod);
    throw error;
  });
  // From here on its limits follow the annotations.
  if (plan) context.limits.made(plan.port.hostInterface, plan.pod, plan.asked);
  return answer;
}

/**
 * @throws CniError 4 for a path of the namespace that is wrong; 11 where this daemon cannot see what
 *   is there, or has not what it needs to make interfaces
 */
function refuseWithout({ netns, ipamOnly }: LiveAttachment, { abilities }: Context): void {
  try {
    checkNetns(netns);
  } catch (error) {
    abilities.explain(netns, error);
  }
  if (!ipamOnly) abilities.refuseWithout();
}

/**
 * Part of an ADD's time that is kept for undoing it: where tools hang, the answer comes with the
 * deadline. A wait for something else may take all of the time, and the undo comes on top of it, so
 * that the executable, which waits 5 s longer than any ADD takes, still hears why; ms.
 */
function undoReserveMs(timeoutMs: number): number {
  return Math.min(UNDO_RESERVE_MS_MAX, timeoutMs / 4);
}
const UNDO_RESERVE_MS_MAX = 3000;

/**
 * ADDs that run or wait at once. An order of magnitude more than a node has pods: with each costs
 * some kB, and what comes later could not be served before the runtime gives up.
 */
const ADDS_MAX = 1000;

function refuseOverload({ queue }: Context): void {
  if (queue.addCount < ADDS_MAX) return;
  throw tryAgain(
    `${ADDS_MAX} ADDs run or wait on this node already`,
    'the runtime tries again; look at what they wait for: their errors say it',
  );
}

/** What is not one of the waits that have a name of their own. */
const TURN: Wait = {
  what: 'an earlier call for the same interface, or for a tool of the system',
  lookAt: "the daemon's log and the load of this node",
};

/** Another plugin makes the interface: addresses and routes for it, and room for a default route. */
async function answerDelegate(
  attachment: LiveAttachment,
  allocation: Allocation,
  confirmed: Confirmed,
  { subnets }: Context,
): Promise<CniResponse> {
  const nic = {
    ...allocation.nic,
    addresses: delegatedAddresses(allocation, confirmed, subnets),
  };
  const routes = lastOfEachDestination([...attachment.routes, ...nic.routes]);
  for (const family of defaultFamilies(nic, routes)) {
    await inStage('remove-default-route', deleteDefaultRoutes(attachment.netns, family));
  }
  return {
    ips: nic.addresses.map((address) => toIpConfig(address, nic.holdsDefaultRoute)),
    ...subnetGateways(nic),
    mac_address: '',
    routes: routes.map(toWireRoute),
    mtu: 0,
    nicname: '',
    dns: {},
    error: '',
  };
}

/** Families that the result has a default route of; without routes the executable makes them. */
function defaultFamilies({ addresses, holdsDefaultRoute }: Nic, routes: readonly Route[]) {
  if (routes.length > 0) {
    return new Set(routes.filter(isDefaultRoute).map((route) => route.destination.family));
  }
  const withGateway = holdsDefaultRoute ? addresses.filter(({ gateway }) => gateway) : [];
  return new Set(withGateway.map(({ address }) => address.family));
}

/** A veth pair into the integration bridge. */
async function makeNic(
  attachment: LiveAttachment,
  allocation: Allocation,
  context: Context,
  { confirmation, signal }: { confirmation: Promise<Confirmed>; signal: AbortSignal },
): Promise<NicPlan> {
  const { nic } = allocation;
  const { interfaces, bridges } = context;
  const rows = Promise.all([interfaces.synced(signal), bridges.synced(signal)]);
  await waiting(OVS_ROWS, rows);
  atStage('validate-request', () => refuseTakenName(attachment, interfaces));
  if (nic.providerNetwork !== '' || allocation.subnet?.nodeNetwork) {
    await waiting(NODE_OBJECT, abortable(context.node.synced, signal));
  }
  const mtu = await mtuOf(allocation, context, signal);
  const plan = planNic(attachment, allocation, mtu, context);
  // An older sandbox fails before it makes anything.
  staleHolders(plan.port, context);
  await placeNic(plan, context, { confirmation, signal });
  return plan;
}

function toResponse(
  plan: NicPlan,
  { nic }: Allocation,
  { interfaces }: Pick<Context, 'interfaces'>,
): CniResponse {
  const { hostInterface } = plan.veth;
  return {
    ips: nic.addresses.map((address) => toIpConfig(address, nic.holdsDefaultRoute)),
    ...subnetGateways(nic),
    host_interface: {
      name: hostInterface,
      mac: interfaceNamed(interfaces, hostInterface)?.mac ?? '',
    },
    mac_address: nic.mac ?? '',
    routes: lastOfEachDestination([...connectedRoutes(nic), ...plan.interface.routes]).map(
      toWireRoute,
    ),
    mtu: plan.veth.mtu,
    nicname: plan.attachment.ifName,
    dns: {},
    error: '',
  };
}

/** What the kernel makes of each address that is not a network of its own; Kube-OVN lists them, too. */
function connectedRoutes({ addresses }: Nic): Route[] {
  return addresses
    .filter(({ cidr }) => cidr.prefixLength < bits(cidr.family))
    .map(({ cidr }) => ({ destination: cidr }));
}

const NODE_OBJECT: Wait = {
  what: "this node's object from the API server, with its MTU labels and node networks",
  lookAt: "whether this node reaches the API server, and the daemon's log",
  stage: 'get-node',
};
const TUNNELS: Wait = {
  what: "the address of this node's tunnels, from which the MTU follows",
  lookAt: "the daemon's log, and its flags --iface and --mtu",
  stage: 'mtu',
};

async function mtuOf(
  { nic, subnet }: Allocation,
  context: Context,
  signal: AbortSignal,
): Promise<number> {
  const node = context.node.get(context.nodeName);
  const { providerNetwork } = nic;
  const own = atStage('mtu', () => ownMtu({ subnet, providerNetwork, node }));
  const mtu = own ?? (await waiting(TUNNELS, context.tunnels.mtu(signal)));
  const families = nic.addresses.map(({ address }) => address.family);
  atStage('mtu', () => refuseSmallMtu(mtu, families));
  return mtu;
}

function toIpConfig({ address, cidr, gateway }: NicAddress, isDefault: boolean): IpConfig {
  const config = { protocol: address.family, ip: address.text, cidr: cidrText(cidr) };
  return isDefault && gateway ? { ...config, gateway: gateway.text } : config;
}

function subnetGateways({ addresses }: Nic): Pick<CniResponse, 'subnet_gateways'> {
  return { subnet_gateways: addresses.flatMap(({ gateway }) => gateway?.text ?? []) };
}
