/**
 * Plays kubelet's runtime and Multus for a whole pod: eth0 of the cluster's own network where
 * that is Kube-OVN's, then one attachment for each element of the pod's networks annotation.
 */
import type { KubernetesApiDouble } from './kubernetes/api.ts';
import { type CniOutcome, cni, type NetworkConfig, type Sandbox } from './runtime.ts';

/** What Kube-OVN's own configuration file gives eth0. */
export const PRIMARY_CONFIG: NetworkConfig = {
  cniVersion: '0.3.1',
  name: 'kube-ovn',
  type: 'kube-ovn',
  server_socket: '/run/openvswitch/kube-ovn-daemon.sock',
};

/** One interface of a pod that a runtime has to ask for. */
export interface Request {
  readonly ifName: string;
  readonly network: string;
  readonly config: NetworkConfig;
  readonly mac?: string;
}

interface Element {
  readonly name: string;
  readonly namespace?: string;
  readonly interface?: string;
  readonly mac?: string;
}

const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks';

/** The attachments that a pod's annotation asks for, in order; named net1, net2, … by default. */
export function attachmentsOf(api: KubernetesApiDouble, pod: Sandbox['pod']): Request[] {
  const object = api.get('Pod', `${pod.namespace}/${pod.name}`);
  const annotation = object.metadata.annotations?.[NETWORKS_ANNOTATION] ?? '';
  return parseNetworks(annotation).map((element, index) => {
    const namespace = element.namespace ?? pod.namespace;
    const key = `${namespace}/${element.name}`;
    const { spec } = api.get('NetworkAttachmentDefinition', key) as unknown as {
      spec: { config: string };
    };
    const config = { name: element.name, ...JSON.parse(spec.config) } as NetworkConfig;
    const ifName = element.interface ?? `net${index + 1}`;
    const network = `${namespace}/${element.name}`;
    return element.mac === undefined
      ? { ifName, network, config }
      : { ifName, network, config, mac: element.mac };
  });
}

/** Short form (`ns/name@interface`, comma list) or JSON form. */
function parseNetworks(annotation: string): Element[] {
  if (/[[{"]/.test(annotation)) return JSON.parse(annotation);
  const items = annotation.split(',').map((item) => item.trim());
  return items.filter(Boolean).map((item) => {
    const [path = '', ifName] = item.split('@');
    const [name = '', namespace] = path.split('/').reverse();
    return { name, ...(namespace ? { namespace } : {}), ...(ifName ? { interface: ifName } : {}) };
  });
}

/** Runs one verb for one interface; a MAC goes into CNI_ARGS, as Multus does it. */
export function play(verb: 'ADD' | 'DEL', sandbox: Sandbox, request: Request): Promise<CniOutcome> {
  const extra = request.mac === undefined ? {} : { MAC: request.mac };
  return cni(verb, sandbox, request.ifName, request.config, {}, extra);
}
