/**
 * The objects of a collection by key, and what a new state of them changes.
 */

/** One change of one object. */
export interface Change<T> {
  readonly type: 'added' | 'updated' | 'deleted';
  /** `namespace/name`, or `name` of an object without namespace. */
  readonly key: string;
  /** The new value; of a deleted object, the last one. */
  readonly value: T;
  /** Only of an updated object: the value before. */
  readonly previous?: T;
}

/** An object as it is kept. */
export interface Entry<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
}

/**
 * Holds the objects, and says of each new state what has changed by it; what is the same by UID and
 * resourceVersion is no change.
 */
export class ObjectStore<T> {
  #entries = new Map<string, Entry<T>>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry<T> | undefined {
    return this.#entries.get(key);
  }

  *values(): IterableIterator<T> {
    for (const { value } of this.#entries.values()) yield value;
  }

  /** One object is now so. */
  put(key: string, entry: Entry<T>): Change<T>[] {
    const changes = changesOf(key, this.#entries.get(key), entry);
    if (changes.length > 0) this.#entries.set(key, entry);
    return changes;
  }

  /** One object is gone. */
  remove(key: string): Change<T>[] {
    const changes = changesOf(key, this.#entries.get(key), undefined);
    this.#entries.delete(key);
    return changes;
  }

  /** These are all objects now; deletions come first among the changes. */
  replaceAll(entries: Map<string, Entry<T>>): Change<T>[] {
    const before = this.#entries;
    this.#entries = entries;
    const changes: Change<T>[] = [];
    for (const [key, old] of before) {
      if (!entries.has(key)) changes.push(...changesOf(key, old, undefined));
    }
    for (const [key, entry] of entries) changes.push(...changesOf(key, before.get(key), entry));
    return changes;
  }
}

/**
 * What became of an object. Another UID under the same key is another object, so the first
 * one was deleted. The same resourceVersion means the same content.
 */
function changesOf<T>(
  key: string,
  old: Entry<T> | undefined,
  now: Entry<T> | undefined,
): Change<T>[] {
  if (old === undefined) return now === undefined ? [] : [{ type: 'added', key, value: now.value }];
  if (now === undefined) return [{ type: 'deleted', key, value: old.value }];
  if (old.uid !== now.uid) {
    return [
      { type: 'deleted', key, value: old.value },
      { type: 'added', key, value: now.value },
    ];
  }
  if (old.resourceVersion === now.resourceVersion) return [];
  return [{ type: 'updated', key, value: now.value, previous: old.value }];
}

/** Who a raw object is. */
export interface Identity {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Reads the identity of a raw object; undefined where its metadata lacks a part of it. */
export function identify(raw: unknown): Identity | undefined {
  const { metadata } = (raw ?? {}) as { metadata?: Record<string, unknown> | null };
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  if (typeof name !== 'string' || typeof uid !== 'string') return undefined;
  if (typeof resourceVersion !== 'string') return undefined;
  const key = typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name;
  return { key, uid, resourceVersion };
}
