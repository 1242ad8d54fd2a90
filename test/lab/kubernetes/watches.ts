/**
 * The open watches of the fake API server.
 */
import { EventEmitter, once } from 'node:events';
import type { Kind } from './kinds.ts';
import type { HttpResponse } from './listener.ts';
import { type KubernetesObject, withVersion } from './object.ts';
import type { Predicate } from './selectors.ts';
import { ApiRefusal } from './status.ts';
import type { ObjectStore, StoreEvent } from './store.ts';

export interface WatchOptions {
  readonly kind: Kind;
  readonly isSelected: Predicate;
  /** Empty or `0`: begin with an ADDED for everything there is. */
  readonly resourceVersion: string;
  readonly wantsBookmarks: boolean;
  /** 0 for no end; s. */
  readonly timeoutSeconds: number;
  readonly response: HttpResponse;
}

interface OpenWatch extends WatchOptions {
  /** Its events are lost: a connection whose other side vanished. */
  isMute: boolean;
}

export class Watches {
  readonly #store: ObjectStore;
  readonly #open = new Set<OpenWatch>();
  readonly #changes = new EventEmitter();
  #closesAtOnce = false;

  constructor(store: ObjectStore) {
    this.#store = store;
    store.onEvent((event) => {
      for (const watch of this.#open) this.#sendEvent(watch, event);
    });
  }

  /** Watches that are open now, mute ones too. */
  get count(): number {
    return this.#open.size;
  }

  /** Resolves when exactly so many are open. */
  async waitForCount(count: number): Promise<void> {
    while (this.#open.size !== count) await once(this.#changes, 'change');
  }

  /** Answers a watch request; returns at once, and the watch goes on. */
  open(options: WatchOptions): void {
    const { response, timeoutSeconds, wantsBookmarks } = options;
    const watch: OpenWatch = { ...options, isMute: false };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    if (!this.#sendPast(watch) || this.#closesAtOnce) {
      response.end();
      return;
    }
    this.#open.add(watch);
    this.#changes.emit('change');
    const end = () => {
      if (wantsBookmarks) this.#sendBookmark(watch);
      response.end();
    };
    const timer = timeoutSeconds > 0 ? setTimeout(end, timeoutSeconds * 1000) : undefined;
    response.once('close', () => {
      clearTimeout(timer);
      this.#open.delete(watch);
      this.#changes.emit('change');
    });
  }

  /** Tells all watches that asked for it how far they are. The real server does each minute. */
  sendBookmarks(): void {
    for (const watch of this.#open) if (watch.wantsBookmarks) this.#sendBookmark(watch);
  }

  /** Writes a line of a test's own to all watches. */
  sendLine(line: string): void {
    for (const { response, isMute } of this.#open) if (!isMute) response.write(`${line}\n`);
  }

  /** Ends all watches as a server does that shuts down in order. */
  endAll(): void {
    for (const { response } of this.#open) response.end();
  }

  /** From now on every watch is ended as soon as it is open, or no more. */
  closeAtOnce(isOn: boolean): void {
    this.#closesAtOnce = isOn;
  }

  /** Nothing arrives any more on the watches that are open now, not even later. */
  muteAll(): void {
    for (const watch of this.#open) watch.isMute = true;
  }

  /** What happened before the watch was opened; false where the server forgot it. */
  #sendPast(watch: OpenWatch): boolean {
    const { kind, isSelected, resourceVersion } = watch;
    if (resourceVersion === '' || resourceVersion === '0') {
      for (const [, object] of this.#store.all(kind)) {
        if (isSelected(object)) send(watch, 'ADDED', object);
      }
      return true;
    }
    const { compactedVersion } = this.#store;
    if (Number(resourceVersion) < compactedVersion) {
      const why = `too old resource version: ${resourceVersion} (${compactedVersion})`;
      send(watch, 'ERROR', new ApiRefusal(410, why).toStatus());
      return false;
    }
    for (const event of this.#store.since(Number(resourceVersion))) this.#sendEvent(watch, event);
    return true;
  }

  /** An object that enters the selection is added, one that leaves it is deleted. */
  #sendEvent(watch: OpenWatch, { kind, version, before, after }: StoreEvent): void {
    if (kind !== watch.kind) return;
    const wasIn = before !== undefined && watch.isSelected(before);
    const isIn = after !== undefined && watch.isSelected(after);
    if (isIn) send(watch, wasIn ? 'MODIFIED' : 'ADDED', after);
    // Its last state in the selection, under the version of the change.
    else if (wasIn) send(watch, 'DELETED', withVersion(before, String(version)));
  }

  #sendBookmark(watch: OpenWatch): void {
    const { apiVersion, kind } = watch.kind;
    const metadata = { resourceVersion: String(this.#store.version), creationTimestamp: null };
    send(watch, 'BOOKMARK', { apiVersion, kind, metadata });
  }
}

function send(
  { response, isMute }: OpenWatch,
  type: string,
  object: KubernetesObject | object,
): void {
  if (!isMute) response.write(`${JSON.stringify({ type, object })}\n`);
}
