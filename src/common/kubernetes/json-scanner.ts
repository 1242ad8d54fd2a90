/**
 * Reads JSON in pieces, as they come from the network, and says where its parts begin and end. It
 * keeps nothing of what it has read but the short strings that are asked for.
 *
 * It does not check that the text is JSON: what is made of its parts is.
 */

import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
} from '../json-bytes.ts';

/** What the scanner calls. Depth 1 is inside the outermost object or array. */
export interface ScannerHooks {
  /** Strings at this depth and above are read; the others are passed over. */
  readonly stringDepthMax: number;
  /** A string ended that is the value of a key, or another one: a key or an element of an array. */
  string(depth: number, text: string, isValue: boolean): void;
  /** An object or array began: `depth` is that of its parts, `at` the offset of its bracket. */
  open(depth: number, isArray: boolean, at: number): void;
  /** It ended: `at` is the offset of its bracket. */
  close(depth: number, at: number): void;
  /** Something else than a string, an object or an array, or a part of it: a number, a literal. */
  other(depth: number): void;
}

/** Names in Kubernetes have 253 characters at most; escapes may make more of them. */
const STRING_BYTES_MAX = 2048;

/**
 * One JSON text, fed in pieces of any size. It holds no more than the string that it is reading, at most 2,048
 * bytes.
 */
export class JsonScanner {
  readonly #hooks: ScannerHooks;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isAfterColon = false;
  /** Bytes of the string that is read, undefined where it is passed over. */
  #string: number[] | undefined;

  constructor(hooks: ScannerHooks) {
    this.#hooks = hooks;
  }

  /** Reads the next piece; offsets count within it. */
  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      at = this.#isInString ? this.#readString(bytes, at) : this.#readPlain(bytes, at);
    }
  }

  /** @returns the offset behind the string, or behind the piece */
  #readString(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE && !this.#isEscaped) {
        this.#endString();
        return at + 1;
      }
      this.#isEscaped = byte === BACKSLASH && !this.#isEscaped;
      if (this.#string !== undefined) this.#keep(byte);
    }
    return bytes.length;
  }

  /** @returns the offset behind the next quote, or behind the piece */
  #readPlain(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#isInString = true;
        this.#string = this.#depth <= this.#hooks.stringDepthMax ? [] : undefined;
        return at + 1;
      }
      this.#readToken(byte, at);
    }
    return bytes.length;
  }

  #readToken(byte: number, at: number): void {
    switch (byte) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.#isAfterColon = false;
        this.#depth += 1;
        this.#hooks.open(this.#depth, byte === OPEN_ARRAY, at);
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#hooks.close(this.#depth, at);
        this.#depth -= 1;
        break;
      case COMMA:
        this.#isAfterColon = false;
        break;
      case COLON:
        this.#isAfterColon = true;
        break;
      default:
        if (byte > SPACE) this.#hooks.other(this.#depth);
    }
  }

  #keep(byte: number): void {
    if (this.#string !== undefined && this.#string.push(byte) > STRING_BYTES_MAX) {
      this.#string = undefined;
    }
  }

  #endString(): void {
    this.#isInString = false;
    if (this.#string === undefined) return;
    const text = decode(this.#string);
    if (text !== undefined) this.#hooks.string(this.#depth, text, this.#isAfterColon);
    this.#string = undefined;
  }
}

/** Undefined for what is no string of JSON. */
function decode(bytes: readonly number[]): string | undefined {
  try {
    return JSON.parse(`"${Buffer.from(bytes).toString('utf8')}"`) as string;
  } catch {
    return undefined;
  }
}
