/**
 * What the cluster hears of a provider network on this node, in Kube-OVN's words: labels of the Node, by
 * which a controller finds it ready; an annotation of the daemon's own pod, of which a controller takes
 * why it is not; events on the object. Nothing is written that is so already.
 */
import { isNotFound, type KubernetesApi, KubernetesError } from '../../../common/kubernetes/api.ts';
import type { EventObject } from '../../../common/kubernetes/event-object.ts';
import { KINDS, objectPath } from '../../../common/kubernetes/path.ts';
import type { WatchCache } from '../../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../../common/log.ts';
import {
  BRIDGE_FAILED_REASON,
  BRIDGE_READY_REASON,
  type ProviderNetwork,
  providerNetworkErrorAnnotation,
  providerNetworkLabels,
} from '../../../common/provider-network.ts';
import type { ObjectEvents } from '../../../common/reconcile/object-events.ts';
import type { Node } from '../../model/node.ts';
import { type Pod, podKey } from '../../model/pod.ts';
import type { SetUp } from './bring.ts';

/** How a provider network is on this node. */
export type NetworkOutcome =
  | { readonly kind: 'ready'; readonly setUp: SetUp }
  | { readonly kind: 'failed'; readonly interface: string; readonly error: string }
  | { readonly kind: 'excluded' }
  | { readonly kind: 'gone' };

/** Labels by key; null for one that is not to be there. */
export type LabelPatch = Readonly<Record<string, string | null>>;

/** The labels that an outcome stands for; what is not named stays as it is. */
export function labelsOf(network: string, outcome: NetworkOutcome): LabelPatch {
  const keys = providerNetworkLabels(network);
  const none = {
    [keys.ready]: null,
    [keys.interface]: null,
    [keys.mtu]: null,
    [keys.vlanInterfaces]: null,
  };
  if (outcome.kind === 'failed') return none;
  if (outcome.kind === 'gone') return { ...none, [keys.exclude]: null };
  if (outcome.kind === 'excluded') return { ...none, [keys.exclude]: 'true' };
  const { mtu, vlanInterfaces } = outcome.setUp;
  return {
    [keys.ready]: 'true',
    [keys.interface]: outcome.setUp.interface,
    [keys.mtu]: String(mtu),
    [keys.vlanInterfaces]: vlanInterfaces.length > 0 ? 'true' : null,
    [keys.exclude]: null,
  };
}

/** Those of the patch that are not so already. */
export function labelChanges(
  wanted: LabelPatch,
  labels: Readonly<Record<string, string>>,
): LabelPatch {
  const changes = Object.entries(wanted).filter(([key, value]) => (labels[key] ?? null) !== value);
  return Object.fromEntries(changes);
}

export interface PublicationParts {
  readonly api: Pick<KubernetesApi, 'mergePatch'>;
  readonly nodeName: string;
  readonly node: Pick<WatchCache<Node>, 'get'>;
  /** Of this node. */
  readonly pods: Pick<WatchCache<Pod>, 'get'>;
  /** The daemon's own; undefined where it is in none. */
  readonly ownPod: { readonly namespace: string; readonly name: string } | undefined;
  readonly events: ObjectEvents;
  readonly log: Logger;
}

const PATCH_MS = 30_000;

export class Publication {
  readonly #parts: PublicationParts;
  /** Errors that were annotated, by provider network. */
  readonly #annotated = new Map<string, string>();
  #isAnnotationForbidden = false;

  constructor(parts: PublicationParts) {
    this.#parts = parts;
  }

  /**
   * Writes what is not so already.
   * @param object undefined where it is gone
   * @throws KubernetesError
   */
  async publish(
    network: string,
    object: ProviderNetwork | undefined,
    outcome: NetworkOutcome,
  ): Promise<void> {
    await this.#annotate(network, outcome.kind === 'failed' ? outcome.error : null);
    const changes = await this.#label(network, outcome);
    if (object !== undefined) this.#record(object, outcome, changes);
  }

  async #label(network: string, outcome: NetworkOutcome): Promise<LabelPatch> {
    const { api, node, nodeName } = this.#parts;
    const known = node.get(nodeName);
    if (known === undefined) return {};
    const changes = labelChanges(labelsOf(network, outcome), known.labels);
    if (Object.keys(changes).length === 0) return changes;
    const patch = { metadata: { labels: changes } };
    await api.mergePatch(objectPath(KINDS.nodes, nodeName), patch, AbortSignal.timeout(PATCH_MS));
    return changes;
  }

  /** A controller finds the daemon's pod by its own label, and there what is wrong. */
  async #annotate(network: string, error: string | null): Promise<void> {
    const { api, pods, ownPod } = this.#parts;
    if (ownPod === undefined || this.#isAnnotationForbidden) return;
    const key = providerNetworkErrorAnnotation(network);
    const pod = pods.get(podKey(ownPod.namespace, ownPod.name));
    const known = this.#annotated.get(network) ?? pod?.annotations[key] ?? null;
    if (known === error) return;
    const patch = { metadata: { annotations: { [key]: error } } };
    const path = objectPath(KINDS.pods, ownPod.name, ownPod.namespace);
    try {
      await api.mergePatch(path, patch, AbortSignal.timeout(PATCH_MS));
      if (error === null) this.#annotated.delete(network);
      else this.#annotated.set(network, error);
    } catch (failure) {
      if (!this.#isHopeless(failure)) throw failure;
    }
  }

  /** The labels are what matters: they are written where the annotation may not be. */
  #isHopeless(failure: unknown): boolean {
    if (isNotFound(failure)) return true;
    if (!(failure instanceof KubernetesError && failure.status === 403)) return false;
    this.#isAnnotationForbidden = true;
    this.#parts.log.warn(
      { error: failure.message },
      "errors of provider networks are not annotated on the daemon's own pod, where controllers take them from: grant its role the verb patch on pods of its namespace",
    );
    return true;
  }

  #record(object: ProviderNetwork, outcome: NetworkOutcome, changes: LabelPatch): void {
    const { events, nodeName } = this.#parts;
    const about = referenceOf(object);
    if (outcome.kind === 'failed') {
      const message = `Failed to initialize provider network: node=${nodeName} interface=${outcome.interface} error=${outcome.error}`;
      events.warnOnce(about, { type: 'Warning', reason: BRIDGE_FAILED_REASON, message });
      return;
    }
    events.clear(about);
    if (outcome.kind !== 'ready') return;
    const keys = providerNetworkLabels(object.name);
    const isNews = [keys.ready, keys.interface, keys.mtu].some((key) => key in changes);
    if (!isNews) return;
    const { interface: name, mtu } = outcome.setUp;
    const message = `Initialized provider network: node=${nodeName} interface=${name} mtu=${mtu}`;
    events.record(about, { type: 'Normal', reason: BRIDGE_READY_REASON, message });
  }
}

function referenceOf({ name, uid }: ProviderNetwork): EventObject {
  return { apiVersion: 'kubeovn.io/v1', kind: 'ProviderNetwork', name, uid };
}
