/**
 * Names of NICs, which are those of their logical switch ports and IP objects, read backwards. Pure;
 * see `logicalSwitchPort`.
 */

/**
 * What the annotations of a NIC are under; undefined for a name that is no NIC's of the owner.
 * @param owner `<namespace>/<pod or virtual machine>`
 */
export function providerOf(port: string, owner: string): string | undefined {
  const [namespace = '', workload = ''] = owner.split('/');
  const primary = `${workload}.${namespace}`;
  if (namespace === '' || workload === '') return undefined;
  if (port === primary) return 'ovn';
  return port.startsWith(`${primary}.`) ? port.slice(primary.length + 1) : undefined;
}
