/**
 * ProviderNetwork: a physical network, and the interface of each node in it. Daemon and controller
 * go by the same rules and names, which are Kube-OVN's. Pure.
 */
import { type FieldProblem, type Fields, rawFields, readFields, readQuietly } from './fields.ts';
import { type LabelSelector, matchesLabels, readLabelSelector } from './label-selector.ts';
import { isLinkName, LINK_NAME_BYTES_MAX } from './link-name.ts';
import { show } from './text.ts';

/** What is kept of a ProviderNetwork: what its bridge is made of on each node. */
export interface ProviderNetwork {
  readonly name: string;
  readonly uid: string;
  /** True once it has a deletionTimestamp. */
  readonly deleting: boolean;
  readonly defaultInterface: string;
  /** Interfaces of nodes that have another one; of two entries with a node the first counts. */
  readonly customInterfaces: readonly CustomInterface[];
  /** Undefined where the object has none, and `excludeNodes` counts. An empty one holds for every node. */
  readonly nodeSelector: LabelSelector | undefined;
  readonly excludeNodes: readonly string[];
  /** True where the bridge has the interface's name, and the interface is called `br-<name>`. */
  readonly exchangeLinkName: boolean;
  /** True where an interface like `eth0.10` is made where it is missing. */
  readonly autoCreateVlanSubinterfaces: boolean;
  /** True where all VLAN interfaces on the interface keep their addresses. */
  readonly preserveVlanInterfaces: boolean;
  /** Names of VLAN interfaces that keep theirs: `eth0.10`. */
  readonly vlanInterfaces: readonly string[];
}

/** Nodes whose interface in the provider network is not the default one. */
export interface CustomInterface {
  readonly interface: string;
  readonly nodes: readonly string[];
}

/** What of a node decides whether it is in a provider network. */
export interface ProviderNode {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** Reasons of events and conditions of a ProviderNetwork. */
export const BRIDGE_READY_REASON = 'InitOVSBridgeSucceeded';
/** The reason where the bridge of a node could not be set up. */
export const BRIDGE_FAILED_REASON = 'InitOVSBridgeFailed';

/** Where all ports of OVN are on a node. */
const INTEGRATION_BRIDGE = 'br-int';
const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** A raw ProviderNetwork as the API server sends it. What has a wrong type counts as absent. */
export function projectProviderNetwork(raw: unknown): ProviderNetwork {
  return read(raw, () => {});
}

/**
 * What is wrong with a raw ProviderNetwork; nothing for one that can be set up. The definition of the
 * object refuses most of it already, but not what Kube-OVN's does not know.
 */
export function providerNetworkProblems(raw: unknown): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const network = read(raw, (problem) => problems.push(problem));
  const { name, defaultInterface, customInterfaces, nodeSelector } = network;
  if (isTooLong(name)) {
    const bytes = LINK_NAME_BYTES_MAX - BRIDGE_PREFIX.length;
    problems.push({
      message: `the bridge ${show(bridgeName(name))} would have more than ${LINK_NAME_BYTES_MAX} bytes in its name`,
      advice: `make another ProviderNetwork whose name has at most ${bytes} bytes`,
    });
  }
  if (bridgeName(name) === INTEGRATION_BRIDGE) {
    problems.push({
      message: `its bridge would be ${INTEGRATION_BRIDGE}, which is OVN's own`,
      advice: 'make another ProviderNetwork with another name',
    });
  }
  const interfaces = [defaultInterface, ...customInterfaces.map((custom) => custom.interface)];
  for (const wrong of interfaces.filter((each) => !isLinkName(each))) {
    problems.push({
      message: `spec names ${show(wrong)} as an interface`,
      advice: `name an interface of the node: 1 to ${LINK_NAME_BYTES_MAX} bytes of letters, digits and . _ -`,
    });
  }
  for (const { operator } of nodeSelector?.matchExpressions ?? []) {
    if (OPERATORS.includes(operator)) continue;
    problems.push({
      message: `spec.nodeSelector has the operator ${show(operator)}`,
      advice: `use ${OPERATORS.join(', ')}`,
    });
  }
  const own = selectorKeys(nodeSelector).find((key) => providerNetworkOfKey(key) === name);
  if (own !== undefined) {
    problems.push({
      message: `spec.nodeSelector asks for the label ${show(own)}, which comes and goes with the bridge`,
      advice: 'select nodes by labels that no daemon writes',
    });
  }
  return problems;
}

