/**
 * A whole collection, page by page.
 */
import type { KubernetesApi, Query } from './api.ts';
import { KubernetesError, OwnReason } from './error.ts';

export interface ListOptions {
  readonly path: string;
  /** Selectors, and for the first page the wanted `resourceVersion`. */
  readonly query: Query;
  readonly pageSize: number;
  /** For each page. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Takes the raw objects of a page. */
  readonly onPage: (items: readonly unknown[]) => void;
}

/** A server that never comes to an end is broken: 5 million objects at 500 a page. */
const PAGES_MAX = 10_000;

/**
 * Reads all pages.
 * @returns the resource version of the list as a whole, from which a watch goes on
 * @throws KubernetesError; with status 410 when paging took so long that the server has
 *   forgotten the version that the first page showed
 */
export async function listAll(api: KubernetesApi, options: ListOptions): Promise<string> {
  const { path, pageSize, timeoutMs, signal, onPage } = options;
  const { resourceVersion: wanted, ...selectors } = options.query;
  let position: Query = { resourceVersion: wanted };
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { ...selectors, limit: pageSize, ...position };
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const { items, resourceVersion, next } = readPage(await api.get(path, query, deadline), path);
    onPage(items);
    if (next === '') return resourceVersion;
    // A continue token has the version inside; the server refuses both together.
    position = { continue: next };
  }
  throw malformed(path, `the list does not end after ${PAGES_MAX} pages`);
}

function readPage(answer: unknown, path: string) {
  const { metadata, items } = (answer ?? {}) as {
    metadata?: { resourceVersion?: unknown; continue?: unknown };
    items?: unknown;
  };
  const resourceVersion = metadata?.resourceVersion;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') {
    throw malformed(path, 'the list has no metadata.resourceVersion');
  }
  // Go writes an empty list as null where it was never made.
  const page: unknown = items ?? [];
  if (!Array.isArray(page)) throw malformed(path, 'the list has no items');
  const next = metadata?.continue;
  return { items: page, resourceVersion, next: typeof next === 'string' ? next : '' };
}

function malformed(path: string, what: string): KubernetesError {
  return new KubernetesError({ status: 0, reason: OwnReason.malformed, verb: 'get', path }, what);
}
