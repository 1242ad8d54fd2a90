/**
 * All kinds of objects of the controller. A new one is a folder in kinds/ and a line here.
 */
import type { Context, KindContext } from './kinds/context.ts';
import { ipKind } from './kinds/ip/kind.ts';
import { ipPoolKind } from './kinds/ippool/kind.ts';
import type { Kind } from './kinds/kind.ts';
import { nadKind } from './kinds/nad/kind.ts';
import { namespaceKind } from './kinds/namespace/kind.ts';
import { nodeKind } from './kinds/node/kind.ts';
import { PodKind } from './kinds/pod/kind.ts';
import { PodReleases, portsOfOwner } from './kinds/pod/pod-release.ts';
import { Ports } from './kinds/pod/ports.ts';
import { providerNetworkKind } from './kinds/provider-network/kind.ts';
import { revalidation } from './kinds/revalidation.ts';
import { securityGroupKind } from './kinds/security-group/kind.ts';
import { createSignals, type Signals } from './kinds/signals.ts';
import { subnetKind } from './kinds/subnet/kind.ts';
import { usageKind } from './kinds/subnet/usage-kind.ts';
import { vlanKind } from './kinds/vlan/kind.ts';
import { vpcKind } from './kinds/vpc/kind.ts';
import { Wakes } from './kinds/wakes.ts';

/** Nothing is followed before `subscribe` of each, in this order. */
export function createKinds(
  context: Context,
  queues: KindContext['queues'],
  signals: Signals = createSignals(),
): readonly Kind[] {
  const wakes = new Wakes({ ...context, queues });
  const shared: KindContext = { ...context, queues, signals, wakes };
  // What a pod had is released by the work on pods and by that on IP objects.
  const ports = new Ports(context.northbound, (owner) => portsOfOwner(owner, context));
  const releases = new PodReleases(context, ports, (held) => signals.freed.emit(held));
  return [
    // The others go by what is in use once a change is here.
    revalidation(shared),
    nadKind(shared),
    namespaceKind(shared),
    nodeKind(shared),
    vpcKind(shared),
    securityGroupKind(shared),
    vlanKind(shared),
    providerNetworkKind(shared),
    subnetKind(shared),
    usageKind(shared),
    ipPoolKind(shared),
    ipKind({ ...shared, releases }),
    new PodKind({ ...shared, ports, releases }),
  ];
}