function selectorKeys(selector: LabelSelector | undefined): readonly string[] {
  if (selector === undefined) return [];
  const { matchLabels, matchExpressions } = selector;
  return [...matchLabels.keys(), ...matchExpressions.map(({ key }) => key)];
}

function read(raw: unknown, report: (problem: FieldProblem) => void): ProviderNetwork {
  const { metadata, spec } = rawFields(raw);
  const meta = readQuietly(metadata);
  const said = readFields(spec, 'spec', report);
  return {
    name: meta.text('name'),
    uid: meta.text('uid'),
    deleting: meta.text('deletionTimestamp') !== '',
    defaultInterface: said.text('defaultInterface'),
    customInterfaces: said.parts('customInterfaces').map(readCustomInterface),
    nodeSelector: hasSelector(spec) ? readLabelSelector(said.part('nodeSelector')) : undefined,
    excludeNodes: said.texts('excludeNodes'),
    exchangeLinkName: said.flag('exchangeLinkName'),
    autoCreateVlanSubinterfaces: said.flag('autoCreateVlanSubinterfaces'),
    preserveVlanInterfaces: said.flag('preserveVlanInterfaces'),
    vlanInterfaces: said.texts('vlanInterfaces'),
  };
}

function readCustomInterface(fields: Fields): CustomInterface {
  return { interface: fields.text('interface'), nodes: fields.texts('nodes') };
}

function hasSelector(spec: unknown): boolean {
  const { nodeSelector } = rawFields(spec);
  return nodeSelector !== undefined && nodeSelector !== null;
}

/** Whether a node is not in the provider network: with a `nodeSelector`, `excludeNodes` means nothing. */
export function isExcluded(network: ProviderNetwork, { name, labels }: ProviderNode): boolean {
  const { nodeSelector, excludeNodes } = network;
  if (nodeSelector !== undefined) return !matchesLabels(nodeSelector, labels);
  return excludeNodes.includes(name);
}

/** The interface of a node in the provider network. */
export function interfaceOf(network: ProviderNetwork, nodeName: string): string {
  const { customInterfaces, defaultInterface } = network;
  const custom = customInterfaces.find(({ nodes }) => nodes.includes(nodeName));
  return custom?.interface ?? defaultInterface;
}

const BRIDGE_PREFIX = 'br-';

/**
 * Name of a provider network's bridge; with `exchangeLinkName` of its interface, once the bridge has
 * the interface's name.
 */
export function bridgeName(providerNetwork: string): string {
  return `${BRIDGE_PREFIX}${providerNetwork}`;
}

/** The provider network whose bridge has that name; undefined for none. */
export function networkOfBridge(name: string): string | undefined {
  return name.startsWith(BRIDGE_PREFIX) ? name.slice(BRIDGE_PREFIX.length) : undefined;
}

function isTooLong(providerNetwork: string): boolean {
  return Buffer.byteLength(bridgeName(providerNetwork)) > LINK_NAME_BYTES_MAX;
}

/** Labels of a Node about a provider network, which its daemon writes; absent where they do not hold. */
export interface ProviderNetworkLabels {
  /** `true` where the bridge is set up. */
  readonly ready: string;
  /** The interface as the object names it. */
  readonly interface: string;
  /** MTU of the interface; bytes. */
  readonly mtu: string;
  /** `true` where there are VLAN interfaces. */
  readonly vlanInterfaces: string;
  /** `true` on a node that is not in the provider network. */
  readonly exclude: string;
}

/** Their keys. */
export function providerNetworkLabels(providerNetwork: string): ProviderNetworkLabels {
  const key = (name: string) => `${providerNetwork}${LABEL_DOMAIN}/${name}`;
  return {
    ready: key('ready'),
    interface: key('interface'),
    mtu: key('mtu'),
    vlanInterfaces: key('vlan_interfaces'),
    exclude: key('exclude'),
  };
}

const LABEL_DOMAIN = '.provider-network.kubernetes.io';

/** Annotation of a daemon's own pod: why its node is not ready in the provider network. */
export function providerNetworkErrorAnnotation(providerNetwork: string): string {
  return `${providerNetwork}${LABEL_DOMAIN}/err_mesg`;
}

/** The provider network that a label or an annotation is about; undefined where it is about none. */
export function providerNetworkOfKey(key: string): string | undefined {
  const at = key.indexOf(`${LABEL_DOMAIN}/`);
  return at > 0 ? key.slice(0, at) : undefined;
}
