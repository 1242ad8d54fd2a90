/**
 * The objects of the API server double, their versions and their history: what etcd and the
 * registries are to the real one. Everything here is synchronous, and knows nothing of HTTP.
 */
import { randomUUID } from 'node:crypto';
import type { Kind } from './kubernetes-kinds.ts';
import {
  isSameContent,
  isSameSpec,
  type KubernetesObject,
  keyOf,
  mergePatch,
  type NewObject,
  timestamp,
  typed,
  withVersion,
} from './kubernetes-object.ts';
import { ApiRefusal, alreadyExists, conflict, invalid, notFound } from './kubernetes-status.ts';

/** What happened to an object, for watches. */
export interface StoreEvent {
  readonly kind: Kind;
  readonly version: number;
  /** Undefined of a new object. */
  readonly before: KubernetesObject | undefined;
  /** Undefined of an object that is gone. */
  readonly after: KubernetesObject | undefined;
}

/**
 * Which part of an object a write may change: what a request to `/status` may, what any other
 * may, or both, which no real request can, but a test does.
 */
export type Part = 'status' | 'main' | 'all';

export interface DeleteOptions {
  /** Of pods; s. Without it the pod's own, which is 30 by default. 0 removes at once. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** What to do with an object on the way to its new content. */
interface Write {
  readonly kind: Kind;
  readonly part: Part;
  /** A merge patch can only fail for an UID; a replacement is one of another object then. */
  readonly isPatch: boolean;
}

const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';
const DEFAULT_GRACE_SECONDS = 30;

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

  /** @throws ApiRefusal 404 */
  get(kind: Kind, key: string): KubernetesObject {
    const object = this.#table(kind).get(key);
    if (object === undefined) throw notFound(kind, nameIn(key));
    return object;
  }

  /** @throws ApiRefusal 409 where it exists, 422 without a name */
  create(kind: Kind, object: NewObject, part: Part): KubernetesObject {
    const { generateName, ...metadata } = { ...object.metadata };
    const suffix = randomUUID().slice(0, 5);
    const name = String(metadata.name ?? (generateName === undefined ? '' : generateName + suffix));
    if (name === '')
      throw invalid(kind, '', 'metadata.name: Required value: name or generateName is required');
    const { namespace } = metadata as { namespace?: string };
    if (kind.namespaced && !namespace) throw new ApiRefusal(400, `${kind.kind} needs a namespace`);
    const key = keyOf({ namespace, name });
    if (this.#table(kind).has(key)) throw alreadyExists(kind, name);
    const { status, ...rest } = object;
    const created: KubernetesObject = {
      ...rest,
      metadata: {
        ...metadata,
        name,
        uid: randomUUID(),
        generation: 1,
        creationTimestamp: timestamp(),
      },
    };
    const keptStatus = kind.hasStatus && part === 'main' ? undefined : status;
    const initial = kind.kind === 'Pod' ? { phase: 'Pending' } : undefined;
    if (keptStatus ?? initial) created.status = (keptStatus ?? initial) as Record<string, unknown>;
    return this.#commit(kind, key, created) as KubernetesObject;
  }

  /** Replaces an object. @throws ApiRefusal 404, 409 */
  replace(kind: Kind, key: string, object: NewObject, part: Part): KubernetesObject {
    return this.#write(key, object as KubernetesObject, { kind, part, isPatch: false });
  }

  /** Applies a merge patch. @throws ApiRefusal 404, 409, 422 */
  patch(kind: Kind, key: string, patch: unknown, part: Part): KubernetesObject {
    const patched = mergePatch(this.get(kind, key), patch) as KubernetesObject;
    return this.#write(key, patched, { kind, part, isPatch: true });
  }

  /**
   * Deletes an object, or marks it where a finalizer or a grace period is in the way.
   * @returns the object as it is now, and whether it is gone
   * @throws ApiRefusal 404, 409
   */
  delete(kind: Kind, key: string, options: DeleteOptions = {}) {
    const object = this.get(kind, key);
    const { metadata } = object;
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (
      (uid ?? metadata.uid) !== metadata.uid ||
      (resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion
    ) {
      throw conflict(kind, metadata.name, 'Precondition failed: UID or resourceVersion differ');
    }
    const graceSeconds = graceOf(kind, object, options.gracePeriodSeconds);
    if (graceSeconds === 0 && !hasFinalizers(object)) {
      return { object: this.#remove(kind, key, object), isGone: true };
    }
    const marked = structuredClone(object);
    const until = new Date(Date.now() + graceSeconds * 1000);
    marked.metadata.deletionTimestamp ??= timestamp(until);
    marked.metadata.deletionGracePeriodSeconds = graceSeconds;
    if (metadata.deletionTimestamp === undefined)
      marked.metadata.generation = (metadata.generation ?? 0) + 1;
    return { object: this.#commit(kind, key, marked) ?? object, isGone: false };
  }

  /** What a change of an object leads to, given what part of it may change. */
  #write(key: string, wanted: KubernetesObject, write: Write): KubernetesObject {
    const { kind, part } = write;
    const before = this.get(kind, key);
    checkPreconditions(before, wanted, write);
    const next = structuredClone(part === 'status' ? { ...before, status: wanted.status } : wanted);
    if (part === 'main' && kind.hasStatus) next.status = before.status;
    if (next.status === undefined) delete next.status;
    const {
      name,
      namespace,
      uid,
      creationTimestamp,
      deletionTimestamp,
      generation = 0,
    } = before.metadata;
    const { deletionGracePeriodSeconds } = before.metadata;
    const fixed = {
      name,
      namespace,
      uid,
      creationTimestamp,
      deletionTimestamp,
      deletionGracePeriodSeconds,
    };
    const isNewGeneration = !isSameSpec(typed(kind, before), typed(kind, next));
    next.metadata = defined({
      ...next.metadata,
      ...fixed,
      generation: isNewGeneration ? generation + 1 : generation,
    });
    const isFinished =
      deletionTimestamp !== undefined && !deletionGracePeriodSeconds && !hasFinalizers(next);
    return isFinished ? this.#remove(kind, key, next) : (this.#commit(kind, key, next) ?? before);
  }

  /** Keeps an object under a new version; undefined where nothing changed, as etcd has it. */
  #commit(kind: Kind, key: string, object: KubernetesObject): KubernetesObject | undefined {
    const before = this.#table(kind).get(key);
    const complete = typed(kind, structuredClone(object));
    if (before !== undefined && isSameContent(before, complete)) return undefined;
    const after = withVersion(complete, String(++this.#version));
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

function checkPreconditions(
  before: KubernetesObject,
  wanted: KubernetesObject,
  write: Write,
): void {
  const { kind, isPatch } = write;
  const { name, uid, resourceVersion } = before.metadata;
  const wantedVersion = wanted.metadata.resourceVersion ?? '';
  if (wantedVersion !== '' && wantedVersion !== resourceVersion)
    throw conflict(kind, name, MODIFIED);
  if ((wanted.metadata.uid ?? uid) === uid) return;
  if (isPatch) throw invalid(kind, name, 'metadata.uid: Invalid value: field is immutable');
  throw conflict(
    kind,
    name,
    `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${uid}`,
  );
}

/** A pod that is on no node has nothing to wait for. */
function graceOf(kind: Kind, { spec = {} }: KubernetesObject, asked: number | undefined): number {
  if (!kind.graceful || spec.nodeName === undefined) return 0;
  return asked ?? Number(spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
}

function hasFinalizers({ metadata }: KubernetesObject): boolean {
  return (metadata.finalizers ?? []).length > 0;
}

function nameIn(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

/** Without the members that are undefined. */
function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
