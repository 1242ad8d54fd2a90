/**
 * One watch request, from its start to its end.
 */
import { Silence } from '../concurrency/silence.ts';
import { TurnBudget } from '../concurrency/turn-budget.ts';
import type { KubernetesApi, Query } from './api.ts';
import { isSilentConnection } from './connections.ts';
import { errorOfConnection, KubernetesError, OwnReason } from './error.ts';
import type { Answer } from './exchange.ts';
import { WatchLines } from './watch-lines.ts';

/** One watch: what is asked for, when it is given up, and who is called. */
export interface WatchStreamOptions {
  readonly api: KubernetesApi;
  readonly path: string;
  readonly query: Query;
  /** The watch ends when nothing arrives for so long, before the answer or after it; ms. */
  readonly inactivityMs: number;
  /** Ends the watch, which rejects with its reason. */
  readonly signal: AbortSignal;
  /** The server accepted the watch. */
  readonly onOpen: () => void;
  /** A line of the watch; what this throws ends the watch. */
  readonly onEvent: (type: unknown, object: unknown) => void;
}

/** How a watch ended that was open: by the server, or by us because nothing was heard. */
export type WatchEnd = 'closed' | 'silent';

/**
 * Follows a watch until it ends. A line that is no JSON is dropped, and nobody learns of it; an
 * object that is too large comes as an OversizedObject. What a large number of events asks for is
 * spread over several turns of the event loop.
 *
 * @throws KubernetesError when it could not be opened or broke; what `onEvent` throws
 */
export async function followWatch(options: WatchStreamOptions): Promise<WatchEnd> {
  const { api, path, query, inactivityMs, signal, onOpen } = options;
  using silence = new Silence(inactivityMs, signal);
  let isOpen = false;
  try {
    const answer = await api.stream('watch', path, { ...query, watch: true }, silence.signal);
    isOpen = true;
    silence.heard();
    onOpen();
    await readEvents(answer, silence, options);
    return 'closed';
  } catch (error) {
    signal.throwIfAborted();
    if (isOpen && isSilentConnection(error)) return 'silent';
    if (!silence.isTooLong) throw error;
    // Whatever keeps the connection silent would keep the next watch on it silent, too.
    api.renewConnection();
    if (isOpen) return 'silent';
    const fields = { verb: 'watch', path, status: 0, reason: OwnReason.unreachable } as const;
    throw new KubernetesError(fields, `no answer within ${inactivityMs} ms`, { cause: error });
  }
}

async function readEvents(
  answer: Answer,
  silence: Silence,
  { path, onEvent }: WatchStreamOptions,
): Promise<void> {
  const lines = new WatchLines();
  const turn = new TurnBudget();
  const pieces = answer.body as AsyncIterable<Buffer>;
  // Leaving the loop destroys the stream.
  for await (const piece of explained(pieces, path)) {
    silence.heard();
    for (const { type, object } of lines.feed(piece)) {
      onEvent(type, object);
      if (turn.isSpent) await turn.next();
    }
  }
}

/** What breaks a stream as a KubernetesError. */
async function* explained(pieces: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* pieces;
  } catch (error) {
    throw errorOfConnection({ verb: 'watch', path }, error);
  }
}
