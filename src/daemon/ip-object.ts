/**
 * The IP object of a NIC learns which node the NIC is on. It is bookkeeping: the pod does not
 * wait for it, and a failure is logged.
 */

import type { Context } from './context.ts';
import type { Allocation } from './nic/allocation.ts';

const PATCH_TIMEOUT_MS = 30_000;

/** @param name the object's, which is the logical switch port's */
export async function recordNode(
  { nic, subnet }: Allocation,
  name: string,
  context: Context,
): Promise<void> {
  if (nic.addresses.length === 0) return;
  const subnetName = nic.logicalSwitch ?? subnet?.name;
  const labels = {
    'ovn.kubernetes.io/node-name': context.nodeName,
    ...(subnetName === undefined ? {} : { [subnetName]: '' }),
  };
  const patch = { metadata: { labels }, spec: { nodeName: context.nodeName } };
  try {
    const signal = AbortSignal.timeout(PATCH_TIMEOUT_MS);
    await context.api.mergePatch(`/apis/kubeovn.io/v1/ips/${name}`, patch, signal);
  } catch (error) {
    context.log.warn({ ip: name, err: error }, 'cannot write the node into the IP object');
  }
}
