/**
 * Names of annotations of a pod's NICs. Pure.
 */

/** Authors of pods and of NetworkAttachmentDefinitions name providers; no more are remembered. */
const PROVIDERS_MAX = 1024;
const NAMES_MAX = 64;

/**
 * Keys by provider and name. A text that is put together anew is also looked up anew in each object: with
 * tens of keys for each pod that was a twentieth of what a start takes.
 */
const KEYS = new Map<string, Map<string, string>>();

/** The key of a NIC's annotation. */
export function annotationKey(provider: string, name: string): string {
  const keys = keysOf(provider);
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = `${provider}.kubernetes.io/${name}`;
  if (keys.size < NAMES_MAX) keys.set(name, key);
  return key;
}

function keysOf(provider: string): Map<string, string> {
  const known = KEYS.get(provider);
  if (known !== undefined) return known;
  if (KEYS.size >= PROVIDERS_MAX) KEYS.clear();
  const keys = new Map<string, string>();
  KEYS.set(provider, keys);
  return keys;
}

/**
 * The network of a provider that ends with an interface, since several NICs share the network;
 * undefined where it does not. Only of networks of OVN's.
 */
export function sharedNetwork(provider: string): string | undefined {
  return /^([^.]+\.[^.]+\.ovn)\.[^.]+$/.exec(provider)?.[1];
}
