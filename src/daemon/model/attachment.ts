/**
 * What a caller asks for, checked once. An attachment is one interface of one sandbox
 * (CNI spec 1.1, "Parameters"): container id and interface name are its key.
 * Nothing deeper in the daemon reads the request body.
 */
import { isDnsName, isOvnProvider, OWN_CNI_TYPE } from '../../common/names.ts';
import { CniCode, isContainerId, isInterfaceName } from '../../wire/cni.ts';
import type { CniRequest } from '../../wire/messages.ts';
import { CniError, invalid, wrongEnvironment } from '../call/error.ts';
import type { Bandwidth } from './bandwidth.ts';
import { readBandwidth } from './bandwidth.ts';
import type { Route } from './route.ts';
import { parseRoutes } from './route.ts';

/** The pod of an attachment. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  /** As the runtime says it; undefined where it does not. */
  readonly uid?: string;
}

/** One call's attachment, from its checked body. */
export interface Attachment {
  readonly containerId: string;
  readonly ifName: string;
  readonly pod: PodRef;
  /** `ovn`, `name.namespace.ovn`, or `name.namespace` for an IPAM-only network. */
  readonly provider: string;
  /** `name` of the network configuration; empty where it has none that CNI's specification takes. */
  readonly network: string;
  /** True where another plugin makes the interface and we only say which addresses it gets. */
  readonly ipamOnly: boolean;
  /** Path of the sandbox's network namespace; undefined on a DEL whose namespace is gone. */
  readonly netns?: string;
  /** Routes of the network configuration. */
  readonly routes: readonly Route[];
  /** MAC addresses that another plugin was told to give the interface, as they are written. */
  readonly interfaceMacs?: readonly string[];
  /** On an ADD that asks for limits. */
  readonly bandwidth?: Bandwidth;
  /** The interface takes router advertisements: the network configuration's `accept_ra`. */
  readonly acceptsAdvertisements?: true;
  /** It has an IPv6 link-local address, whatever its families: the configuration's `ipv6_link_local`. */
  readonly hasLinkLocal?: true;
  /** A new interface of the sandbox has the right IPv6 parameters: the executable saw to it. */
  readonly isIpv6Prepared?: true;
}

/** The key of an attachment (CNI spec 1.1, "Parameters"), as locks, indexes and lists have it. */
export function attachmentKey({
  containerId,
  ifName,
}: Pick<Attachment, 'containerId' | 'ifName'>): string {
  return `${containerId}/${ifName}`;
}

/** An attachment with a network namespace: what ADD and CHECK need. */
export type LiveAttachment = Attachment & { readonly netns: string };

const NETNS_PATH_BYTES_MAX = 4096;

/**
 * Checks a DEL request: only what identifies the attachment has to be right. The rest may be what
 * its ADD was refused for, and a DEL that fails is repeated for as long as the pod exists.
 * @throws CniError 4 that names the variable
 */
export function parseDelRequest(request: CniRequest): Attachment {
  const { pod_namespace: namespace, pod_name: name, net_ns: netns } = request;
  const attachment = { ...parseIdentity(request), pod: { namespace, name }, routes: [] };
  return isNetnsPath(netns) ? { ...attachment, netns } : attachment;
}

/**
 * Checks an ADD or a CHECK request.
 * @throws CniError 2, 4 or 7 that names the variable or field
 */
export function parseAddRequest(request: CniRequest): LiveAttachment {
  const { net_ns: netns } = request;
  const identity = parseIdentity(request);
  if (!identity.ipamOnly) refuseOtherDevices(request);
  if (!isNetnsPath(netns)) {
    const expected = "the absolute path of the pod's network namespace, of plain characters";
    throw wrongEnvironment('CNI_NETNS', netns, expected);
  }
  refuseProvider(identity);
  const routes = parseRoutes(request.routes ?? [], 'routes');
  const bandwidth = readBandwidth(request.bandwidth);
  return {
    ...identity,
    pod: parsePod(request),
    netns,
    routes,
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(request.interface_macs === undefined ? {} : { interfaceMacs: request.interface_macs }),
    ...(request.accept_ra === true ? { acceptsAdvertisements: true } : {}),
    ...(request.ipv6_link_local === true ? { hasLinkLocal: true } : {}),
    ...(request.ipv6_prepared === true ? { isIpv6Prepared: true } : {}),
  };
}

/** A plugin that we hand out addresses for makes its interface of whatever its configuration says. */
function refuseOtherDevices(request: CniRequest): void {
  for (const field of ['deviceID', 'vhost_user_socket_volume_name'] as const) {
    if (request[field]) {
      throw new CniError(
        CniCode.unsupportedField,
        `${field} is not supported`,
        'this daemon makes interfaces without a device only; use the Go daemon for SR-IOV and DPDK NICs',
      );
    }
  }
}

function refuseProvider({ provider, ipamOnly }: Pick<Attachment, 'provider' | 'ipamOnly'>): void {
  if (ipamOnly && !isDnsName(provider)) {
    throw invalid('provider', provider, '"<name>.<namespace>", or "ovn"');
  }
  if (!ipamOnly && !(isDnsName(provider) && isOvnProvider(provider))) {
    const expected = '"ovn" or "<name>.<namespace>.ovn" for type kube-ovn';
    throw invalid('provider', provider, expected);
  }
}

/** What a DEL needs, too. */
function parseIdentity(
  request: CniRequest,
): Pick<Attachment, 'containerId' | 'ifName' | 'provider' | 'network' | 'ipamOnly'> {
  const { container_id: containerId, if_name: name } = request;
  if (!isContainerId(containerId)) {
    throw wrongEnvironment('CNI_CONTAINERID', containerId, 'letters, digits, "_", "." and "-"');
  }
  const ifName = name === '' ? 'eth0' : name;
  if (!isInterfaceName(ifName)) {
    const expected = '1 to 15 letters, digits, or "_", ".", "@", "+", "~" and "-" within';
    throw wrongEnvironment('CNI_IFNAME', ifName, expected);
  }
  return {
    containerId,
    ifName,
    provider: withoutInterface(request.provider, ifName),
    network: isNetworkName(request.network ?? '') ? (request.network ?? '') : '',
    ipamOnly: request.cni_type !== OWN_CNI_TYPE,
  };
}

function parsePod({ pod_namespace: namespace, pod_name: name, pod_uid: uid }: CniRequest): PodRef {
  if (!isDnsName(namespace)) throw invalid('K8S_POD_NAMESPACE', namespace, 'a namespace name');
  if (!isDnsName(name)) throw invalid('K8S_POD_NAME', name, 'a pod name');
  if (!uid) return { namespace, name };
  if (!/^[0-9A-Za-z-]{1,64}$/.test(uid)) throw invalid('K8S_POD_UID', uid, 'a UID');
  return { namespace, name, uid };
}

/** Plain characters only: the path is a word in a batch of ip(8) and a value in OVS. */
function isNetnsPath(path: string): boolean {
  return (
    path.length <= NETNS_PATH_BYTES_MAX &&
    /^(\/[\w.:@+-]+)+$/.test(path) &&
    !/\/\.\.?(\/|$)/.test(path)
  );
}

/** A network's name as the CNI specification has it (1.1, section 1); bounded, since it is kept. */
export function isNetworkName(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(text);
}

/** `name.namespace.ovn.net1` on net1 is `name.namespace.ovn`: where one network has several NICs. */
function withoutInterface(provider: string, ifName: string): string {
  const suffix = `.${ifName}`;
  return provider.split('.').length === 4 && provider.endsWith(suffix)
    ? provider.slice(0, -suffix.length)
    : provider;
}
