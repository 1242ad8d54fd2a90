/**
 * Names that daemon and controller have to make alike, and by which they know what is ours. Pure;
 * the rules are Kube-OVN's.
 */

/** Provider of the pods' primary network. */
export const PRIMARY_PROVIDER = 'ovn';

/** The type of network configuration for which we make the interface. */
export const OWN_CNI_TYPE = 'kube-ovn';

/** KubeVirt's mark of a pod that a virtual machine is migrating to. */
export const MIGRATION_ANNOTATION = 'kubevirt.io/migrationJobName';

/** Our controller's note on an IP object of what a NIC was given; JSON. */
export const IP_RECORD_ANNOTATION = 'ovn.kubernetes.io/allocation';

/** Name of the logical switch port of a NIC, which is also its `iface-id` and its IP object. */
export function logicalSwitchPort(options: {
  /** The pod's name, or the KubeVirt VM's. */
  workload: string;
  namespace: string;
  provider: string;
  /** Set where several NICs of this pod share the network. */
  ifName?: string | undefined;
}): string {
  const { workload, namespace, provider, ifName } = options;
  const port =
    provider === 'ovn' ? `${workload}.${namespace}` : `${workload}.${namespace}.${provider}`;
  return ifName === undefined ? port : `${port}.${ifName}`;
}

/** An RFC 1123 subdomain: what Kubernetes takes for the name of a pod, namespace or subnet. */
export function isDnsName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
  );
}

/** `ovn`, or three fields of which the last is `ovn`. */
export function isOvnProvider(provider: string): boolean {
  const fields = provider.split('.');
  return provider === 'ovn' || (fields.length === 3 && fields[2] === 'ovn');
}

/** Whether a provider is made of the name of a network of type kube-ovn that has a dot in it. */
export function isDottedOvnProvider(provider: string): boolean {
  return provider.split('.').length > 3 && provider.endsWith('.ovn');
}
