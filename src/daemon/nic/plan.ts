/**
 * Everything a NIC will be, decided before anything is made: first what the decision needs is waited for.
 */

import type { Address } from '../../common/address.ts';
import { parseAddress } from '../../common/address.ts';
import { abortable } from '../../common/concurrency/deadline.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { logicalSwitchPort } from '../../common/names.ts';
import { invalid, tryAgain } from '../call/error.ts';
import { atStage } from '../call/stage.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { containerAlias, hostInterfaceNames } from '../model/interface-names.ts';
import { type AskedLimits, readLimits, refuseWrongLimits } from '../model/limits.ts';
import { ownMtu, refuseSmallMtu } from '../model/mtu.ts';
import type { Nic } from '../model/nic.ts';
import type { Node } from '../model/node.ts';
import { type Pod, staticPodOf } from '../model/pod.ts';
import type { Route } from '../model/route.ts';
import { defaultDestination, lastOfEachDestination } from '../model/route.ts';
import type { Subnet } from '../model/subnet.ts';
import type { InterfacePlan } from '../netns/link.ts';
import type { Tunnels } from '../node/tunnels.ts';
import type { Mirror } from '../ovs/mirror.ts';
import type { Interfaces, PortPlan } from '../ovs/port.ts';
import { INTEGRATION_BRIDGE, interfaceNamed, isPortOf, refuseTakenName } from '../ovs/port.ts';
import type { BridgeRow } from '../ovs/rows.ts';
import { OVS_ROWS, type OvsTable } from '../ovs/table.ts';
import { NO_CONTROL, toTrafficControl } from '../ovs/traffic-control.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import type { Allocation } from './allocation.ts';
import type { LinkPlan, NicKind } from './kinds/kind.ts';
import { kindOf } from './kinds/kinds.ts';
import { readAnnotations } from './wrong-annotation.ts';

/** All that nic/place.ts makes and checks for one NIC. */
export interface NicPlan {
  readonly attachment: LiveAttachment;
  readonly pod: Pod;
  /** What the limits of the port follow from. */
  readonly asked: AskedLimits;
  readonly kind: NicKind;
  readonly link: LinkPlan;
  readonly port: PortPlan;
  readonly interface: InterfacePlan;
  /** Set for an underlay NIC: its switch's patch port must be there before the NIC speaks. */
  readonly localnetPatchPort?: string;
  /** Gateways that must answer. */
  readonly gateways: readonly Address[];
  readonly gatewayCheck: 'must-answer' | 'try-once' | 'skip';
}

/** What a plan is made of, beside what the controller gave. */
export interface PlanParts {
  readonly nodeName: string;
  /** This node only. */
  readonly node: Pick<WatchCache<Node>, 'get' | 'synced'>;
  readonly tunnels: Pick<Tunnels, 'mtu'>;
  readonly interfaces: Pick<Interfaces, 'rows' | 'named' | 'synced'>;
  readonly bridges: Pick<OvsTable<BridgeRow>, 'named' | 'synced'>;
  readonly queue: Pick<AttachmentQueue, 'mayUse'>;
  readonly mirror: Pick<Mirror, 'all' | 'uuid'>;
}

/**
 * Waits for what a plan is made of: OVS's rows, this node's object where it matters, and the MTU.
 * @returns the MTU of the NIC; bytes
 * @throws CniError 4 where another network of the sandbox has the interface's name; 7 for a wrong MTU; 11
 *   that names the wait which was in vain
 */
export async function untilPlannable(
  attachment: LiveAttachment,
  allocation: Allocation,
  parts: PlanParts,
  signal: AbortSignal,
): Promise<number> {
  const { interfaces, bridges, node } = parts;
  const rows = Promise.all([interfaces.synced(signal), bridges.synced(signal)]);
  await waiting(OVS_ROWS, rows);
  atStage('validate-request', () => refuseTakenName(attachment, interfaces));
  if (allocation.nic.providerNetwork !== '' || allocation.subnet?.nodeNetwork) {
    await waiting(NODE_OBJECT, abortable(node.synced, signal));
  }
  return await mtuOf(allocation, parts, signal);
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
  { node, nodeName, tunnels }: Pick<PlanParts, 'node' | 'nodeName' | 'tunnels'>,
  signal: AbortSignal,
): Promise<number> {
  const sources = { subnet, providerNetwork: nic.providerNetwork, node: node.get(nodeName) };
  const own = atStage('mtu', () => ownMtu(sources));
  const mtu = own ?? (await waiting(TUNNELS, tunnels.mtu(signal)));
  const families = nic.addresses.map(({ address }) => address.family);
  atStage('mtu', () => refuseSmallMtu(mtu, families));
  return mtu;
}

/**
 * Decides all. At once, since it chooses a name for the interface on the node: placeNic takes that name in
 * the same turn of the event loop, and no other ADD can choose it in between.
 * @param mtu as `untilPlannable` returned it; bytes
 * @throws CniError 7 or 11 that says what does not fit
 */
