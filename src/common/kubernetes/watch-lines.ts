/**
 * The lines of a watch, each an event, out of the pieces in which they come.
 */
import { IdentityScanner, OBJECT_BYTES_MAX, type OversizedObject } from './oversized.ts';

/** An event of a watch, as far as it is one. */
export interface WatchEvent {
  readonly type: unknown;
  readonly object: unknown;
}

const LINE_FEED = 0x0a;
/** Around the object. */
const LINE_BYTES_MAX = OBJECT_BYTES_MAX + 1024;

/**
 * One watch, fed in pieces: gives out each event as soon as its line has ended. Of a line that is too long,
 * type and identity of its object are left.
 */
export class WatchLines {
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Reads a line that is too long to be kept. */
  #scanner: IdentityScanner | undefined;

  /**
   * The events whose lines end in the next piece. A line that is no JSON is none: half a line
   * before a broken connection is such a one, and is sent again when the watch is resumed.
   */
  *feed(bytes: Uint8Array): Generator<WatchEvent> {
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_FEED, from);
      this.#take(bytes.subarray(from, end === -1 ? undefined : end));
      if (end === -1) return;
      const event = this.#endLine();
      if (event !== undefined) yield event;
      from = end + 1;
    }
  }

  #take(part: Uint8Array): void {
    if (this.#scanner !== undefined) {
      this.#scanner.feed(part);
      return;
    }
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#length <= LINE_BYTES_MAX) return;
    this.#scanner = new IdentityScanner(true);
    for (const kept of this.#parts) this.#scanner.feed(kept);
    this.#parts = [];
  }

  #endLine(): WatchEvent | undefined {
    const scanner = this.#scanner;
    const line = Buffer.concat(this.#parts, scanner === undefined ? this.#length : 0);
    this.#parts = [];
    this.#length = 0;
    this.#scanner = undefined;
    return scanner === undefined ? parse(line) : eventOf(scanner.type, scanner.object);
  }
}

function eventOf(type: string | undefined, object: OversizedObject): WatchEvent {
  return { type, object };
}

function parse(line: Buffer): WatchEvent | undefined {
  try {
    const { type, object } = JSON.parse(line.toString('utf8')) as Partial<WatchEvent>;
    return { type, object };
  } catch {
    return undefined;
  }
}
