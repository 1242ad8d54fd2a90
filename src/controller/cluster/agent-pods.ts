/**
 * The pods of the nodes' daemons, by node: only those in the controller's own namespace, since anybody
 * can give a pod of theirs the same label.
 */
import type { Pod } from '../kinds/pod/object/pod.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { Objects } from './collection.ts';

/** Finds the pod of a node's daemon by the node's name. */
export class AgentPods {
  readonly #settings: Pick<ClusterSettings, 'agentNamespace'>;
  /** By node, then by UID: while one replaces another there are two. */
  readonly #byNode = new Map<string, Map<string, Pod>>();

  /** Follows the collection, which has not been started yet. */
  constructor(
    pods: Pick<Objects<Pod>, 'onChange'>,
    settings: Pick<ClusterSettings, 'agentNamespace'>,
  ) {
    this.#settings = settings;
    pods.onChange(({ type, value, previous }) => {
      if (previous !== undefined) this.#remove(previous);
      if (type === 'deleted') this.#remove(value);
      else if (this.includes(value)) this.#add(value);
    });
  }

  /** True for a pod of a node's daemon. */
  includes({ isAgent, namespace }: Pod): boolean {
    return isAgent && namespace === this.#settings.agentNamespace;
  }

  /** The one on a node, rather one that is not about to end. */
  on(node: string): Pod | undefined {
    const pods = [...(this.#byNode.get(node)?.values() ?? [])];
    return pods.find(({ end }) => end.deletedAtMs === undefined) ?? pods[0];
  }

  #add(pod: Pod): void {
    const pods = this.#byNode.get(pod.nodeName) ?? new Map<string, Pod>();
    this.#byNode.set(pod.nodeName, pods.set(pod.uid, pod));
  }

  #remove({ nodeName, uid }: Pod): void {
    const pods = this.#byNode.get(nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) this.#byNode.delete(nodeName);
  }
}
