/**
 * An IPPool that is asked for by name. Pure.
 */

import type { IpPool } from '../kinds/ippool/object/ippool.ts';
import { withLack } from '../model/lack.ts';
import { type Checked, say, wrong } from '../model/problem.ts';
import type { Candidates, NetworkView, RequestedAddresses } from './request.ts';
import { permittedPool } from './subnet-policy.ts';

/** The IPPool of this name, or why nothing can be had from it. */
export function findIpPool(name: string, view: NetworkView): Checked<IpPool> {
  const object = view.ipPool(name);
  if (object === undefined) {
    const advice = 'create it, name another one, or list addresses';
    const problem = { message: say`failed to get ippool ${name}: not found`, advice };
    return { problems: [withLack(problem, view.lackOfIpPools())] };
  }
  if ('value' in object.checked) return object.checked;
  const [{ message, advice }] = object.checked.problems;
  return wrong(say`ippool ${name} is not valid: ${message}`, advice);
}

/** Any address of an IPPool, for pods of this namespace; it has to be of a Subnet that the NIC may be on. */
export function usableNamedPool(
  name: string,
  candidates: Candidates,
  namespace: string,
  view: NetworkView,
): Checked<RequestedAddresses['attempts']> {
  const found = findIpPool(name, view);
  const pool = 'problems' in found ? found : permittedPool(found.value, namespace, view);
  if ('problems' in pool) return pool;
  const subnet = candidates.find((candidate) => candidate.name === pool.value.subnet);
  if (subnet !== undefined)
    return { value: [{ subnet, addresses: { kind: 'dynamic', pool: name } }] };
  return wrong(
    say`ippool ${name} is of subnet ${pool.value.subnet}, and the NIC is on ${candidates.map((candidate) => candidate.name).join(', ')}`,
    'name an IPPool of that Subnet, or put the NIC on the Subnet of the IPPool by logical_switch',
  );
}
