/**
 * One watch request, from its start to its end, over client-node's `Watch`.
 */
import { type KubeConfig, Watch } from '@kubernetes/client-node';
import type { Query } from './api.ts';
import { errorOfAnswer, errorOfConnection, KubernetesError, OwnReason } from './error.ts';

export interface WatchStreamOptions {
  readonly config: KubeConfig;
  readonly path: string;
  readonly query: Query;
  /** The watch ends when nothing arrives for so long, before the answer or after it; ms. */
  readonly inactivityMs: number;
  /** The server accepted the watch. */
  readonly onOpen: () => void;
  /** A line of the watch; what this throws ends the watch. */
  readonly onEvent: (type: unknown, object: unknown) => void;
}

/** How a watch ended that was open: by the server, or by us because nothing arrived. */
export type WatchEnd = 'closed' | 'silent';

/**
 * Follows a watch until it ends. To end it from outside, destroy the connections of its config.
 *
 * A line that is no JSON is dropped by client-node, and nobody learns of it. Half a line
 * before a broken connection is one, and is sent again when the watch is resumed.
 *
 * @throws KubernetesError when it could not be opened or broke; what `onEvent` throws
 */
export async function followWatch(options: WatchStreamOptions): Promise<WatchEnd> {
  const { config, path, query, onOpen, onEvent } = options;
  const watch = createWatch(config, options.inactivityMs);
  const over = Promise.withResolvers<unknown>();
  let isOver = false;
  const refused: { reason?: unknown } = {};
  let request: AbortController | undefined;

  const onLine = (type: unknown, object: unknown) => {
    if ('reason' in refused) return;
    try {
      onEvent(type, object);
    } catch (error) {
      // client-node would take it for a broken line and go on.
      refused.reason = error;
      request?.abort();
    }
  };
  request = await watch
    .watch(path, query, onLine, (error: unknown) => {
      isOver = true;
      over.resolve(error);
    })
    .catch((error: unknown) => {
      throw errorOfConnection({ verb: 'watch', path }, error);
    });
  // client-node resolves in both cases, and calls back before that if it failed.
  const isOpen = !isOver;
  if (isOpen) onOpen();
  if ('reason' in refused) request.abort();

  const ended = await over.promise;
  if ('reason' in refused) throw refused.reason;
  return explainEnd(ended, { path, isOpen, inactivityMs: options.inactivityMs });
}

function createWatch(config: KubeConfig, inactivityMs: number): Watch {
  const watch = new Watch(config);
  // A private field, which 2.0.1 sets to 30 s.
  if (!('requestTimeoutMs' in watch)) {
    throw new Error('this version of @kubernetes/client-node has no Watch.requestTimeoutMs');
  }
  return Object.assign(watch, { requestTimeoutMs: inactivityMs });
}

/** @param ended what client-node calls back with: nothing, or an error */
function explainEnd(
  ended: unknown,
  { path, isOpen, inactivityMs }: { path: string; isOpen: boolean; inactivityMs: number },
): WatchEnd {
  if (ended === null || ended === undefined) return 'closed';
  const request = { verb: 'watch', path } as const;
  if (ended instanceof Error && ended.name === 'TimeoutError') {
    if (isOpen) return 'silent';
    const fields = { ...request, status: 0, reason: OwnReason.unreachable };
    throw new KubernetesError(fields, `no answer within ${inactivityMs} ms`, { cause: ended });
  }
  if (ended instanceof Error && 'statusCode' in ended && typeof ended.statusCode === 'number') {
    // client-node does not read the body of a refusal.
    throw errorOfAnswer(request, { status: ended.statusCode, statusText: ended.message, body: '' });
  }
  throw errorOfConnection(request, ended);
}
