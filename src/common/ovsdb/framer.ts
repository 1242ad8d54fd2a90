/**
 * Messages of JSON-RPC 1.0 out of the pieces in which they arrive. RFC 7047, section 4, puts
 * nothing between them: a message ends with the bracket that closes it.
 *
 * The contents of a whole database come as one message. So rows are cut out of it as they arrive:
 * `<table-updates>` (RFC 7047, section 4.1.6; ovsdb-server(7), section 4.1.14) is the one place of the
 * protocol where a member of an object has a UUID for its name and an object for its value. Each
 * such member is handed over by itself, before its message; what is left of the message is small.
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
import { excerpt, OvsdbError } from './error.ts';

/** What the framer calls, in the order in which things end on the wire. */
export interface FramerHooks {
  /** A row of a message that has not ended yet. @param update `<row-update>` or `<row-update2>` */
  row(table: string, uuid: string, update: unknown): void;
  /** A message has ended. @param message without its rows */
  message(message: unknown): void;
}

/** A switch with 200,000 ports is a row of 10 MB. */
const ROW_BYTES_MAX = 64 * 1024 * 1024;
/** What is left of a message without rows: the largest is a schema, of some 50 kB. */
export const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
/** Names of tables and UUIDs are shorter. */
const KEY_BYTES_MAX = 256;
/** Of brackets in each other; a row has six at most. What is read further on may call itself for each. */
const DEPTH_MAX = 64;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An object or array that has begun, outside of rows. */
interface Container {
  /** The name that it has in the object that holds it. */
  readonly key: string;
  /** How many bytes the message had behind its opening bracket. */
  readonly messageLength: number;
  /** Whether its members are rows: nothing of them belongs to the message. */
  hasRows: boolean;
}

/** Splits the stream of a connection into JSON-RPC messages, each of a bounded size. */
export class MessageFramer {
  readonly #hooks: FramerHooks;
  readonly #containers: Container[] = [];
  #message = new Bytes(MESSAGE_BYTES_MAX, 'a message without its rows');
  #row = new Bytes(ROW_BYTES_MAX, 'a row');
  /** How many brackets of the row are open; 0 outside of a row. */
  #rowDepth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Where the string began that is read; before the piece where that is negative. */
  #stringStart = 0;
  /** The string that was read last, outside of rows. */
  #lastString = '';
  /** The name of the member whose value follows; empty in an array. */
  #key = '';
  /** The part of a string that came with earlier pieces. */
  #unfinished = '';
  /** Bytes of the piece from here on have not been taken. */
  #from = 0;

  constructor(hooks: FramerHooks) {
    this.#hooks = hooks;
  }

  /** How many bytes there are of a message that has not ended. */
  get pendingBytes(): number {
    return this.#message.length + this.#row.length;
  }

  /**
   * Takes the next piece.
   * @throws OvsdbError `protocol` for what is no message, or exceeds a limit; what a hook throws
   */
  feed(bytes: Buffer): void {
    this.#from = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#isInString) at = this.#readString(bytes, at);
      else if (this.#rowDepth > 0) at = this.#readRow(bytes, at);
      else at = this.#readMessage(bytes, at);
    }
    this.#take(bytes, bytes.length);
    if (!this.#isInString || this.#rowDepth > 0) return;
    this.#unfinished += bytes.toString('latin1', this.#stringStart);
    this.#unfinished = this.#unfinished.slice(0, KEY_BYTES_MAX);
    this.#stringStart = 0;
  }

  /** @returns the offset behind the string, or behind the piece */
  #readString(bytes: Buffer, from: number): number {
    let isEscaped = this.#isEscaped;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) isEscaped = true;
      else if (byte === QUOTE) {
        this.#isEscaped = false;
        this.#isInString = false;
        if (this.#rowDepth === 0) this.#endString(bytes, at);
        return at + 1;
      }
    }
    this.#isEscaped = isEscaped;
    return bytes.length;
  }

