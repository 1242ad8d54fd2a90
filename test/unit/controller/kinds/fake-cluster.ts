/**
 * A cluster in memory for tests of reconcilers: the objects of the fake API server (its rules for names,
 * schemas, finalizers and versions hold), copies of them that show each change at once, and writes that
 * need no network.
 */
import type { Availability } from '../../../../src/common/kubernetes/availability.ts';
import { KubernetesError, type Verb } from '../../../../src/common/kubernetes/error.ts';
import { ObjectStore as Copy, type Entry } from '../../../../src/common/kubernetes/store.ts';
import { type ChangeListener, Subscribers } from '../../../../src/common/kubernetes/subscribers.ts';
import { type Cluster, sourcesOf } from '../../../../src/controller/cluster/cluster.ts';
import type { Objects } from '../../../../src/controller/cluster/collection.ts';
import type { Writes } from '../../../../src/controller/leadership/leader-writes.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import { type Kind, kindNamed } from '../../../lab/kubernetes/kinds.ts';
import { type KubernetesObject, keyOf, type NewObject } from '../../../lab/kubernetes/object.ts';
import { resourceOf, targetOf } from '../../../lab/kubernetes/paths.ts';
import { ApiRefusal } from '../../../lab/kubernetes/status.ts';
import { ObjectStore, type StoreEvent } from '../../../lab/kubernetes/store.ts';
import type { DeleteOptions } from '../../../lab/kubernetes/writes.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';

/** A copy of one collection. */
export class FakeObjects<T> implements Objects<T> {
  readonly path: string;
  readonly synced = Promise.resolve();
  readonly settled = Promise.resolve();
  readonly msSinceContact = 0;
  isSynced = true;
  isWatched = true;
  availability: Availability = { state: 'synced' };
  readonly #project: (raw: unknown) => T;
  readonly #copy = new Copy<T>();
  /** What was written and is not shown yet. */
  readonly #written = new Map<string, Entry<T>>();
  readonly #subscribers: Subscribers<T>;

  constructor(path: string, project: (raw: unknown) => T, log: RecordingLog) {
    this.path = path;
    this.#project = project;
    this.#subscribers = new Subscribers(log);
  }

  get size(): number {
    return this.#copy.size;
  }

  start(): void {}
  stop(): void {}

  /** Never calls: what is here stays as it is, unless a test sets it. */
  onAvailability(): () => void {
    return () => undefined;
  }

  get(key: string): T | undefined {
    return (this.#written.get(key) ?? this.#copy.get(key))?.value;
  }

  values(): IterableIterator<T> {
    return this.#copy.values();
  }

  onChange(listener: ChangeListener<T>): () => void {
    return this.#subscribers.onChange(listener);
  }

  /** See Collection: what was written is seen at once. */
  wrote(key: string, raw: unknown): void {
    const shown = this.#copy.get(key);
    if (raw === undefined || shown === undefined) return;
    const entry = this.#entryOf(raw as KubernetesObject);
    if (isNewer(entry, shown)) this.#written.set(key, entry);
  }

  /** An object is now so; undefined where it is gone. */
  show(key: string, raw: KubernetesObject | undefined): void {
    const written = this.#written.get(key);
    const isOvertaken = raw === undefined || !written || !isNewer(written, this.#entryOf(raw));
    if (isOvertaken) this.#written.delete(key);
    this.#subscribers.deliver(
      raw === undefined ? this.#copy.remove(key) : this.#copy.put(key, this.#entryOf(raw)),
    );
  }

  #entryOf(raw: KubernetesObject): Entry<T> {
    const { uid = '', resourceVersion = '' } = raw.metadata;
    return { uid, resourceVersion, value: this.#project(structuredClone(raw)) };
  }
}

function isNewer(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return Number(one.resourceVersion) > Number(other.resourceVersion);
}

type Sources = ReturnType<typeof sourcesOf>;
type Copies = {
  readonly [Name in keyof Sources]: FakeObjects<ReturnType<Sources[Name]['project']>>;
};

/** Objects are named by kind (`Pod`) and key, as in FakeApiServer. */
export class FakeCluster {
  readonly log = new RecordingLog();
  readonly cluster: Cluster & Copies;
  readonly writes: FakeWrites;
  readonly #store = new ObjectStore();
  readonly #copies = new Map<Kind, FakeObjects<unknown>>();
  #held: StoreEvent[] | undefined;
  #lag = 0;
  #unshown = 0;

