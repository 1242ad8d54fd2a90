/**
 * Everything a NIC will be, decided before anything is made.
 */

import type { Address } from '../../common/address.ts';
import { parseAddress } from '../../common/address.ts';
import { logicalSwitchPort } from '../../common/names.ts';
import { invalid, tryAgain } from '../call/error.ts';
import { atStage } from '../call/stage.ts';
import type { Context } from '../context.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { containerAlias, hostInterfaceNames } from '../model/interface-names.ts';
import { type AskedLimits, readLimits, refuseWrongLimits } from '../model/limits.ts';
import { vethMark } from '../model/link-mark.ts';
import type { Nic } from '../model/nic.ts';
import { type Pod, staticPodOf } from '../model/pod.ts';
import type { Route } from '../model/route.ts';
import { defaultDestination, lastOfEachDestination } from '../model/route.ts';
import type { Subnet } from '../model/subnet.ts';
import type { InterfacePlan, VethPlan } from '../netns/link.ts';
import type { PortPlan } from '../ovs/port.ts';
import { INTEGRATION_BRIDGE, interfaceNamed, isPortOf } from '../ovs/port.ts';
import { NO_CONTROL, toTrafficControl } from '../ovs/traffic-control.ts';
import type { Allocation } from './allocation.ts';

export interface NicPlan {
  readonly attachment: LiveAttachment;
  readonly pod: Pod;
  /** What the limits of the port follow from. */
  readonly asked: AskedLimits;
  readonly veth: VethPlan;
  readonly port: PortPlan;
  readonly interface: InterfacePlan;
  /** OVS runs its userspace datapath. */
  readonly isUserspaceDatapath: boolean;
  /** Set for an underlay NIC: its switch's patch port must be there before the NIC speaks. */
  readonly localnetPatchPort?: string;
  /** Gateways that must answer. */
  readonly gateways: readonly Address[];
  readonly gatewayCheck: 'must-answer' | 'try-once' | 'skip';
}

/** @throws CniError 7 or 11 that says what does not fit */
export function planNic(
  attachment: LiveAttachment,
  { pod, nic, subnet }: Allocation,
  mtu: number,
  context: Context,
): NicPlan {
  const { ifName, netns } = attachment;
  if (nic.addresses.length > 0 && nic.mac === undefined) {
    const shared = nic.sharedNetworkIfName === undefined ? '' : `.${nic.sharedNetworkIfName}`;
    throw invalid(
      `annotation ${attachment.provider}${shared}.kubernetes.io/mac_address`,
      '',
      'the MAC address of the logical switch port: OVN drops packets from any other',
    );
  }
  const asked = readLimits(pod.annotations, attachment, attachment.bandwidth);
  refuseWrongLimits(asked);
  const staticPod = staticPodOf(pod);
  const hostInterface = chooseHostInterface(attachment, context);
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
    veth: {
      hostInterface,
      ifName,
      netns,
      mtu,
      mark: vethMark(attachment),
      ...(nic.mac === undefined ? {} : { mac: nic.mac }),
    },
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
      control: toTrafficControl(asked, NO_CONTROL, context.mirror.all),
      ...(attachment.bandwidth === undefined ? {} : { bandwidth: attachment.bandwidth }),
      ...(context.mirror.uuid === undefined ? {} : { mirrorRow: context.mirror.uuid }),
      ...atStage('encap-ip', () => encapIp(subnet, context)),
    },
    interface: {
      ifName,
      netns,
      alias: containerAlias(hostInterface),
      addresses: nic.addresses,
      routes: nic.addresses.length === 0 ? [] : planRoutes(attachment, nic, subnet),
      skipDuplicateDetection: !underlay || nic.migrating,
    },
    isUserspaceDatapath: isUserspaceDatapath(context),
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
function chooseHostInterface(attachment: LiveAttachment, context: Context): string {
  const names = hostInterfaceNames(attachment.containerId, attachment.ifName);
  const free = names.find((name) => {
    const row = interfaceNamed(context.interfaces, name);
    const isForeign = row !== undefined && !isPortOf(row, attachment, names);
    return !isForeign && context.queue.mayUse(name, attachment);
  });
  if (free !== undefined) return free;
  throw tryAgain(`no free name among ${names.join(', ')}`, 'try a shorter interface name');
}

function isUserspaceDatapath(context: Context): boolean {
  return context.bridges.named(INTEGRATION_BRIDGE)?.[1].datapath_type === 'netdev';
}

function encapIp(subnet: Subnet | undefined, context: Context): { encapIp?: string } {
  if (!subnet?.nodeNetwork) return {};
  const address = context.node.get(context.nodeName)?.nodeNetworks[subnet.nodeNetwork];
  if (address !== undefined) return { encapIp: address };
  throw tryAgain(
    `Subnet ${subnet.name} uses node network "${subnet.nodeNetwork}", for which this node has no address`,
    `set it in node ${context.nodeName}'s annotation ovn.kubernetes.io/node_networks`,
  );
}
