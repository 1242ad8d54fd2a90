/** A call that a runtime may make, and the daemon's side of it. */
import { expect } from 'vitest';

/** Of an ADD. */
export const ENV = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/run/netns/pod',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod;K8S_POD_UID=uid',
};

export const CONFIG = { cniVersion: '1.1.0', name: 'net', type: 'kube-ovn' };

/** What the daemon is sent for `ENV` and `CONFIG`. */
export const REQUEST = {
  cni_type: 'kube-ovn',
  pod_name: 'pod',
  pod_namespace: 'ns',
  pod_uid: 'uid',
  container_id: 'c0ffee',
  net_ns: '/run/netns/pod',
  if_name: 'eth0',
  network: 'net',
  provider: 'ovn',
  routes: [],
  dns: {},
  vf_driver: '',
  deviceID: '',
  vhost_user_socket_volume_name: '',
  vhost_user_socket_name: '',
  vhost_user_socket_consumption: '',
  operation_id: expect.stringMatching(/^[0-9a-f]{12}$/),
};

/** The daemon's answer to that. */
export const ADDED = JSON.stringify({
  ips: [{ protocol: 'IPv4', ip: '10.16.0.5', cidr: '10.16.0.0/16', gateway: '10.16.0.1' }],
  mac_address: '00:00:00:ab:cd:ef',
  routes: null,
  mtu: 1400,
  nicname: 'eth0',
  dns: {},
  error: '',
});

/** Reads `CONFIG` with that socket, and what `change` says. */
export function stdin(socketPath: string, change: object = {}): () => string {
  return () => JSON.stringify({ ...CONFIG, server_socket: socketPath, ...change });
}

/** The same for another plugin that calls us for addresses. */
export function delegateStdin(socketPath: string, change: object = {}): () => string {
  const ipam = { type: 'kube-ovn', server_socket: socketPath, provider: 'macvlan.default' };
  return () => JSON.stringify({ ...CONFIG, type: 'macvlan', ipam, ...change });
}