  #endString(bytes: Buffer, end: number): void {
    const isLong = end - this.#stringStart > KEY_BYTES_MAX;
    // Names of tables and UUIDs are ASCII, without escapes.
    this.#lastString = isLong
      ? ''
      : this.#unfinished + bytes.toString('latin1', this.#stringStart, end);
    this.#unfinished = '';
  }

  /** @returns the offset of what is to be read next */
  #readRow(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      switch (bytes[at]) {
        case QUOTE:
          this.#isInString = true;
          return at + 1;
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          if (this.#rowDepth === DEPTH_MAX) throw tooDeep(bytes, at);
          this.#rowDepth += 1;
          break;
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          this.#rowDepth -= 1;
          if (this.#rowDepth > 0) break;
          this.#row.add(bytes, this.#from, at + 1);
          this.#from = at + 1;
          this.#endRow();
          return at + 1;
      }
    }
    return bytes.length;
  }

  #readMessage(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#isInString = true;
        this.#stringStart = at + 1;
        this.#refuseOutside(bytes, at);
        return at + 1;
      }
      if (byte > SPACE) this.#readToken(bytes, at);
      if (this.#rowDepth > 0) return at + 1;
    }
    return bytes.length;
  }

  #readToken(bytes: Buffer, at: number): void {
    switch (bytes[at]) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.#open(bytes, at);
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#close(bytes, at);
        break;
      case COLON:
        this.#key = this.#lastString;
        break;
      case COMMA:
        this.#key = '';
        break;
      default:
        this.#refuseOutside(bytes, at);
    }
  }

  #open(bytes: Buffer, at: number): void {
    const isObject = bytes[at] === OPEN_OBJECT;
    const holder = this.#containers.at(-1);
    if (holder === undefined && !isObject) this.#refuseOutside(bytes, at);
    if (holder !== undefined && isObject && UUID.test(this.#key)) {
      this.#beginRow(bytes, at, holder);
      return;
    }
    if (holder?.hasRows) throw notOfProtocol('a row that is no object', bytes, at);
    if (this.#containers.length === DEPTH_MAX) throw tooDeep(bytes, at);
    this.#take(bytes, at + 1);
    const key = this.#key;
    this.#containers.push({ key, messageLength: this.#message.length, hasRows: false });
    this.#key = '';
  }

  #beginRow(bytes: Buffer, at: number, holder: Container): void {
    this.#take(bytes, at);
    if (!holder.hasRows) this.#message.truncate(holder.messageLength);
    holder.hasRows = true;
    this.#rowDepth = 1;
  }

  #endRow(): void {
    const uuid = this.#key;
    this.#key = '';
    this.#hooks.row(this.#containers.at(-1)?.key ?? '', uuid, this.#row.end());
  }

  #close(bytes: Buffer, at: number): void {
    const container = this.#containers.at(-1);
    if (container === undefined) throw notOfProtocol('a bracket that closes nothing', bytes, at);
    if (container.hasRows) this.#take(bytes, at);
    this.#containers.pop();
    this.#take(bytes, at + 1);
    this.#key = '';
    if (this.#containers.length === 0) this.#hooks.message(this.#message.end());
  }

  /** @throws OvsdbError where something else than an object is between messages */
  #refuseOutside(bytes: Buffer, at: number): void {
    if (this.#containers.length === 0) throw notOfProtocol('no message', bytes, at);
  }

  /** Adds bytes of the piece to what they belong to. */
  #take(bytes: Buffer, end: number): void {
    if (this.#rowDepth > 0) this.#row.add(bytes, this.#from, end);
    else if (!this.#containers.at(-1)?.hasRows) this.#message.add(bytes, this.#from, end);
    this.#from = end;
  }
}

/** Bytes of one piece of JSON, as far as they have arrived. */
class Bytes {
  readonly #max: number;
  readonly #what: string;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(max: number, what: string) {
    this.#max = max;
    this.#what = what;
  }

  get length(): number {
    return this.#length;
  }

  add(bytes: Buffer, from: number, end: number): void {
    if (end <= from) return;
    this.#length += end - from;
    if (this.#length > this.#max) {
      const limit = `${this.#max / 1024 / 1024} MiB`;
      throw new OvsdbError('protocol', `${this.#what} has more than ${limit}`);
    }
    this.#parts.push(bytes.subarray(from, end));
  }

  truncate(length: number): void {
    if (length === this.#length) return;
    this.#parts = [Buffer.concat(this.#parts).subarray(0, length)];
    this.#length = length;
  }

  /** Its value; after that it is empty. @throws OvsdbError `protocol` for what is no JSON */
  end(): unknown {
    const [first = Buffer.alloc(0), ...others] = this.#parts;
    const whole = others.length === 0 ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    const text = whole.toString('utf8');
    try {
      return JSON.parse(text);
    } catch {
      throw new OvsdbError('protocol', `the server sent what is no JSON: ${excerpt(text)}`);
    }
  }
}

function notOfProtocol(what: string, bytes: Buffer, at: number): OvsdbError {
  const near = excerpt(bytes.toString('latin1', at, at + 100));
  return new OvsdbError('protocol', `the server sent ${what}: ${JSON.stringify(near)}`);
}

function tooDeep(bytes: Buffer, at: number): OvsdbError {
  return notOfProtocol(`more than ${DEPTH_MAX} brackets in each other`, bytes, at);
}