  constructor(settings: ClusterSettings) {
    const copies = Object.fromEntries(
      Object.entries(sourcesOf(settings)).map(([name, { path, project }]) => {
        const copy = new FakeObjects<unknown>(path, project, this.log);
        const resource = resourceOf(path);
        const target = resource && targetOf(resource);
        if (target === undefined) throw new Error(`the fake API server has no ${path}`);
        this.#copies.set(target.kind, copy);
        return [name, copy];
      }),
    ) as unknown as Copies;
    this.cluster = {
      ...copies,
      all: [],
      start: () => undefined,
      stop: () => undefined,
      synced: Promise.resolve(),
      lacks: () => [],
      onAvailability: () => () => undefined,
    };
    this.writes = new FakeWrites(this.#store);
    this.#store.onEvent((event) => {
      if (this.#held !== undefined) this.#held.push(event);
      else if (this.#lag === 0) this.#show(event);
      else this.#showLater(event);
    });
  }

  /** Creates objects in order. */
  create(...objects: readonly NewObject[]): void {
    for (const object of objects) this.#store.create(kindNamed(object.kind ?? ''), object, 'all');
  }

  /** Applies a merge patch to all parts of an object. */
  patch(kind: string, key: string, patch: object): void {
    this.#store.patch(kindNamed(kind), key, patch, 'all');
  }

  /** As a DELETE; without options finalizers alone hold the object. */
  delete(kind: string, key: string, options: DeleteOptions = { gracePeriodSeconds: 0 }): void {
    this.#store.delete(kindNamed(kind), key, options);
  }

  /** Undefined where there is none. */
  get(kind: string, key: string): KubernetesObject | undefined {
    return structuredClone(new Map(this.#store.all(kindNamed(kind))).get(key));
  }

  /** Keys of all objects of a kind. */
  keys(kind: string): readonly string[] {
    return this.#store.all(kindNamed(kind)).map(([key]) => key);
  }

  /** From now on the copies show nothing new. */
  holdWatch(): void {
    this.#held ??= [];
  }

  /** The copies show what has happened, one after another. */
  releaseWatch(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.#show(event);
  }

  /** From now on the copies show each change so many turns of the event loop after it was made. */
  lagWatch(lag: number): void {
    this.#lag = lag;
  }

  /** True where something has happened that the copies do not show yet. */
  get hasUnshown(): boolean {
    return this.#unshown > 0;
  }

  #showLater(event: StoreEvent): void {
    this.#unshown += 1;
    const wait = (left: number) => {
      if (left > 0) setImmediate(wait, left - 1);
      else {
        this.#unshown -= 1;
        this.#show(event);
      }
    };
    wait(this.#lag);
  }

  #show({ kind, before, after }: StoreEvent): void {
    const { metadata } = (after ?? before) as KubernetesObject;
    this.#copies.get(kind)?.show(keyOf(metadata), after);
  }
}

/** Writes of a leader, done at once. */
export class FakeWrites implements Writes {
  /** What was asked for: verb and path. */
  readonly requests: string[] = [];
  readonly #store: ObjectStore;
  readonly #failures: { readonly verb: Verb; readonly error: Error }[] = [];

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Has the next request of this kind fail. */
  failNext(verb: Verb, error: Error): void {
    this.#failures.push({ verb, error });
  }

  async read(path: string): Promise<unknown> {
    return this.#ifThere('get', path, ({ kind, key }) => this.#store.get(kind, key));
  }

  async create(path: string, body: object): Promise<unknown> {
    return this.#ask('create', path, ({ kind }) =>
      this.#store.create(kind, { ...body, kind: kind.kind }, 'main'),
    );
  }

  async patch(path: string, patch: object): Promise<unknown> {
    return this.#ifThere('patch', path, ({ kind, key, isStatus }) =>
      this.#store.patch(kind, key, patch, isStatus ? 'status' : 'main'),
    );
  }

  async remove(path: string, uid: string): Promise<void> {
    const preconditions = { uid };
    try {
      this.#ifThere('delete', path, ({ kind, key }) =>
        this.#store.delete(kind, key, { preconditions }),
      );
    } catch (error) {
      if (!(error instanceof KubernetesError && error.status === 409)) throw error;
    }
  }

  #ifThere(verb: Verb, path: string, act: (target: Asked) => unknown): unknown {
    try {
      return this.#ask(verb, path, act);
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 404) return undefined;
      throw error;
    }
  }

  #ask(verb: Verb, path: string, act: (target: Asked) => unknown): unknown {
    this.requests.push(`${verb} ${path}`);
    const index = this.#failures.findIndex((failure) => failure.verb === verb);
    const [failure] = index === -1 ? [] : this.#failures.splice(index, 1);
    if (failure !== undefined) throw failure.error;
    const resource = resourceOf(path);
    const target = resource && targetOf(resource);
    if (target === undefined) throw new Error(`the fake API server has no ${path}`);
    const { namespace, name } = target;
    const key = keyOf({ name, ...(namespace === '' ? {} : { namespace }) });
    try {
      return structuredClone(act({ ...target, key }));
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      const { code: status, reason, message } = error;
      throw new KubernetesError({ status, reason, verb, path }, message);
    }
  }
}

interface Asked {
  readonly kind: Kind;
  readonly key: string;
  readonly isStatus: boolean;
}
