/**
 * Connections to the API server that are used again.
 *
 * client-node 2.0.1 makes a new undici Agent, and with it a new TCP connection and TLS
 * handshake, for every single request. We put our own function in the place of its private
 * `createDispatcher`, so that one Agent serves for as long as the options it is made of stay
 * the same. client-node reads certificate files again for every request, so a new client
 * certificate or CA is a change of these options and leads to a new Agent. Tokens are headers:
 * they are no part of the Agent, and change without one.
 */
import type { AgentOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { type Cluster, type DispatcherOptions, KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';

type CreateDispatcher = (cluster: Cluster | null, options: AgentOptions) => Dispatcher | undefined;

/** A KubeConfig with connections of its own. */
export interface KeptConnections {
  /** Every request that takes its dispatcher from here goes over the kept connections. */
  readonly config: KubeConfig;
  /**
   * Ends every request at once, also those that wait for a connection or an answer, and lets
   * none begin. There is no other way to end a `Watch` that has no answer yet.
   */
  destroy(): void;
}

/**
 * Copies `source`, which stays as it is, and keeps the copy's connections. Authenticators that
 * were added to `source` by hand are not copied.
 * @throws Error when client-node has no `createDispatcher` any more
 */
export function keepConnections(source: KubeConfig): KeptConnections {
  const { clusters, users, contexts, currentContext } = source;
  const config = new KubeConfig();
  config.loadFromOptions({ clusters, users, contexts, currentContext });
  const create: unknown = Reflect.get(config, 'createDispatcher');
  if (typeof create !== 'function') {
    throw new Error('this version of @kubernetes/client-node has no KubeConfig.createDispatcher');
  }
  const cache = new DispatcherCache(config, create.bind(config) as CreateDispatcher);
  Object.assign(config, { createDispatcher: cache.create });
  return { config, destroy: () => cache.destroy() };
}

class DispatcherCache {
  readonly #config: KubeConfig;
  readonly #create: CreateDispatcher;
  /** The latest one, and older ones on which requests are still running. */
  readonly #open = new Set<Dispatcher>();
  #latest: { options: DispatcherOptions; dispatcher: Dispatcher | undefined } | undefined;
  #isDestroyed = false;

  constructor(config: KubeConfig, create: CreateDispatcher) {
    this.#config = config;
    this.#create = create;
  }

  readonly create: CreateDispatcher = (cluster, agentOptions) => {
    if (this.#isDestroyed) throw new Error('the connections to the API server are closed');
    const options = this.#config.createDispatcherOptions(cluster, agentOptions);
    if (this.#latest !== undefined && isDeepStrictEqual(this.#latest.options, options)) {
      return this.#latest.dispatcher;
    }
    const outdated = this.#latest?.dispatcher;
    // Undefined stands for undici's global dispatcher, which is not ours to close.
    const dispatcher = this.#create(cluster, agentOptions);
    if (dispatcher !== undefined) this.#open.add(dispatcher);
    this.#latest = { options, dispatcher };
    // Requests in flight are finished first: a watch ends within its timeoutSeconds.
    if (outdated !== undefined) void this.#finish(outdated.close(), outdated);
    return dispatcher;
  };

  destroy(): void {
    this.#isDestroyed = true;
    for (const dispatcher of this.#open) void this.#finish(dispatcher.destroy(), dispatcher);
  }

  async #finish(closing: Promise<void>, dispatcher: Dispatcher): Promise<void> {
    // A dispatcher that is destroyed while it closes rejects, and is gone either way.
    await closing.catch(() => undefined);
    this.#open.delete(dispatcher);
  }
}
