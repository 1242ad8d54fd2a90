/**
 * The controller's answer for one NIC, read off the pod's annotations. Pure.
 *
 * Keys are `<provider>.kubernetes.io/<name>`. Where several NICs of a pod share a network, the
 * per-NIC keys are under `<provider>.<ifname>` instead. Of `routes`, `default_route`, `pod_nic_type`,
 * `routed`, `mirror` and `activation_strategy` Kube-OVN's daemon reads those under the plain provider
 * only, for all of these NICs; here the longer key goes first (annotation-keys.ts).
 */

import type { Address, Cidr, Family } from '../../common/address.ts';
import { cidrText, contains, parseAddress, parseCidr, parseMac } from '../../common/address.ts';
import { isDnsName, isOvnProvider, MIGRATION_ANNOTATION } from '../../common/names.ts';
import { invalid } from '../call/error.ts';
import { atStage } from '../call/stage.ts';
import type { Wait } from '../call/waiting.ts';
import {
  type Annotations,
  holdsDefaultRoute,
  isAllocated,
  keyPrefix,
  ownOrNetwork,
  type Written,
} from './annotation-keys.ts';
import type { Attachment } from './attachment.ts';
import type { Route } from './route.ts';
import { parseRoutes } from './route.ts';

/** One address of a NIC, with the subnet it lies in. */
export interface NicAddress {
  readonly address: Address;
  readonly cidr: Cidr;
  readonly gateway?: Address;
}

/** What the controller gave one NIC. */
export interface Nic {
  /** None for a MAC-only NIC (external DHCP) and for one without IPAM. */
  readonly addresses: readonly NicAddress[];
  readonly mac?: string;
  /** Name of the Subnet, where the annotations say it. */
  readonly logicalSwitch?: string;
  readonly holdsDefaultRoute: boolean;
  readonly routes: readonly Route[];
  /** Empty for an overlay NIC. */
  readonly providerNetwork: string;
  /** The pod's name, or the KubeVirt VM's: what logical switch port and OVS rows are named by. */
  readonly workload: string;
  /** Set where several NICs of the pod share the network. */
  readonly sharedNetworkIfName?: string;
  /** Live migration: the gateway may not answer yet, and the address is still in use elsewhere. */
  readonly migrating: boolean;
  readonly skipGatewayCheck: boolean;
  /** Kinds of interface that are asked for (`pod_nic_type`), the NIC's own first; none for the usual one. */
  readonly nicTypes: readonly Written[];
}

/** What the annotations lack so far: a wait for the controller. */
export interface Missing {
  readonly missing: Wait;
}

const LIST_PARTS_READ = 4;
/** Each of them is read anew whenever the pod changes, and is a line for ip. */
const ROUTES_MAX = 1024;

/** Whoever writes the annotations, for messages about what they lack. */
export const CONTROLLER = 'kube-ovn-controller';

/**
 * Reads one NIC, or says which annotation has not been written yet.
 * @throws CniError 7 that names the annotation that is wrong
 */
export function readNic(annotations: Annotations, attachment: Attachment): Nic | Missing {
  const { provider, ifName, pod } = attachment;
  const perNic = keyPrefix(annotations, provider, ifName);
  const nicKey = (name: string) => `${perNic}.kubernetes.io/${name}`;
  const nicValue = (name: string) => annotations[nicKey(name)] ?? '';
  const shared = (name: string) => ownOrNetwork(annotations, attachment, name);

  if (!isAllocated(annotations, perNic)) {
    const what = `the address of network ${provider} (annotation ${nicKey('ip_address')})`;
    const lookAt = `the events of pod ${pod.namespace}/${pod.name}, the log of ${CONTROLLER}, and whether "provider" in the NetworkAttachmentDefinition is made of its own name and namespace, which is how ${CONTROLLER} knows it`;
    const knownAs = `no address allocated to pod ${pod.namespace}/${pod.name} provider ${provider}`;
    return { missing: { what, lookAt, knownAs, stage: 'wait-address' } };
  }
  const addresses = atStage('parse-address', () => readAddresses(nicValue, nicKey));
  const isMacOnly = addresses.length === 0 && nicValue('cidr') === '';
  const isDefault = holdsDefaultRoute(annotations, attachment);
  const needsRouting = isDefault && !isMacOnly && isOvnProvider(provider);
  if (!attachment.ipamOnly && needsRouting && !isRouted(annotations, [perNic, provider])) {
    const what = `OVN's routing of network ${provider} (annotation ${nicKey('routed')})`;
    const lookAt = `the log of ${CONTROLLER}`;
    return { missing: { what, lookAt, stage: 'wait-route' } };
  }
  const { text, key } = shared('routes');
  return {
    addresses,
    ...optional('mac', readMac(nicValue('mac_address'), nicKey('mac_address'))),
    ...optional('logicalSwitch', readName(nicValue('logical_switch'), nicKey('logical_switch'))),
    holdsDefaultRoute: isDefault,
    routes: atStage('parse-routes', () => readRoutes(text, key)),
    providerNetwork: readName(nicValue('provider_network'), nicKey('provider_network')) ?? '',
    workload: readName(nicValue('virtualmachine'), nicKey('virtualmachine')) ?? pod.name,
    ...optional('sharedNetworkIfName', perNic === provider ? undefined : ifName),
    migrating: Boolean(annotations[MIGRATION_ANNOTATION]),
    skipGatewayCheck: shared('activation_strategy').text !== '',
    nicTypes: readNicTypes(annotations, [perNic, provider]),
  };
}

