/**
 * Which annotations are a NIC's: keys are `<prefix>.kubernetes.io/<name>`. Pure.
 */

/** A pod's annotations by key, as its author or a controller wrote them. */
export type Annotations = Readonly<Record<string, string>>;

/** The provider, or `<provider>.<ifname>` where several NICs of the pod share the network. */
export function keyPrefix(annotations: Annotations, provider: string, ifName: string): string {
  const suffixed = `${provider}.${ifName}`;
  return annotations[`${suffixed}.kubernetes.io/ip_address`] === undefined ? provider : suffixed;
}

/**
 * True once the controller has answered for a NIC. Users write `ip_address` to ask for an address;
 * `cidr` comes only with the answer.
 */
export function isAllocated(annotations: Annotations, prefix: string): boolean {
  const value = (name: string) => annotations[`${prefix}.kubernetes.io/${name}`] ?? '';
  return value('allocated') === 'true' || (value('ip_address') !== '' && value('cidr') !== '');
}

/** One NIC of a pod. */
export interface NicKeys {
  readonly provider: string;
  readonly ifName: string;
}

/** A value, and the key that it is under. */
export interface Written {
  readonly key: string;
  /** Empty where it is not written. */
  readonly text: string;
}

/**
 * What Kube-OVN has under the network for all of its NICs in the pod (`routes`, `mirror` and the like),
 * for one of them: the NIC's own key says it first, which is Ours, and else the network's.
 */
export function ownOrNetwork(annotations: Annotations, nic: NicKeys, name: string): Written {
  const own = written(annotations, keyPrefix(annotations, nic.provider, nic.ifName), name);
  return own.text === '' ? written(annotations, nic.provider, name) : own;
}

/**
 * Whether a NIC has the pod's default route: where `default_route` says so, and eth0 where it says
 * nothing. The NIC's own key goes before the network's. Where several NICs share the network, the
 * network's `true` is for one of them, since a pod has one default route: for none where one has a
 * `true` of its own; else for the first by name ("net2" before "net10") that has no `false` of its
 * own.
 */
export function holdsDefaultRoute(annotations: Annotations, nic: NicKeys): boolean {
  const { provider, ifName } = nic;
  const prefix = keyPrefix(annotations, provider, ifName);
  const own = written(annotations, prefix, 'default_route').text;
  if (own === 'true' || own === 'false') return own === 'true';
  const ofNetwork = written(annotations, provider, 'default_route').text;
  if (prefix === provider || ofNetwork === 'false')
    return ofNetwork !== 'false' && ifName === 'eth0';
  return ofNetwork === 'true' ? isHeir(annotations, nic) : ifName === 'eth0';
}

/** True for the one NIC that the network's `default_route` is for. */
function isHeir(annotations: Annotations, { provider, ifName }: NicKeys): boolean {
  // A NIC without an interface of its own in its keys has the network's for its own.
  if (isAllocated(annotations, provider)) return false;
  const said = (name: string) => written(annotations, `${provider}.${name}`, 'default_route').text;
  const names = sharingInterfaces(annotations, provider);
  if (names.some((name) => said(name) === 'true')) return false;
  const [first] = names.filter((name) => said(name) !== 'false').sort(byName);
  return first === ifName;
}

/** Names of the interfaces that share a network and have their addresses. */
function sharingInterfaces(annotations: Annotations, provider: string): string[] {
  const start = `${provider}.`;
  const end = '.kubernetes.io/ip_address';
  return Object.keys(annotations)
    .filter((key) => key.startsWith(start) && key.endsWith(end))
    .map((key) => key.slice(start.length, -end.length))
    .filter((name) => !name.includes('.') && isAllocated(annotations, `${start}${name}`));
}

/** "net2" before "net10". */
function byName(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

function written(annotations: Annotations, prefix: string, name: string): Written {
  const key = `${prefix}.kubernetes.io/${name}`;
  return { key, text: annotations[key] ?? '' };
}
