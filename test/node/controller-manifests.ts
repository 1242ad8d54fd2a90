/**
 * Objects as short as they can be, for tests of the controller: networks, Subnets, and pods that
 * ask for them. What Kube-OVN's documentation has is in test/lab/documented.ts.
 */
import { SOCKET } from '../lab/daemon.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';

export const NETWORKS = 'k8s.v1.cni.cncf.io/networks';

type Texts = Readonly<Record<string, string>>;

/** A network of OVN's in namespace default; its provider is `<name>.default.ovn`. */
export function ovnNetwork(name: string): NewObject {
  return network(name, {
    type: 'kube-ovn',
    server_socket: SOCKET,
    provider: `${name}.default.ovn`,
  });
}

/** A network of macvlan's in namespace default; its provider is `<name>.default`. */
export function macvlanNetwork(name: string): NewObject {
  const ipam = { type: 'kube-ovn', server_socket: SOCKET, provider: `${name}.default` };
  return network(name, { type: 'macvlan', master: 'eth0', mode: 'bridge', ipam });
}

export function subnet(name: string, spec: object): NewObject {
  return { kind: 'Subnet', metadata: { name }, spec };
}

/** A pod with NICs of these networks, as its annotation has them. */
export function podOf(name: string, networks: string, annotations: Texts = {}): NewObject {
  return {
    kind: 'Pod',
    metadata: { name, annotations: { [NETWORKS]: networks, ...annotations } },
    spec: {},
  };
}

function network(name: string, config: object): NewObject {
  return {
    kind: 'NetworkAttachmentDefinition',
    metadata: { name },
    spec: { config: JSON.stringify({ cniVersion: '0.3.1', ...config }) },
  };
}