/** True where a network's NIC is placed by annotation on a Subnet, whatever its provider. */
export function namesSubnet(annotations: Annotations, provider: string, ifName: string): boolean {
  const prefix = keyPrefix(annotations, provider, ifName);
  return Boolean(annotations[`${prefix}.kubernetes.io/logical_switch`]);
}

/** A controller says it of a NIC under either: Kube-OVN's writes one key and its daemon reads another. */
function isRouted(annotations: Annotations, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => annotations[`${prefix}.kubernetes.io/routed`] === 'true');
}

function readAddresses(
  value: (name: string) => string,
  key: (name: string) => string,
): readonly NicAddress[] {
  const cidrs = splitList(value('cidr')).map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw invalid(`annotation ${key('cidr')}`, text, 'a CIDR, or "v4,v6"');
    return cidr;
  });
  const gateways = splitList(value('gateway')).map((text) => {
    const gateway = parseAddress(text);
    if (gateway === undefined) {
      throw invalid(`annotation ${key('gateway')}`, text, 'an IP address, or "v4,v6"');
    }
    return gateway;
  });
  const seen = new Set<Family>();
  return splitList(value('ip_address')).map((text) => {
    const field = `annotation ${key('ip_address')}`;
    const address = parseAddress(withoutMask(text));
    if (address === undefined || seen.has(address.family)) {
      throw invalid(field, value('ip_address'), 'one IP address, or one of each family: "v4,v6"');
    }
    seen.add(address.family);
    const cidr = cidrs.find((candidate) => candidate.family === address.family);
    if (cidr === undefined) {
      throw invalid(`annotation ${key('cidr')}`, value('cidr'), `a CIDR for ${address.text}`);
    }
    if (!contains(cidr, address)) throw invalid(field, text, `an address in ${cidrText(cidr)}`);
    return {
      address,
      cidr,
      ...optional(
        'gateway',
        gateways.find((candidate) => candidate.family === address.family),
      ),
    };
  });
}

/** `10.100.0.100/16` means 10.100.0.100: the mask is the Subnet's. */
function withoutMask(text: string): string {
  return parseCidr(text) === undefined ? text : (text.split('/')[0] ?? text);
}

function readMac(text: string, key: string): string | undefined {
  if (text === '') return undefined;
  const mac = parseMac(text);
  if (mac === undefined) {
    throw invalid(`annotation ${key}`, text, 'a unicast MAC address, like 00:00:00:53:6b:b6');
  }
  return mac;
}

function readName(text: string, key: string): string | undefined {
  if (text === '') return undefined;
  if (!isDnsName(text)) throw invalid(`annotation ${key}`, text, 'the name of a Kubernetes object');
  return text;
}

function readRoutes(text: string, key: string): Route[] {
  if (text === '') return [];
  const field = `annotation ${key}`;
  const expected = `a JSON array of {"dst": "<CIDR>", "gw": "<IP address>"}, ${ROUTES_MAX} at most`;
  let routes: unknown;
  try {
    routes = JSON.parse(text);
  } catch {
    throw invalid(field, text, expected);
  }
  if (!Array.isArray(routes) || routes.length > ROUTES_MAX) throw invalid(field, text, expected);
  return parseRoutes(routes, field);
}

/** What is written under the NIC's own prefix comes before the network's. */
function readNicTypes(annotations: Annotations, prefixes: readonly string[]): Written[] {
  const keys = new Set(prefixes.map((prefix) => `${prefix}.kubernetes.io/pod_nic_type`));
  return [...keys]
    .map((key) => ({ key, text: annotations[key] ?? '' }))
    .filter(({ text }) => text !== '');
}

/** The parts of a list with one part of each family; of one that is longer, what shows that. */
function splitList(text: string): string[] {
  return text
    .split(',', LIST_PARTS_READ)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
