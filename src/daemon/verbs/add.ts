/**
 * ADD: from a request to an interface that works, or to nothing at all.
 *
 * Reads top to bottom; each step is a file of its own. Only nic/place.ts makes something, and
 * undoes it when a later step fails.
 */

import { startDeadline } from '../../common/concurrency/deadline.ts';
import { withToolTime } from '../../common/process/tool-time.ts';
import type { CniRequest, CniResponse } from '../../wire/messages.ts';
import { tryAgain } from '../call/error.ts';
import { atStage, enterStage, inStage } from '../call/stage.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import type { LimitsFollower } from '../limits/limits-follower.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { parseAddRequest } from '../model/attachment.ts';
import type { Nic } from '../model/nic.ts';
import type { Pod } from '../model/pod.ts';
import type { Route } from '../model/route.ts';
import { isDefaultRoute, lastOfEachDestination } from '../model/route.ts';
import { deleteDefaultRoutes } from '../netns/link.ts';
import { checkNetns } from '../netns/netns.ts';
import type { Allocation } from '../nic/allocation.ts';
import { endWithPod } from '../nic/allocation.ts';
import {
  type ConfirmationParts,
  type Confirmed,
  portName,
  withConfirmed,
} from '../nic/confirmation.ts';
import { delegatedAddresses } from '../nic/delegated-addresses.ts';
import { type IpObjectParts, recordNode } from '../nic/ip-object.ts';
import { type PlaceParts, placeNic } from '../nic/place.ts';
import { type NicPlan, type PlanParts, planNic, untilPlannable } from '../nic/plan.ts';
import type { Abilities } from '../node/abilities.ts';
import { interfaceNamed } from '../ovs/port.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import type { SandboxOwnership } from '../ownership/sandbox-ownership.ts';
import { delegateAnswer, interfaceAnswer } from './add-answer.ts';

/** What an ADD uses. */
export interface AddParts extends ConfirmationParts, PlaceParts, PlanParts, IpObjectParts {
  readonly api: ConfirmationParts['api'] & IpObjectParts['api'];
  readonly pods: ConfirmationParts['pods'] & PlaceParts['pods'];
  readonly interfaces: PlaceParts['interfaces'] & PlanParts['interfaces'];
  readonly queue: PlaceParts['queue'] & Pick<AttachmentQueue, 'runAdd' | 'addCount'>;
  readonly sandboxes: Pick<SandboxOwnership, 'enter'>;
  readonly limits: Pick<LimitsFollower, 'follow' | 'made'>;
  /** What the container gives this daemon. */
  readonly abilities: Pick<Abilities, 'explain' | 'refuseWithout'>;
  /** Whole ADD; ms. */
  readonly addTimeoutMs: number;
}

/** What an ADD has made, for its answer, its event and its bookkeeping. */
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
  parts: AddParts,
  { caller, waitedMs }: Asker,
): Promise<AddResult> {
  const attachment = atStage('validate-request', () => parseAddRequest(request));
  const { queue, sandboxes, limits, addTimeoutMs } = parts;
  atStage('queue', () => refuseOverload(queue));
  using deadline = startDeadline(addTimeoutMs, caller, waitedMs);
  using _podWatch = endWithPod(attachment, parts, deadline);
  using _sandbox = attachment.ipamOnly ? undefined : sandboxes.enter(attachment, deadline);

  const makeInterface = async (allocation: Allocation, confirmation: Promise<Confirmed>) => {
    const mtu = await untilPlannable(attachment, allocation, parts, deadline.signal);
    const plan = planNic(attachment, allocation, mtu, parts);
    await placeNic(plan, parts, { confirmation, signal: deadline.signal });
    return { plan, response: answerOf(plan, allocation, parts) };
  };
  const delegate = async (allocation: Allocation, confirmation: Promise<Confirmed>) => {
    const confirmed = await inStage('confirm-address', confirmation);
    return { response: await answerDelegate(attachment, allocation, confirmed, parts) };
  };
  const make = async () => {
    atStage('validate-request', () => refuseWithout(attachment, parts));
    return await withConfirmed(attachment, parts, deadline, async (allocation, confirmation) => {
      const made: { plan?: NicPlan; response: CniResponse } = attachment.ipamOnly
        ? await delegate(allocation, confirmation)
        : await inStage('configure-nic', makeInterface(allocation, confirmation));
      return { ...made, allocation };
    });
  };

  const turn = enterStage('queue');
  const leftMs = Math.max(0, addTimeoutMs - waitedMs);
  const result = withToolTime(leftMs, undoReserveMs(addTimeoutMs), () =>
    queue.runAdd(attachment, deadline, () => {
      turn.leave();
      return make();
    }),
  );
  const { plan, response, allocation } = await waiting(TURN, result).catch((error) => {
    turn.fail(error);
    // It may have failed on an interface that is there, whose limits could not be changed meanwhile.
    limits.follow(attachment.pod);
    throw error;
  });
  // From here on its limits follow the annotations.
  if (plan) limits.made(plan.port.hostInterface, plan.pod, plan.asked);
  const { pod, nic, subnet } = allocation;
  return {
    response,
    pod,
    subnet: subnet?.name ?? nic.logicalSwitch ?? '',
    afterAnswer: () => recordNode(allocation, portName(attachment, allocation), parts),
  };
}

/**
 * @throws CniError 4 for a path of the namespace that is wrong; 11 where this daemon cannot see what
 *   is there, or has not what it needs to make interfaces
 */
function refuseWithout(
  { netns, ipamOnly }: LiveAttachment,
  { abilities }: Pick<AddParts, 'abilities'>,
): void {
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

function refuseOverload({ addCount }: Pick<AttachmentQueue, 'addCount'>): void {
  if (addCount < ADDS_MAX) return;
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

function answerOf(
  plan: NicPlan,
  { nic }: Allocation,
  { interfaces }: Pick<AddParts, 'interfaces'>,
): CniResponse {
  const { ifName, hostInterface, mtu } = plan.link;
  const { routes } = plan.interface;
  const hostMac = interfaceNamed(interfaces, hostInterface)?.mac ?? '';
  return interfaceAnswer({ nic, ifName, hostInterface, hostMac, mtu, routes });
}

/** Another plugin makes the interface: addresses and routes for it, and room for a default route. */
async function answerDelegate(
  attachment: LiveAttachment,
  allocation: Allocation,
  confirmed: Confirmed,
  { subnets }: Pick<AddParts, 'subnets'>,
): Promise<CniResponse> {
  const nic = {
    ...allocation.nic,
    addresses: delegatedAddresses(allocation, confirmed, subnets),
  };
  const routes = lastOfEachDestination([...attachment.routes, ...nic.routes]);
  for (const family of defaultFamilies(nic, routes)) {
    await inStage('remove-default-route', deleteDefaultRoutes(attachment.netns, family));
  }
  return delegateAnswer(nic, routes);
}

/** Families that the result has a default route of; without routes the executable makes them. */
function defaultFamilies({ addresses, holdsDefaultRoute }: Nic, routes: readonly Route[]) {
  if (routes.length > 0) {
    return new Set(routes.filter(isDefaultRoute).map((route) => route.destination.family));
  }
  const withGateway = holdsDefaultRoute ? addresses.filter(({ gateway }) => gateway) : [];
  return new Set(withGateway.map(({ address }) => address.family));
}
