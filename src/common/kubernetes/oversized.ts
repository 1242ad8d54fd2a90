/**
 * Objects that are too large to be read: what they are called is read off them, and nothing else.
 *
 * etcd takes no object over 1.5 MiB and the API server no request over 3 MiB, unless somebody has
 * configured them otherwise, so that such an object is a mistake or an attack. Reading one takes
 * some ten times its size of memory, and holds up everything else.
 */
import { JsonScanner } from './json-scanner.ts';

/** Of one object as JSON; bytes. */
export const OBJECT_BYTES_MAX = 4 * 1024 * 1024;

/** Stands for an object that was not read. */
export class OversizedObject {
  readonly bytes: number;
  /** As far as it was found; what is missing is undefined. */
  readonly metadata: Readonly<Record<string, string | undefined>>;

  constructor(bytes: number, metadata: OversizedObject['metadata']) {
    this.bytes = bytes;
    this.metadata = metadata;
  }

  /** The error that says how large the object is, and how large it may be. */
  toError(): Error {
    const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
    return new Error(
      `it has ${mib(this.bytes)} MiB, and more than ${mib(OBJECT_BYTES_MAX)} MiB are not read: make it smaller`,
    );
  }
}

/** Looks through an object's JSON for what it is called. */
export class IdentityScanner {
  readonly #scanner: JsonScanner;
  readonly #keys: string[] = [];
  readonly #found = new Map<string, string>();
  #bytes = 0;

  /** @param isEvent true for a line of a watch, in which the object is inside */
  constructor(isEvent: boolean) {
    this.#scanner = new JsonScanner({
      stringDepthMax: isEvent ? 3 : 2,
      string: (depth, text, isValue) => this.#string(depth, text, isValue),
      open: (depth) => {
        this.#keys.length = Math.min(this.#keys.length, depth - 1);
      },
      close: () => undefined,
      other: () => undefined,
    });
  }

  /** Reads the next piece; pieces may be of any size. */
  feed(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#scanner.feed(bytes);
  }

  /** The type of an event; undefined where there is none. */
  get type(): string | undefined {
    return this.#found.get('type');
  }

  /** What was found so far; its `bytes` are all that was fed. */
  get object(): OversizedObject {
    const metadata = Object.fromEntries(
      ['namespace', 'name', 'uid', 'resourceVersion'].map((key) => [
        key,
        this.#found.get(`object.metadata.${key}`) ?? this.#found.get(`metadata.${key}`),
      ]),
    );
    return new OversizedObject(this.#bytes, metadata);
  }

  #string(depth: number, text: string, isValue: boolean): void {
    if (!isValue) {
      this.#keys.length = Math.min(this.#keys.length, depth - 1);
      this.#keys[depth - 1] = text;
      return;
    }
    const path = this.#keys.slice(0, depth).join('.');
    if (!this.#found.has(path) && WANTED.has(path)) this.#found.set(path, text);
  }
}

const WANTED: ReadonlySet<string> = new Set(
  ['type'].concat(
    ['namespace', 'name', 'uid', 'resourceVersion'].flatMap((key) => [
      `metadata.${key}`,
      `object.metadata.${key}`,
    ]),
  ),
);
