/**
 * Ports of NICs that nobody asks for now, and that stay as they are: a StatefulSet's pod comes back,
 * and a pod does not lose its eth0 while it runs.
 */
import type { Context } from '../context.ts';
import { desiredPort } from '../desired/port.ts';
import { NotDone } from '../failure-log.ts';
import { checkedValue } from '../objects/problem.ts';
import type { DesiredPort } from '../ovn/desired.ts';

export interface KeptNic {
  readonly port: string;
  readonly provider: string;
}

/**
 * @param annotations of the pod; none where they are not known any more
 * @throws NotDone where the NIC's Subnet cannot be told
 */
export function keptPort(
  { port, provider }: KeptNic,
  annotations: Readonly<Record<string, string>>,
  { addresses, cluster }: Pick<Context, 'addresses' | 'cluster'>,
): DesiredPort {
  const held = addresses.allocator.allocationOf(port);
  const object = held && addresses.subnet(held.subnet);
  const subnet = object && checkedValue(object.checked);
  if (held === undefined || subnet === undefined) {
    throw new NotDone(`port ${port} is to stay, and its Subnet is gone or not valid`);
  }
  const { mac } = held;
  const nic = { provider, port, subnet, addresses: held.addresses, kind: 'ovn' } as const;
  const groupExists = groupsOf(cluster);
  return desiredPort(mac === undefined ? nic : { ...nic, mac }, annotations, groupExists);
}

/** Whether there is a SecurityGroup of a name. */
export function groupsOf({ securityGroups }: Pick<Context['cluster'], 'securityGroups'>) {
  return (name: string): boolean => {
    const group = securityGroups.get(name);
    return group !== undefined && !group.meta.deleting;
  };
}
