/**
 * The objects of the fake API server, their versions and their history: what etcd and the
 * registries are to the real one. Everything here is synchronous, and knows nothing of HTTP.
 */
import { check, read } from './admission.ts';
import type { Kind } from './kinds.ts';
import {
  isSameContent,
  type KubernetesObject,
  keyOf,
  mergePatch,
  type NewObject,
  typed,
  withVersion,
} from './object.ts';
import { alreadyExists, notFound } from './status.ts';
import {
  checkDelete,
  checkWrite,
  type DeleteOptions,
  graceOf,
  hasFinalizers,
  isDoneDeleting,
  markDeleted,
  newObject,
  nextObject,
  type Part,
  type Write,
} from './writes.ts';

/** What happened to an object, for watches. */
export interface StoreEvent {
  readonly kind: Kind;
  readonly version: number;
  /** Undefined of a new object. */
  readonly before: KubernetesObject | undefined;
  /** Undefined of an object that is gone. */
  readonly after: KubernetesObject | undefined;
}

export class ObjectStore {
  readonly #objects = new Map<Kind, Map<string, KubernetesObject>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #history: StoreEvent[] = [];
  #version = 1000;
  #compactedVersion = 1000;

  /** The version of the latest change of all. */
  get version(): number {
    return this.#version;
  }

  /** Changes up to this version are forgotten. */
  get compactedVersion(): number {
    return this.#compactedVersion;
  }

  /** Forgets the history. */
  compact(): void {
    this.#history = [];
    this.#compactedVersion = this.#version;
  }

  /** Changes after `version` that are not forgotten, in order. */
  since(version: number): StoreEvent[] {
    return this.#history.filter((event) => event.version > version);
  }

  /** Calls `listener` with every change from now on. @returns ends it */
  onEvent(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** All objects of a kind, by key, in etcd's order. */
  all(kind: Kind): [string, KubernetesObject][] {
    const entries = [...this.#table(kind)];
    return entries.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Undefined where there is none. */
  find(kind: Kind, key: string): KubernetesObject | undefined {
    return this.#table(kind).get(key);
  }

  /** @throws ApiRefusal 404 */
  get(kind: Kind, key: string): KubernetesObject {
    const object = this.find(kind, key);
    if (object === undefined) throw notFound(kind, nameIn(key));
    return object;
  }

  /** @throws ApiRefusal 409 where it exists, 400 and 422 see newObject */
  create(kind: Kind, object: NewObject, part: Part): KubernetesObject {
    const created = newObject(kind, read(kind, object), part);
    const key = keyOf(created.metadata);
    if (this.#table(kind).has(key)) throw alreadyExists(kind, created.metadata.name);
    return this.#commit(kind, key, created, part);
  }

  /**
   * Keeps a new object whose fields nobody checks: one from before its kind had the schema of now.
   * @throws ApiRefusal 409 where it exists, 400 see newObject
   */
  createUnchecked(kind: Kind, object: NewObject): KubernetesObject {
    const created = newObject(kind, read(kind, object), 'all');
    const key = keyOf(created.metadata);
    if (this.#table(kind).has(key)) throw alreadyExists(kind, created.metadata.name);
    return this.#keep(kind, key, complete(kind, created));
  }

  /** Replaces an object. @throws ApiRefusal 404, 409 */
  replace(kind: Kind, key: string, object: NewObject, part: Part): KubernetesObject {
    return this.#write(key, object, { kind, part, isPatch: false });
  }

  /** Applies a merge patch. @throws ApiRefusal 404, 409, 422 */
  patch(kind: Kind, key: string, patch: unknown, part: Part): KubernetesObject {
    const patched = mergePatch(this.get(kind, key), patch) as NewObject;
    return this.#write(key, patched, { kind, part, isPatch: true });
  }

  /**
   * Deletes an object, or marks it where a finalizer or a grace period is in the way.
   * @returns the object as it is now, and whether it is gone
   * @throws ApiRefusal 404, 409
   */
  delete(kind: Kind, key: string, options: DeleteOptions = {}) {
    const object = this.get(kind, key);
    checkDelete(kind, object, options);
    const graceSeconds = graceOf(kind, object, options.gracePeriodSeconds);
    if (graceSeconds === 0 && !hasFinalizers(object)) {
      return { object: this.#remove(kind, key, object), isGone: true };
    }
    const marked = markDeleted(object, graceSeconds);
    return { object: this.#commit(kind, key, marked, 'main'), isGone: false };
  }

  #write(key: string, sent: NewObject, write: Write): KubernetesObject {
    const { kind, part } = write;
    const before = this.get(kind, key);
    const wanted = read(kind, sent);
    checkWrite(before, wanted, write);
    const next = nextObject(before, wanted, write);
    // Its last finalizer went.
    return isDoneDeleting(next)
      ? this.#remove(kind, key, next)
      : this.#commit(kind, key, next, part);
  }

  /**
   * Keeps an object, under a new version if anything has changed.
   * @returns it as it is now
   * @throws ApiRefusal 400 and 422, see check
   */
  #commit(kind: Kind, key: string, object: KubernetesObject, part: Part): KubernetesObject {
    const before = this.#table(kind).get(key);
    const next = complete(kind, object);
    check(kind, next, { before, part });
    if (before !== undefined && isSameContent(before, next)) return before;
    return this.#keep(kind, key, next);
  }

  #keep(kind: Kind, key: string, object: KubernetesObject): KubernetesObject {
    const before = this.#table(kind).get(key);
    const after = withVersion(object, String(++this.#version));
    this.#table(kind).set(key, after);
    this.#record({ kind, version: this.#version, before, after });
    return after;
  }

  /** @returns the last state of the object, under the version of its removal */
  #remove(kind: Kind, key: string, last: KubernetesObject): KubernetesObject {
    const before = withVersion(typed(kind, last), String(++this.#version));
    this.#table(kind).delete(key);
    this.#record({ kind, version: this.#version, before, after: undefined });
    return before;
  }

  #record(event: StoreEvent): void {
    this.#history.push(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  #table(kind: Kind): Map<string, KubernetesObject> {
    const table = this.#objects.get(kind) ?? new Map<string, KubernetesObject>();
    this.#objects.set(kind, table);
    return table;
  }
}

/** An object as it is served. Through JSON, as over the wire: members that are undefined are none. */
function complete(kind: Kind, object: KubernetesObject): KubernetesObject {
  return typed(kind, JSON.parse(JSON.stringify(object)));
}

/** The name in `namespace/name` or `name`. */
function nameIn(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