export function planNic(
  attachment: LiveAttachment,
  { pod, nic, subnet }: Allocation,
  mtu: number,
  parts: Omit<PlanParts, 'tunnels'>,
): NicPlan {
  const { ifName, netns } = attachment;
  const asked = readAnnotations(() => {
    refuseWithoutMac(attachment, nic);
    const limits = readLimits(pod.annotations, attachment, attachment.bandwidth);
    refuseWrongLimits(limits);
    return limits;
  });
  const kind = kindOf(nic);
  const staticPod = staticPodOf(pod);
  const hostInterface = chooseHostInterface(attachment, parts);
  const underlay = subnet?.underlay === true;
  if (attachment.acceptsAdvertisements && !underlay) {
    throw invalid(
      'accept_ra',
      true,
      'router advertisements only on an underlay network: on any other the neighbours are pods, and would configure this one',
    );
  }
  return {
    attachment,
    pod,
    asked,
    kind,
    link: kind.plan({
      attachment,
      hostInterface,
      mac: nic.mac,
      mtu,
      isUserspaceDatapath: isUserspaceDatapath(parts),
    }),
    port: {
      attachment,
      hostInterface,
      ifaceId: logicalSwitchPort({
        workload: nic.workload,
        namespace: pod.namespace,
        provider: attachment.provider,
        ifName: nic.sharedNetworkIfName,
      }),
      podUid: pod.uid,
      ...(staticPod === undefined ? {} : { staticPod }),
      workload: nic.workload,
      addresses: nic.addresses.map(({ address }) => address.text),
      control: toTrafficControl(asked, NO_CONTROL, parts.mirror.all),
      ...(attachment.bandwidth === undefined ? {} : { bandwidth: attachment.bandwidth }),
      ...(parts.mirror.uuid === undefined ? {} : { mirrorRow: parts.mirror.uuid }),
      ...atStage('encap-ip', () => encapIp(subnet, parts)),
    },
    interface: {
      ifName,
      netns,
      alias: containerAlias(hostInterface),
      addresses: nic.addresses,
      routes: nic.addresses.length === 0 ? [] : planRoutes(attachment, nic, subnet),
      skipDuplicateDetection: !underlay || nic.migrating,
    },
    ...(underlay
      ? { localnetPatchPort: `patch-localnet.${subnet.name}-to-${INTEGRATION_BRIDGE}` }
      : {}),
    gateways: [...u2oGateways(subnet), ...gatewaysOf(nic)].filter(({ family }) =>
      nic.addresses.some(({ address }) => address.family === family),
    ),
    gatewayCheck: gatewayCheck(nic, subnet),
  };
}

/** The default route where this NIC holds it, then the configured and the annotated routes. */
function planRoutes(attachment: LiveAttachment, nic: Nic, subnet: Subnet | undefined): Route[] {
  const u2o = u2oGateways(subnet);
  const gateways = nic.holdsDefaultRoute ? gatewaysOf(nic) : [];
  const defaults = gateways.map((gateway) => ({
    destination: defaultDestination(gateway.family),
    gateway: u2o.find(({ family }) => family === gateway.family) ?? gateway,
  }));
  return lastOfEachDestination([...defaults, ...attachment.routes, ...nic.routes]);
}

function gatewaysOf(nic: Nic): Address[] {
  return nic.addresses.flatMap(({ gateway }) => gateway ?? []);
}

function u2oGateways(subnet: Subnet | undefined): Address[] {
  return (subnet?.u2oGateways ?? []).flatMap((text) => parseAddress(text) ?? []);
}

function gatewayCheck(nic: Nic, subnet: Subnet | undefined): NicPlan['gatewayCheck'] {
  if (nic.migrating || nic.skipGatewayCheck) return 'skip';
  return subnet?.disableGatewayCheck ? 'try-once' : 'must-answer';
}

/** The first candidate that no other attachment has: neither a port nor a running ADD. */
function chooseHostInterface(
  attachment: LiveAttachment,
  { interfaces, queue }: Pick<PlanParts, 'interfaces' | 'queue'>,
): string {
  const names = hostInterfaceNames(attachment.containerId, attachment.ifName);
  const free = names.find((name) => {
    const row = interfaceNamed(interfaces, name);
    const isForeign = row !== undefined && !isPortOf(row, attachment, names);
    return !isForeign && queue.mayUse(name, attachment);
  });
  if (free !== undefined) return free;
  throw tryAgain(`no free name among ${names.join(', ')}`, 'try a shorter interface name');
}

function isUserspaceDatapath({ bridges }: Pick<PlanParts, 'bridges'>): boolean {
  return bridges.named(INTEGRATION_BRIDGE)?.datapath_type === 'netdev';
}

function encapIp(
  subnet: Subnet | undefined,
  { node, nodeName }: Pick<PlanParts, 'node' | 'nodeName'>,
): { encapIp?: string } {
  if (!subnet?.nodeNetwork) return {};
  const address = node.get(nodeName)?.nodeNetworks[subnet.nodeNetwork];
  if (address !== undefined) return { encapIp: address };
  throw tryAgain(
    `Subnet ${subnet.name} uses node network "${subnet.nodeNetwork}", for which this node has no address`,
    `set it in node ${nodeName}'s annotation ovn.kubernetes.io/node_networks`,
  );
}

/** @throws CniError 7 where a NIC has addresses and no MAC */
function refuseWithoutMac(
  { provider }: LiveAttachment,
  { addresses, mac, sharedNetworkIfName }: Nic,
): void {
  if (addresses.length === 0 || mac !== undefined) return;
  const shared = sharedNetworkIfName === undefined ? '' : `.${sharedNetworkIfName}`;
  throw invalid(
    `annotation ${provider}${shared}.kubernetes.io/mac_address`,
    '',
    'the MAC address of the logical switch port: OVN drops packets from any other',
  );
}
