/**
 * Names of annotations of a pod's NICs. Pure.
 */

/** The key of a NIC's annotation. */
export function annotationKey(provider: string, name: string): string {
  return `${provider}.kubernetes.io/${name}`;
}

/**
 * The network of a provider that ends with an interface, since several NICs share the network;
 * undefined where it does not. Only of networks of OVN's.
 */
export function sharedNetwork(provider: string): string | undefined {
  return /^([^.]+\.[^.]+\.ovn)\.[^.]+$/.exec(provider)?.[1];
}
