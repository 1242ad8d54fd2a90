/**
 * Names of NICs, which are those of their logical switch ports and IP objects, read backwards. Pure;
 * see `logicalSwitchPort`.
 */
import { ownerParts } from './owner-key.ts';

/**
 * What the annotations of a NIC are under; undefined for a name that is no NIC's of the owner.
 * @param owner see `ownerOfPod`
 */
export function providerOf(port: string, owner: string): string | undefined {
  const { namespace, workload } = ownerParts(owner);
  const primary = `${workload}.${namespace}`;
  if (namespace === '' || workload === '') return undefined;
  if (port === primary) return 'ovn';
  return port.startsWith(`${primary}.`) ? port.slice(primary.length + 1) : undefined;
}
