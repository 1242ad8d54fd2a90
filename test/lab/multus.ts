/**
 * Plays Multus: what a pod's annotations ask for, interface by interface, and the calls for one of
 * them. kubelet.ts plays what is around it, for a whole pod.
 */
import type { FakeApiServer, KubernetesObject } from './kubernetes/api.ts';
import { checkGateways, parseSelections, type Selection } from './network-selections.ts';
import {
  type CniOutcome,
  type CniResult,
  cni,
  type NetworkConfig,
  type Sandbox,
} from './runtime.ts';

/** What Kube-OVN's own configuration file gives eth0. */
export const PRIMARY_CONFIG: NetworkConfig = {
  cniVersion: '0.3.1',
  name: 'kube-ovn',
  type: 'kube-ovn',
  server_socket: '/run/openvswitch/kube-ovn-daemon.sock',
};

/** An eth0 that is not Kube-OVN's, for non-primary mode: 10.244.0.0/24 on a bridge of the node. */
export const OTHER_PRIMARY_CONFIG: NetworkConfig = {
  cniVersion: '1.0.0',
  name: 'other',
  type: 'bridge',
  bridge: 'other0',
  isDefaultGateway: true,
  ipam: {
    type: 'host-local',
    // Its own default is on the machine; /run is the lab's.
    dataDir: '/run/cni/networks',
    ranges: [[{ subnet: '10.244.0.0/24' }]],
  },
};

/** One interface of a pod that a runtime has to ask for. */
export interface Request {
  readonly ifName: string;
  /** `namespace/name` of the NetworkAttachmentDefinition, or the configuration's name. */
  readonly network: string;
  /** The first plugin's, where there is a list of them. */
  readonly config: NetworkConfig;
  /** The configurations of the plugins that follow in a list. */
  readonly chained?: readonly NetworkConfig[];
  /** True of the one that Multus calls the pod's default network. */
  readonly isDefault?: boolean;
  readonly mac?: string;
  readonly ips?: readonly string[];
  /** As `runtimeConfig.bandwidth` has it. */
  readonly bandwidth?: object;
  /** Gateways of the pod's default routes. */
  readonly gateways?: readonly string[];
}

const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';
const DEFAULT_NETWORK_ANNOTATION = 'v1.multus-cni.io/default-network';
/** Multus' own, where it looks for a default network that is named without a namespace. */
const MULTUS_NAMESPACE = 'kube-system';

/**
 * All interfaces of a pod, in the order of their ADDs.
 * @param primary eth0's configuration, unless the pod's annotation has another one; without
 *   either there is no eth0
 */
export function requestsOf(
  api: FakeApiServer,
  pod: Sandbox['pod'],
  primary?: NetworkConfig,
): Request[] {
  const annotation = annotationOf(api, pod, DEFAULT_NETWORK_ANNOTATION);
  const defaults = annotation === '' ? [] : parseSelections(annotation, MULTUS_NAMESPACE);
  if (defaults.length > 1) {
    throw new Error(`more than one default network is specified: ${annotation}`);
  }
  const [chosen] = defaults;
  const attachments = attachmentsOf(api, pod);
  if (chosen !== undefined) {
    return [{ ...requestOf(api, chosen, 'eth0'), isDefault: true }, ...attachments];
  }
  if (primary === undefined) return attachments;
  const network = primary.name ?? '';
  return [{ ifName: 'eth0', network, config: primary, isDefault: true }, ...attachments];
}

/** The attachments that a pod's annotation asks for, in order; named net1, net2, … by default. */
export function attachmentsOf(api: FakeApiServer, pod: Sandbox['pod']): Request[] {
  const annotation = annotationOf(api, pod, NETWORKS_ANNOTATION);
  const elements = annotation === '' ? [] : parseSelections(annotation, pod.namespace);
  checkGateways(elements);
  return elements.map((element, index) => requestOf(api, element, `net${index + 1}`));
}

