/**
 * From a request, a pod's annotations, a Subnet, the node and OVS's rows to the command lines that
 * make a NIC: there is a CNI error, a wait, or a plan of which every word is of its type.
 */
import * as fc from 'fast-check';
import { CniError } from '../../../src/daemon/call/error.ts';
import { parseAddRequest } from '../../../src/daemon/model/attachment.ts';
import { ownMtu, refuseSmallMtu } from '../../../src/daemon/model/mtu.ts';
import { readNic } from '../../../src/daemon/model/nic.ts';
import { projectNode } from '../../../src/daemon/model/node.ts';
import { projectPod } from '../../../src/daemon/model/pod.ts';
import { toWireRoute } from '../../../src/daemon/model/route.ts';
import { projectSubnet } from '../../../src/daemon/model/subnet.ts';
import { addressLines, linkUpLine } from '../../../src/daemon/netns/link.ts';
import { vethLines } from '../../../src/daemon/nic/kinds/veth.ts';
import { type NicPlan, type PlanParts, planNic } from '../../../src/daemon/nic/plan.ts';
import type { Interfaces } from '../../../src/daemon/ovs/port.ts';
import { limitMarks, plugCommands } from '../../../src/daemon/ovs/port.ts';
import {
  changeCommands,
  type FoundControl,
  NO_CONTROL,
  type Qos,
} from '../../../src/daemon/ovs/traffic-control.ts';
import { AttachmentQueue } from '../../../src/daemon/ownership/attachment-queue.ts';
import { olderOwners } from '../../../src/daemon/ownership/iface-id-owner.ts';
import type { CniRequest } from '../../../src/wire/messages.ts';
import { checkCniError } from '../oracles/cni-error.ts';
import { checkIpBatch } from '../oracles/ip-lines.ts';
import { isAddress, isLinkName, isPrefix, must } from '../oracles/types.ts';
import { checkVsctlCommands } from '../oracles/vsctl-commands.ts';
import { tableOf } from '../ovs-rows.ts';
import { pureTarget } from '../target.ts';
import {
  annotationsOf,
  inDatabase,
  rawNode,
  rawSubnet,
  rowIds,
  type Texts,
} from '../values/objects.ts';
import { cniRequest } from '../values/requests.ts';

interface Case {
  readonly request: CniRequest;
  readonly annotations: Texts;
  readonly uid: string;
  readonly subnet: unknown;
  readonly node: unknown;
  readonly rows: readonly { readonly name: string; readonly external_ids: Texts }[];
}

export const cases: fc.Arbitrary<Case> = cniRequest.chain((request) =>
  fc.record({
    request: fc.constant(request),
    annotations: annotationsOf(request.provider, request.if_name),
    // The API server's, which nobody checks.
    uid: inDatabase(fc.constant('uid-1')),
    subnet: fc.option(rawSubnet, { nil: undefined }),
    node: rawNode,
    rows: fc.array(
      fc.record({
        name: fc.constantFrom('c0ffee012345_h', 'c0ffee01_net1_h', 'other_h'),
        external_ids: rowIds,
      }),
      { maxLength: 2 },
    ),
  }),
);

/** What an ADD may be refused with before it has made anything. */
const CODES: readonly number[] = [2, 4, 7, 11, 102];
const TUNNEL_MTU = 1400;
const UUID = '00000001-0000-4000-8000-000000000000';

/** What a port may have when its limits are changed, with rows of its own and of others. */
const FOUND: readonly FoundControl[] = [true, false].flatMap((isOwn) => {
  const rows = { interfaceRow: UUID, portRow: UUID, mirrorRow: UUID };
  const mirrorOutput = { portRow: UUID, isProtected: isOwn };
  const row = { uuid: UUID, isOwn };
  const none = { ...NO_CONTROL, ...rows, mirrorOutput, qosRow: undefined, queueRow: undefined };
  const htb: Qos = { type: 'linux-htb', config: { 'max-rate': '1' } };
  const netem: Qos = { type: 'linux-netem', config: { latency: '1' } };
  return [
    none,
    { ...none, qos: htb, qosRow: row, queueRow: row, isMirrored: true },
    { ...none, qos: htb, qosRow: { ...row, isOwn: true }, queueRow: row },
    { ...none, qos: netem, qosRow: row, policing: { rateKbps: 1, burstKbit: 1 } },
  ];
});

export const plans = pureTarget('plans', 33_000, cases, (one) => {
  let plan: NicPlan | undefined;
  try {
    plan = planOf(one);
    if (plan === undefined) return 'wait';
    checkPlan(plan, tableOf('Interface', one.rows));
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    checkCniError(error, CODES);
    return `error ${error.code}`;
  }
  return 'plan';
});

/** The steps of an ADD that make nothing; undefined where an annotation is missing. */
export function planOf({
  request,
  annotations,
  uid,
  subnet,
  node,
  rows,
}: Case): NicPlan | undefined {
  const attachment = parseAddRequest(request);
  const { name, namespace } = attachment.pod;
  const pod = projectPod({ metadata: { name, namespace, uid, annotations } });
  const nic = readNic(pod.annotations, attachment);
  if ('missing' in nic) return undefined;
  const ownSubnet = subnet === undefined ? undefined : projectSubnet(subnet);
  const ownNode = projectNode(node);
  const sources = { subnet: ownSubnet, providerNetwork: nic.providerNetwork, node: ownNode };
  const mtu = ownMtu(sources) ?? TUNNEL_MTU;
  refuseSmallMtu(
    mtu,
    nic.addresses.map(({ address }) => address.family),
  );
  const parts = {
    nodeName: 'node-1',
    node: { get: () => ownNode },
    interfaces: tableOf('Interface', rows),
    bridges: tableOf('Bridge', [{ name: 'br-int' }]),
    queue: new AttachmentQueue(),
    mirror: { all: false, uuid: UUID },
  };
  return planNic(attachment, { pod, nic, subnet: ownSubnet }, mtu, parts as unknown as PlanParts);
}

const NO_PODS = { values: () => [].values(), isSynced: true };

/** @throws Error for a word that is not of its type; CniError where OVS's rows are in the way */
function checkPlan(plan: NicPlan, table: Interfaces): void {
  checkVsctlCommands(
    plugCommands(plan.port, olderOwners(plan.port, { interfaces: table, pods: NO_PODS })),
  );
  for (const found of FOUND) {
    checkVsctlCommands(changeCommands(found, plan.port.control, limitMarks(plan.port)));
  }
  const lines = [
    ...vethLines(plan.link),
    linkUpLine(plan.interface, 'link-local'),
    linkUpLine(plan.interface, 'no-link-local'),
    ...addressLines(plan.interface),
  ];
  checkIpBatch(`${lines.join('\n')}\n`);
  must(isLinkName(plan.interface.ifName), 'an interface has a name', plan.interface);
  for (const { text, family } of plan.gateways) {
    must(isAddress(text, family === 'IPv4' ? 4 : 6), 'a gateway is an address', text);
  }
  for (const { dst = '', gw } of plan.interface.routes.map(toWireRoute)) {
    must(isPrefix(dst) && (gw === undefined || isAddress(gw)), 'a route is one', { dst, gw });
  }
}
