/**
 * A whole collection, page by page, and each page object by object.
 */
import { Silence } from '../concurrency/silence.ts';
import { TurnBudget } from '../concurrency/turn-budget.ts';
import type { KubernetesApi, Query } from './api.ts';
import { errorOfConnection, KubernetesError, OwnReason } from './error.ts';
import { ListItems } from './list-items.ts';

/** What is listed, in pages of which size, and who takes the objects. */
export interface ListOptions {
  readonly path: string;
  /** Selectors, and for the first page the wanted `resourceVersion`. */
  readonly query: Query;
  readonly pageSize: number;
  /** A list of which nothing arrives for so long is given up, and its connection with it. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Something of the list has arrived. */
  readonly onContact: () => void;
  /** Takes a raw object, or an OversizedObject; what this throws ends the list. */
  readonly onItem: (item: unknown) => void;
}

/** A server that never comes to an end is broken: 5 million objects at 500 a page. */
const PAGES_MAX = 10_000;

/**
 * Reads all pages, a few objects in each turn of the event loop. No more is kept than one object:
 * a server that answers from its memory sends all of them as one page.
 * @returns the resource version of the list as a whole, from which a watch goes on
 * @throws KubernetesError; with status 410 when paging took so long that the server has
 *   forgotten the version that the first page showed; what `onItem` throws
 */
export async function listAll(api: KubernetesApi, options: ListOptions): Promise<string> {
  const { path, pageSize } = options;
  const { resourceVersion: wanted, ...selectors } = options.query;
  let position: Query = { resourceVersion: wanted };
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { ...selectors, limit: pageSize, ...position };
    const { resourceVersion, next } = await readPage(api, query, options);
    if (next === '') return resourceVersion;
    // A continue token has the version inside; the server refuses both together.
    position = { continue: next };
  }
  throw malformed(path, `the list does not end after ${PAGES_MAX} pages`);
}

async function readPage(api: KubernetesApi, query: Query, options: ListOptions) {
  const { path, timeoutMs, signal } = options;
  using silence = new Silence(timeoutMs, signal);
  try {
    return positionOf(await readItems(api, query, silence, options), path);
  } catch (error) {
    signal.throwIfAborted();
    // Whatever keeps the connection silent would keep the next list on it silent, too.
    if (silence.isTooLong) api.renewConnection();
    if (error === silence.signal.reason) throw errorOfConnection({ verb: 'get', path }, error);
    throw error;
  }
}

/** @returns the list without its objects */
async function readItems(
  api: KubernetesApi,
  query: Query,
  silence: Silence,
  { path, onContact, onItem }: ListOptions,
): Promise<unknown> {
  const answer = await api.stream('get', path, query, silence.signal);
  const items = new ListItems();
  const turn = new TurnBudget();
  for await (const piece of explained(answer.body as AsyncIterable<Buffer>, path)) {
    silence.heard();
    onContact();
    for (const item of readable(items.feed(piece), path)) {
      onItem(item);
      if (turn.isSpent) await turn.next();
    }
  }
  try {
    return items.end();
  } catch (error) {
    throw malformed(path, 'the answer is not JSON', error);
  }
}

async function* explained(pieces: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* pieces;
  } catch (error) {
    throw errorOfConnection({ verb: 'get', path }, error);
  }
}

function* readable(items: Iterable<unknown>, path: string): Generator<unknown> {
  try {
    yield* items;
  } catch (error) {
    throw malformed(path, 'the answer is not a list of objects', error);
  }
}

function positionOf(answer: unknown, path: string) {
  const { metadata, items } = (answer ?? {}) as {
    metadata?: { resourceVersion?: unknown; continue?: unknown };
    items?: unknown;
  };
  const resourceVersion = metadata?.resourceVersion;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') {
    throw malformed(path, 'the list has no metadata.resourceVersion');
  }
  // Go writes an empty list as null where it was never made.
  if (!Array.isArray(items ?? [])) throw malformed(path, 'the list has no items');
  const next = metadata?.continue;
  return { resourceVersion, next: typeof next === 'string' ? next : '' };
}

function malformed(path: string, what: string, cause?: unknown): KubernetesError {
  const fields = { status: 0, reason: OwnReason.malformed, verb: 'get', path } as const;
  return new KubernetesError(fields, what, { cause });
}
