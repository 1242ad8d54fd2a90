/**
 * ProviderNetworks: which changes have one worked on. Those of Nodes and of their daemons' pods come with
 * each node that gets its bridge, so that all that comes together is one write.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../../common/kubernetes/watch-cache.ts';
import { providerNetworkOfKey } from '../../../common/provider-network.ts';
import { Pace } from '../../../common/reconcile/pace.ts';
import type { Uses } from '../context.ts';
import { type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import type { Node } from '../node/object/node.ts';
import type { Pod } from '../pod/object/pod.ts';
import { hasVlanChanged } from '../predicates.ts';
import { type ProviderNetworkContext, ProviderNetworkReconciler } from './reconciler.ts';

type Context = ProviderNetworkContext & Uses<'queues', 'pods'>;

/** One status is written once in so long a time; ms. */
const REPORT_EVERY_MS = 500;

/** The kind ProviderNetwork. A status is written at most twice a second, whatever changes. */
export function providerNetworkKind(context: Context): Kind {
  const { agentPods, cluster, queues } = context;
  const { providerNetworks } = cluster;
  const reconciler = new ProviderNetworkReconciler(context);
  const queue = queues.create({
    name: 'providerNetworks',
    what: 'a ProviderNetwork',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => {
      if (providerNetworks.get(name) === undefined) pace.forget(name);
      else pace.done(name);
      return reconciler.reconcile(name);
    },
  });
  const pace = new Pace(REPORT_EVERY_MS, (name) => queue.add(name));

  function addAll(): void {
    for (const { name } of providerNetworks.values()) pace.add(name);
  }

  function podChanged({ type, value, previous }: Change<Pod>): void {
    const isAgents = [value, previous].some((pod) => pod !== undefined && agentPods.includes(pod));
    if (!isAgents) return;
    const isOnNode = type === 'updated' && previous?.nodeName === value.nodeName;
    if (!isOnNode || previous?.end.deletedAtMs !== value.end.deletedAtMs) addAll();
    else if (!isDeepStrictEqual(saidOf(value), saidOf(previous))) addAll();
  }

  return {
    subscribe: () => [
      () => pace.stop(),
      providerNetworks.onChange(({ key }) => queue.add(key)),
      cluster.vlans.onChange((change) => {
        if (!hasVlanChanged(change)) return;
        const { key, value, previous } = change;
        const names = new Set([value.provider, previous?.provider ?? '']);
        for (const { name, status } of providerNetworks.values()) {
          if (names.has(name) || status.vlans.includes(key)) queue.add(name);
        }
      }),
      cluster.nodes.onChange((change) => {
        if (isOtherNode(change)) addAll();
      }),
      cluster.pods.onChange(podChanged),
    ],
    addAll: () => {
      for (const { name } of providerNetworks.values()) queue.add(name);
    },
  };
}

/** True where a node came or went, or says something else of provider networks, or of which it is in. */
function isOtherNode({ type, value, previous }: Change<Node>): boolean {
  if (type !== 'updated' || previous === undefined) return true;
  const { labels, networkAnnotations } = value;
  return (
    !isDeepStrictEqual(labels, previous.labels) ||
    !isDeepStrictEqual(networkAnnotations, previous.networkAnnotations)
  );
}

/** What a daemon's pod says of provider networks. */
function saidOf(pod: Pod | undefined) {
  const entries = Object.entries(pod?.annotations ?? {});
  return entries.filter(([key]) => providerNetworkOfKey(key) !== undefined);
}
