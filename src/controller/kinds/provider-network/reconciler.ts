/**
 * The work on a ProviderNetwork: its status says which nodes have their bridge, and which Vlans their
 * interfaces let through. The bridges are the nodes' daemons' work: by labels of its Node, and by an
 * annotation of its own pod, each of them says what came of it.
 */
import { below } from '../../../common/kubernetes/path.ts';
import {
  isExcluded,
  providerNetworkErrorAnnotation,
  providerNetworkLabels,
} from '../../../common/provider-network.ts';
import type { Uses } from '../context.ts';
import type { Node } from '../node/object/node.ts';
import { patchObject } from '../patch-object.ts';
import { withoutRivals } from '../vlan/object/vlan.ts';
import { migrationOf } from './object/migration.ts';
import {
  type NodeState,
  type ProviderNetworkObject,
  providerNetworkStatusPatch,
} from './object/provider-network.ts';

/** What the work on ProviderNetworks uses. */
export type ProviderNetworkContext = Uses<
  'agentPods' | 'writes',
  'nodes' | 'providerNetworks' | 'vlans'
>;

/** Of what a daemon says: characters that are passed on. */
const MESSAGE_CHARS_MAX = 1024;

/**
 * The work on one ProviderNetwork by its name: exceptions of older versions are moved into it, and its status
 * is written.
 */
export class ProviderNetworkReconciler {
  readonly #context: ProviderNetworkContext;

  constructor(context: ProviderNetworkContext) {
    this.#context = context;
  }

  async reconcile(name: string): Promise<void> {
    const network = this.#context.cluster.providerNetworks.get(name);
    if (network === undefined || network.deleting) return;
    await this.#moveAnnotations(network);
    await this.#report(name);
  }

  /** What the object says first, so that nothing is lost where a Node is not written. */
  async #moveAnnotations(network: ProviderNetworkObject): Promise<void> {
    const { cluster, writes } = this.#context;
    const { providerNetworks, nodes } = cluster;
    const { spec, annotations } = migrationOf(network, nodes.values());
    await patchObject(writes, providerNetworks, { name: network.name, patch: spec });
    for (const [node, removed] of annotations) {
      const patch = { metadata: { annotations: removed } };
      await writes.patch(below(nodes.path, node), patch);
    }
  }

  async #report(name: string): Promise<void> {
    const { cluster, writes } = this.#context;
    const network = cluster.providerNetworks.get(name);
    if (network === undefined) return;
    const nodes = [...cluster.nodes.values()].filter((node) => !isExcluded(network, node));
    const patch = providerNetworkStatusPatch(
      network.status,
      nodes.map((node) => this.#stateOf(node, network)),
      this.#vlansOf(name),
      new Date(),
    );
    await patchObject(writes, cluster.providerNetworks, { name, patch, part: 'status' });
  }

  #vlansOf(name: string): readonly string[] {
    const vlans = [...this.#context.cluster.vlans.values()];
    const own = vlans.filter(({ provider }) => provider === name);
    return withoutRivals(own).map((vlan) => vlan.name);
  }

  #stateOf({ name, labels }: Node, network: ProviderNetworkObject): NodeState {
    const { ready } = providerNetworkLabels(network.name);
    if (labels.get(ready) === 'true') return { name };
    const pod = this.#context.agentPods.on(name);
    if (pod === undefined) return { name, problem: `kube-ovn-cni pod on node ${name} not found` };
    const said = pod.annotations[providerNetworkErrorAnnotation(network.name)] ?? '';
    const problem = said.slice(0, MESSAGE_CHARS_MAX).toWellFormed();
    return { name, problem: problem || 'unknown error' };
  }
}
