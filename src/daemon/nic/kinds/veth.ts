/**
 * The NIC kind `veth-pair`: one end of a pair of veth(4) in the pod's network namespace, the other on the
 * node as the port of the integration bridge.
 *
 * The two ends die together. So where the node's end is gone, the pod's is, too: that, and that nothing is
 * mounted at the path of the sandbox's namespace, proves that the sandbox is gone. Either alone proves
 * nothing: a namespace lives on in a process without its path, and a daemon may not see the folder. That
 * the pod object is gone proves nothing, either: its containers may still run, and a static pod's do.
 */
import { run, ToolError } from '../../../common/process/run.ts';
import { CniCode } from '../../../wire/cni.ts';
import { CniError } from '../../call/error.ts';
import type { LiveAttachment } from '../../model/attachment.ts';
import type { Difference } from '../../model/difference.ts';
import type { EarlierResult } from '../../model/earlier-result.ts';
import { linkMark } from '../../model/link-mark.ts';
import { compareInterface } from '../../netns/comparison.ts';
import { inspectPod } from '../../netns/inspect.ts';
import {
  deleteLinks,
  disableTxChecksum,
  failedLine,
  lines,
  NO_LINK_LOCAL,
  nodeLinks,
} from '../../netns/link.ts';
import { checkNetns, refuseOtherNamespace } from '../../netns/netns.ts';
import type { MarkedPort } from '../../ovs/marked-port.ts';
import { INTEGRATION_BRIDGE } from '../../ovs/port.ts';
import type { LinkPlan, LinkRequest, NicKind } from './kind.ts';

/** The kind that a NIC has unless it asks for another one. */
export const veth: NicKind = {
  nicType: 'veth-pair',
  plan,
  create,
  adjust,
  remove: deleteLinks,
  check,
  abandoned,
};

function plan({ attachment, hostInterface, mac, mtu, isUserspaceDatapath }: LinkRequest): LinkPlan {
  return {
    hostInterface,
    ifName: attachment.ifName,
    netns: attachment.netns,
    mtu,
    mark: linkMark(attachment),
    needsChecksums: isUserspaceDatapath,
    ...(mac === undefined ? {} : { mac }),
  };
}

/** As Kube-OVN sets it on host ends, so that HTB has something to shape. */
const HOST_TX_QUEUE_PACKETS = 1000;

/**
 * Makes a veth pair, each end in its place under its final name: creating, moving and renaming
 * takes ten times as long.
 *
 * @param made is called with how to remove the pair, unless it is certain that there is none
 * @throws CniError 4 where the pod already has an interface of that name
 */
async function create(plan: LinkPlan, made: (remove: () => Promise<void>) => void): Promise<void> {
  const { hostInterface, ifName, netns } = plan;
  // The wait for the controller may have been long.
  checkNetns(netns);
  const remove = () => deleteLinks([hostInterface]);
  try {
    await run('ip', ['-batch', '-'], { input: lines(vethLines(plan)) });
    made(remove);
  } catch (error) {
    const isRefused = error instanceof ToolError && failedLine(error) === 1;
    if (!isRefused) made(remove);
    if (isRefused) await refuseOtherNamespace(netns);
    if (!isRefused || !/File exists/.test(error.stderr)) throw error;
    throw new CniError(
      CniCode.invalidEnvironment,
      `CNI_IFNAME is wrong: "${ifName}" already exists in the pod`,
      `expected a name that is free in ${netns}: it is taken by a plugin that ran before in the same chain (kube-ovn makes its interface itself and comes first), or by another network of the pod with the same "interface" in its networks annotation. If the name is free there, an unfinished ADD left ${hostInterface} on the node: a DEL of this container removes it`,
      { cause: error },
    );
  }
}

/**
 * Lines of ip(8) that make a veth pair and set its host end up.
 *
 * The host end gets no IPv6 link-local address: nothing speaks to it, and ovs-vswitchd's work
 * per change grows with the square of the number of local routes (docs/bench.md: 2.5 times as
 * long until `ovn-installed` at 1,000 ports).
 */
export function vethLines(plan: LinkPlan): string[] {
  const { hostInterface, ifName, netns } = plan;
  const mtu = plan.mtu > 0 ? ` mtu ${plan.mtu}` : '';
  const mac = plan.mac === undefined ? '' : ` address ${plan.mac}`;
  const mark = plan.mark === '' ? '' : ` alias ${plan.mark}`;
  return [
    `link add ${hostInterface}${mtu} txqueuelen ${HOST_TX_QUEUE_PACKETS} type veth peer name ${ifName} netns ${netns}${mac}${mtu}`,
    `link set ${hostInterface}${NO_LINK_LOCAL}${mark} up`,
  ];
}

/** The userspace datapath of OVS forwards what the kernel has left to a device to fill in. */
async function adjust({ netns, ifName, needsChecksums }: LinkPlan): Promise<void> {
  if (needsChecksums) await disableTxChecksum(netns, ifName);
}

async function check(
  attachment: LiveAttachment,
  earlier: EarlierResult,
  hostMtu: Promise<number | undefined>,
): Promise<Difference[]> {
  const destinations = earlier.routes.map(({ destination }) => destination);
  const [network, mtu] = await Promise.all([inspectPod(attachment.netns, destinations), hostMtu]);
  return compareInterface(attachment, earlier, network, mtu);
}

/** Undefined where the daemon does not see the links of OVS: then a missing one proves nothing. */
async function abandoned(ports: readonly MarkedPort[]): Promise<readonly MarkedPort[] | undefined> {
  const links = await nodeLinks();
  return links.has(INTEGRATION_BRIDGE) ? ports.filter(({ name }) => !links.has(name)) : undefined;
}