/**
 * Runs one verb for one interface: of all plugins in a list.
 * @param result of the ADD, for DEL
 * @returns the last plugin's outcome, or that of the first one that failed
 */
export async function play(
  verb: 'ADD' | 'DEL',
  sandbox: Sandbox,
  request: Request,
  result?: CniResult,
): Promise<CniOutcome> {
  const plugins = [request.config, ...(request.chained ?? [])];
  const [first = request.config, ...others] = verb === 'ADD' ? plugins : plugins.reverse();
  const cached = verb === 'DEL' && keepsResult(first) ? result : undefined;
  let outcome = await call(verb, sandbox, request, first, cached);
  for (const plugin of others) {
    if (outcome.exitCode !== 0) return outcome;
    const previous = verb === 'ADD' ? outcome.result : cached;
    outcome = await call(verb, sandbox, request, plugin, previous);
  }
  return outcome;
}

/** A MAC and addresses go into CNI_ARGS, and to plugins that say so as capabilities, too. */
function call(
  verb: 'ADD' | 'DEL',
  sandbox: Sandbox,
  request: Request,
  config: NetworkConfig,
  prevResult: CniResult | undefined,
): Promise<CniOutcome> {
  const { ifName, mac, ips } = request;
  const args =
    verb === 'ADD' ? { ...(mac && { MAC: mac }), ...(ips && { IP: ips.join(',') }) } : {};
  const runtimeConfig = capabilitiesOf(request, config);
  const complete = {
    ...config,
    ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
    ...(prevResult && { prevResult }),
  };
  return cni(verb, sandbox, ifName, complete, {}, args);
}

/** Of what the pod asks, that which the plugin says it can. Multus gives the default network none. */
function capabilitiesOf(
  { isDefault, mac, ips, bandwidth }: Request,
  { capabilities = {} }: NetworkConfig,
): Record<string, unknown> {
  if (isDefault) return {};
  const asked = Object.entries({ mac, ips, bandwidth });
  const supported = capabilities as Readonly<Record<string, boolean>>;
  return Object.fromEntries(
    asked.filter(([name, value]) => value !== undefined && supported[name]),
  );
}

/** Runtimes give DEL the result of ADD since version 0.4.0 of the CNI specification. */
function keepsResult({ cniVersion = '0.1.0' }: NetworkConfig): boolean {
  return !/^0\.[0-3]\./.test(cniVersion);
}

function annotationOf(api: FakeApiServer, pod: Sandbox['pod'], name: string): string {
  const { metadata } = api.get('Pod', `${pod.namespace}/${pod.name}`);
  return metadata.annotations?.[name] ?? '';
}

/** @throws Error for a network without a configuration: no file of the node is looked for */
function requestOf(api: FakeApiServer, element: Selection, defaultName: string): Request {
  const network = `${element.namespace}/${element.name}`;
  const [config, ...chained] = pluginsOf(api.get('NetworkAttachmentDefinition', network));
  if (config === undefined) throw new Error(`network ${network} has no configuration`);
  const { mac, ips, bandwidth, 'default-route': gateways } = element;
  return {
    ifName: element.interface || defaultName,
    network,
    config,
    ...(chained.length > 0 && { chained }),
    ...(mac !== undefined && { mac }),
    ...(ips !== undefined && { ips }),
    ...(bandwidth !== undefined && { bandwidth }),
    ...(gateways !== undefined && { gateways }),
  };
}

/** The plugins of a network, each with the name and version of the whole. */
function pluginsOf({ metadata, spec }: KubernetesObject): NetworkConfig[] {
  const text = String(spec?.config ?? '');
  if (text === '') return [];
  const config = { name: metadata.name, ...JSON.parse(text) };
  if (config.plugins === undefined) return [config];
  const { name, cniVersion } = config;
  return config.plugins.map((plugin: NetworkConfig) => ({ ...plugin, name, cniVersion }));
}
