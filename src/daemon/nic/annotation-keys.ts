/**
 * Which annotations are a NIC's: keys are `<prefix>.kubernetes.io/<name>`. Pure.
 */

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
