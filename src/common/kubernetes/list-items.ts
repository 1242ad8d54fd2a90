/**
 * The objects of a list, one by one, out of the pieces in which the server's answer comes. What
 * is around them (the list's own metadata) is left at the end.
 */
import { JsonScanner } from './json-scanner.ts';
import { IdentityScanner, OBJECT_BYTES_MAX } from './oversized.ts';

/** Of what is around the objects; bytes. */
const AROUND_BYTES_MAX = 1024 * 1024;

/** The depth of what is in the array of objects, and of what is in one of them. */
const ITEMS_DEPTH = 2;
const OBJECT_DEPTH = 3;

/** What bytes belong to: the list itself, an object, or commas. */
type Part = 'around' | 'object' | 'between';

/** From an offset of the piece on, bytes belong to another part. */
interface Mark {
  readonly at: number;
  readonly part: Part;
}

/**
 * One page of a list, fed in pieces: gives out each object as soon as it has ended, so that no page is held as
 * a whole. An object of more than `OBJECT_BYTES_MAX` is given out as its identity alone.
 */
export class ListItems {
  readonly #scanner: JsonScanner;
  #marks: Mark[] = [];
  #lastString = '';
  #isInItems = false;
  #part: Part = 'around';
  readonly #around: Uint8Array[] = [];
  #aroundLength = 0;
  #object = new ObjectBytes();

  constructor() {
    this.#scanner = new JsonScanner({
      stringDepthMax: ITEMS_DEPTH,
      string: (depth, text) => {
        if (depth < ITEMS_DEPTH) this.#lastString = text;
        else this.#refuseItem(depth);
      },
      open: (depth, isArray, at) => this.#open(depth, isArray, at),
      close: (depth, at) => this.#close(depth, at),
      other: (depth) => this.#refuseItem(depth),
    });
  }

  /**
   * The objects that end in the next piece, in order; those that are too large are instances of
   * OversizedObject.
   * @throws Error for what is no list of objects; SyntaxError for what is no JSON
   */
  *feed(bytes: Uint8Array): Generator<unknown> {
    this.#marks = [];
    this.#scanner.feed(bytes);
    let from = 0;
    for (const { at, part } of this.#marks) {
      this.#take(bytes.subarray(from, at));
      from = at;
      const hasObjectEnded = this.#part === 'object';
      this.#part = part;
      if (hasObjectEnded) yield this.#endObject();
    }
    this.#take(bytes.subarray(from));
  }

  /**
   * The list without its objects.
   * @throws SyntaxError where the answer is no JSON, or ended too early
   */
  end(): unknown {
    return JSON.parse(Buffer.concat(this.#around).toString('utf8'));
  }

  #open(depth: number, isArray: boolean, at: number): void {
    if (depth === ITEMS_DEPTH) this.#isInItems = isArray && this.#lastString === 'items';
    if (depth !== OBJECT_DEPTH || !this.#isInItems) return;
    if (isArray) this.#refuseItem(ITEMS_DEPTH);
    this.#marks.push({ at, part: 'object' });
  }

  /** @throws Error where something else than an object is among the objects */
  #refuseItem(depth: number): void {
    if (this.#isInItems && depth === ITEMS_DEPTH) throw new Error('an item is no object');
  }

  #close(depth: number, at: number): void {
    if (!this.#isInItems) return;
    if (depth === OBJECT_DEPTH) this.#marks.push({ at: at + 1, part: 'between' });
    if (depth !== ITEMS_DEPTH) return;
    this.#marks.push({ at, part: 'around' });
    this.#isInItems = false;
  }

  #take(bytes: Uint8Array): void {
    if (this.#part === 'object') this.#object.add(bytes);
    if (this.#part !== 'around' || bytes.length === 0) return;
    this.#around.push(bytes);
    this.#aroundLength += bytes.length;
    if (this.#aroundLength > AROUND_BYTES_MAX)
      throw new Error('the metadata of a list is too large');
  }

  #endObject(): unknown {
    const object = this.#object;
    this.#object = new ObjectBytes();
    return object.end();
  }
}

/** The bytes of one object; of one that is too large only what it is called. */
class ObjectBytes {
  #parts: Uint8Array[] = [];
  #length = 0;
  #scanner: IdentityScanner | undefined;

  add(bytes: Uint8Array): void {
    if (this.#scanner !== undefined) {
      this.#scanner.feed(bytes);
      return;
    }
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length <= OBJECT_BYTES_MAX) return;
    this.#scanner = new IdentityScanner(false);
    for (const part of this.#parts) this.#scanner.feed(part);
    this.#parts = [];
  }

  end(): unknown {
    if (this.#scanner !== undefined) return this.#scanner.object;
    return JSON.parse(Buffer.concat(this.#parts).toString('utf8'));
  }
}
